"""The tree view of the runs: painting, and clicks on the stars."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.run_words import COLOR_TOKENS, STATUS_ICONS
from dnnstudio.gui.run_table.arranging import DATE, LAST, NAME, NOTE, NUMBER, STAR, STATUS, TEST, TIME, Column, Task
from dnnstudio.gui.run_table.model import BEST_ROLE, COLUMN_ROLE, RUN_ROLE, TASK_ROLE, Index, RunTree
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_table
from dnnstudio.gui.widgets.fitted_text import fitted

ROW_HEIGHT = 32
WIDEST_HEAD = 180
"""A title longer than this is cut; its tooltip has the whole path."""
LEFT_OUT = (NOTE, DATE, LAST, TIME, NUMBER)
"""Where there is no room for all columns, these are left out first, in this order, and then the settings, which the
names tell too; what is chosen is told beside the table."""
HEAD_PADDING = 28
SLACK = 50
"""So much narrower than usual the name's column may be before settings and the test figure are left out."""


class RowDelegate(QStyledItemDelegate):
    """Paints a cell, and a task's row over all columns."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = parent
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        area, task = QRect(option.rect), index.data(TASK_ROLE)
        painter.save()
        if task is not None:
            self._paint_task(painter, area, task)
        else:
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
            if selected or hovered:
                painter.fillRect(area, self._theme.color("accent_soft" if selected else "hover"))
            painter.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), self._theme.color("border"))
            self._paint_cell(painter, area, index, index.data(RUN_ROLE), index.data(COLUMN_ROLE))
        painter.restore()

    def _paint_task(self, painter: QPainter, area: QRect, task: Task) -> None:
        color = self._theme.color
        painter.fillRect(area, color("inset"))
        painter.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), color("border"))
        inner = area.adjusted(8, 0, -12, -1)
        painter.setFont(self._theme.font(13, QFont.Weight.DemiBold))
        painter.setPen(color("text"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, fitted(painter, task.name, inner, self._view))
        inner.setLeft(inner.left() + painter.fontMetrics().horizontalAdvance(task.name) + 12)
        painter.setFont(self._theme.font(11))
        painter.setPen(color("text2"))
        words = " · ".join(filter(None, (count_of(len(task.rows), "row"), task.best_words)))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, fitted(painter, words, inner, self._view))

    def _paint_cell(self, painter: QPainter, area: QRect, index: Index, run: ListedRun, column: Column) -> None:
        middle = area.center().y() - 7
        inner = area.adjusted(8, 0, -8, -1)
        if column.key == STAR:
            name, tone = ("star-fill", "accent") if run.remarks.star else ("star", "text3")
            self._theme.icon(name, tone).paint(painter, QRect(area.center().x() - 7, middle, 14, 14))
            return
        if column.key == STATUS:
            icon, tone = STATUS_ICONS.get(run.record.status, ("question", "text3"))
            self._theme.icon(icon, tone).paint(painter, QRect(inner.left(), middle, 14, 14))
            inner.setLeft(inner.left() + 20)
        if column.key == NAME and run.remarks.color:
            painter.fillRect(
                QRect(area.left(), area.top() + 3, 4, area.height() - 7),
                self._theme.color(COLOR_TOKENS[run.remarks.color]),
            )
        badge = badge_words(run) if column.key == NAME else ""
        if badge:
            kind = "stack" if run.record.sweep is None else "grid-four"
            self._theme.icon(kind, "accent").paint(painter, QRect(inner.left(), middle, 14, 14))
            inner.setLeft(inner.left() + 20)
            inner = self._paint_badge(painter, inner, badge)
        strong = bool(index.data(BEST_ROLE)) or bool(badge)
        painter.setFont(self._theme.font(12, QFont.Weight.DemiBold if strong else QFont.Weight.Normal))
        shared = column.setting and index.parent().data(RUN_ROLE) is not None and not _varies(index, column)
        painter.setPen(self._theme.color("text2" if shared else "text"))
        text = str(index.data())
        if column.key == NAME:
            text = short_name(text, lambda words: painter.fontMetrics().horizontalAdvance(words) <= inner.width())
        text = fitted(painter, text, inner, self._view)
        painter.drawText(inner, Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole)), text)

    def _paint_badge(self, painter: QPainter, inner: QRect, words: str) -> QRect:
        """The number of seeds or trials at the right of the name; returns what room is left for the name."""
        painter.setFont(self._theme.font(10, QFont.Weight.DemiBold))
        width = painter.fontMetrics().horizontalAdvance(words) + 12
        place = QRect(inner.right() - width, inner.center().y() - 8, width, 17)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("accent_soft"))
        painter.drawRoundedRect(place, 4, 4)
        painter.setPen(self._theme.color("accent"))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, words)
        return inner.adjusted(0, 0, -width - 8, 0)


def _varies(index: Index, column: Column) -> bool:
    """Whether the row above, a sweep, varies this setting."""
    return column.key in index.parent().data(RUN_ROLE).ranges


def short_name(name: str, fits: Callable[[str], bool]) -> str:
    """A name of a run; where there is no room for all of it, what changed alone: rows differ by that."""
    _, colon, changed = name.partition(": ")
    return name if fits(name) or not colon else f"…: {changed}"


class RunView(QTreeView):
    """`star_pressed(ListedRun)` when a star is clicked; `opened(ListedRun)` for Enter or a double click.

    A right click selects nothing: its menu says which run it is for.
    """

    star_pressed = Signal(object)
    opened = Signal(object)

    def __init__(self, theme: Theme, tree: RunTree) -> None:
        super().__init__()
        self.copies = copies_table(self)
        self._tree = tree
        self._theme = theme
        self.setObjectName("run_tree")
        self.setAccessibleName("Runs by task")
        self.setModel(tree)
        self.setItemDelegate(RowDelegate(theme, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setIndentation(18)
        self.setExpandsOnDoubleClick(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header = self.header()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setSectionsMovable(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(30)

    def fit_columns(self) -> None:
        """Give each column its width, and leave out what there is no room for; the rest is the name's."""
        columns, metrics = self._tree.columns, self.header().fontMetrics()
        heads = [min(metrics.horizontalAdvance(one.title) + HEAD_PADDING, WIDEST_HEAD) for one in columns]
        widths = {one.key: max(one.width, head) for one, head in zip(columns, heads, strict=True)}
        room = self.viewport().width() - sum(widths.values())
        settings, out = tuple(reversed([one.key for one in columns if one.setting])), set[str]()
        for keys, slack in ((LEFT_OUT, 0), ((*settings, TEST), SLACK)):
            for key in keys:
                if room + slack < 0 and key in widths:
                    out.add(key)
                    room += widths[key]
        for number, column in enumerate(columns):
            self.setColumnHidden(number, column.key in out)  # each: at its place another one may have been hidden
            self.setColumnWidth(number, widths[column.key] + (max(room, -SLACK) if column.key == NAME else 0))

    def run_at(self, place: QPoint) -> ListedRun | None:
        """The run under a point of the view."""
        return self._tree.run(self.indexAt(place))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit_columns()

    def drawRow(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """The row, and a frame where the keyboard is at one that is not chosen; Qt's own is a gradient."""
        super().drawRow(painter, option, index)
        current = self.currentIndex()
        here = (current.row(), current.parent()) == (index.row(), index.parent())
        if here and self.hasFocus() and not self.selectionModel().isSelected(index):
            painter.save()
            painter.setPen(self._theme.color("accent"))
            painter.drawRect(QRect(option.rect).adjusted(0, 0, -1, -2))
            painter.restore()

    def drawBranches(self, painter: QPainter, rect: QRect, index: Index) -> None:
        if index.data(TASK_ROLE) is not None:
            painter.fillRect(rect, self._theme.color("inset"))
        elif self.selectionModel().isSelected(index):
            painter.fillRect(rect, self._theme.color("accent_soft"))
        if index.parent().data(RUN_ROLE) is not None:  # a member hangs on its row
            last = not index.siblingAtRow(index.row() + 1).isValid() if isinstance(index, QModelIndex) else False
            x, half, line = rect.right() - 8, rect.center().y(), self._theme.color("strong")
            painter.fillRect(QRect(x, rect.top(), 1, (half if last else rect.bottom() + 1) - rect.top()), line)
            painter.fillRect(QRect(x, half, 8, 1), line)
        super().drawBranches(painter, rect, index)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            event.accept()
            return
        index = self.indexAt(event.position().toPoint())
        run = self._tree.run(index)
        if run is not None and self._tree.columns[index.column()].key == STAR:
            self.star_pressed.emit(run)
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        run = self._tree.run(index)
        if run is None:
            super().mouseDoubleClickEvent(event)
        elif self._tree.columns[index.column()].key != STAR:
            self.opened.emit(run)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        run = self._tree.run(self.currentIndex())
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and run is not None:
            self.opened.emit(run)
        else:
            super().keyPressEvent(event)


def badge_words(run: ListedRun) -> str:
    """ "5 SEEDS" of a row over several, "12 TRIALS" of a sweep, "2 RUNS" of one seed, "" of a single run."""
    if run.record.repeat is not None:  # also of those that have not begun
        return count_of(len(run.record.repeat.seeds), "seed").upper()
    if run.record.sweep is not None:
        return count_of(run.record.sweep.trials, "trial").upper()
    seeds, runs = len(run.counted), len(run.members)
    words = count_of(runs, "run") if seeds == 1 < runs else count_of(seeds, "seed")
    return words.upper() if runs else ""
