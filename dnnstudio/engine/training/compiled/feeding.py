"""The inputs of the compiled steps that do not depend on weights: batches and random numbers.

If steps run on one core, a thread prepares those of the next call on the other core. Inputs prepared for other rows or
other steps than those that follow are discarded and made again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.training.compiled.noise import NoiseStream
from dnnstudio.engine.training.compiled.one_core import OneCore

LATER_S = 0.003
"""Delay before the thread's work, so that the steps are scheduled first and only this thread may wait for a core."""
Rows = NDArray[np.int32]


class _Ahead(threading.Thread):
    """Prepares the inputs for the rows of a coming call."""

    def __init__(self, make: Callable[..., Any], rows: Rows, states: NDArray[np.int64], filled: Rows) -> None:
        super().__init__(name="feeding the steps")
        self._make, self._rows, self._states, self._filled = make, rows.copy(), states, filled
        self._made: Any = None
        self._error: Exception | None = None

    def run(self) -> None:
        time.sleep(LATER_S)
        try:
            self._made = self._make(self._filled, self._states)
        except Exception as error:  # raised where the result is requested
            self._error = error

    def result(self, rows: Rows, states: NDArray[np.int64]) -> Any:
        """The prepared inputs, once complete; None if they were made for other rows or other random numbers."""
        self.join()
        if not (np.array_equal(self._rows[: len(rows)], rows) and np.array_equal(self._states, states)):
            return None
        if self._error is not None:
            raise self._error
        return self._made


class Feeder:
    """The batches of `x` and `y`, and the random numbers of `noises`, for up to `capacity` steps."""

    def __init__(
        self, x: tf.Tensor, y: tf.Tensor, noises: Sequence[NoiseStream], *, capacity: int, batch: int, ahead: bool
    ) -> None:
        """`ahead`: `expect` starts to prepare the announced rows in a thread."""
        self._noises = list(noises)
        self._capacity, self._batch = capacity, batch
        self._looks_ahead = ahead
        self._ahead: _Ahead | None = None
        self._make: Any
        if ahead:
            self._make = OneCore(self._feed, (x, y), (self._filled(np.zeros((0, batch), np.int32)), self._states()))
        else:
            feed = tf.function(self._feed, autograph=False)
            self._make = lambda rows, states: feed(x, y, tf.constant(rows), tf.constant(states))

    def feed(self, rows: Rows) -> Any:
        """Inputs for the steps `rows`, int32 [steps, batch]: x [capacity, batch, …], y, random numbers."""
        states, ahead = self._states(), self._ahead
        self._ahead = None
        made = None if ahead is None else ahead.result(rows, states)
        return self._make(self._filled(rows), states) if made is None else made

    def expect(self, rows: Rows, *, after: int) -> None:
        """Announce the rows, int32 [steps, batch], that follow `after` steps that begin now."""
        if self._looks_ahead and rows.size:
            states = self._states()
            states[:, 1] += after
            self._ahead = _Ahead(self._make, rows, states, self._filled(rows))
            self._ahead.start()

    def close(self) -> None:
        """End the thread and release the data; nothing can be fed afterwards."""
        if self._ahead is not None:
            self._ahead.join()
        self._ahead = self._make = None

    def _states(self) -> NDArray[np.int64]:
        """Seed and counter of each random layer: [layers, 2]."""
        return np.array([noise.state.numpy() for noise in self._noises], np.int64).reshape(-1, 2)

    def _filled(self, rows: Rows) -> Rows:
        """`rows` padded to the shape that all calls have."""
        filled = np.zeros((self._capacity, self._batch), np.int32)
        filled[: len(rows), : rows.shape[1]] = rows[: self._capacity]
        return filled

    def _feed(self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, states: tf.Tensor) -> tuple[tf.Tensor, ...]:
        drawn = (noise.draw(self._capacity, states[index]) for index, noise in enumerate(self._noises))
        return tf.gather(x, rows), tf.gather(y, rows), *drawn
