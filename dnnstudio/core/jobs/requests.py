"""Jobs that the window and the command line submit to the engine: frozen, so that they can be passed between threads.

A job is run by `engine.session.Session.run(job, control, emit)`; events (`core.jobs.events`) are passed to `emit`
meanwhile, and `run` returns the result (`core.jobs.results`). `gui.base.engine_thread` carries the same objects across
threads.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # a sender of one job need not import the types of all the others
    from dnnstudio.core.experiment.data import Data
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.jobs.proposals import Answer, ColumnChange, Reading
    from dnnstudio.core.uncertainty.number_samples import AnySamples
    from dnnstudio.core.uncertainty.samples import Masks
    from dnnstudio.core.uncertainty.shift import Shift
    from dnnstudio.core.workspace.runs import Weights

Part = Literal["train", "validation", "test"]


def new_id() -> str:
    """A short random name for a job or a run."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeData(Job):
    """Read the data and summarize it. Result: `DataPreview`. `download` allows the program to fetch it from the
    internet.
    """

    data: Data
    seed: int
    download: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeData(Job):
    """Read a person's own files and propose an experiment for them. Result: `DataProposal`.

    `paths` is a table, a table and the table of its test rows, an array file, the IDX files of one set, or a folder.
    `reading`, `columns` and `answers` are what the person decided; all else is found out. The shares are those of the
    rows that validate and test.
    """

    paths: tuple[Path, ...]
    seed: int
    reading: Reading | None = None
    columns: tuple[ColumnChange, ...] = ()
    answers: tuple[Answer, ...] = ()
    validation_share: float = 0.2
    test_share: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment(Job):
    """One training picture varied by the augmentation of `data`, as training might see it. Result: `Augmented`."""

    data: Data
    seed: int
    row: int = 0
    count: int = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a machine finds what an experiment of another machine names; None where it lies as the experiment says.

    `data` is what is read instead of the experiment's; `source` is the run folder or model file of its transfer. What
    is written of the run names them as the experiment does.
    """

    data: Data | None = None
    source: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRun(Job):
    """Train a new network (or resume the run folder `resume_from`). The job's id is the run's id.

    Result: `RunResult`. The training creates `folder`. A relative `transfer.source` is resolved against `base`, the
    folder of the experiment file. Layers shared with other models are changed in those too. `stop_after` is an epoch
    (counted from 1) after which to stop although more are planned. `places` is for a run of another machine.
    """

    experiment: Experiment
    folder: Path
    resume_from: Path | None = None
    base: Path | None = None
    stop_after: int | None = None
    places: Places | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateModel(Job):
    """Loss and accuracy of a model on the experiment's parts. `model` is a run id, run folder or model file.

    It may also be an ensemble's folder; the figures are then those of the members' mean prediction. `weights` says
    which of a run's are measured.
    """

    model: str | Path
    experiment: Experiment
    weights: Weights = "last"
    parts: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenModel(Job):
    """Transcribe a model file or run folder. Result: `OpenedModel`; the engine keeps its weights under the job's id."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveModel(Job):
    """Save a model that the engine holds (a run id or an opened model's id) to `path` (.keras, .h5, .weights.h5).

    `model` may also be a run folder; `weights` says which of a run's are saved.
    """

    model: str | Path
    path: Path
    weights: Weights = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictFiles(Job):
    """Answer new pictures, tables and arrays and write the answers to `out`. Result: `PredictedFiles`.

    `model` is a run folder, a model file or the folder of an ensemble, `inputs` are files and folders. `samples` passes
    with dropout on (of each member of an ensemble) give each answer a spread, `coverage` gives it a set or an interval
    that is right in that share of cases; `sets` is a `SetKind`. `seed` draws the passes; None takes the experiment's.
    `columns` adds what a table's row holds in the columns that the network reads, `invert` turns pictures round that
    are dark on light where the training pictures are light on dark, or the reverse.
    """

    model: Path
    inputs: tuple[Path, ...]
    out: Path
    weights: Weights = "last"
    samples: int | None = None
    coverage: float | None = None
    sets: Literal["lac", "aps", "by_class"] = "lac"
    seed: int | None = None
    columns: bool = False
    invert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconstruct(Job):
    """An autoencoder's reconstructions of some rows. Result: `Reconstructions`. `experiment` determines the data."""

    model: str | Path
    experiment: Experiment
    part: Part = "test"
    rows: tuple[int, ...] = tuple(range(10))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLibrary(Job):
    """List every trained model of a workspace, and `files` outside it. Result: `Library`."""

    workspace: Path
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareModels(Job):
    """Compare two models. Result: `ModelComparison`. `experiment` determines the test part on which both
    are evaluated.
    """

    first: str | Path
    second: str | Path
    experiment: Experiment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleModel(Job):
    """What a network says of each row, in many passes or in one. Result: `Samples`, or `NumberSamples` for a number.

    `SamplesDone` events carry those so far.

    `stochastic` passes have dropout active, and are refused where nothing is random. Left open (None), a network with
    something random makes `passes`, and any other gives its one deterministic prediction.

    `model` is a run id, an opened model's id, a run folder or a model file; `experiment` determines the rows. `limit`
    takes only that many rows, evenly spaced; `shift` changes them first. `earlier` passes are kept and continued;
    without them the first pass is `first_pass`. Sampling stops early once the standard error of the winner is at most
    `precision` for 95 % of the rows.

    `model` may also be an ensemble's folder. Its members then take turns to make `passes`, so that pass n is made by
    member n modulo their number; unless `stochastic` is asked for, each predicts once with dropout off.
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
    """Use the rows of this data set instead, resized and scaled like the experiment's; their labels are −1."""
    earlier: AnySamples | None = None
    stochastic: bool | None = None
    weights: Weights = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindRate(Job):
    """Learning-rate range test on a copy, from `lowest` to `highest`. Result: `FoundRate`; no model is changed.

    The copy is of a new network, or of `model` (a run id, run folder or model file). `base` as in `TrainRun`.
    """

    experiment: Experiment
    model: str | Path | None = None
    lowest: float = 1e-6
    highest: float = 10.0
    steps: int = 500
    base: Path | None = None
