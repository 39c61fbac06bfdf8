"""Small pictures of the rows, for looking at only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.data.raw import Array

MAX_SIDE = 128
"""A thumbnail larger than this is thinned out to it."""


def is_picture(shape: tuple[int, ...]) -> bool:
    """Whether rows of this shape can be shown as pictures: [h, w], [h, w, 1] or [h, w, 3]."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))


def to_pictures(x: Array, full_scale: float | None) -> NDArray[np.uint8]:
    """Rows as stored → uint8 [n, h, w] or [n, h, w, 3]. Without a known full scale, each picture fills its own range.

    Rows must satisfy `is_picture`.
    """
    if x.ndim == 4 and x.shape[3] == 1:
        x = x[..., 0]
    step = max(1, -(-max(x.shape[1:3]) // MAX_SIDE))
    x = x[:, ::step, ::step]
    if x.dtype == np.uint8 and full_scale == 255.0:
        return np.ascontiguousarray(x, np.uint8)
    values = np.nan_to_num(x.astype(np.float64))
    if full_scale is not None:
        values *= 255.0 / full_scale
    elif values.size:
        axes = tuple(range(1, values.ndim))
        low, high = values.min(axis=axes, keepdims=True), values.max(axis=axes, keepdims=True)
        values = (values - low) * (255.0 / np.where(high > low, high - low, 1.0))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def thumbnails_of(
    x: Array, rows: NDArray[np.int64], y: Array, classes: int, full_scale: float | None
) -> NDArray[np.uint8] | None:
    """The first training row of each class as an image, uint8 [classes, h, w(, 3)]; black for a class without rows.

    `x` is [n, *shape], `rows` [m] the indexes of the training rows, `y` [n] the classes. None if rows are no images.
    """
    if not is_picture(x.shape[1:]) or classes == 0:
        return None
    present, first = np.unique(y, return_index=True)
    shown = to_pictures(x[rows[first]], full_scale)
    out = np.zeros((classes, *shown.shape[1:]), np.uint8)
    out[present] = shown
    return out
