"""Adapts Normalization layers to the training rows before training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.custom_layers import AdaptedNormalization
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.backend.noise import noise_of
from dnnstudio.engine.backend.runtime import keras

BLOCK = 4096
"""Rows per batch through the layers before a Normalization, at most."""


def adapt_normalizations(model: keras.Sequential, x: NDArray[np.float32], control: Control | None = None) -> None:
    """Set mean and (population) variance of every Normalization in `model` from its inputs for the rows `x` [n,
    *shape].

    A layer that is already adapted, such as one with reused weights, is left unchanged. As in the data's own
    standardization a constant feature gets variance 1 (Keras: 0), so that a new value of it is not magnified ten
    million times. Raises `UserError` if a mean or variance is not finite or a random layer is unknown, and `Cancelled`.
    """
    before: list[keras.layers.Layer] = []
    for layer in model.layers:
        if isinstance(layer, AdaptedNormalization) and not int(layer.count.numpy()):
            _adapt(layer, before, x, rows_at_once(model, BLOCK), control)
        if noise_of(layer) is None:  # noise is off outside training and leaves the mean unchanged
            before.append(layer)


def _adapt(
    layer: AdaptedNormalization,
    before: list[keras.layers.Layer],
    x: NDArray[np.float32],
    at_once: int,
    control: Control | None,
) -> None:
    """Blocks are combined by the formula of Chan, Golub and LeVeque (1979), which is accurate for large means."""
    shape = tuple(layer.adapt_mean.shape)
    mean, squares, count = np.zeros(shape), np.zeros(shape), 0
    for start in range(0, len(x), at_once):
        if control is not None:
            control.check()
        rows: Any = x[start : start + at_once]
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
