"""How long a window's event loop is away."""

from __future__ import annotations

import time
from typing import Self

import numpy as np
from PySide6.QtCore import Qt, QTimer


class Gaps:
    """Milliseconds between the ticks of a timer of 10 ms, of one turn after the other."""

    def __init__(self) -> None:
        self.turn: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Self:
        self.turn = []
        self._last = time.perf_counter()
        self._timer.start(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.stop()

    @property
    def p99(self) -> float:
        """Of the last turn."""
        return float(np.percentile(self.turn, 99))

    def _tick(self) -> None:
        now = time.perf_counter()
        self.turn.append(1e3 * (now - self._last))
        self._last = now
