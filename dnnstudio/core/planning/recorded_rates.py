"""The learning rates that a training used, of which its history tells one an epoch.

Straight lines between those would say rates that were never used: across a new phase, a new cycle or a change by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING

from dnnstudio.core.planning.rates import Course
from dnnstudio.core.planning.stages import rates_at

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAME = 1e-4
"""A rate so little beside the plan is the plan's."""


def recorded_rates(
    courses: Sequence[Course],
    at: NDArray[np.int64],
    told: NDArray[np.float64],
    *,
    count: int = 0,
    points: int | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The steps from 0, int64 [steps], and their rates, float64 [steps], of a training that told a rate now and then.

    `told` are the rates at the rising steps `at` [moments]. Up to each of them, from the one before, the rate has the
    shape that `courses` plan, and ends at what was told: a plateau, or a change by hand in a run of 0.1.0, is a factor
    on it. All steps up to the last of `at`, or the first `count`; of a longer training than `points` about so many,
    with those beside each of `at` and beside each change. Moments before the first step tell nothing. A rate too large
    for its plan is infinite in between.
    """
    import numpy as np  # runs are listed without it

    at, told = at[at >= 0], told[at >= 0]
    if not len(at):
        return at, told
    count = count or int(at[-1]) + 1
    steps = np.linspace(0, count - 1, min(count, points or count)).round().astype(np.int64)
    breaks = np.array(breaks_of(courses), dtype=np.int64)
    steps = np.unique(np.concatenate((steps, at, at + 1, breaks - 1, breaks)))
    steps = steps[(steps >= 0) & (steps < count)]
    planned, ends = rates_at(courses, steps), rates_at(courses, at)
    place = np.minimum(np.searchsorted(at, steps), len(at) - 1)
    with np.errstate(over="ignore", invalid="ignore"):
        factors = np.divide(told, ends, out=np.ones(len(at)), where=ends > 0)
        factors[np.abs(factors - 1.0) <= SAME] = 1.0
        shaped = planned * factors[place]
    rates = np.where((ends[place] > 0) & (steps != at[place]), shaped, told[place])
    return steps, rates


def breaks_of(courses: Sequence[Course]) -> tuple[int, ...]:
    """The steps from 0, counted over the training, at which a stage or a change of the rate begins."""
    begun, found = 0, []
    for course in courses:
        found += [begun, *(begun + ceil(course.first_step(change)) for change in course.changes)]
        begun += course.steps
    return tuple(found)
