"""What the three clippings do to a gradient: its length, and whether its direction stays.

The formulas are Keras's (https://keras.io/api/optimizers): `clipvalue` cuts each number, `clipnorm` shortens each
variable's gradient, `global_clipnorm` those of all variables together by one factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, degrees, hypot

from dnnstudio.core.optimizers import CLIPPINGS, Optimizer

EXAMPLE = (0.9, 100.0)
"""The chapter's gradient: it leads almost straight along the second weight."""

Gradient = tuple[float, ...]
"""A few numbers: without numpy, which the window's first painting does not wait for."""


def clipped_by_value(gradient: Sequence[float], limit: float) -> Gradient:
    """Each number cut to ± `limit`."""
    return tuple(min(max(value, -limit), limit) for value in gradient)


def clipped_by_norm(gradient: Sequence[float], limit: float) -> Gradient:
    """The gradient shortened to a norm of at most `limit`."""
    norm = hypot(*gradient)
    return tuple(value * (limit / norm) for value in gradient) if norm > limit else tuple(gradient)


def turned(before: Sequence[float], after: Sequence[float]) -> float:
    """The angle between two gradients, in degrees."""
    product = sum(one * other for one, other in zip(before, after, strict=True))
    return degrees(acos(min(max(product / (hypot(*before) * hypot(*after)), -1.0), 1.0)))


def clipping_of(optimizer: Optimizer) -> tuple[str, float] | None:
    """Which clipping an optimizer has, and its limit; None where it has none."""
    for name in CLIPPINGS:
        if (limit := getattr(optimizer, name)) is not None:
            return name, float(limit)
    return None


def with_clipping(optimizer: Optimizer, name: str, limit: float | None) -> Optimizer:
    """The optimizer with this clipping and none of the others: Keras takes one at a time."""
    return optimizer.replaced(**{other: limit if other == name else None for other in CLIPPINGS})
