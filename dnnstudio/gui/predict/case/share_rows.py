"""The probabilities of one answer: a bar for each of the likeliest classes, and one for all the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.text import percent
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.fitted_text import fitted

SHOWN = 6
LINE = 26


class ShareRows(QWidget):
    """Painted, so that it can follow a slider."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: list[tuple[str, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_values(self, names: Sequence[str], values: NDArray[np.float64]) -> None:
        """Show the probabilities [classes] of the classes with these names."""
        order = np.argsort(-values, kind="stable")
        self._rows = [(names[number], float(values[number])) for number in order[:SHOWN].tolist()]
        if len(names) > SHOWN:
            self._rows.append((f"{len(names) - SHOWN} others", float(values[order[SHOWN:]].sum())))
        self.setAccessibleName(", ".join(f"{name} {percent(share)}" for name, share in self._rows))
        self.setFixedHeight(LINE * len(self._rows))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, LINE * max(len(self._rows), 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        name_width = min(130, self.width() // 3)
        middle, right = Qt.AlignmentFlag.AlignVCenter, Qt.AlignmentFlag.AlignRight
        for number, (name, share) in enumerate(self._rows):
            top = number * LINE
            weight = QFont.Weight.DemiBold if number == 0 else QFont.Weight.Normal
            painter.setFont(self._theme.font(12, weight))
            painter.setPen(color("text" if number == 0 else "text2"))
            place = QRectF(0, top, name_width - 8, LINE)
            painter.drawText(place, middle, fitted(painter, name, place))
            painter.drawText(QRectF(self.width() - 56, top, 56, LINE), middle | right, percent(share))
            track = QRectF(name_width, top + LINE / 2 - 4, self.width() - name_width - 64, 8)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("hover"))
            painter.drawRoundedRect(track, 4, 4)
            if share > 0:
                painter.setBrush(color("train" if number == 0 else "planned"))
                painter.drawRoundedRect(QRectF(track.left(), track.top(), max(4.0, track.width() * share), 8), 4, 4)
