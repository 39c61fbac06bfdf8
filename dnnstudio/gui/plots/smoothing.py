"""Means that look back over some epochs, for a curve that may still grow. No Qt."""

from __future__ import annotations

import numpy as np

from dnnstudio.core.ticks import is_drawable
from dnnstudio.gui.plots.curves import same_points
from dnnstudio.gui.plots.trace import Floats


def smoothed(x: Floats, y: Floats, over: float) -> Floats:
    """The values as means that look back: what lies `over` epochs behind counts 1/e as much as the latest.

    Each mean is of what came before it alone, so nothing that was drawn changes when more comes. The first ones are
    means of few, not pulled towards zero; values that cannot be drawn are passed over. `x` rises, in epochs.
    """
    return _means(x, y, over, 0, 0.0, 0.0)[0]


def _means(x: Floats, y: Floats, over: float, start: int, total: float, weight: float) -> tuple[Floats, float, float]:
    """The means from place `start` on, after a sum `total` of `weight`; and the sum and weight at the end."""
    steps = np.diff(x[max(start - 1, 0) :], prepend=x[:1] if start == 0 else ())
    kept = np.exp(-steps / over) if over > 0 else np.zeros(len(x) - start)
    result = np.full(len(y) - start, np.nan)
    for place, (value, share) in enumerate(zip(y[start:].tolist(), kept.tolist(), strict=True)):
        total, weight = total * share, weight * share
        if is_drawable(value):
            total, weight = total + value, weight + 1.0
        if weight:
            result[place] = total / weight
    return result, total, weight


class Smoothing:
    """`smoothed` of a curve that grows: only what has come since the last time is worked out."""

    def __init__(self) -> None:
        self._of: tuple[Floats, Floats, float] = (np.empty(0), np.empty(0), 0.0)
        self._result: Floats = np.empty(0)
        self._total = self._weight = 0.0

    def __call__(self, x: Floats, y: Floats, over: float) -> Floats:
        """The same as `smoothed(x, y, over)`."""
        before_x, before_y, before_over = self._of
        known = len(before_x)
        grows = known > 0 and over == before_over and len(x) >= known
        if not grows or not same_points((before_x, before_y), (x[:known], y[:known])):
            known, self._total, self._weight, self._result = 0, 0.0, 0.0, np.empty(0)
        added, self._total, self._weight = _means(x, y, over, known, self._total, self._weight)
        self._of, self._result = (x.copy(), y.copy(), over), np.concatenate((self._result, added))
        return self._result
