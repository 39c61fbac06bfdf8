"""The sampled rows of a table: what was said, the label, the score, and every column by its name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QSizePolicy, QTableView, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_table

Index = QModelIndex | QPersistentModelIndex
NUMBER, SCORE, SAID, LABEL = range(4)
FIXED = 4
"""So many columns stand before those of the table."""
ROW_HEIGHT = 24
HEAD, TALL_HEAD, HEAD_PADDING = 28, 40, 24
WIDEST = 220
SetNames = Callable[[int], tuple[str, ...]]


class OrderedModel(QAbstractTableModel):
    """Rows in display order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.order: NDArray[np.int64] = np.empty(0, np.int64)

    def row_of(self, place: int) -> int:
        return int(self.order[place])

    def place_of(self, row: int) -> int:
        """The position of a row, or -1."""
        found = np.flatnonzero(self.order == row)
        return int(found[0]) if len(found) else -1

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.order)


class RowsModel(OrderedModel):
    """The rows of a classifier, as `ImageModel` has them for pictures."""

    figures_changed = Signal()

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.samples: Samples | None = None
        self._figures: NDArray[np.float64] | None = None
        self._score = ""
        self._sets: SetNames | None = None

    def show(
        self,
        samples: Samples,
        order: NDArray[np.int64],
        figures: NDArray[np.float64] | None,
        *,
        score: str = "",
        sets: SetNames | None = None,
    ) -> None:
        """Show other rows, or another order. `figures` is the score of each row, [rows], and `score` its name.

        `sets` gives the names in the promised set of a row, shown in place of the score.
        """
        same = self.samples is not None and np.array_equal(order, self.order)
        same = same and len(samples.rows.table) == self.columnCount() - FIXED
        if not same:
            self.beginResetModel()
        self.samples, self.order, self._figures, self._score = samples, order, figures, score
        self._sets = sets
        if same:
            self.dataChanged.emit(self.index(0, 0), self.index(len(order) - 1, self.columnCount() - 1))
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, SCORE, SCORE)
            self.figures_changed.emit()
        else:
            self.endResetModel()

    def columnCount(self, parent: Index | None = None) -> int:
        if self.samples is None or (parent is not None and parent.isValid()):
            return 0
        return FIXED + len(self.samples.rows.table)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or self.samples is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            heads = ("Row", "Set" if self._sets is not None else in_lines(self._score or "Score"), "Said", "Label")
            return heads[section] if section < FIXED else self.samples.rows.table[section - FIXED].name
        if role == Qt.ItemDataRole.ToolTipRole:
            name = f"{self._score}. " if section == SCORE and self._sets is None else ""
            return f"{name}Press to sort by it; press again to turn round"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(self._side(section) | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self.samples is None or index.row() >= len(self.order):
            return None
        row, column = self.row_of(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(self._side(column) | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and column == SAID:
            right = bool(self.samples.correct[row])
            icon = self._theme.icon("check-circle-fill" if right else "x-circle-fill", "right" if right else "wrong")
            return icon.pixmap(14, 14)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(row, column)
        return None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        assert self.samples is not None
        left = column in (SAID, LABEL)
        if column >= FIXED:
            left = not self.samples.rows.table[column - FIXED].has_order
        return Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight

    def _text(self, row: int, column: int) -> str:
        assert self.samples is not None
        rows, scores = self.samples.rows, self.samples.scores
        match column:
            case 0:
                return f"{row + 1:,}"
            case 2:
                return rows.class_names[int(scores.winner[row])]
            case 3:
                return rows.class_names[int(rows.labels[row])] if rows.labels[row] >= 0 else "–"
            case 1:
                if self._sets is not None:
                    return ", ".join(self._sets(row)) or "strange"
                return "–" if self._figures is None else f"{self._figures[row]:.3f}"
            case _:
                assert rows.values is not None
                return rows.table[column - FIXED].text(float(rows.values[row, column - FIXED]))

    def _words(self, row: int, column: int) -> str:
        assert self.samples is not None
        if column >= FIXED:
            return f"{self.samples.rows.table[column - FIXED].name}: {self._text(row, column)}"
        if column == SCORE and self._sets is not None:
            return f"Row {row + 1:,}, promised set: {self._text(row, column)}"
        said = int(self.samples.scores.winner[row])
        right = "right" if self.samples.correct[row] else f"labelled {self._text(row, LABEL)}"
        share = percent(self.samples.scores.mean[row, said])
        return f"Row {row + 1:,}: {self._text(row, SAID)} {share}, {right}"


def in_lines(title: str) -> str:
    """A head of several words in two lines, so that its column leaves room for what was said."""
    return title.replace(" ", "\n", 1) if len(title) > 9 else title


class RowsTable(QTableView):
    """The view, with the face of `ImageGrid`. `sort_requested(column)` when a head is pressed."""

    sort_requested = Signal(int)

    def __init__(self, theme: Theme, rows: OrderedModel, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        copies_table(self)
        self.setObjectName("row_table")
        self.setAccessibleName("Rows")
        self.images = rows
        self.setModel(rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setTextElideMode(Qt.TextElideMode.ElideRight)
        header.setHighlightSections(False)
        header.setFixedHeight(HEAD)
        header.setMinimumSectionSize(36)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.sort_requested)
        header.sectionResized.connect(lambda *_: header.setTextElideMode(Qt.TextElideMode.ElideRight))
        self._fitted: object = None
        theme.changed.connect(self.viewport().update)

    def fit(self, shown: object = None) -> None:
        """Make the columns as wide as their heads and first rows need, once a table and for each kind of `shown`.

        Later a person's own widths stay, and nothing moves while figures come.
        """
        if (self.images.columnCount(), shown) != self._fitted:
            self._fitted = (self.images.columnCount(), shown)
            count = self.images.columnCount()
            heads = [str(self.images.headerData(column, Qt.Orientation.Horizontal)) for column in range(count)]
            self.horizontalHeader().setFixedHeight(TALL_HEAD if any("\n" in head for head in heads) else HEAD)
            metrics, whole = self.horizontalHeader().fontMetrics(), True
            for column, head in enumerate(heads):
                words = max(metrics.horizontalAdvance(line) for line in head.split("\n")) + HEAD_PADDING
                whole = whole and words <= WIDEST
                self.setColumnWidth(column, min(max(self.sizeHintForColumn(column) + 2, words), WIDEST))
            # Qt measures a head of two lines as if it were one, and cuts what has its room.
            cut = Qt.TextElideMode.ElideNone if whole else Qt.TextElideMode.ElideRight
            self.horizontalHeader().setTextElideMode(cut)

    def chosen(self) -> int:
        """The selected row, or -1."""
        index = self.currentIndex()
        return self.images.row_of(index.row()) if index.isValid() else -1

    def choose(self, row: int) -> bool:
        """Select a row and scroll to it; False if it is not shown."""
        place = self.images.place_of(row)
        if place < 0:
            self.clearSelection()
            return False
        across = self.horizontalScrollBar().value()
        self.setCurrentIndex(self.images.index(place, 0))
        self.horizontalScrollBar().setValue(across)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (current := self.currentIndex()).isValid():  # chosen before the table had its size
            across = self.horizontalScrollBar().value()
            self.scrollTo(current)
            self.horizontalScrollBar().setValue(across)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go from row to row, as among pictures."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        place = self.currentIndex().row() + step
        if 0 <= place < self.images.rowCount():
            self.choose(self.images.row_of(place))
