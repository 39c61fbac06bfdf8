"""How many passes are enough: running figures and the Monte Carlo standard error s / √T."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats, Passes, entropy


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """How a whole set of images settled: one entry a pass, figures as they were after it.

    `winners` is int16 [passes, images]: the class whose mean was highest. The means are over all images, in nats.
    """

    winners: NDArray[np.int16]
    mean_entropy: Floats
    mean_mutual_information: Floats

    @classmethod
    def empty(cls, images: int) -> Course:
        return cls(np.empty((0, images), np.int16), np.empty(0), np.empty(0))

    def flips(self) -> NDArray[np.int64]:
        """After each pass, how many images' winners differ from those after all passes."""
        if not len(self.winners):
            return np.empty(0, np.int64)
        return np.asarray((self.winners != self.winners[-1]).sum(axis=1), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Running:
    """Figures of one image after 1, 2, … T passes: all [passes], for the class that wins in the end."""

    mean: Floats
    standard_error: Floats
    """s / √t with s over the first t passes (1/(t−1)); not a number after one pass."""
    predictive_entropy: Floats
    mutual_information: Floats


def running(probabilities: Passes, class_index: int | None = None) -> Running:
    """Running figures of one image; `probabilities` is [passes, classes]."""
    p = probabilities.astype(np.float64, copy=False)
    count = np.arange(1, len(p) + 1)
    means = np.cumsum(p, axis=0) / count[:, None]
    index = int(means[-1].argmax()) if class_index is None else class_index
    centred = p[:, index] - means[-1, index]  # near the mean, so that the difference of squares loses nothing
    squares = np.cumsum(centred**2) - np.cumsum(centred) ** 2 / count
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(np.maximum(squares, 0.0) / (count - 1))
    predictive = entropy(means)
    expected = np.cumsum(entropy(p)) / count
    return Running(
        mean=means[:, index],
        standard_error=deviation / np.sqrt(count),
        predictive_entropy=predictive,
        mutual_information=np.maximum(predictive - expected, 0.0),
    )


def passes_for(standard_deviation: float, precision: float) -> int:
    """Passes until the standard error s / √T of the mean is at most `precision`."""
    return max(1, ceil((standard_deviation / precision) ** 2 - 1e-9))


def steady_since(values: Floats, tolerance: float) -> int:
    """The number of passes after which no running value is further than `tolerance` from the last one."""
    away = np.flatnonzero(np.abs(values - values[-1]) > tolerance)
    return int(away[-1]) + 2 if len(away) else 1


def label_flips(probabilities: Passes) -> NDArray[np.int64]:
    """After each pass t, how many images' winners differ from those after all passes: [passes]."""
    total = np.zeros(probabilities.shape[1:])
    winners = np.empty(probabilities.shape[:2], dtype=np.int16)
    for index, one in enumerate(probabilities):
        total += one
        winners[index] = total.argmax(axis=1)
    return np.asarray((winners != winners[-1]).sum(axis=1), dtype=np.int64)
