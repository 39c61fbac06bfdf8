"""The y axis of a plot: linear or logarithmic, its range and its round ticks. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dnnstudio.core.ticks import FARTHEST, NEAREST, decades
from dnnstudio.gui.plots.curves import bounds, round_range
from dnnstudio.gui.plots.sentences import short_number
from dnnstudio.gui.plots.trace import Floats

LOG_STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
"""Numbers of a decade that an axis may name, fewer where it spans more."""
LEAST_SPAN = 1.25
"""Values nearer to each other than this factor are drawn on an axis around them."""
DEEPEST = 1e-8
"""A logarithmic axis goes no deeper, unless all values lie there: below is nothing but rounding."""


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from `bottom` to `top`, in drawing units, with `ticks` (values) and their labels."""

    bottom: float
    top: float
    ticks: tuple[float, ...]
    places: tuple[float, ...]
    """Where the ticks lie, in the units of the drawing."""
    words: tuple[str, ...]


def drawn(values: Floats, *, log: bool) -> Floats:
    """Values in drawing units. What is too far has none, and on a logarithmic axis what is not above 0."""
    seen = np.abs(values) <= FARTHEST
    if not log:
        return values if seen.all() else np.where(seen, values, np.nan)
    positive = np.where(seen & (values >= NEAREST), values, np.nan)
    return np.asarray(np.log10(positive))


def known_range(values: Floats, *, robust: bool, log: bool) -> tuple[float, float] | None:
    """Lowest and highest value that the axis must contain; None if nothing can be drawn."""
    if log:
        values = values[(values >= NEAREST) & (values <= FARTHEST)]
        values = above if len(above := values[values > DEEPEST]) else values
    return bounds(values, robust=robust)


def straight(
    low: float,
    high: float,
    limits: tuple[float | None, float | None],
    *,
    most: int,
    words: Callable[[list[float]], list[str]],
) -> Scale:
    """A linear axis for values from `low` to `high`."""
    bottom, top, ticks = round_range(low, high, *limits, most=most)
    return Scale(bottom, top, tuple(ticks), tuple(ticks), tuple(words(ticks)))


def logarithmic(low: float, high: float, *, most: int) -> Scale:
    """A logarithmic axis for values from `low` to `high`, both above 0, with two to `most` round numbers."""
    low, high = (min(max(end, NEAREST), FARTHEST) for end in (low, high))
    if high < low * LEAST_SPAN:
        middle = float(np.sqrt(low * high))
        low, high = min(low, middle / LEAST_SPAN), max(high, middle * LEAST_SPAN)
    bottom, top = float(np.log10(low)), float(np.log10(high))
    for numbers in reversed(LOG_STEPS):
        ticks = decades(low, high, numbers)
        if len(ticks) <= most:
            break
    else:
        # More decades than fit: label every second, third, … one.
        each = -(-len(ticks) // most)
        ticks = ticks[(len(ticks) - 1) % each :: each]
    if len(ticks) < 2:
        ticks = [float(f"{value:.2g}") for value in (low, high)]
        bottom, top = min(bottom, float(np.log10(ticks[0]))), max(top, float(np.log10(ticks[-1])))
    places = tuple(float(np.log10(tick)) for tick in ticks)
    return Scale(bottom, top, tuple(ticks), places, tuple(short_number(tick) for tick in ticks))
