"""Comparisons whose trainings are threads that invent their figures: no processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.core.jobs.events import EpochDone, RunEnded, RunStarted
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.comparison import ComparisonWindow
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.runner.local import OnEvent
from dnnstudio.runner.tasks import RunOutcome, RunTask

from ..fake_runner import FakeRunner
from .networks import WIDE

TRANSFER = Transfer(
    source="runs/0001 Wide",
    reuse=(Reuse(layer="h1", source="h1"),),
    phases=(Phase(epochs=2, frozen=("h1",)), Phase(epochs=3)),
)
EXPERIMENT = WIDE.replaced(transfer=TRANSFER)
Make = Callable[..., ComparisonWindow]


class Trainings(FakeRunner):
    """Trains what is asked for on a thread of its own, slowly enough that a test can stop it. No processes."""

    pause_s = 0.0

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        future: Future[RunOutcome] = Future()
        threading.Thread(target=self._train, args=(task, future), daemon=True).start()
        return future

    def stop_all(self) -> None:
        self.stopped = True

    def _train(self, task: RunTask, future: Future[RunOutcome]) -> None:
        start, epochs = task.folder.name.split()[-1], planned_epochs(task.experiment)
        started = RunStarted(
            run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=2, epochs=epochs
        )
        self._on_event(task, started)
        accuracy = accuracy_of(start, task.experiment.seed)
        rows = [
            {"epoch": float(n), "val_loss": 1 / n, "val_accuracy": accuracy - 0.1 / n} for n in range(1, epochs + 1)
        ]
        for row in rows:
            time.sleep(self.pause_s)
            if self.stopped:
                future.set_result(RunOutcome(task=task, reason="stopped", message=""))
                return
            self._on_event(task, EpochDone(run=task.id, row=row, is_best=True))
        task.folder.mkdir(parents=True, exist_ok=True)
        write_history(task.folder / "history.csv", rows)
        metrics = {"test": {"loss": 0.1, "accuracy": accuracy}}
        result = RunResult(
            run=task.id, folder=task.folder, reason="finished", epochs=epochs, best_epoch=epochs, metrics=metrics
        )
        self._on_event(task, RunEnded(run=task.id, reason="finished", message="", result=result))
        future.set_result(RunOutcome(task=task, reason="finished", message="", result=result))


def accuracy_of(start: str, seed: int) -> float:
    """An invented test accuracy."""
    spread = {"scratch": 0.001, "transfer": 0.002}[start]
    return {"scratch": 0.9, "transfer": 0.98}[start] + spread * (seed % 3)


class Controlled(QObject):
    """The face of `RunController` as far as a comparison uses it."""

    activity_changed = Signal(str)
    stop: Callable[[], None] | None = None

    @property
    def training(self) -> bool:
        return self.stop is not None

    def begin_repeat(self, folder: Path, stop: Callable[[], None]) -> None:
        if self.stop is not None:
            raise UserError("A training is under way.", "Stop it first.")
        self.stop = stop
        self.activity_changed.emit("repeating")

    def end_repeat(self) -> None:
        self.stop = None
        self.activity_changed.emit("idle")


def finish(qtbot: Any, window: ComparisonWindow, seeds: int = 3) -> None:
    window.seeds.set_value(seeds)
    window.start.click()
    assert window.training.busy
    qtbot.waitUntil(lambda: not window.training.busy)


def on_a_run_of(window: MainWindow) -> Experiment:
    """The experiment, on a run of the window's workspace."""
    source = window.workbench.controller.workspace / "runs" / "0001 Wide"
    return EXPERIMENT.replaced(transfer=TRANSFER.replaced(source=str(source)))


def use_trainings(window: MainWindow, *, pause_s: float = 0.0) -> None:
    """Let the window's comparisons train without processes."""

    def runner(jobs: int, threads: int, on_event: OnEvent) -> Trainings:
        one = Trainings(2, threads, on_event)
        one.pause_s = pause_s
        return one

    window.workbench.library.transfers.make_runner = runner
