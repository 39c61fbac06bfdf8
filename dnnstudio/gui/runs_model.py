"""The runs of a workspace as a table model: newest first, the best figure of each column known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from dnnstudio.core.runs import RunRecord

Index = QModelIndex | QPersistentModelIndex
NBSP = "\u00a0"
RECORD_ROLE = Qt.ItemDataRole.UserRole + 1
BEST_ROLE = Qt.ItemDataRole.UserRole + 2
EYE_ROLE = Qt.ItemDataRole.UserRole + 3
"""The token of the colour in which a run is drawn under the one that is shown; "" where it is not."""
TRAINING = "training"
"""Status of the live run; the others are those of `core.runs`."""

STATUS_WORDS = {
    "finished": "done",
    "early_stopping": "early stop",
    "stopped": "stopped",
    "diverged": "diverged",
    "failed": "failed",
    "unfinished": "unfinished",
    TRAINING: "training",
}
STATUS_ICONS = {
    "finished": ("check-circle-fill", "good_dot"),
    "early_stopping": ("hourglass", "text2"),
    "stopped": ("stop", "text2"),
    "diverged": ("warning-fill", "error_dot"),
    "failed": ("x-circle", "error_dot"),
    "unfinished": ("question", "text3"),
    TRAINING: ("spinner", "accent"),
}


def share(value: float | None) -> str:
    """87.5 % with a no-break space; a dash where there is none."""
    return "–" if value is None else f"{value * 100:.1f}{NBSP}%"


def figure(value: float | None) -> str:
    """0.351, or with more digits where it is small; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.3f}" if value == 0 or 0.01 <= abs(value) < 1000 else f"{value:.3g}"


def duration(seconds: float | None) -> str:
    """0:07, 12:40 or 1:02:03."""
    if seconds is None:
        return "–"
    total = round(seconds)
    hours, minutes, rest = total // 3600, total // 60 % 60, total % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _epochs(record: RunRecord) -> str:
    if record.status == "finished":
        return f"{record.epochs_done}"
    return f"{record.epochs_done} / {record.epochs_planned}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its title, its text, its width, and which figure is best (1: highest, -1: lowest, 0: none)."""

    title: str
    text: Callable[[RunRecord], str]
    width: int
    best: int = 0
    value: Callable[[RunRecord], float | None] = lambda record: None
    help: str = ""


COLUMNS = (
    Column("Run", lambda record: f"{record.number}  {record.name}", 0, help="Number and name of the run."),
    Column("Status", lambda record: STATUS_WORDS.get(record.status, record.status), 104, help="How the run ended."),
    Column("Epochs", _epochs, 72, help="Epochs trained."),
    Column(
        "Val. loss",
        lambda record: figure(record.val_loss),
        76,
        best=-1,
        value=lambda record: record.val_loss,
        help="Loss on the validation rows: the lower, the better.",
    ),
    Column(
        "Val. acc.",
        lambda record: share(record.val_accuracy),
        78,
        best=1,
        value=lambda record: record.val_accuracy,
        help="Share of the validation rows that the network gets right.",
    ),
    Column(
        "Test acc.",
        lambda record: share(record.test_accuracy),
        78,
        best=1,
        value=lambda record: record.test_accuracy,
        help="Share of the test rows that the network gets right, measured once at the end.",
    ),
    Column(
        "Params",
        lambda record: "–" if record.parameters is None else f"{record.parameters:,}",
        78,
        help="Numbers that the network holds.",
    ),
    Column("Time", lambda record: duration(record.seconds), 58, help="Time of training, without waiting."),
    Column("", lambda record: "", 40, help="Press an eye to draw that run's curves under those of the chosen one."),
)
STATUS_COLUMN = 1
EYE_COLUMN = len(COLUMNS) - 1


class RunsModel(QAbstractTableModel):
    """Newest run first. `put` adds a run or replaces the one of the same folder."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._records: list[RunRecord] = []
        self._best: list[float | None] = [None] * len(COLUMNS)
        self._drawn: dict[Path, str] = {}

    def set_drawn(self, colors: Mapping[Path, str]) -> None:
        """Which runs are drawn under the one that is shown, by folder: the tokens of their colours."""
        self._drawn = dict(colors)
        self.dataChanged.emit(self.index(0, EYE_COLUMN), self.index(len(self._records) - 1, EYE_COLUMN))

    @property
    def records(self) -> tuple[RunRecord, ...]:
        return tuple(self._records)

    def record(self, row: int) -> RunRecord | None:
        """The run in that row, or None."""
        return self._records[row] if 0 <= row < len(self._records) else None

    def row_of(self, folder: Path) -> int:
        """The row of the run in that folder, or -1."""
        return next((row for row, record in enumerate(self._records) if record.folder == folder), -1)

    def put(self, record: RunRecord) -> None:
        """Add the run, or show what is new of it."""
        row = self.row_of(record.folder)
        if row >= 0:
            self._records[row] = record
        else:
            row = sum(other.number > record.number for other in self._records)
            self.beginInsertRows(QModelIndex(), row, row)
            self._records.insert(row, record)
            self.endInsertRows()
        before = list(self._best)
        self._find_best()
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(COLUMNS) - 1))
        for number, (was, best) in enumerate(zip(before, self._best, strict=True)):
            if was != best:  # another run's figure is the bold one now
                self.dataChanged.emit(self.index(0, number), self.index(len(self._records) - 1, number))

    def remove_all_but(self, folders: Iterable[Path]) -> None:
        """Forget the runs whose folders are gone."""
        kept = set(folders)
        if all(record.folder in kept for record in self._records):
            return
        self.beginResetModel()
        self._records = [record for record in self._records if record.folder in kept]
        self.endResetModel()
        self._find_best()

    @property
    def best(self) -> RunRecord | None:
        """The ended run with the highest validation accuracy."""
        rated = [record for record in self._records if record.val_accuracy is not None and record.status != TRAINING]
        return max(rated, key=lambda record: (record.val_accuracy or 0.0, record.number), default=None)

    def _find_best(self) -> None:
        for number, column in enumerate(COLUMNS):
            values = [value for record in self._records if (value := column.value(record)) is not None]
            pick = {1: max, -1: min}.get(column.best)
            self._best[number] = pick(values) if pick is not None and len(values) > 1 else None

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
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                return column.text(record)
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(_alignment(index.column()) | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.ToolTipRole:
                return str(record.folder)
        if role == RECORD_ROLE:
            return record
        if role == EYE_ROLE:
            return self._drawn.get(record.folder, "")
        if role == BEST_ROLE:
            value = column.value(record)
            return value is not None and value == self._best[index.column()]
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


def _alignment(column: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft if column <= STATUS_COLUMN else Qt.AlignmentFlag.AlignRight
