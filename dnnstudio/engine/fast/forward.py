"""A stack's output in training, by plain tensors: Keras's own layers, but for three that XLA compiles badly or not.

Sums over a batch are matrix products with a row of weights, which XLA hands to its fast routine; written as reductions
they made batch normalization three times slower. So are the sums that gradients need: what is the same for all rows
is spread over them by a product with ones. The weights are zero for the rows that fill up a short batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from dnnstudio.engine.fast.noise import Noise
from dnnstudio.engine.runtime import keras, tf


@dataclass(frozen=True, slots=True)
class Batch:
    """Which rows count: `ones` is 1 for these and 0 for the rest, `shares` the same over their number."""

    ones: Any
    shares: Any

    @classmethod
    def of(cls, width: int, rows: Any) -> Batch:
        """The first `rows` of `width`."""
        ones = tf.cast(tf.range(width) < rows, tf.float32)
        return cls(ones, ones / tf.cast(rows, tf.float32))

    def mean(self, values: Any) -> Any:
        """The mean of one number a row."""
        return tf.tensordot(self.shares, values, 1)


def forward(
    layers: list[keras.layers.Layer], x: Any, batch: Batch, noises: dict[int, tuple[Noise, Any]]
) -> tuple[Any, list[Any]]:
    """The stack's output, and the prices on activities. `noises` holds the random layers' numbers, by their place.

    To be called in a `StatelessScope`: batch normalization assigns its averages.
    """
    prices: list[Any] = []
    for index, layer in enumerate(layers):
        if index in noises:
            noise, drawn = noises[index]
            x = noise.apply(x, drawn)
        elif isinstance(layer, keras.layers.BatchNormalization):
            x = _normalized(layer, x, batch) if layer.trainable else layer.call(x, training=False)
        elif type(layer) is keras.layers.Dense and layer.use_bias and len(x.shape) == 2:
            x = layer.activation(tf.linalg.matmul(x, layer.kernel.value) + _spread(layer.bias.value, x.shape[0]))
        else:
            x = layer.call(x)
        if layer.activity_regularizer is not None:
            counted = x * tf.reshape(batch.ones, (-1, *[1] * (len(x.shape) - 1)))
            # Keras divides a price on activities by the rows of the batch.
            prices.append(layer.activity_regularizer(counted) * batch.shares[0])
    return x, prices


def _total(weights: Any, values: Any) -> Any:
    """Σ weights · values over rows: [rows], [rows, units] → [units]."""
    return tf.linalg.matmul(weights[None], values)[0]


def _spread(values: Any, rows: int) -> Any:
    """[units] → [rows, units], every row the same."""
    return tf.linalg.matmul(tf.ones((rows, 1)), values[None])


def _normalized(layer: keras.layers.BatchNormalization, x: Any, batch: Batch) -> Any:
    """γ (x − mean) / √(variance + ε) + β by the batch's own mean and variance (Ioffe and Szegedy, 2015)."""
    shape = x.shape
    units, places = shape[-1], prod(shape[1:-1])
    rows = tf.reshape(x, (-1, units))
    shares = tf.repeat(batch.shares / places, places) if places > 1 else batch.shares
    mean = _total(shares, rows)
    centred = rows - _spread(mean, rows.shape[0])
    variance = _total(shares, centred * centred)
    strength = tf.math.rsqrt(variance + layer.epsilon)
    strength = strength * layer.gamma.value if layer.scale else strength
    normal = centred * _spread(strength, rows.shape[0])
    normal = normal + _spread(layer.beta.value, rows.shape[0]) if layer.center else normal
    kept = layer.momentum
    layer.moving_mean.assign(layer.moving_mean * kept + mean * (1 - kept))
    layer.moving_variance.assign(layer.moving_variance * kept + variance * (1 - kept))
    return tf.reshape(normal, shape)
