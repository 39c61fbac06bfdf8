"""The job that asks a network about its test rows for a report, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.jobs.requests import Job

if TYPE_CHECKING:  # who submits the job need not import what it is about
    from dnnstudio.core.workspace.runs import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureForReport(Job):
    """Answer the test rows of a run or an ensemble. Result: `ReportFigures`."""

    model: Path
    weights: Weights = "last"


@dataclass(frozen=True, slots=True)
class Bin:
    """Of a reliability diagram: so many rows, their mean confidence and their accuracy."""

    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Kept:
    """If only the surest `share` of the rows is decided: those of at most this `threshold` of entropy, and their
    accuracy.
    """

    share: float
    threshold: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFigures:
    """What the rows of `part` say. `confusion` has a row a true class and a column an answer.

    `pairs` are true values and answers of up to 500 rows where a number is predicted. `passes` is 1 where nothing is
    random; then there is no mutual information.
    """

    part: str
    rows: int
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    bins: tuple[Bin, ...] = ()
    calibration_error: float | None = None
    brier: float | None = None
    pairs: tuple[tuple[float, float], ...] = ()
    passes: int = 1
    entropy: float | None = None
    mutual_information: float | None = None
    kept: tuple[Kept, ...] = ()
    notes: tuple[str, ...] = ()
