"""The grid of a table's first lines under their heads, each led by its line number in the file."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from dnnstudio.core.jobs.proposals import ColumnFacts, TableFindings
from dnnstudio.gui.data.door.heads import PAD, ColumnHeads, as_kind, as_missing, as_role
from dnnstudio.gui.data.door.rows_model import Row, RowsModel
from dnnstudio.gui.theme import Theme, icons
from dnnstudio.gui.widgets.charts.copies import copies_table
from dnnstudio.gui.widgets.fitted_text import fitted

ROW_HEIGHT = 28
NUMBERED = ("number", "date")
"""Kinds whose cells stand at the right."""


class _Cells(QStyledItemDelegate):
    """Cells in the file's own spelling; a dropped line across all columns."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, RowsModel)
        row = model.rows[index.row()]
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if row.dropped is not None:
            self._paint_dropped(painter, rect, model.reason(row), row)
        else:
            self._paint_cell(painter, rect, row.cells[index.column()], model.columns[index.column()])
        painter.restore()

    def _paint_cell(self, painter: QPainter, rect: QRect, cell: str | None, facts: ColumnFacts) -> None:
        color = self._theme.color
        target = facts.role == "target"
        if target:
            painter.fillRect(rect, color("accent_soft"))
        painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), color("border"))
        font = self._theme.font(12, QFont.Weight.DemiBold if target else QFont.Weight.Normal)
        ink = "text3" if facts.role == "ignored" else "text"
        if cell is None:
            font, ink, cell = self._theme.font(11, QFont.Weight.Medium), "hint", "missing"
        numbered = facts.kind in NUMBERED or (facts.kind == "id" and cell.isdecimal())
        side = Qt.AlignmentFlag.AlignRight if numbered else Qt.AlignmentFlag.AlignLeft
        room = rect.adjusted(PAD, 0, -PAD, 0)
        painter.setFont(font)
        painter.setPen(color(ink))
        painter.drawText(room, side | Qt.AlignmentFlag.AlignVCenter, fitted(painter, cell, room))

    def _paint_dropped(self, painter: QPainter, rect: QRect, reason: str, row: Row) -> None:
        assert row.dropped is not None
        color = self._theme.color
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color("hint_soft"))
        painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, 0, -1), 6, 6)
        icons.paint(painter, QRectF(rect.left() + PAD, rect.top() + 7, 14, 14), "warning-fill", color("hint_dot"))
        font = self._theme.font(12, QFont.Weight.DemiBold)
        left = rect.left() + PAD + 22
        painter.setFont(font)
        painter.setPen(color("hint"))
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRect(left, rect.top(), rect.right() - left, rect.height()), middle, reason)
        left += QFontMetrics(font).horizontalAdvance(reason) + 14
        font = self._theme.font(12)
        painter.setFont(font)
        painter.setPen(color("text2"))
        room = max(0, rect.right() - PAD - left)
        rest = QRect(left, rect.top(), room, rect.height())
        painter.drawText(rest, middle, fitted(painter, row.dropped.text, rest))


class _LineNumbers(QHeaderView):
    """The places of the lines in the file, in front of them."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._theme = theme
        self.setObjectName("line_numbers")
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setDefaultSectionSize(ROW_HEIGHT)
        self.setMinimumSectionSize(ROW_HEIGHT)
        self.setHighlightSections(False)

    def paintSection(self, painter: QPainter, rect: QRect, logical_index: int) -> None:
        model = self.model()
        if not isinstance(model, RowsModel) or logical_index >= len(model.rows):
            return
        row = model.rows[logical_index]
        color = self._theme.color
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        dropped = row.dropped is not None
        if dropped:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color("hint_soft"))
            painter.drawRoundedRect(QRectF(rect).adjusted(0, 1, 6, -1), 6, 6)
        else:
            painter.fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), color("border"))
        painter.setFont(self._theme.font(11, QFont.Weight.DemiBold if dropped else QFont.Weight.Normal))
        painter.setPen(color("hint" if dropped else "text3"))
        where = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect.adjusted(0, 0, -PAD, 0), where, f"{row.line:,}")
        painter.restore()

    def sizeHint(self) -> QSize:
        model = self.model()
        last = max((row.line for row in model.rows), default=0) if isinstance(model, RowsModel) else 0
        wide = QFontMetrics(self._theme.font(11)).horizontalAdvance(f"{last:,}")
        return QSize(max(40, wide + 2 * PAD), super().sizeHint().height())


class TableGrid(QTableView):
    """Shows `TableFindings`. `role_chosen(name, role)`, `kind_chosen(name, kind)` as in `ColumnHeads`."""

    role_chosen = Signal(str, str)
    kind_chosen = Signal(str, str)
    missing_chosen = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        copies_table(self)
        self.setObjectName("table_grid")
        self.setAccessibleName("The first lines of the file")
        self.rows = RowsModel(self)
        self.heads = ColumnHeads(theme, self)
        self._numbers = _LineNumbers(theme, self)
        self.setHorizontalHeader(self.heads)
        self.setVerticalHeader(self._numbers)
        self.setModel(self.rows)
        self.setItemDelegate(_Cells(theme, self))
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setCornerButtonEnabled(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.heads.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.heads.role_chosen.connect(lambda name, role: self.role_chosen.emit(name, as_role(role)))
        self.heads.kind_chosen.connect(lambda name, kind: self.kind_chosen.emit(name, as_kind(kind)))
        self.heads.missing_chosen.connect(lambda name, missing: self.missing_chosen.emit(name, as_missing(missing)))
        theme.changed.connect(self.viewport().update)
        theme.changed.connect(self._numbers.viewport().update)

    def show_table(self, table: TableFindings | None, classes: tuple[str, ...]) -> None:
        """Show another table, with the column to predict in sight; of the same columns, the view stays where it was."""
        before = [facts.name for facts in self.rows.columns]
        places = self.horizontalScrollBar().value(), self.verticalScrollBar().value()
        self.rows.set_table(table)
        self.heads.set_classes(classes)
        self.clearSpans()
        for place, row in enumerate(self.rows.rows):
            if row.dropped is not None and self.rows.columnCount() > 1:
                self.setSpan(place, 0, 1, self.rows.columnCount())
        if [facts.name for facts in self.rows.columns] != before:
            self._fit_columns()
            self.scrollToTop()
            self.horizontalScrollBar().setValue(0)
            self.show_target()
        else:
            self.horizontalScrollBar().setValue(places[0])
            self.verticalScrollBar().setValue(places[1])

    def show_line(self, line: int) -> None:
        """Bring a line of the file into sight."""
        place = self.rows.row_of_line(line)
        if place is not None:
            self.scrollTo(self.rows.index(place, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _target_place(self) -> int | None:
        return next((place for place, facts in enumerate(self.rows.columns) if facts.role == "target"), None)

    def show_target(self) -> None:
        """Bring the column to predict into sight, with those to its left."""
        place = self._target_place()
        if place is None or not self.rows.rowCount():
            return
        self.updateGeometries()  # the bar does not know yet how wide new columns are
        bar, right = self.horizontalScrollBar(), self.columnViewportPosition(place) + self.columnWidth(place)
        if right > self.viewport().width():
            bar.setValue(bar.value() + right - self.viewport().width())
        elif self.columnViewportPosition(place) < 0:
            bar.setValue(bar.value() + self.columnViewportPosition(place))

    def _fit_columns(self) -> None:
        """As wide as the heads need, and where there is room left, evenly wider."""
        count = self.rows.columnCount()
        wanted = [self.heads.width_for(column) for column in range(count)]
        room = self.viewport().width() - sum(wanted)
        more = room // count if count and room > 0 else 0
        for column, width in enumerate(wanted):
            self.setColumnWidth(column, width + more)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.HoverEnter, QEvent.Type.HoverMove):
            return True  # a cell cannot be pressed, so it does not answer the pointer
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        place = self._target_place()
        seen = place is not None and self.columnViewportPosition(place) < max(0, event.oldSize().width())
        super().resizeEvent(event)
        self._fit_columns()
        if seen or not self.isVisible():
            self.show_target()
