"""The effect of Keras's three gradient clippings on a gradient: its norm, and whether its direction is kept.

The formulas are Keras's (https://keras.io/api/optimizers): `clipvalue` clips each component, `clipnorm` rescales each
variable's gradient, `global_clipnorm` rescales the gradients of all variables by one common factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, degrees, hypot

from dnnstudio.core.experiment.optimizers import CLIPPINGS, Optimizer

EXAMPLE = (0.9, 100.0)
"""An example gradient (Géron, chapter 11), almost parallel to the second weight's axis."""

Gradient = tuple[float, ...]
"""A few numbers, without numpy, so that the window's first paint need not wait for its import."""


def clipped_by_value(gradient: Sequence[float], limit: float) -> Gradient:
    """Each component clipped to ± `limit`."""
    return tuple(min(max(value, -limit), limit) for value in gradient)


def clipped_by_norm(gradient: Sequence[float], limit: float) -> Gradient:
    """The gradient rescaled to a norm of at most `limit`."""
    norm = hypot(*gradient)
    return tuple(value * (limit / norm) for value in gradient) if norm > limit else tuple(gradient)


def turned(before: Sequence[float], after: Sequence[float]) -> float:
    """The angle between two gradients, in degrees."""
    product = sum(one * other for one, other in zip(before, after, strict=True))
    return degrees(acos(min(max(product / (hypot(*before) * hypot(*after)), -1.0), 1.0)))


def clipping_of(optimizer: Optimizer) -> tuple[str, float] | None:
    """The optimizer's clipping and its limit; None if it has none."""
    for name in CLIPPINGS:
        if (limit := getattr(optimizer, name)) is not None:
            return name, float(limit)
    return None


def with_clipping(optimizer: Optimizer, name: str, limit: float | None) -> Optimizer:
    """The optimizer with this clipping and no other: Keras accepts one at a time."""
    return optimizer.replaced(**{other: limit if other == name else None for other in CLIPPINGS})
