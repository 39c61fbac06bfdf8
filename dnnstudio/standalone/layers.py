"""Layers that Keras lacks: batch normalization over several axes, and normalization with assignable variables.

The classes are registered under "dnnstudio", so that a saved network can name them and an exported script can import
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

ops = keras.ops

PACKAGE = "dnnstudio"


@keras.saving.register_keras_serializable(package=PACKAGE)
class AdaptedNormalization(keras.layers.Normalization):  # type: ignore[misc]
    """`keras.layers.Normalization` that reads its mean and variance from its variables at every call.

    Keras's keeps constants made of them, which go stale when the variables are assigned: by a model file, by a
    checkpoint, by going back to the best epoch.
    """

    def call(self, inputs: Any) -> Any:
        inputs = self.backend.core.convert_to_tensor(inputs, dtype=self.compute_dtype)
        mean = ops.cast(ops.reshape(self.adapt_mean, self._broadcast_shape), inputs.dtype)
        variance = ops.cast(ops.reshape(self.adapt_variance, self._broadcast_shape), inputs.dtype)
        spread = ops.maximum(ops.sqrt(variance), keras.config.epsilon())
        return mean + inputs * spread if self.invert else (inputs - mean) / spread

    @property
    def reduced_axes(self) -> tuple[int, ...]:
        """The axes, the batch's among them, that mean and variance are taken over."""
        return tuple(self._reduce_axis)


@keras.saving.register_keras_serializable(package=PACKAGE)
class AxesBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]
    """`keras.layers.BatchNormalization` that keeps a mean and variance for every place along several axes.

    Keras 3 takes one axis only. As in Keras 2 the variables have the input's rank: (1, 28, 28) for axes 1 and 2 of
    rows of 28 × 28.
    """

    def __init__(self, axis: Sequence[int] = (-1,), **options: Any) -> None:
        super().__init__(axis=-1, **options)
        self.axis = [int(number) for number in axis]

    def build(self, input_shape: Any) -> None:
        rank = len(input_shape)
        kept = {number % rank for number in self.axis}
        shape = tuple(int(input_shape[place]) if place in kept else 1 for place in range(rank))
        if self.scale:
            self.gamma = self._add("gamma", shape, trainable=True)
        if self.center:
            self.beta = self._add("beta", shape, trainable=True)
        self.moving_mean = self._add("moving_mean", shape, trainable=False)
        self.moving_variance = self._add("moving_variance", shape, trainable=False)
        self._reduction_axes = [place for place in range(rank) if place not in kept]

    def _add(self, name: str, shape: tuple[int, ...], *, trainable: bool) -> Any:
        return self.add_weight(
            shape=shape,
            name=name,
            initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer", None),
            constraint=getattr(self, f"{name}_constraint", None),
            trainable=trainable,
            autocast=False,
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        del mask
        if training and self.trainable:
            mean, variance = ops.moments(inputs, axes=self._reduction_axes, keepdims=True)
            self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
        else:
            mean, variance = self.moving_mean, self.moving_variance
        factor = ops.rsqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * self.gamma
        outputs = (inputs - mean) * factor
        return outputs + self.beta if self.center else outputs
