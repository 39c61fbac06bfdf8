"""Finds the corner of a plot in which the legend covers least."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QRect, QSize

from dnnstudio.gui.plots.trace import Floats

Corner = tuple[bool, bool]
"""At the top, at the left."""
CORNERS: tuple[Corner, ...] = ((True, False), (False, False), (False, True), (True, True))
LOOKS = 40
"""At so many points of a curve it is looked whether it would be hidden."""
WORTH_MOVING = 3
INSET, AXIS = 10, 24
X_MARGIN = 0.012
"""The margin at both ends of the x axis, as a share of its span."""
TOP, BELOW, RIGHT = 7, 25, 11
"""What a view has above, below and right of the area of the curves, in pixels."""


def places(legend: QSize, view: QSize, left_axis: int) -> dict[Corner, QRect]:
    """The rectangle of a legend of that size in each corner of the view."""
    found: dict[Corner, QRect] = {}
    for corner in CORNERS:
        left = left_axis + 8 if corner[1] else view.width() - 16 - legend.width()
        top = INSET if corner[0] else view.height() - AXIS - INSET - legend.height()
        found[corner] = QRect(left, top, legend.width(), legend.height())
    return found


def in_pixels(across: Floats, down: Floats, view: QSize, left_axis: int, *, y_margin: float) -> tuple[Floats, Floats]:
    """Where points are drawn in the view, from their shares of both axes; `y_margin` is a share of the y axis."""
    left, width = left_axis + 1, max(view.width() - left_axis - 1 - RIGHT, 1)
    height = max(view.height() - TOP - BELOW, 1)
    x = left + (across + X_MARGIN) / (1 + 2 * X_MARGIN) * width
    return x, TOP + (down + y_margin) / (1 + 2 * y_margin) * height


def hidden_by(area: QRect, curves: Iterable[tuple[Floats, Floats]]) -> int:
    """How many points of the curves, in view pixels, are inside the area; of few, those on the lines between them."""
    found = 0
    for x, y in curves:
        if 1 < len(x) < LOOKS:
            at, known = np.linspace(0, len(x) - 1, LOOKS), np.arange(len(x))
            across, down = np.interp(at, known, x), np.interp(at, known, y)
        else:
            some = slice(None, None, max(1, len(x) // LOOKS))
            across, down = x[some], y[some]
        inside = (across > area.left()) & (across < area.right()) & (down > area.top()) & (down < area.bottom())
        found += int(inside.sum())
    return found


def choose(now: Corner, usual: Corner, hidden: Callable[[Corner], int]) -> Corner:
    """Keep the corner unless it covers much more than another, so that the legend does not jump to and fro."""
    here = hidden(now)
    if here <= WORTH_MOVING:
        return now
    elsewhere = {each: hidden(each) for each in CORNERS}
    freest = min(elsewhere, key=lambda each: (elsewhere[each], each != usual, each[1] != usual[1]))
    return freest if here > WORTH_MOVING + 2 * elsewhere[freest] else now
