"""One layer as a small card, left and right of the connecting lines in the transfer dialog."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.experiment.layers import times
from dnnstudio.core.experiment.shapes import LayerShape
from dnnstudio.core.text import count_of
from dnnstudio.gui.stack.delegate import shorten
from dnnstudio.gui.stack.rows import BadgeText
from dnnstudio.gui.theme import Theme, icons

HEIGHT = 48
PADDING = 12
TILE = 28
TEXT_LEFT = PADDING + TILE + 11
NARROW_BELOW = 280
"""Cells narrower than this show a badge's icon instead of its word, as the cards of the stack do."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The contents of a cell; without a layer it is an empty slot with the text `absent`."""

    layer: LayerShape | None
    icon: str = "stack"
    caption: str = ""
    locked: bool = False
    badge: BadgeText | None = None
    faded: bool = False
    absent: str = ""


class LayerCell(QWidget):
    """Paints itself, so that a network of two hundred layers needs only two hundred widgets."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._cell = Cell(None)
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def cell(self) -> Cell:
        return self._cell

    def show_cell(self, cell: Cell) -> None:
        """Show another layer, or another state of the same one."""
        if cell == self._cell:
            return
        self._cell = cell
        words = [cell.absent]
        if cell.layer is not None:
            words = [cell.layer.layer.id, cell.caption, count_of(cell.layer.count, "parameter")]
            words += ["frozen"] if cell.locked else []
            words += [cell.badge.meaning] if cell.badge is not None else []
        text = ", ".join(filter(None, words))
        self.setAccessibleName(text)
        self.setToolTip(text)
        self.update()

    def _font(self, size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        return self._theme.font(size, weight)

    def sizeHint(self) -> QSize:
        return QSize(310, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        cell, color = self._cell, self._theme.color
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        quiet = cell.faded or cell.layer is None
        edge = QPen(color("strong" if quiet else "border"), 1)
        if quiet:
            edge.setDashPattern([3, 2])
        painter.setPen(edge)
        painter.setBrush(color("inset" if quiet else "surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        if cell.layer is None:
            painter.setFont(self._font(11))
            painter.setPen(color("text3"))
            painter.drawText(self.rect().adjusted(PADDING, 0, -PADDING, 0), Qt.AlignmentFlag.AlignCenter, cell.absent)
            return
        self._paint_tile(painter)
        right = self._paint_numbers(painter, cell.layer)
        self._paint_words(painter, cell.layer, right)

    def _paint_tile(self, painter: QPainter) -> None:
        tile = QRect(PADDING, (HEIGHT - TILE) // 2, TILE, TILE)
        if not self._cell.faded:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("inset"))
            painter.drawRoundedRect(tile, 6, 6)
        icons.paint(painter, QRectF(tile).adjusted(6, 6, -6, -6), self._cell.icon, self._theme.color("text2"))

    def _paint_numbers(self, painter: QPainter, layer: LayerShape) -> int:
        """Paint the parameters above the output shape, at the right; returns the right limit for the text."""
        count = f"{layer.count:,}"
        output = f"→ {times(layer.output_shape)}" if layer.output_shape is not None else "→ ?"
        big, small = self._font(13, QFont.Weight.Medium), self._font(11)
        wide = max(QFontMetrics(big).horizontalAdvance(count), QFontMetrics(small).horizontalAdvance(output))
        left = self.width() - PADDING - wide
        self._line(painter, big, "text" if layer.count else "text2", left, wide, 16, count, to_the_right=True)
        self._line(painter, small, "text2", left, wide, 33, output, to_the_right=True)
        return left - 8

    def _paint_words(self, painter: QPainter, layer: LayerShape, right: int) -> None:
        cell, name_font, small = self._cell, self._font(13, QFont.Weight.Medium), self._font(11)
        badge_font = self._font(10, QFont.Weight.DemiBold)
        narrow = self.width() < NARROW_BELOW
        words = 0 if cell.badge is None else QFontMetrics(badge_font).horizontalAdvance(cell.badge.word) + 10
        badge = 14 if narrow and words else words
        extras = (20 if cell.locked else 0) + (badge + 7 if badge else 0)
        metrics = QFontMetrics(name_font)
        room = max(right - TEXT_LEFT - extras, 24)
        name = metrics.elidedText(layer.layer.id, Qt.TextElideMode.ElideRight, room)
        self._line(painter, name_font, "text", TEXT_LEFT, right - TEXT_LEFT, 16, name)
        x = TEXT_LEFT + metrics.horizontalAdvance(name) + 7
        if cell.locked:
            icons.paint(painter, QRectF(x, 9, 14, 14), "lock", self._theme.color("text2"))
            x += 20
        if cell.badge is not None and narrow:
            color = {"neutral": "text2", "accent": "accent", "hint": "hint"}[cell.badge.tone]
            icons.paint(painter, QRectF(x, 9, 14, 14), cell.badge.icon, self._theme.color(color))
        elif cell.badge is not None:
            self._paint_badge(painter, cell.badge, QRectF(x + 0.5, 8.5, badge - 1, 15), badge_font)
        caption = shorten(cell.caption, QFontMetrics(small), right - TEXT_LEFT)
        self._line(painter, small, "text2", TEXT_LEFT, right - TEXT_LEFT, 33, caption)

    def _paint_badge(self, painter: QPainter, badge: BadgeText, frame: QRectF, font: QFont) -> None:
        text, fill, edge = {
            "neutral": ("text2", "inset", "border"),
            "accent": ("accent", "accent_soft", "accent_line"),
            "hint": ("hint", "hint_soft", "hint_line"),
        }[badge.tone]
        painter.setPen(QPen(self._theme.color(edge), 1))
        painter.setBrush(self._theme.color(fill))
        painter.drawRoundedRect(frame, 4, 4)
        painter.setPen(self._theme.color(text))
        painter.setFont(font)
        painter.drawText(frame, Qt.AlignmentFlag.AlignCenter, badge.word)

    def _line(
        self,
        painter: QPainter,
        font: QFont,
        color: str,
        left: int,
        width: int,
        middle: int,
        text: str,
        *,
        to_the_right: bool = False,
    ) -> None:
        painter.setFont(font)
        painter.setPen(self._theme.color(color))
        side = Qt.AlignmentFlag.AlignRight if to_the_right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRect(left, middle - 10, width, 20), side | Qt.AlignmentFlag.AlignVCenter, text)
