"""What a person's own file or folder is found to hold, and the experiment proposed for it: the answer to `ProposeData`.

Plain facts, so that the window draws without reading a file or knowing a library of tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # who takes a proposal need not load what it is made with
    from dnnstudio.core.experiment.data import DataSummary
    from dnnstudio.core.experiment.data.questions import Question
    from dnnstudio.core.experiment.data.sources.table import (
        Decimal,
        Encoding,
        Kind,
        Missing,
        Role,
        Separator,
        Thousands,
    )
    from dnnstudio.core.experiment.record import Experiment

FileKind = Literal["text", "sheet", "columns"]
"""A text table; a sheet of Excel or ODS; a file that names and types its columns, as Parquet does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a table's file is read. In a request, None is found out; in an answer, None means that it does not apply."""

    encoding: Encoding | None = None
    separator: Separator | None = None
    header: Literal["yes", "no"] | None = None
    decimal: Decimal | None = None
    thousands: Thousands | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """What a person decided about a column; None leaves it as it is found."""

    name: str
    role: Role | None = None
    kind: Kind | None = None
    missing: Missing | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person answered to a `Question`: the value of a field of the source."""

    field: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column as its head shows it.

    `bars` are counts: of the values named by `labels`, or, where there are no labels, of equally wide ranges of
    numbers or days. `span` is the range, the number of values, or the share of yes, in words. `inputs` is how many
    inputs it gives the network, `filling` what becomes of its empty cells.
    """

    name: str
    role: Role
    kind: Kind
    reason: str
    different: int
    missing: int
    filling: Missing = "refuse"
    bars: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    span: str = ""
    inputs: int = 0


@dataclass(frozen=True, slots=True)
class DroppedLine:
    """A line of the file that is not a row: how many cells it has, and how it begins."""

    line: int
    cells: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing worth knowing. `action` names the one click that changes it: by `changes`, or by going to `line`."""

    text: str
    detail: str = ""
    severity: Literal["hint", "news"] = "news"
    action: str = ""
    changes: tuple[ColumnChange, ...] = ()
    line: int | None = None


@dataclass(frozen=True, slots=True)
class InputGroup:
    """Columns that become inputs in the same way, and how many inputs they give together."""

    columns: tuple[str, ...]
    how: str
    inputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFindings:
    """A table as it was read: its columns, and its first rows in the file's own spelling.

    `lines` are the places of the rows of `cells` in the file, called "line" or "row" by `place`; a cell is None where
    it is empty. `width` is how many cells a row has, `dropped_count` how many lines were dropped, of which `dropped`
    holds the first.
    """

    file: FileKind
    reading: Reading
    sheets: tuple[str, ...]
    rows: int
    width: int
    place: str
    columns: tuple[ColumnFacts, ...]
    lines: tuple[int, ...]
    cells: tuple[tuple[str | None, ...], ...]
    dropped: tuple[DroppedLine, ...] = ()
    dropped_count: int = 0
    inputs: tuple[InputGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no experiment for a table that could be read, and what would help."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataProposal:
    """A new experiment for a person's own data, or the reason why there is none yet.

    `given_parts` are the parts of the split that files, folders or a column decide, "validation" and "test".
    `class_counts` are the rows of each class of `summary.class_names` over all parts. `thumbnails` are as in
    `DataPreview`. `table` is None for what is no table. `questions` must be answered before anything can be read;
    `answers` are those given, and those that follow from them.
    """

    path: Path
    experiment: Experiment | None
    summary: DataSummary | None
    target: str = ""
    class_counts: tuple[int, ...] = ()
    given_parts: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    table: TableFindings | None = None
    refusal: Refusal | None = None
    questions: tuple[Question, ...] = ()
    answers: tuple[Answer, ...] = ()
    thumbnails: NDArray[np.uint8] | None = None

    @property
    def noun(self) -> str:
        """What one of its rows is called."""
        return "row" if self.thumbnails is None else "picture"
