"""The models as a table: what its columns say, how it is searched and sorted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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

from dnnstudio.core.library import Entry
from dnnstudio.gui.dialogs.stack_drawing import Bar, bars_of
from dnnstudio.gui.library.words import layers_text, search_text, when_text
from dnnstudio.gui.runs_model import share

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
SORT_ROLE = int(Qt.ItemDataRole.UserRole) + 2
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, text and width (0: what is left), what it is sorted by, and what it teaches."""

    title: str
    text: Callable[[Entry], str]
    width: int
    by: Callable[[Entry], Any]
    help: str
    left: bool = False


COLUMNS = (
    Column("Model", lambda e: e.name, 0, lambda e: (e.name.lower(), e.path.name), "Name and task of the model.", True),
    Column(
        "Test acc.", lambda e: share(e.accuracy), 82, lambda e: e.accuracy if e.accuracy is not None else -1.0,
        "Share of the test rows that it got right at the end of its training.",
    ),
    Column(
        "Val. acc.", lambda e: share(e.val_accuracy), 82,
        lambda e: e.val_accuracy if e.val_accuracy is not None else -1.0,
        "Share of the validation rows that it got right at the end of its training.",
    ),
    Column(
        "Layers", lambda e: layers_text(e.layers), 128, lambda e: layers_text(e.layers),
        "Whose weights its layers have: its own, cloned from another model, or shared with one.", True,
    ),
    Column("Date", lambda e: when_text(e.when), 138, lambda e: e.when, "When the training began, or the file's.", True),
    Column(
        "Weights", lambda e: e.fingerprint or "–", 120, lambda e: e.fingerprint,
        "Fingerprint of all weights: equal numbers give equal fingerprints, one changed bit gives another.", True,
    ),
)  # fmt: skip
DATE = next(number for number, column in enumerate(COLUMNS) if column.title == "Date")


class EntriesModel(QAbstractTableModel):
    """Models in the order in which they came. Drawings are worked out when they are first painted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: tuple[Entry, ...] = ()
        self._texts: dict[Path, str] = {}
        self._bars: dict[Path, tuple[Entry, tuple[Bar, ...]]] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self._entries

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these and no others."""
        self.beginResetModel()
        self._entries = tuple(entries)
        self._texts = {entry.path: search_text(entry) for entry in self._entries}
        self.endResetModel()

    def entry(self, row: int) -> Entry | None:
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def matches(self, row: int, words: Sequence[str]) -> bool:
        """Whether every word is found in what is known of the model."""
        text = self._texts[self._entries[row].path]
        return all(word in text for word in words)

    def bars(self, entry: Entry) -> tuple[Bar, ...]:
        """The drawing of a model."""
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
                return f"{entry.name}, {entry.task}" if index.column() == 0 else column.text(entry)
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
    """The models that mention every word of the search, sorted by a column."""

    def __init__(self, entries: EntriesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = entries
        self._words: tuple[str, ...] = ()
        self.setSourceModel(entries)

    def search(self, text: str) -> None:
        """Show only what mentions every word."""
        self.beginFilterChange()
        self._words = tuple(text.lower().split())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def entry(self, row: int) -> Entry | None:
        """The model that stands in a row now."""
        return self._model.entry(self.mapToSource(self.index(row, 0)).row())

    def row_of(self, path: Path) -> int:
        """Where a model stands now, or -1."""
        return next((row for row in range(self.rowCount()) if (e := self.entry(row)) and e.path == path), -1)

    # ------------------------------------------------------------------------------------------ Qt

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        return self._model.matches(source_row, self._words)

    def lessThan(self, source_left: Index, source_right: Index) -> bool:
        left, right = source_left.data(SORT_ROLE), source_right.data(SORT_ROLE)
        return bool(left < right)
