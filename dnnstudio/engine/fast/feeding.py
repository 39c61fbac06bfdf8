"""What a call of the compiled steps needs and no weight has a part in: its batches, and its random numbers.

Where steps run on one core, a thread makes those of the next call meanwhile, on the other. What was made for rows that
do not come after all, or after steps that nobody counted on, is thrown away and made anew.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.fast.noise import Noise
from dnnstudio.engine.fast.one_core import OneCore
from dnnstudio.engine.runtime import tf

LATER_S = 0.003
"""The steps begin first: a thread that is woken beside a busy one may wait for its core, and it had better be ours."""
Rows = NDArray[np.int32]


class _Ahead(threading.Thread):
    """Makes what the rows of a call to come need."""

    def __init__(self, make: Callable[..., Any], rows: Rows, states: NDArray[np.int64], filled: Rows) -> None:
        super().__init__(name="feeding the steps")
        self._make, self._rows, self._states, self._filled = make, rows.copy(), states, filled
        self._made: Any = None
        self._error: Exception | None = None

    def run(self) -> None:
        time.sleep(LATER_S)
        try:
            self._made = self._make(self._filled, self._states)
        except Exception as error:  # told to whoever asks for it
            self._error = error

    def result(self, rows: Rows, states: NDArray[np.int64]) -> Any:
        """What was made, once it is; None where it was made for other rows or other numbers."""
        self.join()
        if not (np.array_equal(self._rows[: len(rows)], rows) and np.array_equal(self._states, states)):
            return None
        if self._error is not None:
            raise self._error
        return self._made


class Feeder:
    """The batches of `x` and `y`, and the numbers of `noises`, for `capacity` steps at a time."""

    def __init__(
        self, x: tf.Tensor, y: tf.Tensor, noises: Sequence[Noise], *, capacity: int, batch: int, ahead: bool
    ) -> None:
        """`ahead`: `expect` begins to make what it is told of, in a thread."""
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
        """For the next steps, one for each line of `rows` [steps, batch]: x [capacity, batch, …], y, random numbers."""
        states, ahead = self._states(), self._ahead
        self._ahead = None
        made = None if ahead is None else ahead.result(rows, states)
        return self._make(self._filled(rows), states) if made is None else made

    def expect(self, rows: Rows, *, after: int) -> None:
        """These rows come next but `after` steps that begin now."""
        if self._looks_ahead and rows.size:
            states = self._states()
            states[:, 1] += after
            self._ahead = _Ahead(self._make, rows, states, self._filled(rows))
            self._ahead.start()

    def close(self) -> None:
        """End the thread and let go of the data; nothing can be fed afterwards."""
        if self._ahead is not None:
            self._ahead.join()
        self._ahead = self._make = None

    def _states(self) -> NDArray[np.int64]:
        """Seed and count of each random layer: [layers, 2]."""
        return np.array([noise.state.numpy() for noise in self._noises], np.int64).reshape(-1, 2)

    def _filled(self, rows: Rows) -> Rows:
        """`rows` filled up to the size of all calls."""
        filled = np.zeros((self._capacity, self._batch), np.int32)
        filled[: len(rows), : rows.shape[1]] = rows[: self._capacity]
        return filled

    def _feed(self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, states: tf.Tensor) -> tuple[tf.Tensor, ...]:
        drawn = (noise.draw(self._capacity, states[index]) for index, noise in enumerate(self._noises))
        return tf.gather(x, rows), tf.gather(y, rows), *drawn
