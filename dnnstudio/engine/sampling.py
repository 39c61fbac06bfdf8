"""Monte Carlo dropout: many passes with the dropout layers switched on and everything else as when predicting.

Gal and Ghahramani, 2016. Calling the model with `training=True` would also normalize by the batch and move batch
normalization's averages; here only dropout is random, and no variable of the model is touched, not even the state of
a seed generator: every mask comes from a counter of its own, (seed, layer, pass, block of rows). So a pass is the same
whether it is drawn alone or among others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.samples import Masks
from dnnstudio.core.uncertainty.scores import with_both_classes
from dnnstudio.engine.runtime import keras, tf

BLOCK = {"independent": 1000, "one_a_pass": 5000}
"""Rows of one forward pass. Part of what the masks depend on: another number gives other samples."""
KEPT_BYTES = 96 * 2**20
"""What comes before the first dropout layer is kept between passes up to this size, and computed anew beyond."""
SELU_FLOOR = -1.0507009873554805 * 1.6732632423543772
"""Where SELU ends on the left: −scale · alpha. Alpha dropout drops units to it (Klambauer et al., 2017)."""


def random_layers(model: keras.Sequential) -> list[keras.layers.Layer]:
    """The dropout layers of a model whose rate is above zero, Monte Carlo kinds included."""
    kinds = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout)
    return [layer for layer in model.layers if isinstance(layer, kinds) and layer.rate > 0]


class Sampler:
    """Draws passes of one model. Compiled once, used for any rows."""

    def __init__(self, model: keras.Sequential, *, masks: Masks = "independent") -> None:
        """Raises `UserError` where nothing in the model is random."""
        self.model = model
        self.masks = masks
        self._random = random_layers(model)
        if not self._random:
            raise UserError(
                "This network has no dropout layer, so every pass would say the same.",
                "Add a Dropout layer and train it, or make the rate of the one it has larger than 0.",
            )
        self._layers = list(model.layers)
        first = self._layers.index(self._random[0])
        self._before, self._after = self._layers[:first], self._layers[first:]
        self._fixed = tf.function(self._prefix, autograph=False, reduce_retracing=True)
        self._stochastic = tf.function(self._pass, autograph=False, reduce_retracing=True)
        self._plain = tf.function(self._without_dropout, autograph=False, reduce_retracing=True)

    def deterministic(self, x: NDArray[np.float32], *, control: Control | None = None) -> NDArray[np.float32]:
        """The prediction with dropout off: [rows, classes]."""
        return np.concatenate([self._outputs(self._plain(block)) for _, block in self._blocks(x, control)])

    def passes(
        self, x: NDArray[np.float32], first: int, count: int, *, seed: int, control: Control | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """The passes numbered `first` … `first + count − 1`, one by one: each [rows, classes].

        `control` is looked at between blocks of rows. Raises `Cancelled` once it is stopped.
        """
        kept: list[tuple[int, Any]] = []
        for index, block in self._prepared(x, control):
            kept.append((index, block))
            if len(x) * block.dtype.size * int(np.prod(block.shape[1:])) > KEPT_BYTES:
                kept.clear()
                break
        for number in range(first, first + count):
            parts = []
            for index, block in kept or self._prepared(x, control):
                if control is not None:
                    control.check()
                parts.append(self._outputs(self._stochastic(block, self._counter(seed, number, index))))
            yield np.concatenate(parts)

    # -------------------------------------------------------------------------------------- inside

    def _blocks(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        size = BLOCK[self.masks]
        for index, start in enumerate(range(0, len(x), size)):
            if control is not None:
                control.check()
            yield index, tf.convert_to_tensor(x[start : start + size])

    def _prepared(self, x: NDArray[np.float32], control: Control | None) -> Iterator[tuple[int, Any]]:
        return ((index, self._fixed(block)) for index, block in self._blocks(x, control))

    def _counter(self, seed: int, number: int, block: int) -> Any:
        """One mask a pass is the same for every block of rows."""
        mixed = np.random.SeedSequence([seed, number, 0 if self.masks == "one_a_pass" else block + 1])
        return tf.constant(mixed.generate_state(2).view(np.int32))

    @staticmethod
    def _outputs(tensor: Any) -> NDArray[np.float32]:
        return np.asarray(with_both_classes(tensor.numpy()), dtype=np.float32)

    def _prefix(self, x: Any) -> Any:
        """Everything before the first random layer: the same in every pass."""
        for layer in self._before:
            x = layer(x, training=False)
        return x

    def _without_dropout(self, x: Any) -> Any:
        for layer in self._layers:
            if layer not in self._random:
                x = layer(x, training=False)
        return x

    def _pass(self, x: Any, counter: Any) -> Any:
        for layer in self._after:
            if layer in self._random:
                x = self._drop(layer, x, counter + tf.constant([0, 1 + 7919 * self._random.index(layer)]))
            else:
                x = layer(x, training=False)
        return x

    def _drop(self, layer: Any, x: Any, counter: Any) -> Any:
        shape = tf.shape(x)
        if self.masks == "one_a_pass":
            shape = tf.concat([[1], shape[1:]], axis=0)
        rate = layer.rate
        if isinstance(layer, keras.layers.GaussianDropout):
            noise = tf.random.stateless_normal(shape, counter, stddev=float(np.sqrt(rate / (1 - rate))))
            return x * (1 + noise)
        kept = self._kept(shape, rate, counter)
        if isinstance(layer, keras.layers.AlphaDropout):
            # Keras's own constants, so that mean and variance stay as they are.
            scale = float(((1 - rate) * (1 + rate * SELU_FLOOR**2)) ** -0.5)
            return scale * (x * kept + SELU_FLOOR * (1 - kept)) - scale * SELU_FLOOR * rate
        return x * (kept * (1 / (1 - rate)))

    def _kept(self, shape: Any, rate: float, counter: Any) -> Any:
        """1 where a unit is kept, 0 where it is dropped.

        One random word of 32 bits makes two decisions of 16 bits each: half the random numbers, and a rate that is
        right to 1 in 131,072.
        """
        size = tf.reduce_prod(shape)
        words = tf.random.stateless_uniform([(size + 1) // 2], counter, minval=None, maxval=None, dtype=tf.uint32)
        halves = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:size]
        dropped_below = round(rate * 65536)
        return tf.reshape(tf.cast(tf.cast(halves, tf.int32) >= dropped_below, tf.float32), shape)
