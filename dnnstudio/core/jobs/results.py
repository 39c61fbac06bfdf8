"""Results of finished jobs: frozen, so that they can be passed between threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError

if TYPE_CHECKING:  # a receiver of one result need not import the types of all the others
    from dnnstudio.core.experiment.data import DataSummary
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.workspace.catalog import Entry, LayerComparison, OptionDifference

Start = Literal["source", "scratch", "transfer"]
"""The network of a comparison that is trained, and its initial weights."""
EndReason = Literal["finished", "early_stopping", "stopped", "diverged", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPreview:
    """Contents of the data panel: the summary and one training row per class (`thumbnails` uint8, [classes, h, w]).

    `labels`, `label_names` and `label_counts` describe the source before the class filter: the values that
    `Classes.keep` may contain, their names, and how many rows have them (test rows included).
    """

    summary: DataSummary
    thumbnails: NDArray[np.uint8] | None = None
    labels: tuple[int, ...] = ()
    label_names: tuple[str, ...] = ()
    label_counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmented:
    """One training picture as it is, and varied: uint8, [n, h, w] or [n, h, w, 3]. It is number `row` of `rows`."""

    pictures: NDArray[np.uint8]
    row: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    run: str
    folder: Path
    reason: EndReason
    epochs: int
    best_epoch: int
    metrics: dict[str, Any]
    """As in metrics.json: {"train": {"loss", "accuracy"}, "validation": …, "test": …, …}; train is without dropout."""
    elsewhere: str = ""
    """Why `folder` is another one than the run's own, which could not be written at the end: a sentence."""

    def require_in_place(self) -> None:
        """Raises `UserError` where the run lies elsewhere: what was asked for is not where it was asked for."""
        if self.elsewhere:
            raise UserError(self.elsewhere, "Copy it from there when there is room again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The figures of each part: `parts["test"]["accuracy"]`."""

    parts: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedFiles:
    """How many cases were answered and how many could not be, in the file at `path`; and what a person should know."""

    path: Path
    answered: int
    failed: int
    first_error: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedModel:
    """A transcribed model: its layers as part of an experiment, and notes for the user."""

    model: str
    experiment: Experiment
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()
    has_experiment: bool = False
    """Whether the file contained the whole experiment (as this program writes it) or only the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    """A written Keras file. `note` says what a person must know of the rows that it reads, "" where nothing."""

    path: Path
    bytes: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstructions:
    """Rows beside their reconstructions, and the mean squared error of each.

    Images are uint8, [n, h, w] or [n, h, w, channels]; other rows are float32 in the units of the file, [n, features].
    """

    originals: NDArray[Any]
    drawn: NDArray[Any]
    errors: NDArray[np.float32]
    pictures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonKey:
    """Identifies a training of a comparison: its seed, and whether it is the source's, from scratch or transferred."""

    seed: int
    start: Start


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRun:
    """One finished training of a comparison."""

    seed: int
    start: Start
    folder: Path
    metrics: dict[str, Any]

    @property
    def key(self) -> ComparisonKey:
        return ComparisonKey(seed=self.seed, start=self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and sample standard deviation over the seeds (0 for a single value)."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferComparison:
    """`summary["transfer"]["test"]["accuracy"]` and so on; the same is stored in `folder` as JSON and CSV."""

    folder: Path
    runs: tuple[ComparisonRun, ...]
    summary: dict[str, dict[str, dict[str, Spread]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """`entries` of `core.workspace.catalog`, newest first, and a message for each file that could not be read."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelComparison:
    """Layers side by side, whether all weights are equal, and both models' figures on the same test part."""

    layers: tuple[LayerComparison, ...]
    options: tuple[OptionDifference, ...]
    same_weights: bool
    figures: tuple[dict[str, float], dict[str, float]] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRate:
    """A learning-rate range test: rate, loss and smoothed loss of each step up to its end.

    `steepest` is the rate at which the smoothed loss falls fastest, `tenth_of_lowest` a tenth of the rate with the
    lowest smoothed loss; both None if the loss never fell. `exploded` says that the loss ended the test before its
    highest rate.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    steepest: float | None
    tenth_of_lowest: float | None
    exploded: bool
