"""The runs of a workspace as a table model: newest first, with the best figure of each column marked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from dnnstudio.core.study.repeat_record import spread_words
from dnnstudio.core.text import duration, share_text, unbroken
from dnnstudio.core.workspace.runs import Repeated, RunRecord, Spread
from dnnstudio.gui.base.run_words import STATUS_WORDS, TRAINING, epochs_text, figure

Index = QModelIndex | QPersistentModelIndex
RECORD_ROLE = Qt.ItemDataRole.UserRole + 1
BEST_ROLE = Qt.ItemDataRole.UserRole + 2
EYE_ROLE = Qt.ItemDataRole.UserRole + 3
"""The token of the colour in which a run is drawn under the one that is shown; "" where it is not."""
FOLD_ROLE = Qt.ItemDataRole.UserRole + 4
"""A `Fold`: what the caret of a row's name does."""
OUTDATED = "†"
"""Stands behind a figure that is older than the weights: a training of another run changed shared layers."""
BY_HAND = "*"
"""Stands behind the number of a run whose learning rate was changed by hand."""
RATE_BY_HAND = "learning rate changed by hand"


def _name(record: RunRecord) -> str:
    """Number, the mark of a rate that was changed by hand, and the name, which is cut first where there is no room."""
    which = f"{record.number}" if record.number else record.folder.name
    varied = f": {record.sweep.varied}" if record.sweep is not None else ""
    return f"{which}{BY_HAND if record.rate_by_hand else ''}  {record.name}{varied}"


def outdated(record: RunRecord) -> bool:
    """Whether the run's figures are older than its weights."""
    return record.measured is not None and record.measured.outdated


def _of(record: RunRecord, text: str) -> str:
    """A figure, marked where it is of weights that the model no longer has."""
    return f"{text}{OUTDATED}" if outdated(record) and text != "–" else text


def _current(record: RunRecord, value: float | None) -> float | None:
    """A figure that may be the best of its column: that of weights which are there."""
    return None if outdated(record) else value


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, text, width, and which figure is best (1: highest, -1: lowest, 0: none)."""

    title: str
    text: Callable[[RunRecord], str]
    width: int
    best: int = 0
    value: Callable[[RunRecord], float | None] = lambda record: None
    help: str = ""
    spread: Callable[[Repeated], Spread | None] | None = None
    """The figure over the seeds of a repeat, whose mean is in the cell."""


COLUMNS = (
    Column("Run", _name, 0, help=f"Number and name of the run; {BY_HAND}: its learning rate was changed by hand."),
    Column("Status", lambda record: STATUS_WORDS.get(record.status, record.status), 104, help="How the run ended."),
    Column(
        "Epochs",
        epochs_text,
        90,
        help="Epochs trained, of those planned; of a repeat, its seeds; of a sweep, its trials.",
    ),
    Column(
        "Val. loss",
        lambda record: _of(record, figure(record.val_loss)),
        78,
        best=-1,
        value=lambda record: _current(record, record.val_loss),
        spread=lambda repeat: repeat.val_loss,
        help="Loss on the validation rows, the lower, the better: cross-entropy where classes are told apart, the mean "
        "squared error where a number is predicted, unless the experiment names another.",
    ),
    Column(
        "Val. acc.",
        lambda record: _of(record, share_text(record.val_accuracy)),
        78,
        best=1,
        value=lambda record: _current(record, record.val_accuracy),
        spread=lambda repeat: repeat.val_accuracy,
        help="Share of the validation rows that the network gets right.",
    ),
    Column(
        "Test acc.",
        lambda record: _of(record, share_text(record.test_accuracy)),
        78,
        best=1,
        value=lambda record: _current(record, record.test_accuracy),
        spread=lambda repeat: repeat.test_accuracy,
        help="Share of the test rows that the network gets right, measured once at the end.",
    ),
    Column(
        "Val. R²",
        lambda record: _of(record, figure(record.val_r2)),
        72,
        best=1,
        value=lambda record: _current(record, record.val_r2),
        spread=lambda repeat: repeat.val_r2,
        help="Share of the target's variance on the validation rows that is explained: 1 is perfect.",
    ),
    Column(
        "Test R²",
        lambda record: _of(record, figure(record.test_r2)),
        72,
        best=1,
        value=lambda record: _current(record, record.test_r2),
        spread=lambda repeat: repeat.test_r2,
        help="Share of the target's variance on the test rows that is explained, measured once at the end.",
    ),
    Column(
        "Params",
        lambda record: "–" if record.parameters is None else f"{record.parameters:,}",
        78,
        help="Numbers that the network holds.",
    ),
    Column("Time", lambda record: unbroken(duration(record.seconds)), 86, help="Time of training, without waiting."),
    Column("", lambda record: "", 36, help="Press an eye to draw that run's curves under those of the chosen one."),
)
OF_CLASSES, OF_NUMBERS = (
    tuple(place for place, column in enumerate(COLUMNS) if column.title.endswith(ending)) for ending in ("acc.", "R²")
)
"""The columns of the figures that one kind of task has."""
RATED = tuple(place for place, column in enumerate(COLUMNS) if column.best)
"""The columns of which one figure is the best."""
STATUS_COLUMN = 1
EYE_COLUMN = len(COLUMNS) - 1


class Fold(Enum):
    """Whether a row can be unfolded, is, or lies below one that is."""

    NONE = "none"
    CLOSED = "closed"
    OPEN = "open"
    MEMBER = "member"


class RunsModel(QAbstractTableModel):
    """Newest run first. `put` adds a run or replaces the one of the same folder.

    A row of several trainings can be unfolded; the members below it are no runs of the table: no figure of theirs is
    the best, and they are none of `records`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: list[RunRecord] = []  # the highest number first
        self._folders: set[Path] = set()
        self._parent_of: dict[Path, RunRecord] = {}  # of the members that are shown
        self._open: set[Path] = set()
        self._values: dict[tuple[str, int], dict[Path, float]] = {}  # data and column: the figures that may be the best
        self._best: dict[tuple[str, int], float] = {}
        self._drawn: dict[Path, str] = {}

    def set_drawn(self, colors: Mapping[Path, str]) -> None:
        """Set the runs that are drawn below the displayed one: run folder → colour token."""
        self._drawn = dict(colors)
        self.dataChanged.emit(self.index(0, EYE_COLUMN), self.index(len(self._records) - 1, EYE_COLUMN))

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return tuple(record for record in self._records if record.folder not in self._parent_of)

    def record(self, row: int) -> RunRecord | None:
        """The run in that row, or None."""
        return self._records[row] if 0 <= row < len(self._records) else None

    def row_of(self, folder: Path) -> int:
        """The row of the run in that folder, or -1."""
        if folder not in self._folders:
            return -1
        return next(row for row, record in enumerate(self._records) if record.folder == folder)

    def put(self, record: RunRecord) -> None:
        """Add the run, or update it."""
        row, best = self.row_of(record.folder), dict(self._best)
        cells: set[tuple[int, int]] = set()
        if row >= 0:
            before = self._records[row]
            cells = {(row, n) for n in range(len(COLUMNS)) if _shown(before, n) != _shown(record, n)}
            self._count_out(before)
            self._records[row] = record
            for folder, parent in self._parent_of.items():
                if parent.folder == record.folder:
                    self._parent_of[folder] = record
        else:
            row = bisect_left(self._records, -record.number, key=self._order)
            self._insert(row, record)
        self._count_in(record)
        moved = {(number, value) for (_, number), value in best.items() ^ self._best.items()}  # bold now, or no more
        for at, each in enumerate(self._records if moved else ()):
            cells |= {(at, number) for number, value in moved if COLUMNS[number].value(each) == value}
        for cell in sorted(cells or {(row, 0)}):  # one by one: of a range, a table paints all that it shows
            index = self.index(*cell)
            self.dataChanged.emit(index, index)

    def _order(self, record: RunRecord) -> int:
        return -self._parent_of.get(record.folder, record).number

    def _insert(self, row: int, record: RunRecord) -> None:
        self.beginInsertRows(QModelIndex(), row, row)
        self._records.insert(row, record)
        self._folders.add(record.folder)
        self.endInsertRows()

    # ------------------------------------------------------------------------------------------ unfolding

    def is_open(self, folder: Path) -> bool:
        """Whether the row of that folder is unfolded."""
        return folder in self._open

    def set_open(self, folder: Path, opened: bool) -> None:
        """Unfold a row, whose members come by `put_member`, or fold it with all of them."""
        row = self.row_of(folder)
        if row < 0 or opened == (folder in self._open):
            return
        if opened:
            self._open.add(folder)
        else:
            self._open.discard(folder)
            members = self._members_below(row)
            if members:
                self.beginRemoveRows(QModelIndex(), row + 1, row + len(members))
                del self._records[row + 1 : row + 1 + len(members)]
                for member in members:
                    self._folders.discard(member)
                    del self._parent_of[member]
                self.endRemoveRows()
        self.dataChanged.emit(self.index(row, 0), self.index(row, 0))

    def put_member(self, folder: Path, record: RunRecord) -> None:
        """Add a run at the end of the unfolded row of `folder`, or update it there."""
        row = self.row_of(folder)
        if row < 0 or folder not in self._open:
            return
        place = self.row_of(record.folder)
        if place < 0:
            place = row + 1 + len(self._members_below(row))
            self._parent_of[record.folder] = self._records[row]
            self._insert(place, record)
        elif record.folder in self._parent_of:
            self._records[place] = record
        self.dataChanged.emit(self.index(place, 0), self.index(place, len(COLUMNS) - 1))

    def _members_below(self, row: int) -> list[Path]:
        found = []
        for record in self._records[row + 1 :]:
            if record.folder not in self._parent_of:
                break
            found.append(record.folder)
        return found

    def fold_of(self, record: RunRecord) -> Fold:
        """What the caret of a row does."""
        if record.folder in self._parent_of:
            return Fold.MEMBER
        if record.repeat is None and record.sweep is None:
            return Fold.NONE
        return Fold.OPEN if record.folder in self._open else Fold.CLOSED

    def remove_all_but(self, folders: Iterable[Path]) -> None:
        """Remove the runs whose folders no longer exist."""
        kept = set(folders)
        kept |= {member for member, parent in self._parent_of.items() if parent.folder in kept}
        if all(record.folder in kept for record in self._records):
            return
        self.beginResetModel()
        self._records = [record for record in self._records if record.folder in kept]
        self._folders = {record.folder for record in self._records}
        self._parent_of = {member: parent for member, parent in self._parent_of.items() if member in kept}
        self._open &= kept
        self._values, self._best = {}, {}
        for record in self.records:
            self._count_in(record)
        self.endResetModel()

    @property
    def unused(self) -> frozenset[int]:
        """The columns of the task that no run has: R² where only classes are told apart, accuracy where only numbers
        are predicted.
        """
        numbers = any(record.val_r2 is not None or record.test_r2 is not None for record in self._records)
        classes = any(record.val_accuracy is not None for record in self._records)
        if not numbers:
            return frozenset(OF_NUMBERS)
        return frozenset() if classes else frozenset(OF_CLASSES)

    @property
    def best(self) -> RunRecord | None:
        """The ended run with the highest validation accuracy, of those on the data of the newest one; where a number is
        predicted, the highest R².
        """
        ended = [record for record in self.records if record.status != TRAINING and not outdated(record)]
        ended = [record for record in ended if record.trained_on == ended[0].trained_on]
        rated = [(record.val_accuracy, record) for record in ended if record.val_accuracy is not None]
        rated = rated or [(record.val_r2, record) for record in ended if record.val_r2 is not None]
        return max(rated, key=lambda pair: (pair[0], pair[1].number), default=(None, None))[1]

    def _count_in(self, record: RunRecord) -> None:
        """Let the run's figures compete with those of the runs on the same data."""
        values = {number: COLUMNS[number].value(record) for number in RATED}
        for number, value in values.items():
            if value is not None:
                self._values.setdefault((record.trained_on, number), {})[record.folder] = value
        self._find_best(record.trained_on)

    def _count_out(self, record: RunRecord) -> None:
        """Take the run's figures out of the competition again."""
        for number in RATED:
            self._values.get((record.trained_on, number), {}).pop(record.folder, None)
        self._find_best(record.trained_on)

    def _find_best(self, group: str) -> None:
        """The best figure of each column among the runs that were trained on the same data, where there are several."""
        for number in RATED:
            key, values = (group, number), self._values.get((group, number), {})
            self._best.pop(key, None)
            if len(values) > 1:
                self._best[key] = max(values.values()) if COLUMNS[number].best > 0 else min(values.values())

    # ------------------------------------------------------------------------------------------ Qt

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._records)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        record = self.record(index.row()) if index.isValid() else None
        if record is None:
            return None
        column = COLUMNS[index.column()]
        if index.column() == EYE_COLUMN and role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return "Drawn with the chosen run" if record.folder in self._drawn else "Draw with the chosen run"
        fold = self.fold_of(record)
        text = record.name if fold is Fold.MEMBER and index.column() == 0 else column.text(record)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.AccessibleTextRole:
                said = {Fold.OPEN: ", unfolded", Fold.CLOSED: ", folded"}.get(fold, "") if index.column() == 0 else ""
                return f"{text.replace(BY_HAND, f' {RATE_BY_HAND}')}{said}"
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(_alignment(index.column()) | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.ToolTipRole:
                if column.spread is not None and record.repeat is not None:
                    share = index.column() in OF_CLASSES
                    return f"Over the seeds: {spread_words(column.spread(record.repeat), share=share)}"
                if column.best and record.sweep is not None and record.sweep.best is not None:
                    return f"Of trial {record.sweep.best}, the best by the validation part."
                said = record.measured.sentence if record.measured is not None and column.best else ""
                by_hand = f"{RATE_BY_HAND.capitalize()}.\n" if record.rate_by_hand and not index.column() else ""
                return said or f"{text}\n{by_hand}{record.folder}"
        if role == RECORD_ROLE:
            return record
        if role == EYE_ROLE:
            return self._drawn.get(record.folder, "")
        if role == FOLD_ROLE:
            return fold
        if role == BEST_ROLE:
            value = column.value(record) if fold is not Fold.MEMBER else None
            return value is not None and value == self._best.get((record.trained_on, index.column()))
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            case Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].help
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(_alignment(section) | Qt.AlignmentFlag.AlignVCenter)
        return None


def _shown(record: RunRecord, column: int) -> tuple[object, ...]:
    """What a cell paints of its record."""
    return COLUMNS[column].text(record), record.status, record.repeat is None


def _alignment(column: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft if column <= STATUS_COLUMN else Qt.AlignmentFlag.AlignRight
