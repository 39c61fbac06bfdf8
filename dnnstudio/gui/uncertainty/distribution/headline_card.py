"""The image with a one-sentence summary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.grid import Pictures, paint_frame
from dnnstudio.gui.uncertainty.inspection import Inspection
from dnnstudio.gui.uncertainty.sentences import alike_sentence, headline, row_noun, the_rest
from dnnstudio.gui.widgets import Card, ElidedLabel, IconLabel, MiniButton, Share, ShareBar, label

NAMED = 3
"""So many classes have a colour of their own; the others are one part of the bar."""


def class_colors(theme: Theme, order: NDArray[np.int64], means: Floats) -> list[str]:
    """The colour of each class in order of its mean, as "#RRGGBB"; negligible classes are grey."""
    tokens = theme.tokens()
    return [
        tokens.series[place] if place < len(tokens.series) and (place == 0 or means[number] >= 0.02) else tokens.planned
        for place, number in enumerate(order.tolist())
    ]


class BigPicture(QWidget):
    """The selected image, enlarged, framed in the colour of correct or wrong."""

    def __init__(self, theme: Theme, pictures: Pictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._pictures = theme, pictures
        self._row, self._right = -1, True
        self.setAccessibleName("No picture yet")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_row(self, row: int, *, right: bool) -> None:
        self._row, self._right = row, right
        self.setAccessibleName(f"Picture {row + 1:,}, which was answered {'right' if right else 'wrong'}")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(132, 132)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._row < 0:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        frame = self._theme.color("right" if self._right else "wrong").name()
        paint_frame(painter, self._theme, QRectF(self.rect()), self._pictures.of(self._row), frame)


class HeadlineCard(Card):
    """The image, a one-sentence summary of the network's prediction, and the distribution of its passes over the
    classes.
    """

    step_requested = Signal(int)

    def __init__(
        self, theme: Theme, inspection: Inspection, pictures: Pictures, *, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, margin=16, parent=parent)
        self.setObjectName("headline_card")
        self._theme = theme
        self._inspection = inspection
        self.picture = BigPicture(theme, pictures)
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("headline")
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.second = label("", Role.NAME, wrap=True)
        self.bar = ShareBar(theme, thickness=8)
        self.mark = IconLabel(theme, "check-circle-fill", color="right")
        self.facts = label("", Role.BODY)
        self.where = ElidedLabel("", Role.CAPTION)
        self.alike = label("", Role.CAPTION, wrap=True)
        self.alike.setObjectName("alike")
        self.alike.setToolTip("How far to trust it: counted among the sampled rows, by the score they are sorted by.")
        self.back = MiniButton(theme, "caret-left", "")
        inspection.words.say(self.back.set_tip, "The {row} before (Alt+Left)")
        self.back.setObjectName("image_before")
        self.back.clicked.connect(lambda: self.step_requested.emit(-1))
        self.forward = MiniButton(theme, "caret-right", "")
        inspection.words.say(self.forward.set_tip, "The next {row} (Alt+Right)")
        self.forward.setObjectName("image_next")
        self.forward.clicked.connect(lambda: self.step_requested.emit(1))
        self._lay_out()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self.title, 1)
        for button in (self.back, self.forward):
            top.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        meta = QHBoxLayout()
        meta.setSpacing(6)
        meta.addWidget(self.mark)
        meta.addWidget(self.facts)
        meta.addWidget(self.where, 1)
        words = QVBoxLayout()
        words.setSpacing(5)
        words.addLayout(top)
        words.addWidget(self.second)
        words.addWidget(self.bar)
        words.addLayout(meta)
        words.addWidget(self.alike)
        words.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        self.body.addLayout(row)

    def sentence(self) -> str:
        """Both sentences, for copying."""
        return f"{self.title.text()} {self.second.text()} {self.alike.text()}"

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        row = self._inspection.image
        first, second = headline(samples, row)
        self.title.setText(first)
        self.second.setText(second)
        self.alike.setText(alike_sentence(samples, row, self._inspection.score))
        self._show_bar(samples, row)
        names = samples.rows.class_names
        right, said = bool(samples.correct[row]), names[int(samples.rows.labels[row])]
        self.picture.show_row(row, right=right)
        self.mark.set_icon("check-circle-fill" if right else "x-circle-fill", "right" if right else "wrong")
        self.facts.setText(f"{'right' if right else 'wrong'}: labelled {said}")
        rank, by = self._inspection.rank(row), self._inspection.score.title.lower()
        self.where.setText(f"·  {row_noun(samples)} {row + 1:,} of {len(samples.rows):,}  ·  rank {rank:,} by {by}")
        self.picture.setVisible(samples.rows.pictures is not None)

    def _show_bar(self, samples: Samples, row: int) -> None:
        mean, names = samples.scores.mean[row], samples.rows.class_names
        order = np.argsort(-mean, kind="stable")
        named = [number for place, number in enumerate(order[:NAMED].tolist()) if place == 0 or mean[number] >= 0.02]
        shares = [
            Share(float(mean[number]), f"series_{place}", f"{names[number]} {percent(mean[number])}")
            for place, number in enumerate(named)
        ]
        rest = float(1 - sum(mean[number] for number in named))
        if len(named) < len(mean) and rest > 0.0005:
            words = the_rest(len(mean) - len(named)) if len(mean) - len(named) > 1 else names[int(order[-1])]
            shares.append(Share(rest, "planned", f"{words} {percent(rest)}"))
        self.bar.set_shares(shares)
