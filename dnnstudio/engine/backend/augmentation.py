"""Augmentation by Keras's own random layers, drawn from seeds alone: the same rows, seed and epoch give the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.augmentation import AnyAugmentation, PictureAugmentation
from dnnstudio.engine.backend.runtime import keras

FULL_TURN = 360.0


def require_fitting(augmentation: AnyAugmentation, shape: tuple[int, ...]) -> None:
    """Refuse to turn a row of a table. Raises `UserError`."""
    if isinstance(augmentation, PictureAugmentation) and not is_picture(shape):
        raise UserError(
            f"data.augmentation flips and turns pictures, but a row has the shape {shape}.",
            "Choose noise, or switch the augmentation off.",
        )


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape are grey or coloured pictures: [h, w], [h, w, 1] or [h, w, 3]."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def augmented(
    x: NDArray[np.float32], augmentation: AnyAugmentation, *, value_range: tuple[float, float], seed: tuple[int, ...]
) -> NDArray[np.float32]:
    """Every row of `x` [n, *shape] varied once. Contrast is cut off at `value_range`, as Keras does.

    The layers are made for each call: their random numbers then depend on `seed` alone, however often they were drawn.
    """
    made: Any = x[..., np.newaxis] if x.ndim == 3 else x
    for layer in layers_of(augmentation, value_range=value_range, seed=seed):
        made = layer(made, training=True)
    values = np.asarray(made, np.float32)
    return values.reshape(x.shape)


def layers_of(
    augmentation: AnyAugmentation, *, value_range: tuple[float, float], seed: tuple[int, ...]
) -> Iterator[keras.layers.Layer]:
    """Keras's layers in the order in which they are applied; those whose slider stands at zero are left out."""
    seeds = (int(word >> 1) for word in np.random.SeedSequence(seed).generate_state(5, np.uint32))
    if not isinstance(augmentation, PictureAugmentation):
        if augmentation.stddev:
            yield keras.layers.GaussianNoise(augmentation.stddev, seed=next(seeds))
        return
    fill: dict[str, Any] = {"fill_mode": augmentation.fill_mode, "fill_value": value_range[0]}
    flip, shift, turn, zoom, contrast = seeds
    if augmentation.flip != "none":
        yield keras.layers.RandomFlip(augmentation.flip, seed=flip)
    if augmentation.shift:
        yield keras.layers.RandomTranslation(augmentation.shift, augmentation.shift, seed=shift, **fill)
    if augmentation.turn:
        yield keras.layers.RandomRotation(augmentation.turn / FULL_TURN, seed=turn, **fill)
    if augmentation.zoom:
        yield keras.layers.RandomZoom(augmentation.zoom, seed=zoom, **fill)
    if augmentation.contrast:
        yield keras.layers.RandomContrast(augmentation.contrast, value_range=value_range, seed=contrast)
