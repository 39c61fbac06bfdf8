"""The table view of the runs: painting of the cells, and the eye icons."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from dnnstudio.gui.base.run_words import STATUS_ICONS
from dnnstudio.gui.base.runs_model import (
    BEST_ROLE,
    COLUMNS,
    EYE_COLUMN,
    EYE_ROLE,
    FOLD_ROLE,
    OF_CLASSES,
    OF_NUMBERS,
    RECORD_ROLE,
    STATUS_COLUMN,
    Fold,
    Index,
    RunsModel,
)
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_table
from dnnstudio.gui.widgets.fitted_text import fitted

ROW_HEIGHT = 30
CARET, STEP = 18, 24
"""Room for the caret of a row that can be unfolded, and how far in its members lie."""
NAME_WIDTH = 100
"""Minimum width of the name column: in a narrow table other columns are hidden, in this order."""
LEFT_OUT = tuple(
    next(n for n, column in enumerate(COLUMNS) if column.title == title)
    for title in ("Params", "Time", "Val. loss", "Epochs", "Test acc.", "Test R²")
)


class RunDelegate(QStyledItemDelegate):
    """Paints a cell: status icon and word, bold for the best figure, a thin line below each row."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(COLUMNS[index.column()].width, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        color, area = self._theme.color, QRect(option.rect)
        painter.save()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            painter.fillRect(area, color("accent_soft" if selected else "hover"))
        painter.fillRect(QRect(area.left(), area.bottom(), area.width(), 1), color("border"))
        if index.column() == EYE_COLUMN:
            token = index.data(EYE_ROLE)
            place = QRect(area.center().x() - 7, area.center().y() - 7, 16, 16)
            self._theme.icon("eye-fill" if token else "eye", token or "text3").paint(painter, place)
            painter.restore()
            return
        text_area = area.adjusted(10, 0, -10, -1)
        if index.column() == 0:
            text_area = self._paint_fold(painter, text_area, index)
        if index.column() == STATUS_COLUMN:
            icon, tone = STATUS_ICONS.get(index.data(RECORD_ROLE).status, ("question", "text3"))
            self._theme.icon(icon, tone).paint(painter, QRect(text_area.left(), area.center().y() - 7, 14, 14))
            text_area.setLeft(text_area.left() + 20)
        weight = QFont.Weight.DemiBold if index.data(BEST_ROLE) else QFont.Weight.Normal
        font = self._theme.font(12, weight)
        painter.setFont(font)
        painter.setPen(color("text"))
        # names that begin alike, such as those of copies of one experiment, are told apart by their ends
        mode = Qt.TextElideMode.ElideRight if index.column() else Qt.TextElideMode.ElideMiddle
        text = fitted(painter, str(index.data()), text_area, option.widget, mode)
        alignment = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole))
        painter.drawText(text_area, alignment, text)
        painter.restore()

    def _paint_fold(self, painter: QPainter, area: QRect, index: Index) -> QRect:
        """The caret and icon of a row of several, or the bracket of a member; what is left for the name."""
        fold, middle = index.data(FOLD_ROLE), area.center().y() - 7
        if fold is Fold.MEMBER:
            last = index.sibling(index.row() + 1, 0).data(FOLD_ROLE) is not Fold.MEMBER
            line, half = self._theme.color("strong"), area.center().y()
            painter.fillRect(
                QRect(area.left() + 7, area.top(), 1, (half if last else area.bottom() + 2) - area.top()), line
            )
            painter.fillRect(QRect(area.left() + 7, half, 8, 1), line)
            return area.adjusted(STEP, 0, 0, 0)
        if fold is Fold.NONE:
            return area
        caret = "caret-down" if fold is Fold.OPEN else "caret-right"
        self._theme.icon(caret, "text2").paint(painter, QRect(area.left() - 2, middle, 14, 14))
        kind = "stack" if index.data(RECORD_ROLE).repeat is not None else "grid-four"
        self._theme.icon(kind, "accent").paint(painter, QRect(area.left() + CARET, middle, 14, 14))
        return area.adjusted(CARET + 20, 0, 0, 0)


class RunsTable(QTableView):
    """The table. `eye_pressed` carries the record of the row whose eye is clicked, without selecting that row;
    `fold_pressed` that of a row whose caret is clicked, or that Right unfolds and Left folds.
    """

    eye_pressed = Signal(object)
    fold_pressed = Signal(object)

    def __init__(self, theme: Theme, runs: RunsModel) -> None:
        super().__init__()
        self.copies = copies_table(self)
        self.setObjectName("runs_table")
        self.setAccessibleName("Runs")
        self._runs = runs
        self.setModel(runs)
        self.setItemDelegate(RunDelegate(theme, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setFixedHeight(28)
        header.setMinimumSectionSize(40)
        for number, column in enumerate(COLUMNS):
            if column.width:
                self.setColumnWidth(number, column.width)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(EYE_COLUMN, QHeaderView.ResizeMode.Fixed)
        header.moveSection(EYE_COLUMN, 0)
        for changed in (runs.dataChanged, runs.rowsInserted, runs.rowsRemoved, runs.modelReset):
            changed.connect(self._on_changed)
        self._unused = runs.unused
        self._arrange()

    def _eye_at(self, place: QPoint) -> object | None:
        index = self.indexAt(place)
        return index.data(RECORD_ROLE) if index.isValid() and index.column() == EYE_COLUMN else None

    def _caret_at(self, place: QPoint) -> object | None:
        index = self.indexAt(place)
        if not index.isValid() or index.column() != 0 or index.data(FOLD_ROLE) not in (Fold.OPEN, Fold.CLOSED):
            return None
        return index.data(RECORD_ROLE) if place.x() < self.visualRect(index).left() + 10 + CARET else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            place = event.position().toPoint()
            for record, pressed in (
                (self._eye_at(place), self.eye_pressed),
                (self._caret_at(place), self.fold_pressed),
            ):
                if record is not None:
                    pressed.emit(record)
                    return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if self._eye_at(place) is None and self._caret_at(place) is None:
            super().mouseDoubleClickEvent(event)
        else:
            self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        chosen = self.selectionModel().selectedRows()
        if event.key() == Qt.Key.Key_Space and chosen:
            self.eye_pressed.emit(chosen[0].data(RECORD_ROLE))
            return
        wanted = {Qt.Key.Key_Right: Fold.CLOSED, Qt.Key.Key_Left: Fold.OPEN}.get(Qt.Key(event.key()))
        if wanted is not None and chosen:
            if chosen[0].data(FOLD_ROLE) is wanted:
                self.fold_pressed.emit(chosen[0].data(RECORD_ROLE))
            return
        super().keyPressEvent(event)

    def _on_changed(self, *_: object) -> None:
        if self._runs.unused != self._unused:
            self._unused = self._runs.unused
            self._arrange()

    def _arrange(self) -> None:
        """Show the columns that some run has a figure for, as far as there is room."""
        unused = self._runs.unused
        used = [column.width for number, column in enumerate(COLUMNS) if number not in unused]
        room = self.viewport().width() - NAME_WIDTH - sum(used)
        for number in unused:
            self.setColumnHidden(number, True)
        stays = [number for number in (*OF_CLASSES, *OF_NUMBERS) if number not in LEFT_OUT]
        for number in (*LEFT_OUT, *stays):
            if number in unused:
                continue
            hidden = room < 0 and number in LEFT_OUT
            self.setColumnHidden(number, hidden)
            room += COLUMNS[number].width if hidden else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()
