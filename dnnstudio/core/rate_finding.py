"""What a learning-rate test says: the smoothed curve, where it explodes, which rates it suggests, and their use.

The test (Smith, 2015, https://arxiv.org/abs/1506.01186) trains a copy while the rate grows exponentially and watches
the loss. A good constant rate lies about ten times below the rate at which the loss begins to climb.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.schedules import Constant, OneCycle

Floats = NDArray[np.float64]

EXPLODED = 4.0
"""The loss has exploded when its moving average is this many times the lowest one so far (as fastai's finder)."""
MEMORY = 0.9
"""Of the moving average that watches for it."""
SPREAD = 0.02
"""Width of the smoothing, as a share of all steps planned (two standard deviations to each side)."""
SMALLEST_GAIN = 0.02
"""The smoothed loss must fall by this share of its start, or there is nothing to suggest."""


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Rates to choose from; None where the curve does not show any."""

    steepest: float | None = None
    """Where the smoothed loss falls fastest against the logarithm of the rate."""
    tenth_of_lowest: float | None = None
    """A tenth of the rate at which the smoothed loss is lowest."""


def growing_rates(lowest: float, highest: float, steps: int) -> Floats:
    """The rate of each step: from `lowest` to `highest`, each the same factor above the one before."""
    return np.geomspace(lowest, highest, steps)


def explosion(losses: Floats) -> int | None:
    """The first step at which the loss has exploded or is no number; None where it has not."""
    average, lowest, seen = 0.0, np.inf, 0.0
    for step, loss in enumerate(losses):
        if not np.isfinite(loss):
            return step
        seen = MEMORY * seen + (1 - MEMORY)
        average = MEMORY * average + (1 - MEMORY) * float(loss)
        smooth = average / seen
        # The average of few steps follows each of them; a single bad batch is no explosion.
        if step >= round(1 / (1 - MEMORY)) and smooth > EXPLODED * max(lowest, 1e-8):
            return step
        lowest = min(lowest, smooth)
    return None


def smoothed(losses: Floats, planned: int) -> Floats:
    """The losses without the noise of single batches: a Gaussian mean that looks to both sides, so nothing is late.

    Losses far above the first ones are cut before, so that the explosion at the end does not smear into the rest.
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
    """The two usual choices from a smoothed curve."""
    if len(smooth) < 10:
        return Suggestions()
    bottom = int(np.argmin(smooth))
    if bottom < 2 or smooth[0] - smooth[bottom] < SMALLEST_GAIN * abs(smooth[0]):
        return Suggestions()
    slope = np.gradient(smooth[: bottom + 1], np.log10(rates[: bottom + 1]))
    return Suggestions(float(rates[int(np.argmin(slope))]), float(rates[bottom]) / 10)


def rounded(rate: float) -> float:
    """A rate with two digits: 0.031 instead of 0.031274."""
    return float(f"{rate:.1e}")


def with_one_cycle(experiment: Experiment, rate: float) -> Experiment:
    """The experiment with 1cycle up to `rate`; what else its 1cycle says stays, as far as it fits."""
    now = experiment.schedule
    if not isinstance(now, OneCycle):
        return experiment.replaced(schedule=OneCycle(max_rate=rate))
    start = now.start_rate if now.start_rate is not None and now.start_rate < rate else None
    last = now.last_rate if now.last_rate is not None and now.last_rate < rate else None
    return experiment.replaced(schedule=now.replaced(max_rate=rate, start_rate=start, last_rate=last))


def with_constant(experiment: Experiment, rate: float) -> Experiment:
    """The experiment with `rate` from the first step to the last."""
    optimizer = experiment.optimizer.replaced(learning_rate=rate)
    return experiment.replaced(optimizer=optimizer, schedule=Constant())
