"""What the three clippings do to a gradient: its length, and whether its direction stays.

The formulas are Keras's (https://keras.io/api/optimizers): `clipvalue` cuts each number, `clipnorm` shortens each
variable's gradient, `global_clipnorm` those of all variables together by one factor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.optimizers import CLIPPINGS, Optimizer

EXAMPLE = (0.9, 100.0)
"""The chapter's gradient: it leads almost straight along the second weight."""

Floats = NDArray[np.float64]


def clipped_by_value(gradient: Floats, limit: float) -> Floats:
    """Each number cut to ± `limit`."""
    return np.clip(gradient, -limit, limit)


def clipped_by_norm(gradient: Floats, limit: float) -> Floats:
    """The gradient shortened to a norm of at most `limit`."""
    norm = float(np.linalg.norm(gradient))
    return gradient * (limit / norm) if norm > limit else gradient


def turned(before: Floats, after: Floats) -> float:
    """The angle between two gradients, in degrees."""
    share = float(before @ after / (np.linalg.norm(before) * np.linalg.norm(after)))
    return float(np.degrees(np.arccos(np.clip(share, -1.0, 1.0))))


def clipping_of(optimizer: Optimizer) -> tuple[str, float] | None:
    """Which clipping an optimizer has, and its limit; None where it has none."""
    for name in CLIPPINGS:
        if (limit := getattr(optimizer, name)) is not None:
            return name, float(limit)
    return None


def with_clipping(optimizer: Optimizer, name: str, limit: float | None) -> Optimizer:
    """The optimizer with this clipping and none of the others: Keras takes one at a time."""
    return optimizer.replaced(**{other: limit if other == name else None for other in CLIPPINGS})
