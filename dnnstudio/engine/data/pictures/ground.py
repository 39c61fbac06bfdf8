"""Whether pictures are light on dark or dark on light, by the pixels along their edge."""

from __future__ import annotations

import math

import numpy as np

from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.engine.data.pictures.thumbnails import is_picture
from dnnstudio.engine.data.raw import Array

Ground = tuple[float, float]
"""Between which shares of white the edges of nearly all training pictures are: their 5th and 95th percentile."""
PERCENTS = (5.0, 95.0)
MIDDLE = 0.5
LOOKED_AT = 1_000
"""So many training pictures tell the ground of all."""


def edges(x: Array, white: float) -> tuple[Floats, Floats]:
    """The means of the outermost pixels of pictures [n, h, w(, c)] and of those inside, as shares of `white`: [n] each.

    Pictures have at least 3 pixels on each side.
    """
    axes = tuple(range(1, x.ndim))
    inside = x[:, 1:-1, 1:-1]
    size, size_inside = math.prod(x.shape[1:]), math.prod(inside.shape[1:])
    total, sum_inside = (part.sum(axis=axes, dtype=np.float64) for part in (x, inside))
    return (total - sum_inside) / ((size - size_inside) * white), sum_inside / (size_inside * white)


def ground_of(x: Array, white: float | None) -> Ground | None:
    """The ground of training pictures [n, *shape]; None where rows are no pictures, or white is not known."""
    if white is None or not len(x) or not is_picture(x.shape[1:]) or min(x.shape[1:3]) < 3:
        return None
    low, high = np.percentile(edges(x, white)[0], PERCENTS)
    return float(low), float(high)


def is_dark(ground: Ground) -> bool:
    """Whether the training pictures are light on dark."""
    return ground[1] < MIDDLE


def is_light(ground: Ground) -> bool:
    """Whether the training pictures are dark on light."""
    return ground[0] > MIDDLE


def is_reversed(picture: Array, white: float, ground: Ground) -> bool:
    """Whether a picture [h, w(, c)] is dark on light where the training pictures are light on dark, or the reverse.

    False where the training pictures have no ground in common.
    """
    if not is_dark(ground) and not is_light(ground):  # spares looking at each of many
        return False
    (edge,), (inside,) = (part.tolist() for part in edges(picture[None], white))
    if is_dark(ground):
        return bool(edge > MIDDLE and edge > inside)
    return bool(edge < MIDDLE and edge < inside)
