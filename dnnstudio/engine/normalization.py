"""Normalization layers, measured on the training rows before training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError
from dnnstudio.engine.layers import AdaptedNormalization
from dnnstudio.engine.runtime import keras

BLOCK = 4096
"""Rows on their way through the layers before a Normalization at once."""
_RANDOM = (keras.layers.Dropout, keras.layers.AlphaDropout, keras.layers.GaussianDropout, keras.layers.GaussianNoise)


def adapt_normalizations(model: keras.Sequential, x: NDArray[np.float32], control: Control | None = None) -> None:
    """Give every Normalization of `model` the mean and (population) variance of what reaches it from the rows `x`.

    A layer that was measured before, such as one that came with reused weights, stays as it is. As in the data's own
    standardization a feature that never changes gets variance 1 (Keras: 0), so that a row in which it does change is
    not blown up ten million times. Raises `UserError` where the numbers are not finite, and `Cancelled`.
    """
    before: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, AdaptedNormalization) and not int(layer.count.numpy()):
            _adapt(layer, before, x, control)
        if not isinstance(layer, _RANDOM):  # they are drawn for training, and change no mean
            before.append(layer)


def _adapt(
    layer: AdaptedNormalization, before: list[keras.layers.Layer], x: NDArray[np.float32], control: Control | None
) -> None:
    """Blocks are joined by the formula of Chan, Golub and LeVeque (1979), which loses no digits to large means."""
    shape = tuple(layer.adapt_mean.shape)
    mean, squares, count = np.zeros(shape), np.zeros(shape), 0
    for start in range(0, len(x), BLOCK):
        if control is not None:
            control.check()
        rows: Any = x[start : start + BLOCK]
        for one in before:
            rows = one(rows, training=False)
        block = np.asarray(rows, dtype=np.float64)
        axes = layer.reduced_axes
        size = int(np.prod([block.shape[axis] for axis in axes]))
        block_mean = block.mean(axis=axes)
        difference = block_mean - mean
        squares += block.var(axis=axes) * size + difference**2 * (count * size / (count + size))
        mean = mean + difference * (size / (count + size))
        count += size
    variance = squares / max(count, 1)
    if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
        raise UserError(
            f"{layer.name} cannot be measured: the training rows hold NaN or infinity.", "Clean the data first."
        )
    layer.adapt_mean.assign(mean.astype(np.float32))
    layer.adapt_variance.assign(np.where(variance > 0, variance, 1.0).astype(np.float32))
    layer.count.assign(len(x))
