"""Trains the members of an ensemble in other processes, and tells the window's thread what they report."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.events import EpochDone, Event, RunStarted
from dnnstudio.core.workspace.ensembles import EnsembleRecord
from dnnstudio.runner.cluster.access import Cluster
from dnnstudio.runner.local import LocalRunner, OnEvent
from dnnstudio.runner.positions import Positions
from dnnstudio.runner.tasks import Runner, RunOutcome, RunTask

FAULT = UserError("The repeat was ended by a fault of the program.", "What is trained already is kept.")
MakeRunner = Callable[[int, int, OnEvent], Runner]
"""Makes a runner of so many jobs with so many threads each, which reports its events to the function."""
MakeClusterRunner = Callable[[Cluster, int | None, int, OnEvent], Runner]
"""The same on a cluster; it may take seconds, and raise `UserError`."""


def local_runner(jobs: int, threads: int, on_event: OnEvent) -> Runner:
    """A runner whose trainings are child processes of this program."""
    return LocalRunner(jobs, threads=threads, on_event=on_event)


@dataclass(frozen=True, slots=True)
class RepeatPlan:
    """What is trained: the ensemble in `folder`, the members that it still lacks, and how many at a time."""

    folder: Path
    record: EnsembleRecord
    tasks: tuple[RunTask, ...]
    jobs: int


class RepeatTraining(QObject):
    """One repeat under way. All signals arrive on the window's thread; `ended` or `refused` follows exactly once.

    `member_began(seed, RunStarted)`, `epoch_done(seed, row)`, `member_ended(RunOutcome)`, `ended(outcomes)`,
    `refused(UserError)` where its machines cannot be reached.
    """

    member_began = Signal(int, object)
    epoch_done = Signal(int, object)
    member_ended = Signal(object)
    ended = Signal(object)
    refused = Signal(object)
    _finished = Signal(object)
    _made = Signal(object)

    def __init__(
        self, plan: RepeatPlan, make_runner: MakeRunner, parent: QObject | None = None, *, slow: bool = False
    ) -> None:
        """`slow` makes the runner on a thread: other machines may take seconds to answer."""
        super().__init__(parent)
        self.plan = plan
        self.stopping = False
        self.outcomes: list[RunOutcome] = []
        self._positions = Positions()
        self._over = False
        self._finished.connect(self._on_finished)
        self._made.connect(self._on_made)
        self._make = partial(make_runner, plan.jobs, plan.record.threads, self._take)
        self._runner: Runner | None = None
        if slow:
            threading.Thread(target=self._make_runner, name="joining a cluster", daemon=True).start()
        else:
            self._on_made(self._make())

    @property
    def share(self) -> float:
        """How much of the epochs of all tasks is trained, from 0 to 1; an ended one counts whole."""
        known = self._positions.shares() | {outcome.task.id: 1.0 for outcome in self.outcomes}
        return sum(known.values()) / max(len(self.plan.tasks), 1)

    def stop(self) -> None:
        """Stop every member within a second; what was trained is kept, and `ended` follows."""
        if not self.stopping:
            self.stopping = True
            if self._runner is not None:
                self._runner.stop_all()
            else:  # the cluster has not answered yet
                self._over = True
                stopped = (RunOutcome(task=task, reason="stopped", message="") for task in self.plan.tasks)
                self.ended.emit(tuple(stopped))

    def close(self) -> None:
        """Stop, wait for the processes to end, and report nothing more: the window closes."""
        self._over = True
        if self._runner is not None:
            self._runner.stop_all()
            self._runner.shutdown(wait=True, cancel_futures=True)

    # ------------------------------------------------------------------------------- on other threads

    def _make_runner(self) -> None:
        try:
            made: Runner | BaseException = self._make()
        except BaseException as error:  # whatever it is: the window must not wait for ever for what has ended
            made = error
        if not self._over:
            self._made.emit(made)
        elif not isinstance(made, BaseException):
            made.shutdown()

    def _take(self, task: RunTask, event: Event) -> None:
        """Note every position, and pass on what is shown: an epoch is a signal, twenty batches a second are none."""
        seed = task.experiment.seed
        self._positions.take(task, event)
        match event:
            case RunStarted():
                self.member_began.emit(seed, event)
            case EpochDone():
                self.epoch_done.emit(seed, event.row)

    def _tell_finished(self, future: Future[RunOutcome]) -> None:
        if not future.cancelled() and not self._over:
            self._finished.emit(future.result())

    # ------------------------------------------------------------------------------- on the window's thread

    def _on_made(self, made: Runner | BaseException) -> None:
        if isinstance(made, BaseException):
            if not self._over:
                self._over = True
                self.refused.emit(made if isinstance(made, UserError) else FAULT)
            if not isinstance(made, UserError):
                raise made
            return
        self._runner = made
        if self._over:  # stopped just now
            made.shutdown(wait=False)
            return
        for task in self.plan.tasks:
            made.submit(task).add_done_callback(self._tell_finished)

    def _on_finished(self, outcome: RunOutcome) -> None:
        if self._over:
            return
        self.outcomes.append(outcome)
        self.member_ended.emit(outcome)
        if len(self.outcomes) == len(self.plan.tasks):
            self._over = True
            if self._runner is not None:
                self._runner.shutdown(wait=False)
            self.ended.emit(tuple(self.outcomes))
