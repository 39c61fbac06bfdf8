"""Random numbers for many steps at once, drawn by TensorFlow and handed to the compiled steps.

Each random layer has a stream of its own (Philox, keyed by its seed generator). What a step draws depends on the
generator's count alone, which is part of the model's state: not on how many steps are drawn together. So a training
that is stopped anywhere goes on with the very numbers it would have had.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from dnnstudio.engine.runtime import keras, tf

PHILOX = 1
"""`tf.random.Algorithm.PHILOX`, as the raw operations want it."""
GROUP = 4
"""Numbers of 32 bits that one turn of Philox gives."""
ONE = 65536
"""Dropout decides by 16 bits: a rate is met to 1 in 131,072."""
ALPHA_FLOOR = -1.6732632423543772 * 1.0507009873554805
"""Where SELU ends on the left; alpha dropout puts dropped units there (Klambauer et al., 2017)."""


def is_random(layer: keras.layers.Layer) -> bool:
    """Whether the layer draws numbers in training."""
    kinds = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
    if isinstance(layer, keras.layers.GaussianNoise):
        return bool(layer.stddev > 0)
    return isinstance(layer, kinds) and layer.rate > 0


class Noise:
    """The random numbers of one layer, for batches of one shape."""

    def __init__(
        self, layer: keras.layers.Layer, shape: tuple[int, ...], *, index: int, width: int | None = None
    ) -> None:
        """`shape` is that of a batch; `index` keeps layers apart that were given the same seed.

        The numbers are for batches `width` wide where that is more: zeros in the columns that were added.
        """
        self.state = layer.seed_generator.state
        self._layer = layer
        self._index = index
        self._shape = shape
        self._normal = isinstance(layer, keras.layers.GaussianNoise | keras.layers.GaussianDropout)
        self._size = prod(self._shape)
        self._more = 0 if width is None else width - shape[-1]
        words = self._size if self._normal else -(-self._size // 2)
        self._turns = -(-words // GROUP)

    def draw(self, steps: int, state: Any) -> Any:
        """The numbers of the `steps` steps from `state` (seed, count) on: [steps, at least as many as a batch has].

        They are uint16, or float32 of a normal distribution.
        """
        seed, count = tf.unstack(tf.cast(state, tf.uint64))
        key = seed + tf.constant(self._index << 32, tf.uint64)
        where = {
            "shape": [steps * self._turns * GROUP],
            "key": key[None],
            "counter": tf.stack([count * tf.constant(self._turns, tf.uint64), tf.zeros((), tf.uint64)]),
            "alg": PHILOX,
        }
        if self._normal:
            drawn = tf.raw_ops.StatelessRandomNormalV2(dtype=tf.float32, **where)
        else:
            drawn = tf.bitcast(tf.raw_ops.StatelessRandomUniformFullIntV2(dtype=tf.uint32, **where), tf.uint16)
        drawn = tf.reshape(drawn, (steps, -1))
        if not self._more:
            return drawn
        columns = tf.reshape(drawn[:, : self._size], (steps, *self._shape))
        return tf.reshape(tf.pad(columns, [*[(0, 0)] * len(self._shape), (0, self._more)]), (steps, -1))

    def advance(self, steps: Any) -> None:
        """Count the steps taken, in the model's own state."""
        self.state.assign(self.state + tf.stack([tf.zeros((), steps.dtype), steps]))

    def apply(self, x: Any, drawn: Any) -> Any:
        """The layer's output in training for one batch `x`, with that step's numbers."""
        layer = self._layer
        shape = (*self._shape[:-1], self._shape[-1] + self._more)
        numbers = tf.reshape(drawn[: prod(shape)], shape)
        if isinstance(layer, keras.layers.GaussianNoise):
            return x + numbers * layer.stddev
        if isinstance(layer, keras.layers.GaussianDropout):
            return x * (1 + numbers * sqrt(layer.rate / (1 - layer.rate)))
        below = round(layer.rate * ONE)
        kept = tf.cast(numbers, tf.int32) >= below
        if isinstance(layer, keras.layers.AlphaDropout):
            scale = ((1 - layer.rate) * (1 + layer.rate * ALPHA_FLOOR**2)) ** -0.5
            return tf.where(kept, x, ALPHA_FLOOR) * scale - scale * ALPHA_FLOOR * layer.rate
        return tf.where(kept, x * (1 / (1 - layer.rate)), 0.0)
