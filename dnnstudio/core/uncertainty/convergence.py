"""How many passes are enough: running estimates and the Monte Carlo standard error s / √T."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import SCORES, Floats, Passes, PassStatistics, entropy


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Convergence trace of a whole set of images: one entry per pass, as estimated from the passes up to it.

    `winners` is int16 [passes, images]: the class with the highest mean. The means are over all images, in nats.
    """

    winners: NDArray[np.int16]
    mean_entropy: Floats
    mean_mutual_information: Floats

    @classmethod
    def empty(cls, images: int) -> Course:
        return cls(np.empty((0, images), np.int16), np.empty(0), np.empty(0))

    def flips(self) -> NDArray[np.int64]:
        """For each pass, how many images' winner then differs from the final one: int64 [passes]."""
        if not len(self.winners):
            return np.empty(0, np.int64)
        return np.asarray((self.winners != self.winners[-1]).sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Running:
    """Estimates for one image after 1, 2, … T passes, [passes], for the class that wins after all T."""

    mean: Floats
    standard_error: Floats
    """s / √t with s over the first t passes (1/(t−1)); NaN after one pass."""
    statistics: PassStatistics
    """Those of the first 1, 2, … T passes: a row each."""

    def score(self, name: str) -> Floats:
        """The score called `name` after 1, 2, … T passes, as its formula gives it: [passes]."""
        return SCORES[name].formula(self.statistics)


def running(probabilities: Passes, class_index: int | None = None) -> Running:
    """Running estimates of one image from `probabilities` [passes, classes], for `class_index` or the final winner."""
    p = probabilities.astype(np.float64, copy=False)
    count = np.arange(1, len(p) + 1)
    means = np.cumsum(p, axis=0) / count[:, None]
    index = int(means[-1].argmax()) if class_index is None else class_index
    centred = p - means[-1]  # centred on the mean, so that the difference of squares does not cancel
    sums = np.cumsum(centred, axis=0)
    squares = np.maximum(np.cumsum(centred**2, axis=0) - sums**2 / count[:, None], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(squares[:, index] / (count - 1))
    first = p.argmax(axis=1)[:, None] == np.arange(p.shape[1])
    statistics = PassStatistics(
        passes=count,
        mean=means,
        std=np.sqrt(squares / count[:, None]),
        predictive_entropy=entropy(means),
        expected_entropy=np.cumsum(entropy(p)) / count,
        winner=means.argmax(axis=1),
        votes=np.cumsum(first, axis=0, dtype=np.int64),
    )
    return Running(mean=means[:, index], standard_error=deviation / np.sqrt(count), statistics=statistics)


def passes_for(standard_deviation: float, precision: float) -> int:
    """Passes until the standard error s / √T of the mean is at most `precision`."""
    return max(1, ceil((standard_deviation / precision) ** 2 - 1e-9))


def steady_since(values: Floats, tolerance: float) -> int:
    """The number of passes after which `values` [passes] stay within `tolerance` of the last one."""
    away = np.flatnonzero(np.abs(values - values[-1]) > tolerance)
    return int(away[-1]) + 2 if len(away) else 1
