"""Events that the engine emits while a job runs: frozen, so that they can be passed between threads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # a listener of one event need not import the types of all the others
    from dnnstudio.core.analysis.divergence import Divergence
    from dnnstudio.core.analysis.layer_health import LayerHealth
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.jobs.results import ComparisonKey, EndReason, RunResult
    from dnnstudio.core.uncertainty.number_samples import AnySamples


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in the job or run `run`.

    If another job started that run, `parent` is this job's id, and `key` identifies the training within a comparison.
    Ids are opaque: never parse them.
    """

    run: str
    parent: str = ""
    key: ComparisonKey | None = None
    redraws: ClassVar[bool] = False
    """Whether a window that shows it is drawn anew nearly whole."""


class Stage(StrEnum):
    """The stage of a job, for programs to decide by; `Progress.text` is for people and may be reworded."""

    PREPARING = "preparing"
    """Downloading or reading data or a network."""
    EVALUATING = "evaluating"
    SAMPLING = "sampling"
    PREDICTING = "predicting"
    SAVING = "saving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """A job's progress: `done` of `total` (0 if unknown), its stage, and a short description."""

    done: int
    total: int
    text: str = ""
    stage: Stage = Stage.PREPARING


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    redraws: ClassVar[bool] = True
    experiment: Experiment
    folder: Path
    steps_per_epoch: int
    epochs: int
    first_epoch: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchesDone(Event):
    """The batches since the last such event (at most 20 events a second). Steps count from 0 over the whole run.

    `losses`, `accuracies` (empty for regression) and `learning_rates` have one entry for each of `steps`. Losses of a
    standardized target are in its own unit, as float64, which holds the square of any unit.
    """

    epoch: int
    steps: NDArray[np.int64]
    losses: NDArray[np.floating]
    accuracies: NDArray[np.floating]
    learning_rates: NDArray[np.float64]
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochDone(Event):
    """One row of the history: `row["epoch"]` counts from 1; keys as in history.csv."""

    row: dict[str, float]
    is_best: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RateChanged(Event):
    """A person set the learning rate while the run trained: `rate` from `step` (from 0 over the whole run) on.

    `experiment` is the run's from now on, with the change in it.
    """

    experiment: Experiment
    step: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingPaused(Event):
    """A training cannot be kept on the disk now, for this reason, and goes on; without a reason it is kept again.

    `full` says that the reason is a want of room, `over` that all is trained, and only the end is still to be written.
    """

    reason: str = ""
    full: bool = False
    over: bool = False

    @property
    def sentence(self) -> str:
        """What is said of it."""
        if not self.reason:
            return "Saved: nothing is missing."
        cure = "; make room" if self.full else ""
        if self.over:
            return (
                f"{self.reason} Saving is tried again for some seconds{cure}. Then the run is kept in another folder."
            )
        return f"{self.reason} The training goes on, and saving is tried again{cure}."


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthMeasured(Event):
    """The health figures of every layer after a step; `epoch` is the run's position. `layer_health.judge` interprets
    them.
    """

    epoch: float
    layers: tuple[LayerHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded(Event):
    """The last event of every training, whatever ended it. `cause` is set if it diverged.

    `note` names the other models it changed through shared layers, as the end of the message.
    """

    reason: EndReason
    message: str
    result: RunResult | None = None
    cause: Divergence | None = None
    note: str = ""

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping ended it: what was planned beyond will not come."""
        return self.reason == "early_stopping"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesDone(Event):
    """All samples so far (at most two such events a second), of `planned` passes."""

    samples: AnySamples
    planned: int
    seconds_left: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTested(Event):
    """The steps of a learning-rate range test since the last such event: rate and loss of each, of `total` planned."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    total: int
