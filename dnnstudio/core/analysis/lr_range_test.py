"""Evaluates a learning-rate range test: smoothed curve, point of explosion, suggested rates, and applying them.

The test (Smith, 2015, https://arxiv.org/abs/1506.01186) trains a copy while the rate grows exponentially and watches
the loss. A good constant rate is about ten times below the rate at which the loss begins to climb.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.optimizers import Optimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Constant, OneCycle

Floats = NDArray[np.float64]

EXPLODED = 4.0
"""The loss has exploded once its moving average is this many times the lowest one so far (as in fastai)."""
MEMORY = 0.9
"""Decay of that moving average."""
SPREAD = 0.02
"""Standard deviation of the Gaussian smoothing kernel, as a share of all planned steps."""
SMALLEST_GAIN = 0.02
"""The smoothed loss must fall by this share of its first value, or no rate is suggested."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Suggested learning rates; None if the curve shows none."""

    steepest: float | None = None
    """Where the smoothed loss falls fastest against the logarithm of the rate."""
    tenth_of_lowest: float | None = None
    """A tenth of the rate at which the smoothed loss is lowest."""


def growing_rates(lowest: float, highest: float, steps: int) -> Floats:
    """The learning rate of each step, float64 [steps]: from `lowest` to `highest` in geometric progression."""
    return np.geomspace(lowest, highest, steps)


def explosion(losses: Floats) -> int | None:
    """The first index of `losses` [steps] at which the loss has exploded or is not finite; None if there is none."""
    average, lowest, seen = 0.0, np.inf, 0.0
    for step, loss in enumerate(losses):
        if not np.isfinite(loss):
            return step
        seen = MEMORY * seen + (1 - MEMORY)
        average = MEMORY * average + (1 - MEMORY) * float(loss)
        smooth = average / seen
        # The average of the first steps follows each of them; a single bad batch is no explosion.
        if step >= round(1 / (1 - MEMORY)) and smooth > EXPLODED * max(lowest, 1e-8):
            return step
        lowest = min(lowest, smooth)
    return None


def smoothed(losses: Floats, planned: int) -> Floats:
    """The losses [steps] without the noise of single batches: a centred Gaussian mean, which adds no lag.

    `planned` is the number of steps that the test would have, which sets the kernel's width. Losses above twice the
    initial level are clipped first, so that the final explosion does not spread into the rest.
    """
    if not len(losses):
        return np.empty(0)
    finite = np.where(np.isfinite(losses), losses, np.inf)
    start = float(np.median(finite[: max(1, len(finite) // 10)]))
    cut = np.minimum(finite, 2 * abs(start) if np.isfinite(start) and start else np.finfo(np.float64).max)
    width = max(1.0, SPREAD * planned)
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    total = np.convolve(cut, kernel)[reach : reach + len(cut)]
    weight = np.convolve(np.ones(len(cut)), kernel)[reach : reach + len(cut)]
    return np.asarray(total / weight)


def suggest(rates: Floats, smooth: Floats) -> Suggestions:
    """The two usual choices of a rate, from the rates [steps] and the smoothed losses [steps] (fastai's rules)."""
    if len(smooth) < 10:
        return Suggestions()
    bottom = int(np.argmin(smooth))
    if bottom < 2 or smooth[0] - smooth[bottom] < SMALLEST_GAIN * abs(smooth[0]):
        return Suggestions()
    slope = np.gradient(smooth[: bottom + 1], np.log10(rates[: bottom + 1]))
    return Suggestions(float(rates[int(np.argmin(slope))]), float(rates[bottom]) / 10)


def rounded(rate: float) -> float:
    """The rate rounded to two significant digits: 0.031 for 0.031274."""
    return float(f"{rate:.1e}")


def cycle_maximum(tenth_of_lowest: float, optimizer: Optimizer) -> float:
    """A maximum for 1cycle: half of the rate at which the smoothed loss is lowest, at most the highest that is usual
    with the optimizer: a test of some steps says little of what thousands of them do.

    Smith (2018, https://arxiv.org/abs/1803.09820) takes the highest rate at which the loss still falls; half of where
    it turns keeps clear of the climb. A constant rate must be far lower, as it holds to the end.
    """
    highest = optimizer.usual_range[1]
    found = rounded(tenth_of_lowest * 10 / 2)
    return found if highest is None else min(found, highest)


def with_one_cycle(experiment: Experiment, rate: float) -> Experiment:
    """The experiment with 1cycle up to `rate`; other settings of an existing 1cycle are kept if they still fit."""
    now = experiment.schedule
    if not isinstance(now, OneCycle):
        return experiment.replaced(schedule=OneCycle(max_rate=rate))
    start = now.start_rate if now.start_rate is not None and now.start_rate < rate else None
    last = now.last_rate if now.last_rate is not None and now.last_rate < rate else None
    return experiment.replaced(schedule=now.replaced(max_rate=rate, start_rate=start, last_rate=last))


def with_constant(experiment: Experiment, rate: float) -> Experiment:
    """The experiment with the constant learning rate `rate`."""
    optimizer = experiment.optimizer.replaced(learning_rate=rate)
    return experiment.replaced(optimizer=optimizer, schedule=Constant())
