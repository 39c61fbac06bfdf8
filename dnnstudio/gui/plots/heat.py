"""A heat map of one figure of every layer over a training: one hue, darker for larger values, hatched for frozen
layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QHelpEvent, QLinearGradient, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.fitted_text import fitted

COLUMNS = 30
"""So many tiles are the whole plan."""
ROW_HEIGHT = (15, 38)
"""Smallest and largest height of a row."""
NAME_WIDTH, VALUE_WIDTH, KEY_HEIGHT, GAP, ROUND = 72, 56, 22, 2, 2
WITH_KEY = 240
"""Pixels of width from which on there is a key."""


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One layer: its name, one value per column so far (NaN where there is none), and the latest one as text.

    `bars` are counts drawn as a histogram instead of tiles.
    """

    name: str
    values: Sequence[float]
    latest: str
    tip: str = ""
    frozen: bool = False
    bars: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Scale:
    """The values of the lightest and the darkest tile with their labels; `log` for a logarithmic scale."""

    low: float
    high: float
    low_text: str
    high_text: str
    log: bool = True

    def places(self, values: Floats) -> Floats:
        """Each value as 0 to 1 between the two ends."""
        ends = np.array([self.low, self.high, *values])
        low, high, rest = np.split(np.log10(np.maximum(ends, 1e-300)) if self.log else ends, (1, 2))
        shares: Floats = np.clip((rest - low) / ((high - low) or 1.0), 0.0, 1.0)
        return shares


class HeatTiles(QWidget):
    """Rows of tiles with names on the left, latest values on the right and the key below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: tuple[HeatRow, ...] = ()
        self._scale: Scale | None = None
        self._value_title = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Layer health")
        theme.changed.connect(self.update)

    def show_rows(self, rows: Sequence[HeatRow], scale: Scale | None, value_title: str = "latest") -> None:
        """Show these layers. Without a scale there is no key."""
        self._rows, self._scale, self._value_title = tuple(rows), scale, value_title
        self._fit()
        self.setAccessibleDescription("; ".join(f"{row.name} {row.latest}" for row in rows))
        self.updateGeometry()
        self.update()

    @property
    def rows(self) -> tuple[HeatRow, ...]:
        """The displayed layers."""
        return self._rows

    @property
    def _key_height(self) -> int:
        """A narrow card has no key: the values on the right suffice."""
        return KEY_HEIGHT if self.width() >= WITH_KEY else 0

    def _fit(self) -> None:
        self.setMinimumHeight(len(self._rows) * ROW_HEIGHT[0] + self._key_height)

    def _row_height(self) -> float:
        room = max(self.height() - self._key_height, 1)
        return min(max(room / max(len(self._rows), 1), ROW_HEIGHT[0]), ROW_HEIGHT[1])

    def _row_at(self, place: QPoint) -> HeatRow | None:
        index = int(place.y() / self._row_height())
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def _colors(self, values: Sequence[float]) -> dict[int, QColor]:
        """The colour of each tile in a row, by column, computed for the whole row at once."""
        if self._scale is None:
            return {}
        known = np.flatnonzero(np.isfinite(values))
        low, high = (np.array(self._theme.color(token).getRgb()[:3]) for token in ("heat_low", "heat_high"))  # type: ignore[index]
        places = self._scale.places(np.asarray(values)[known])
        mixed = np.rint(low + (high - low) * places[:, None]).astype(int)
        return {column: QColor(*color) for column, color in zip(known.tolist(), mixed.tolist(), strict=True)}

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return QSize(300, max(len(self._rows), 4) * 26 + KEY_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 60)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            row = self._row_at(event.pos())
            QToolTip.showText(event.globalPos(), row.tip if row is not None else "", self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = self._row_height()
        left, right = NAME_WIDTH, self.width() - VALUE_WIDTH
        painter.setFont(self._theme.font(11))
        for index, row in enumerate(self._rows):
            top = index * height
            line = QRectF(0, top, self.width(), height)
            painter.setPen(self._theme.color("text2"))
            name = fitted(painter, row.name, QRectF(0, top, left - 8, height), mode=Qt.TextElideMode.ElideMiddle)
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
            painter.setPen(self._theme.color("text2" if row.frozen else "text"))
            painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.latest)
            area = QRectF(left, top + 2, max(right - left - 4, 1), height - 4)
            if row.bars:
                self._paint_bars(painter, area, row.bars)
            else:
                self._paint_tiles(painter, area, row)
        if self._key_height:
            self._paint_key(painter, left, right, len(self._rows) * height)

    def _paint_tiles(self, painter: QPainter, area: QRectF, row: HeatRow) -> None:
        width = area.width() / COLUMNS
        tiles = [
            QRectF(area.left() + column * width, area.top(), max(width - GAP, 1), area.height())
            for column in range(COLUMNS)
        ]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("inset"))
        known = {} if row.frozen else self._colors(row.values[:COLUMNS])
        for column, tile in enumerate(tiles):
            if column not in known:
                painter.drawRoundedRect(tile, ROUND, ROUND)
        for column, color in known.items():
            painter.setBrush(color)
            painter.drawRoundedRect(tiles[column], ROUND, ROUND)
        if row.frozen:
            painter.setBrush(QBrush(self._theme.color("strong"), Qt.BrushStyle.BDiagPattern))
            for tile in tiles[: len(row.values)]:
                painter.drawRoundedRect(tile, ROUND, ROUND)

    def _paint_bars(self, painter: QPainter, area: QRectF, bars: Sequence[int]) -> None:
        most = max(bars) or 1
        width = area.width() / len(bars)
        painter.setPen(QPen(self._theme.color("border"), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent"))
        for index, count in enumerate(bars):
            # Square root scale, so that a peak at 0 does not hide the rest.
            high = area.height() * float(np.sqrt(count / most))
            bar = QRectF(area.left() + index * width, area.bottom() - high, max(width - 1, 1), high)
            painter.drawRect(bar)

    def _paint_key(self, painter: QPainter, left: float, right: float, top: float) -> None:
        painter.setPen(self._theme.color("text2"))
        line = QRectF(left, top, right - left - 4, KEY_HEIGHT)
        where = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            QRectF(right - 40, top, self.width() - right + 40, KEY_HEIGHT),
            Qt.AlignmentFlag.AlignRight | where,
            self._value_title,
        )
        if self._scale is None:
            return
        metrics = painter.fontMetrics()
        low = metrics.horizontalAdvance(self._scale.low_text) + 8
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | where, self._scale.low_text)
        bar = QRectF(line.left() + low, top + KEY_HEIGHT / 2 - 3, 64, 6)
        fill = QLinearGradient(bar.topLeft(), bar.topRight())
        fill.setColorAt(0, self._theme.color("heat_low"))
        fill.setColorAt(1, self._theme.color("heat_high"))
        painter.drawText(
            QRectF(bar.right() + 8, top, 80, KEY_HEIGHT), Qt.AlignmentFlag.AlignLeft | where, self._scale.high_text
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(bar, 3, 3)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
