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
from dnnstudio.core.experiment import Experiment

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

    Result: `RunResult`. `folder` is made and filled as DESIGN section 3 says.
    """

    experiment: Experiment
    folder: Path
    resume_from: Path | None = None


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
class RunEnded(Event):
    """The last event of every training, whatever ended it."""

    reason: EndReason
    message: str
    result: RunResult | None = None


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
