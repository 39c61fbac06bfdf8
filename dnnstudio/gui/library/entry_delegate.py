"""Paints the table of models: diagram, name and task in the first column, the weights' origin in words and colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from dnnstudio.core.workspace.catalog import Entry
from dnnstudio.gui.dialogs.stack_drawing import Bar, paint_bar
from dnnstudio.gui.library.entries_model import COLUMNS, ENTRY_ROLE, Index
from dnnstudio.gui.library.sentences import subtitle
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.fitted_text import RIGHT, fitted

ROW_HEIGHT, THUMBNAIL = 52, 36
TEXT_SIZE = 12
MARGIN = 10
BESIDE = 2 * MARGIN + 2
"""What a text needs beside itself, so that it is not elided."""
KEPT = 2000
MIDDLE = Qt.TextElideMode.ElideMiddle
"""Names that begin alike, such as those of two tasks on the same data, are told apart by their ends."""
PITCH = 6.0
"""Pixels that the bar of one layer takes at most in a thumbnail."""


class EntryDelegate(QStyledItemDelegate):
    """Paints a row; `bars` returns the diagram of a model."""

    def __init__(self, theme: Theme, bars: Callable[[Entry], Sequence[Bar]], parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self._theme = theme
        self._bars = bars
        self._made: dict[tuple[object, ...], QPixmap] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(COLUMNS[index.column()].width, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        color, area = self._theme.color, QRect(option.rect)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected:
            painter.fillRect(area, color("accent_soft"))
        painter.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), color("border"))
        entry: Entry = index.data(ENTRY_ROLE)
        if index.column() == 0:
            self._paint_model(painter, area, entry)
        else:
            alignment = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole))
            tone = "text"
            if COLUMNS[index.column()].title == "Layers":
                kinds = {item.kind for item in entry.layers}
                tone = "hint" if "share" in kinds else "accent" if "clone" in kinds else "text2"
            text_area = area.adjusted(MARGIN, 0, -MARGIN, -1)
            self._write(painter, text_area, str(index.data()), TEXT_SIZE, tone, alignment=alignment)
        painter.restore()

    def _paint_model(self, painter: QPainter, area: QRect, entry: Entry) -> None:
        top = area.center().y() - THUMBNAIL / 2
        painter.drawPixmap(QPointF(area.left() + 8, top), self._drawing(entry, painter.device().devicePixelRatioF()))
        left = area.left() + 8 + THUMBNAIL + 10
        words = QRect(left, area.top() + 8, area.right() - left - 6, 18)
        self._write(painter, words, entry.name, 13, "text", weight=QFont.Weight.Medium, mode=MIDDLE)
        self._write(painter, words.translated(0, 18), subtitle(entry), 11, "text2", mode=MIDDLE)

    def _drawing(self, entry: Entry, ratio: float) -> QPixmap:
        """The diagram of a model as a pixmap, cached per theme and screen."""
        key = (entry.path, entry.fingerprint, self._theme.tokens().name, ratio)
        found = self._made.get(key)
        if found is None:
            if len(self._made) > KEPT:
                self._made.clear()
            found = QPixmap(round(THUMBNAIL * ratio), round(THUMBNAIL * ratio))
            found.setDevicePixelRatio(ratio)
            found.fill(Qt.GlobalColor.transparent)
            painter = QPainter(found)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_drawing(painter, QRectF(0, 0, THUMBNAIL, THUMBNAIL), self._bars(entry))
            painter.end()
            self._made[key] = found
        return found

    def _write(
        self,
        painter: QPainter,
        area: QRect,
        text: str,
        size: int,
        tone: str,
        *,
        weight: QFont.Weight = QFont.Weight.Normal,
        alignment: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignVCenter,
        mode: Qt.TextElideMode = RIGHT,
    ) -> None:
        painter.setFont(self._theme.font(size, weight))
        painter.setPen(self._theme.color(tone))
        painter.drawText(area, alignment, fitted(painter, text, area, self._view, mode))

    def _paint_drawing(self, painter: QPainter, area: QRectF, bars: Sequence[Bar]) -> None:
        colors = self._theme.tokens()
        painter.setPen(QColor(colors.border))
        painter.setBrush(QColor(colors.surface))
        painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        inside = area.adjusted(4, 4, -4, -4)
        pitch = min(inside.height() / max(len(bars), 1), PITCH)
        top = inside.center().y() - pitch * len(bars) / 2
        for number, bar in enumerate(bars):
            row = QRectF(inside.left(), top + number * pitch, inside.width(), max(pitch - 1, 1.5))
            paint_bar(painter, row, bar, self._theme, radius=1)
