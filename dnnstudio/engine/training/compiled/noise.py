"""Random numbers for many steps at once, drawn by TensorFlow and passed to the compiled steps.

Each random layer has its own stream (Philox, keyed by its seed generator). The numbers of a step depend only on the
generator's counter, which is part of the model's state, and not on how many steps are drawn together. So a training
that is stopped anywhere continues with exactly the numbers it would have had.
"""

from __future__ import annotations

from math import prod
from typing import Any

from dnnstudio.engine.backend.noise import Noise, first_kept, is_on, noise_of
from dnnstudio.engine.backend.runtime import keras, tf

PHILOX = 1
"""`tf.random.Algorithm.PHILOX`, as the raw operations want it."""
GROUP = 4
"""32-bit numbers per Philox block."""


def active_noise(layer: keras.layers.Layer) -> Noise | None:
    """The noise of a layer that draws random numbers in training; None if it draws none.

    Raises `UserError` for a random layer that is not in the noise table.
    """
    noise = noise_of(layer)
    return noise if noise is not None and is_on(layer) else None


class NoiseStream:
    """The random numbers of one layer, for batches of one shape."""

    def __init__(
        self, layer: keras.layers.Layer, shape: tuple[int, ...], *, index: int, width: int | None = None
    ) -> None:
        """`shape` is that of a batch; `index` distinguishes layers with the same seed.

        `width` is the padded number of columns if larger; padded columns get zeros. Raises `UserError` if the layer's
        noise is unknown.
        """
        noise = noise_of(layer)
        assert noise is not None, "only random layers have a stream"
        self.state = layer.seed_generator.state
        self._layer = layer
        self._noise = noise
        self._index = index
        self._shape = (shape[0], *noise.mask_shape(shape[1:]))
        self._size = prod(self._shape)
        self._more = 0 if width is None else width - shape[-1]
        words = self._size if noise.normal else -(-self._size // 2)
        self._turns = -(-words // GROUP)

    def draw(self, steps: int, state: Any) -> Any:
        """The numbers of `steps` steps from `state` (seed, counter) on: [steps, at least the size of a batch].

        They are uint16, or float32 from a normal distribution.
        """
        seed, count = tf.unstack(tf.cast(state, tf.uint64))
        key = seed + tf.constant(self._index << 32, tf.uint64)
        where = {
            "shape": [steps * self._turns * GROUP],
            "key": key[None],
            "counter": tf.stack([count * tf.constant(self._turns, tf.uint64), tf.zeros((), tf.uint64)]),
            "alg": PHILOX,
        }
        if self._noise.normal:
            drawn = tf.raw_ops.StatelessRandomNormalV2(dtype=tf.float32, **where)
        else:
            drawn = tf.bitcast(tf.raw_ops.StatelessRandomUniformFullIntV2(dtype=tf.uint32, **where), tf.uint16)
        drawn = tf.reshape(drawn, (steps, -1))
        if not self._more:
            return drawn
        columns = tf.reshape(drawn[:, : self._size], (steps, *self._shape))
        return tf.reshape(tf.pad(columns, [*[(0, 0)] * len(self._shape), (0, self._more)]), (steps, -1))

    def advance(self, steps: Any) -> None:
        """Advance the counter in the model's own state by the steps taken."""
        self.state.assign(self.state + tf.stack([tf.zeros((), steps.dtype), steps]))

    def apply(self, x: Any, drawn: Any) -> Any:
        """The layer's training output for one batch `x` [batch, …] with that step's random numbers."""
        shape = (*self._shape[:-1], self._shape[-1] + self._more)
        numbers = tf.reshape(drawn[: prod(shape)], shape)
        if not self._noise.normal:
            numbers = tf.cast(numbers, tf.int32) >= first_kept(self._layer)
        return self._noise.apply(self._layer, x, numbers)
