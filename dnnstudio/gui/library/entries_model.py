"""The models as a table: columns, search and sorting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from dnnstudio.core.text import NBSP, date_text, figure, share_text
from dnnstudio.core.workspace.catalog import Entry
from dnnstudio.gui.base.runs_model import OUTDATED
from dnnstudio.gui.dialogs.stack_drawing import Bar, bars_of
from dnnstudio.gui.library.sentences import layers_text, search_text, subtitle

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 2
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, text and width (0: the remaining space), its sort key, and its explanation."""

    title: str
    text: Callable[[Entry], str]
    width: int
    by: Callable[[Entry], Any]
    help: str
    left: bool = False
    wide_only: bool = False
    """Hidden in a narrow window."""


def _figure(entry: Entry, accuracy: float | None, r2: float | None) -> str:
    """An accuracy or R², marked where a training of another model has changed shared layers since it was measured."""
    text = share_text(accuracy) if r2 is None else f"R²{NBSP}{figure(r2)}"
    measured = accuracy is not None or r2 is not None
    return f"{text} {OUTDATED}" if entry.outdated and measured else text


def _height(accuracy: float | None, r2: float | None) -> tuple[bool, float]:
    """Sorts accuracies by themselves, below them R², and first what has neither."""
    value = accuracy if accuracy is not None else r2
    return accuracy is not None, -inf if value is None else value


COLUMNS = (
    Column("Model", lambda e: e.name, 0, lambda e: (e.name.lower(), e.path.name), "Name and task of the model.", True),
    Column(
        "Test", lambda e: _figure(e, e.accuracy, e.r2), 82, lambda e: _height(e.accuracy, e.r2),
        "Share of the test rows that it got right at the end of its training; of a predicted number R², where 1 is "
        "perfect. †: older than its weights.",
    ),
    Column(
        "Validation", lambda e: _figure(e, e.val_accuracy, e.val_r2), 88, lambda e: _height(e.val_accuracy, e.val_r2),
        "Share of the validation rows that it got right at the end of its training; of a predicted number R². †: older "
        "than its weights.",
        wide_only=True,
    ),
    Column(
        "Layers", lambda e: layers_text(e.layers), 128, lambda e: layers_text(e.layers),
        "Whose weights its layers have: its own, cloned from another model, or shared with one.", True,
    ),
    Column("Date", lambda e: date_text(e.when), 138, lambda e: e.when, "When the training began, or the file's.", True),
    Column(
        "Weights", lambda e: e.fingerprint or "–", 120, lambda e: e.fingerprint,
        "Fingerprint of all weights: equal numbers give equal fingerprints, one changed bit gives another.", True, True,
    ),
)  # fmt: skip
DATE = next(number for number, column in enumerate(COLUMNS) if column.title == "Date")


class EntriesModel(QAbstractTableModel):
    """Models in their original order. Diagrams are computed when first painted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self._texts: dict[Path, str] = {}
        self._bars: dict[Path, tuple[Entry, tuple[Bar, ...]]] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._entries

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Replace all models."""
        self.beginResetModel()
        self._entries = tuple(entries)
        self._texts = {entry.path: search_text(entry) for entry in self._entries}
        self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def matches(self, row: int, words: Sequence[str]) -> bool:
        """Whether every word occurs in the model's facts."""
        text = self._texts[self._entries[row].path]
        return all(word in text for word in words)

    def bars(self, entry: Entry) -> tuple[Bar, ...]:
        """The diagram of a model."""
        known = self._bars.get(entry.path)
        if known is None or known[0] is not entry:
            known = self._bars[entry.path] = (entry, bars_of(entry.experiment, input_shape=entry.input_shape))
        return known[1]

    # ------------------------------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        column = COLUMNS[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.text(entry)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{entry.name}, {subtitle(entry)}" if index.column() == 0 else column.text(entry)
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(LEFT if column.left else RIGHT)
            case Qt.ItemDataRole.ToolTipRole:
                return str(entry.path) if index.column() == 0 else column.text(entry)
        if role == ENTRY_ROLE:
            return entry
        return column.by(entry) if role == SORT_ROLE else None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return f"{COLUMNS[section].help} Press to sort."
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(LEFT if COLUMNS[section].left else RIGHT)
        return None


class ShownEntries(QSortFilterProxyModel):
    """The models that match the search, sorted by a column."""

    def __init__(self, entries: EntriesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = entries
        self._words: tuple[str, ...] = ()
        self.setSourceModel(entries)

    def search(self, text: str) -> None:
        """Show only models that mention every word."""
        self.beginFilterChange()
        self._words = tuple(text.lower().split())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def entry(self, row: int) -> Entry | None:
        """The model in a displayed row."""
        return self._model.entry(self.mapToSource(self.index(row, 0)).row())

    def row_of(self, path: Path) -> int:
        """The displayed row of a model, or -1."""
        return next((row for row in range(self.rowCount()) if (e := self.entry(row)) and e.path == path), -1)

    # ------------------------------------------------------------------------------------------ Qt

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        return self._model.matches(source_row, self._words)

    def lessThan(self, source_left: Index, source_right: Index) -> bool:
        left, right = source_left.data(SORT_ROLE), source_right.data(SORT_ROLE)
        return bool(left < right)
