"""The list of rows: what was predicted, its spread, the truth, the error, and every column of a table."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.text import figure
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.numbers.inspection import NumberInspection
from dnnstudio.gui.uncertainty.sentences import Nouns, pass_noun
from dnnstudio.gui.uncertainty.table.rows_table import Index, OrderedModel, RowsTable
from dnnstudio.gui.widgets import Card, MiniButton

HEADS = ("Row", "Predicted", "Spread", "True", "Error")
TIPS = (
    "Its number in this part",
    "Mean of the {answers}, in the target's own unit",
    "Spread of {answers}: their standard deviation",
    "What the data says",
    "Predicted − true; sorted by its size",
)
FIXED = len(HEADS)
SPREAD, ERROR = 2, 4


class NumbersModel(OrderedModel):
    """The rows in display order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.samples: NumberSamples | None = None

    def show(self, samples: NumberSamples, order: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
        self.beginResetModel()
        self.samples, self.order = samples, order
        self.endResetModel()

    def columnCount(self, parent: Index | None = None) -> int:
        if self.samples is None or (parent is not None and parent.isValid()):
            return 0
        return FIXED + len(self.samples.rows.table)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal or self.samples is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section] if section < FIXED else self.samples.rows.table[section - FIXED].name
        if role == Qt.ItemDataRole.ToolTipRole:
            nouns = Nouns(pass_noun(self.samples), "row")
            tip = nouns.said(TIPS[section]) if section < FIXED else self.samples.rows.table[section - FIXED].name
            return f"{tip}. Press to sort by it; press again to turn round"
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self.samples is None or index.row() >= len(self.order):
            return None
        row, column = self.row_of(index.row()), index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            if column >= FIXED:
                assert self.samples.rows.values is not None
                shown = self.samples.rows.table[column - FIXED]
                return shown.text(float(self.samples.rows.values[row, column - FIXED]))
            value = float(keys_of(self.samples, column)[row])
            if column == 0:
                return f"{row + 1:,}"
            return figure(value, signed=column == ERROR)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


def keys_of(samples: NumberSamples, column: int) -> Floats:
    """The numbers of a column, [rows]."""
    if column >= FIXED:
        assert samples.rows.values is not None
        return np.asarray(samples.rows.values[:, column - FIXED], np.float64)
    rows = samples.rows
    count = np.arange(len(rows), dtype=np.float64)
    return (count, samples.summary.mean, samples.summary.std, rows.truth, samples.error)[column]


class NumberList(Card):
    """`row_chosen(row)` when the user selects another row."""

    row_chosen = Signal(int)

    def __init__(self, theme: Theme, inspection: NumberInspection, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Test rows", parent=parent)
        self.setObjectName("number_list")
        self._inspection = inspection
        self.column, self.falling = SPREAD, True
        self.rows = NumbersModel(self)
        self.table = RowsTable(theme, self.rows)
        self.direction = MiniButton(theme, "sort-descending", "Largest first; press to turn round")
        self.direction.setObjectName("sort_direction")
        self.direction.clicked.connect(lambda: self.sort_by(self.column))
        self.head.add(self.direction)
        self.add(self.table, 1)
        self.table.sort_requested.connect(self.sort_by)
        self.table.selectionModel().currentChanged.connect(self._on_current)
        inspection.samples_changed.connect(self.refresh)
        inspection.image_changed.connect(self._on_image)

    def sort_by(self, column: int) -> None:
        """Sort by a column, its largest values first; again: turn round."""
        self.falling = not self.falling if column == self.column else True
        self.column = column
        self.direction.set_icon("sort-descending" if self.falling else "sort-ascending")
        self.direction.set_tip(f"{'Largest' if self.falling else 'Smallest'} first; press to turn round")
        self.refresh()

    def step(self, by: int) -> None:
        """Select the next row (1) or the previous one (-1)."""
        place = self.table.currentIndex().row() + by
        if 0 <= place < len(self.rows.order):
            self.table.choose(self.rows.row_of(place))

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None:
            return
        if samples.is_single and self.column == SPREAD:
            self.column = ERROR
        keys = keys_of(samples, self.column)
        keys = np.abs(keys) if self.column == ERROR else keys
        keys = np.where(np.isfinite(keys), keys, -np.inf if self.falling else np.inf)
        self.rows.show(samples, np.argsort(-keys if self.falling else keys, kind="stable"))
        self.table.setColumnHidden(SPREAD, samples.is_single)
        self.table.fit(self._inspection.finished)
        self.set_title(f"{samples.rows.title.split(' ')[0].capitalize()} rows")
        self.head.set_count(f"{len(samples.rows):,}")
        self._on_image()

    def _on_image(self) -> None:
        if self.table.chosen() != self._inspection.image:
            self.table.choose(self._inspection.image)

    def _on_current(self, current: QModelIndex, _: QModelIndex) -> None:
        if current.isValid() and self.rows.row_of(current.row()) != self._inspection.image:
            self.row_chosen.emit(self.rows.row_of(current.row()))
