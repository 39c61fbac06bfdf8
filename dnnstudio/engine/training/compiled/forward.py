"""Forward pass in training mode on plain tensors: `layer.call`, except for batch normalization, biases and noise, which
XLA compiles slowly or not at all.

Sums over a batch are written as matrix products with a row of weights, for which XLA has a fast routine; as reductions
they made batch normalization three times slower. The same holds for the sums in gradients: a row that is the same for
all rows is broadcast by a product with ones. The weights are zero for the rows that pad a short batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.compiled.folding import Folded
from dnnstudio.engine.training.compiled.noise import NoiseStream
from dnnstudio.engine.training.compiled.sums import spread, total


@dataclass(frozen=True, slots=True)
class Batch:
    """The mask of a padded batch: `ones` is 1 for real rows and 0 for padding, `shares` the same divided by their
    number, `count`.
    """

    ones: Any
    shares: Any
    count: Any

    @classmethod
    def of(cls, width: int, rows: Any) -> Batch:
        """The first `rows` of `width`."""
        ones = tf.cast(tf.range(width) < rows, tf.float32)
        count = tf.cast(rows, tf.float32)
        return cls(ones, ones / count, count)

    def mean(self, values: Any) -> Any:
        """The mean over real rows of `values` [width]."""
        return tf.tensordot(self.shares, values, 1)

    def share(self, values: Any) -> Any:
        """The same, divided after the sum: of ones and zeros it is exact, where shares of 30 rows add up to more
        than 1.
        """
        return tf.tensordot(self.ones, values, 1) / self.count


def forward(
    layers: list[keras.layers.Layer],
    x: Any,
    batch: Batch,
    noises: dict[int, tuple[NoiseStream, Any]],
    folded: dict[int, Folded] | None = None,
    heed: Callable[[], None] = lambda: None,
) -> tuple[Any, list[Any]]:
    """The stack's output and the activity penalties.

    `heed` is called before each layer. `noises` holds the random layers' numbers, `folded` the batch normalization to
    fold, each by its index. Call it in a `StatelessScope`: batch normalization assigns its averages.
    """
    prices: list[Any] = []
    folded = folded or {}
    for index, layer in enumerate(layers):
        heed()
        if index in noises:
            noise, drawn = noises[index]
            x = noise.apply(x, drawn)
        elif index in folded:
            x = _standardized(layer, x, batch)
        elif index - 1 in folded:
            x = layer.activation(_with_bias(layer, folded[index - 1].sums(x)))
        elif isinstance(layer, keras.layers.BatchNormalization):
            x = _normalized(layer, x, batch) if layer.trainable else layer.call(x, training=False)
        elif type(layer) is keras.layers.Dense and layer.use_bias and len(x.shape) == 2:
            x = layer.activation(_with_bias(layer, tf.linalg.matmul(x, layer.kernel.value)))
        else:
            x = layer.call(x)
        if layer.activity_regularizer is not None:
            counted = x * tf.reshape(batch.ones, (-1, *[1] * (len(x.shape) - 1)))
            # Keras divides an activity penalty by the batch size.
            prices.append(layer.activity_regularizer(counted) * batch.shares[0])
    return x, prices


def _with_bias(layer: keras.layers.Layer, x: Any) -> Any:
    return x + spread(layer.bias.value, x.shape[0]) if layer.use_bias else x


def _normalized(layer: keras.layers.BatchNormalization, x: Any, batch: Batch) -> Any:
    """γ (x − mean) / √(variance + ε) + β with the batch's mean and variance (Ioffe and Szegedy, 2015)."""
    shape = x.shape
    normal = tf.reshape(_standardized(layer, x, batch), (-1, shape[-1]))
    normal = normal * spread(layer.gamma.value, normal.shape[0]) if layer.scale else normal
    normal = normal + spread(layer.beta.value, normal.shape[0]) if layer.center else normal
    return tf.reshape(normal, shape)


def _standardized(layer: keras.layers.BatchNormalization, x: Any, batch: Batch) -> Any:
    """(x − mean) / √(variance + ε) with the batch's mean and variance, which also update the layer's moving
    averages.
    """
    shape = x.shape
    units, places = shape[-1], prod(shape[1:-1])
    rows = tf.reshape(x, (-1, units))
    shares = tf.repeat(batch.shares / places, places) if places > 1 else batch.shares
    mean = total(shares, rows)
    centred = rows - spread(mean, rows.shape[0])
    variance = total(shares, centred * centred)
    kept = layer.momentum
    layer.moving_mean.assign(layer.moving_mean * kept + mean * (1 - kept))
    layer.moving_variance.assign(layer.moving_variance * kept + variance * (1 - kept))
    return tf.reshape(centred * spread(tf.math.rsqrt(variance + layer.epsilon), rows.shape[0]), shape)
