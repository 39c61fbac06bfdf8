"""Progress events of a training: batches in groups, at most 20 a second, and the estimated time left."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.events import BatchesDone, Event

Emit = Callable[[Event], None]
INTERVAL_S = 0.05


class BatchReporter:
    """Collects the figures of steps and emits them when enough time has passed."""

    def __init__(self, run: str, emit: Emit, *, accuracies: bool, steps_total: int) -> None:
        self._run = run
        self._emit = emit
        self._accuracies = accuracies
        self.steps_total = steps_total
        self._portions: list[tuple[NDArray[np.int64], NDArray[np.floating], NDArray[np.floating], NDArray[np.float64]]]
        self._portions = []
        self._last = -float("inf")
        self._busy = 0.0
        self._measured = 0

    def add(
        self,
        epoch: int,
        first_step: int,
        losses: NDArray[np.floating],
        metrics: NDArray[np.floating],
        rates: NDArray[np.float64],
    ) -> None:
        """Add the finished steps from `first_step` (over the whole run) in `epoch` (from 1): three arrays [steps]."""
        steps = np.arange(first_step, first_step + len(losses), dtype=np.int64)
        self._portions.append((steps, losses, metrics, rates))
        if time.monotonic() - self._last >= INTERVAL_S:
            self.flush(epoch)

    def took(self, seconds: float, steps: int) -> None:
        """Record time spent in training or validation and the steps done, for the estimate of the time left."""
        self._busy += seconds
        self._measured += steps

    def seconds_left(self, step: int) -> float:
        """Estimated seconds until the planned end, from the pace so far."""
        return self._busy / self._measured * (self.steps_total - step) if self._measured else 0.0

    def flush(self, epoch: int) -> None:
        """Emit the collected figures now."""
        if not self._portions:
            return
        steps, losses, metrics, rates = (np.concatenate(column) for column in zip(*self._portions, strict=True))
        self._portions = []
        self._emit(
            BatchesDone(
                run=self._run,
                epoch=epoch,
                steps=steps,
                losses=losses,
                accuracies=metrics if self._accuracies else metrics[:0],
                learning_rates=rates,
                seconds_left=self.seconds_left(int(steps[-1]) + 1),
            )
        )
        # From the moment the last ones were told, so that a slow telling is never followed at once by the next.
        self._last = time.monotonic()
