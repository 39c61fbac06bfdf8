"""Jobs of the window that answers new cases, their events and results: blocks of rows as arrays, for quick lists.

`requests.PredictFiles` is the same for the command line: it writes a file and holds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.answers import AnswerTable, Cell
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import Job, PredictFiles
from dnnstudio.core.text import count_of

if TYPE_CHECKING:  # who asks for one job need not import the types of all the others
    from dnnstudio.core.uncertainty.conformal import IntervalCalibration, SetCalibration
    from dnnstudio.core.workspace.runs import Weights

Floats = NDArray[np.float64]
EPOCH = np.datetime64("1970-01-01", "D")
InputKind = Literal["number", "category", "yes_no", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Which network answers: a run folder, a model file, an ensemble's folder or the id of an opened model.

    `samples` passes with dropout on (of each member of an ensemble) give the answers a spread; `seed` draws them, the
    experiment's if None. `invert` turns the `ReversedPictures` round before they are answered.
    """

    model: str | Path
    weights: Weights = "last"
    samples: int | None = None
    seed: int | None = None
    invert: bool = False


# ------------------------------------------------------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeNetwork(Job):
    """What a network can be asked. Result: `NetworkFacts`."""

    by: Answering


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCases(Job):
    """Answer files and folders; `AnswersCame` events carry the answers as they come. Result: `AnsweredCases`."""

    by: Answering
    inputs: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow(Job):
    """Answer one row of stored values, as `InputColumn` describes them. Result: `AnswerRows` of one row."""

    by: Answering
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateAnswers(Job):
    """Answer the rows that calibrate a coverage, as new cases are answered. Result: `AnswerCalibration`."""

    by: Answering


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveAnswers(Job):
    """Write answers to `path` (.csv, .parquet or .json). Result: `SavedAnswers`.

    `calibration` gives the sets or intervals, `referred` [rows] says which cases a person should see, `corrected` has
    what a person said instead, by the row's place among all. `inputs` are the columns of the rows' `cells`.
    """

    blocks: tuple[AnswerRows, ...]
    table: AnswerTable
    path: Path
    calibration: SetCalibration | IntervalCalibration | None = None
    referred: NDArray[np.bool_] | None = None
    corrected: Mapping[int, str | float] = field(default_factory=dict)
    inputs: tuple[InputColumn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPictures(Job):
    """Copy picture files into a folder for each answer below `folder`. Result: `CopiedPictures`.

    `pictures` are files and their answers; nothing that exists is written over.
    """

    pictures: tuple[tuple[Path, str], ...]
    folder: Path


# ----------------------------------------------------------------------------------------------- events and results


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerRows:
    """The answers to a block of cases, [n] of them in the order of the inputs.

    `rows` counts from 1 within `sources`, 0 where a whole file could not be used; `errors` are sentences, empty where
    there is an answer. `values` are probabilities [n, classes], or numbers [n] in the target's own unit, NaN where
    there is an error; so are the others. `std`, `predictive_entropy` and `mutual_information` [n] compare passes.

    For looking at one case, and None once much is kept: `passes` [n, passes, k] are the passes' values of the k
    likeliest classes `top` [n, k] (k is 1 for a number), `votes` [n, k] how many passes put them first, `off` as
    `values` with dropout off; `pictures` uint8 [n, h, w] or [n, h, w, 3] are small; `cells` [n, columns] are the stored
    values of a table's row.
    """

    sources: tuple[str, ...]
    rows: NDArray[np.int64]
    errors: tuple[str, ...]
    values: Floats
    std: Floats | None = None
    predictive_entropy: Floats | None = None
    mutual_information: Floats | None = None
    off: Floats | None = None
    passes: NDArray[np.float32] | None = None
    top: NDArray[np.int64] | None = None
    votes: NDArray[np.int64] | None = None
    pictures: NDArray[np.uint8] | None = None
    cells: Floats | None = None

    def __len__(self) -> int:
        return len(self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersCame(Event):
    """The next block of answers."""

    rows: AnswerRows


@dataclass(frozen=True, slots=True)
class ReversedPictures:
    """How many pictures are dark on light (or the reverse), unlike the training pictures, and if they were inverted."""

    count: int
    dark_on_light: bool = True
    inverted: bool = False

    @property
    def sentence(self) -> str:
        """What a person should know of them."""
        are = "is" if self.count == 1 else "are"
        own, other = ("dark on light", "light on dark")[:: 1 if self.dark_on_light else -1]
        if self.inverted:
            return f"{count_of(self.count, 'picture')} {own} {'was' if self.count == 1 else 'were'} inverted."
        return f"{count_of(self.count, 'picture')} {are} {own}; the network learnt {other}."


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredCases:
    """How many cases were answered, how many could not be, and what a person should know."""

    answered: int
    failed: int
    notes: tuple[str, ...] = ()
    turned: ReversedPictures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputColumn:
    """One column of the rows that a network answers, and how its cells are stored.

    A number is stored as it is, a date as days since 1970-01-01, yes and no as 1 and 0, a category as its place in
    `categories`. `low` and `high` are the range of the training rows, None where the run keeps no word of it; `start`
    is a value to begin with. An empty cell is stored as NaN where it `may_be_empty`. `seen` are the places of the
    categories that training rows had. `whole` says that the training rows hold whole numbers alone.
    """

    name: str
    kind: InputKind = "number"
    low: float | None = None
    high: float | None = None
    whole: bool = False
    start: float = 0.0
    categories: tuple[str, ...] = ()
    seen: tuple[int, ...] = ()
    may_be_empty: bool = False

    @property
    def cell_type(self) -> type:
        """The type of its cells in a file."""
        return float if self.kind == "number" else str

    def cell(self, value: float) -> Cell:
        """A stored value as a table writes it; None for an empty one, and for a category that nobody has seen."""
        if np.isnan(value):
            return None
        match self.kind:
            case "category":
                return self.categories[int(value)] if 0 <= value < len(self.categories) else None
            case "yes_no":
                no, yes = self.categories if len(self.categories) == 2 else ("no", "yes")
                return yes if value else no
            case "date":
                return str(EPOCH + int(value))
            case _:
                return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """What a network tells apart, and what it can read.

    `classes` is empty where it predicts a number, called `target`. `members` is 1 but for an ensemble. `columns` are
    those of a table's row, none where rows are pictures or arrays.
    """

    classes: tuple[str, ...]
    target: str = ""
    random: bool = False
    members: int = 1
    pictures: bool = False
    tables: bool = False
    arrays: bool = False
    columns: tuple[InputColumn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerCalibration:
    """What the network says of the calibration rows, so that any coverage can be promised without asking again.

    `values` are probabilities [rows, classes], or numbers [rows]; `truth` [rows] are the true classes or numbers.
    `uncertainties` [rows] are of the same rows, as new cases have them; None where nothing says how sure a number is.
    """

    values: Floats
    truth: NDArray[np.generic]
    note: str
    uncertainties: Floats | None = None

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True, slots=True)
class SavedAnswers:
    """The file that was written, and how many rows it has; to the last so many of them no input columns were kept."""

    path: Path
    rows: int
    without_inputs: int = 0


@dataclass(frozen=True, slots=True)
class CopiedPictures:
    """How many pictures were copied below `folder`, and those that could not be, each with the reason."""

    folder: Path
    copied: int
    refused: tuple[tuple[Path, str], ...] = ()


CASE_JOBS = (PredictFiles, DescribeNetwork, AnswerCases, AnswerRow, CalibrateAnswers, SaveAnswers, CopyPictures)
"""All jobs that answer new cases, or do something with the answers."""
