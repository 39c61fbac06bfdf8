"""Thread-safe stop, pause and finish-epoch flags of one job, and a pending learning rate; the engine polls them between
steps.
"""

from __future__ import annotations

import threading
import time

from dnnstudio.core.errors import Cancelled


class Control:
    """Control flags of one job: stop, pause, finish the epoch; and a new learning rate.

    `stop` ends a training and keeps its last weights; it cancels any other job.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._finish_epoch = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.RLock()  # a stop may come as a signal, in the midst of another call
        self._learning_rate: float | None = None
        self._later: list[Control] = []
        self.paused_s = 0.0
        """How long `check` has blocked, in seconds."""

    def stop(self) -> None:
        self._stop.set()
        self._go.set()
        with self._lock:
            later = tuple(self._later)
        for control in later:
            control.stop()

    def later(self) -> Control:
        """Flags that hear a stop from now on alone: a training that was stopped is measured still, unless that is
        stopped too.
        """
        control = Control()
        with self._lock:
            self._later.append(control)
        return control

    def pause(self) -> None:
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def finish_epoch(self) -> None:
        self._finish_epoch.set()
        self._go.set()

    def set_learning_rate(self, rate: float) -> None:
        with self._lock:
            self._learning_rate = rate

    def take_learning_rate(self) -> float | None:
        """The learning rate requested since the last call, or None."""
        with self._lock:
            rate, self._learning_rate = self._learning_rate, None
        return rate

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    @property
    def finishing(self) -> bool:
        return self._finish_epoch.is_set()

    def check(self) -> None:
        """Block while paused; raise `Cancelled` once stopped. Called in the innermost loop of a job."""
        if not self._go.is_set():
            begun = time.monotonic()
            self._go.wait()
            self.paused_s += time.monotonic() - begun
        if self._stop.is_set():
            raise Cancelled
