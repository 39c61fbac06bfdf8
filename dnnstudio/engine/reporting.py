"""What a training tells while it runs: batches in portions, at most 20 a second, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs import BatchesDone, Event

Emit = Callable[[Event], None]
INTERVAL_S = 0.05


class BatchReporter:
    """Gathers the figures of steps and passes them on when enough time has gone by."""

    def __init__(self, run: str, emit: Emit, *, accuracies: bool, steps_total: int) -> None:
        self._run = run
        self._emit = emit
        self._accuracies = accuracies
        self._total = steps_total
        self._portions: list[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]]
        self._portions = []
        self._last = -float("inf")
        self._busy = 0.0
        self._measured = 0

    def add(
        self,
        epoch: int,
        first_step: int,
        losses: NDArray[np.float32],
        metrics: NDArray[np.float32],
        rates: NDArray[np.float64],
    ) -> None:
        """Steps from `first_step` (over the whole run) are done in `epoch`, counted from 1."""
        steps = np.arange(first_step, first_step + len(losses), dtype=np.int64)
        self._portions.append((steps, losses, metrics, rates))
        if time.monotonic() - self._last >= INTERVAL_S:
            self.flush(epoch)

    def took(self, seconds: float, steps: int) -> None:
        """Time spent in training or validation and the steps it brought, for the estimate of the rest."""
        self._busy += seconds
        self._measured += steps

    def seconds_left(self, step: int) -> float:
        """Seconds until the planned end, judged by the pace so far."""
        return self._busy / self._measured * (self._total - step) if self._measured else 0.0

    def flush(self, epoch: int) -> None:
        """Pass on what is gathered now."""
        if not self._portions:
            return
        steps, losses, metrics, rates = (np.concatenate(column) for column in zip(*self._portions, strict=True))
        self._portions = []
        self._last = time.monotonic()
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
