"""How far each of several trainings is, from their events."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dnnstudio.core.jobs.events import BatchesDone, EpochDone, Event, RunStarted
from dnnstudio.runner.tasks import RunTask


@dataclass(slots=True)
class _Position:
    epochs: int
    steps_per_epoch: int
    done: float


class Positions:
    """The position of each training under way, in epochs. Told on the runner's threads, read on any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Position] = {}

    def take(self, task: RunTask, event: Event) -> None:
        """An event of that training."""
        with self._lock:
            match event:
                case RunStarted():
                    self._known[task.id] = _Position(event.epochs, max(event.steps_per_epoch, 1), event.first_epoch)
                case BatchesDone() if len(event.steps):
                    at = self._known[task.id]
                    at.done = (int(event.steps[-1]) + 1) / at.steps_per_epoch
                case EpochDone():
                    self._known[task.id].done = event.row["epoch"]

    def end(self, task: RunTask) -> None:
        """That training is over."""
        with self._lock:
            self._known.pop(task.id, None)

    def shares(self) -> dict[str, float]:
        """Task → how much of its epochs is trained, from 0 to 1."""
        with self._lock:
            return {task: min(at.done / max(at.epochs, 1), 1.0) for task, at in self._known.items()}
