"""Input and output of a runner: frozen records, the same for every runner."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import Places, new_id
from dnnstudio.core.jobs.results import EndReason, RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask:
    """Train `experiment` and fill `folder`, like `dnnstudio run`. `id` becomes the run's id.

    `resume` continues the run in `folder`; without a checkpoint there, the run starts from the beginning. A relative
    `transfer.source` is resolved against `base`, the folder of the experiment file.
    """

    experiment: Experiment
    folder: Path
    resume: bool = False
    base: Path | None = None
    places: Places | None = None
    """Where things lie here that an experiment of another machine names."""
    id: str = field(default_factory=new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a task ended. `message` is for the user; `detail` is a traceback or the last output of a dead process.

    `result` is set if the training itself ended; a run whose process was killed by `stop` or died has none, and can be
    resumed from its last checkpoint.
    """

    task: RunTask
    reason: EndReason
    message: str
    result: RunResult | None = None
    detail: str = ""


class Runner(Protocol):
    """What repeats and sweeps need of a runner; see `local.LocalRunner` and `cluster.client.ClusterRunner`."""

    @property
    def jobs(self) -> int:
        """How many trainings run at a time."""

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        """Queue a task."""

    def stop(self, task: RunTask) -> None:
        """Stop a task within a second, keeping what can be resumed."""

    def stop_all(self) -> None:
        """Stop every queued or running task."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accept no more tasks, and end the processes once all are done."""
