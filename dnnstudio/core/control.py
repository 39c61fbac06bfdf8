"""The levers of a running job. Any thread may pull them; the engine looks at them between steps."""

from __future__ import annotations

import threading

from dnnstudio.core.errors import Cancelled


class Control:
    """Stop, pause and finish-the-epoch of one job, and a new learning rate for it.

    `stop` ends a training with its last weights kept; for any other job it is a cancel.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._finish_epoch = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.Lock()
        self._learning_rate: float | None = None

    def stop(self) -> None:
        self._stop.set()
        self._go.set()

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
        """The rate asked for since the last look, or None."""
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
        """Wait while paused; raise `Cancelled` once stopped. For the innermost loop of a job."""
        self._go.wait()
        if self._stop.is_set():
            raise Cancelled
