"""A runner without processes: the test says what each member reports and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunStarted
from dnnstudio.core.jobs.results import EndReason
from dnnstudio.core.workspace.history import Row, write_history
from dnnstudio.runner.local import OnEvent
from dnnstudio.runner.tasks import RunOutcome, RunTask

STEPS = 10


class FakeRunner:
    """The face of `LocalRunner` as far as the window uses it."""

    def __init__(self, jobs: int, threads: int, on_event: OnEvent) -> None:
        self._jobs, self.threads = jobs, threads
        self._on_event = on_event
        self.work: dict[int, tuple[RunTask, Future[RunOutcome]]] = {}
        self.stopped = self.shut = False

    @property
    def jobs(self) -> int:
        return self._jobs

    def stop(self, task: RunTask) -> None:
        self.end(task.experiment.seed, "stopped")

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        future: Future[RunOutcome] = Future()
        self.work[task.experiment.seed] = (task, future)
        return future

    def stop_all(self) -> None:
        self.stopped = True
        for seed, (_, future) in self.work.items():
            if not future.done():
                self.end(seed, "stopped")

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        del wait, cancel_futures
        self.shut = True

    # -------------------------------------------------------------------------------------- what the test says

    def begin(self, seed: int, epochs: int = 3) -> None:
        task = self.work[seed][0]
        self._on_event(
            task,
            RunStarted(
                run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=STEPS, epochs=epochs
            ),
        )

    def batches(self, seed: int, steps: int) -> None:
        task = self.work[seed][0]
        numbers = np.arange(steps, dtype=np.int64)
        event = BatchesDone(
            run=task.id,
            epoch=1,
            steps=numbers,
            losses=numbers.astype(np.float32),
            accuracies=np.empty(0, np.float32),
            learning_rates=np.ones(steps),
            seconds_left=1.0,
        )
        self._on_event(task, event)

    def epoch(self, seed: int, epoch: int, accuracy: float) -> None:
        task = self.work[seed][0]
        self._on_event(task, EpochDone(run=task.id, row=row(epoch, accuracy), is_best=True))

    def end(self, seed: int, reason: EndReason = "finished", accuracy: float = 0.9, message: str = "") -> None:
        task, future = self.work[seed]
        if reason == "finished":
            store_member(task.folder, task, accuracy)
        future.set_running_or_notify_cancel()
        future.set_result(RunOutcome(task=task, reason=reason, message=message))


MakeFake = Callable[[int, int, OnEvent], FakeRunner]


def row(epoch: int, accuracy: float) -> Row:
    figures = {"loss": 1 - accuracy, "accuracy": accuracy, "val_loss": 1.1 - accuracy, "val_accuracy": accuracy}
    return {"epoch": float(epoch), **figures, "learning_rate": 0.01, "seconds": 0.5}


def store_member(folder: Path, task: RunTask, accuracy: float) -> None:
    """A run folder as the child process leaves it, as far as the window looks into it."""
    folder.mkdir(parents=True, exist_ok=True)
    codec.save(task.experiment, folder / "experiment.json")
    write_history(folder / "history.csv", [row(epoch, accuracy) for epoch in (1, 2, 3)])
    part = {"loss": 1 - accuracy, "accuracy": accuracy}
    metrics = {"reason": "finished", "train": part, "validation": part, "test": part, "seconds": 1.5, "run": task.id}
    (folder / "metrics.json").write_text(json.dumps(metrics | {"parameters": 650}))
    (folder / "model.keras").write_bytes(b"")
