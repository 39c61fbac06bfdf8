"""A stack's output in training, by plain tensors: Keras's own layers, but for three that XLA compiles badly or not.

Sums over a batch are matrix products with a row of weights, which XLA hands to its fast routine; written as reductions
they made batch normalization three times slower. The same weights are zero for the rows that fill up a short batch.
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
            x = layer.activation(_plus(tf.linalg.matmul(x, layer.kernel.value), layer.bias.value))
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


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _plus(x: Any, bias: Any) -> Any:
    """x + bias, with the bias's gradient summed by a matrix product."""
    return x + bias, lambda change: (change, _total(tf.ones(change.shape[0]), change))


def _normalized(layer: keras.layers.BatchNormalization, x: Any, batch: Batch) -> Any:
    """γ (x − mean) / √(variance + ε) + β by the batch's own mean and variance (Ioffe and Szegedy, 2015)."""
    shape = x.shape
    units, places = shape[-1], prod(shape[1:-1])
    rows = tf.reshape(x, (-1, units))
    shares = tf.repeat(batch.shares / places, places) if places > 1 else batch.shares
    gamma = layer.gamma.value if layer.scale else tf.ones(units)
    beta = layer.beta.value if layer.center else tf.zeros(units)
    rows, mean, variance = _normalize(rows, gamma, beta, shares, tf.constant(layer.epsilon, tf.float32))
    kept = layer.momentum
    layer.moving_mean.assign(layer.moving_mean * kept + mean * (1 - kept))
    layer.moving_variance.assign(layer.moving_variance * kept + variance * (1 - kept))
    return tf.reshape(rows, shape)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _normalize(x: Any, gamma: Any, beta: Any, shares: Any, epsilon: Any) -> Any:
    mean = _total(shares, x)
    centred = x - mean
    variance = _total(shares, centred * centred)
    strength = tf.math.rsqrt(variance + epsilon)
    normal = centred * strength

    def gradient(change: Any, _mean: Any, _variance: Any) -> Any:
        ones = tf.ones_like(shares)
        beta_change, gamma_change = _total(ones, change), _total(ones, change * normal)
        pulled = (beta_change + normal * gamma_change) * shares[:, None]
        return (gamma * strength) * (change - pulled), gamma_change, beta_change, None, None

    return (normal * gamma + beta, mean, variance), gradient
