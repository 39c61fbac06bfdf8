"""What the window and the command line ask of the engine, and what comes back: frozen facts, safe to pass on.

A job goes in through `engine.session.Session.run(job, control, emit)`; events come out through `emit` while it runs;
its result is what `run` returns. `gui.engine_thread` carries the same objects across threads.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.data import Data, DataSummary
from dnnstudio.core.divergence import Divergence
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.health import LayerHealth
from dnnstudio.core.library import Entry, LayerComparison, OptionDifference
from dnnstudio.core.uncertainty.samples import Masks, Samples
from dnnstudio.core.uncertainty.shift import Shift

Part = Literal["train", "validation", "test"]
EndReason = Literal["finished", "early_stopping", "stopped", "diverged", "failed"]


def new_id() -> str:
    """A short random name for a job or a run."""
    return uuid.uuid4().hex[:12]


# ----------------------------------------------------------------------------------------------- jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeData(Job):
    """Read the data and say what is there. Result: `DataPreview`. `download` allows the network to be used."""

    data: Data
    seed: int
    download: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRun(Job):
    """Train a fresh network (or go on with `resume_from`, a run folder). The job's id is the run's id.

    Result: `RunResult`. `folder` is made and filled as DESIGN section 3 says. A relative `transfer.source` starts from
    `base`, the folder of the experiment's file. What the run shares with other models is changed in them too.
    `stop_after` is an epoch (counted from 1) after which it stops though more are planned.
    """

    experiment: Experiment
    folder: Path
    resume_from: Path | None = None
    base: Path | None = None
    stop_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateModel(Job):
    """Loss and accuracy of a model on the experiment's parts. `model` is a run id, run folder or model file."""

    model: str | Path
    experiment: Experiment
    parts: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel(Job):
    """Transcribe a model file or run folder. Result: `OpenedModel`; the engine keeps its weights under the job's id."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveModel(Job):
    """Write a model that the engine holds (a run id or an opened model's id) to `path` (.keras, .h5, .weights.h5)."""

    model: str | Path
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruct(Job):
    """What an autoencoder draws of some rows. Result: `Reconstructions`. `experiment` says whose data."""

    model: str | Path
    experiment: Experiment
    part: Part = "test"
    rows: tuple[int, ...] = tuple(range(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareTransfer(Job):
    """Train from scratch and transferred, once a seed, each in its own folder. Result: `TransferComparison`.

    Where the transfer's source is an experiment file, it is trained first, once a seed. `base` as in `TrainRun`.
    """

    experiment: Experiment
    folder: Path
    seeds: tuple[int, ...] = (42, 43, 44)
    base: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLibrary(Job):
    """Every trained model of a workspace and `files` beside it. Result: `Library`."""

    workspace: Path
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareModels(Job):
    """Two models side by side. Result: `ModelComparison`. `experiment` says on whose test part both are measured."""

    first: str | Path
    second: str | Path
    experiment: Experiment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleModel(Job):
    """Many passes of a model with its dropout layers on. Result: `Samples`; `SamplesDone` tells of those so far.

    `model` is a run id, an opened model's id, a run folder or a model file; `experiment` says whose rows. `limit`
    takes so many rows alone, evenly spread; `shift` changes them first. `earlier` passes are kept and numbered on
    from; without them the first pass is `first_pass`. Once the standard error of the winner is at most `precision`
    for 95 % of the rows, sampling ends by itself.
    """

    model: str | Path
    experiment: Experiment
    part: Part = "test"
    passes: int = 100
    first_pass: int = 0
    seed: int = 42
    masks: Masks = "independent"
    precision: float | None = None
    limit: int | None = None
    shift: Shift | None = None
    other: Data | None = None
    """Rows of this data set instead, brought to the shape and the scaling of the experiment's; their labels are −1."""
    earlier: Samples | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRate(Job):
    """Train a copy while the learning rate grows from `lowest` to `highest`. Result: `FoundRate`; changes nothing.

    The copy is of a fresh network, or of `model` (a run id, run folder or model file). `base` as in `TrainRun`.
    """

    experiment: Experiment
    model: str | Path | None = None
    lowest: float = 1e-6
    highest: float = 10.0
    steps: int = 500
    base: Path | None = None


# ---------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in the job or run `run`."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """How far a job is: `done` of `total` (0 when unknown), and a few words on what is being done."""

    done: int
    total: int
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    experiment: Experiment
    folder: Path
    steps_per_epoch: int
    epochs: int
    first_epoch: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchesDone(Event):
    """The batches since the last such event (at most 20 events a second). Steps count from 0 over the whole run.

    `losses`, `accuracies` (empty when a number is predicted) and `learning_rates` have one entry for each of `steps`.
    """

    epoch: int
    steps: NDArray[np.int64]
    losses: NDArray[np.float32]
    accuracies: NDArray[np.float32]
    learning_rates: NDArray[np.float64]
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone(Event):
    """One row of the history: `row["epoch"]` counts from 1; keys as in history.csv."""

    row: dict[str, float]
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthMeasured(Event):
    """Every layer's figures after a step; `epoch` is how far the run is. `core.health.judge` puts them into words."""

    epoch: float
    layers: tuple[LayerHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """The last event of every training, whatever ended it. `cause` is there when it diverged.

    `note` says which other models it changed, where layers are shared; the message ends with it.
    """

    reason: EndReason
    message: str
    result: RunResult | None = None
    cause: Divergence | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesDone(Event):
    """All that was sampled so far (at most two such events a second), of `planned` passes."""

    samples: Samples
    planned: int
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTested(Event):
    """Steps of a learning-rate test since the last such event: the rate and the loss of each, of `total` planned."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    total: int


# --------------------------------------------------------------------------------------------- results


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPreview:
    """What the data panel shows: the summary and one training row a class (`thumbnails` uint8, [classes, h, w]).

    `labels`, `label_names` and `label_counts` are what the source holds before the class filter: the values that
    `Classes.keep` may name, what they are called, and how many rows have them (test rows included).
    """

    summary: DataSummary
    thumbnails: NDArray[np.uint8] | None = None
    labels: tuple[int, ...] = ()
    label_names: tuple[str, ...] = ()
    label_counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    run: str
    folder: Path
    reason: EndReason
    epochs: int
    best_epoch: int
    metrics: dict[str, Any]
    """As in metrics.json: {"train": {"loss", "accuracy"}, "validation": …, "test": …, …}; train is without dropout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """`parts["test"]["accuracy"]` and so on."""

    parts: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedModel:
    """A transcribed model: its layers as part of an experiment, and what the person should know about it."""

    model: str
    experiment: Experiment
    input_shape: tuple[int, ...]
    notes: tuple[str, ...] = ()
    has_experiment: bool = False
    """Whether the file carried the whole experiment (this program wrote it) or only the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedModel:
    path: Path
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstructions:
    """Rows beside what was drawn of them, and the mean squared error of each.

    Pictures are uint8, [n, h, w] or [n, h, w, channels]; other rows float32 in the units of the file.
    """

    originals: NDArray[Any]
    drawn: NDArray[Any]
    errors: NDArray[np.float32]
    pictures: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRun:
    """One training of a comparison: `start` is "source", "scratch" or "transfer"."""

    seed: int
    start: Literal["source", "scratch", "transfer"]
    folder: Path
    metrics: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and standard deviation (of a sample; 0 for a single value) over the seeds."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferComparison:
    """`summary["transfer"]["test"]["accuracy"]` and so on; the same lies in `folder` as JSON and CSV."""

    folder: Path
    runs: tuple[ComparisonRun, ...]
    summary: dict[str, dict[str, dict[str, Spread]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """`entries` of `core.library`, newest first, and a sentence for each file that could not be read."""

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
    """A learning-rate test: rate, loss and smoothed loss of each step up to where it ended.

    `steepest` is where the smoothed loss falls fastest, `tenth_of_lowest` a tenth of the rate at which it is lowest;
    None where the loss never fell. `exploded` says that the loss ended the test before its highest rate.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    steepest: float | None
    tenth_of_lowest: float | None
    exploded: bool
