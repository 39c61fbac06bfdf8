"""What a set of stochastic passes says of each image.

p̄ is the mean over passes, H = −Σ p̄ log p̄ the predictive entropy, E[H] the mean entropy of single passes (the
aleatoric part) and MI = H − E[H] ≥ 0 their difference (the epistemic part): Houlsby et al., 2011, and Gal, 2016,
"Uncertainty in Deep Learning", section 3.3.1. 0 · log 0 = 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError

Floats = NDArray[np.float64]
Passes = NDArray[np.float32] | NDArray[np.float64]


def entropy(probabilities: NDArray[np.floating]) -> Floats:
    """−Σ p log p over the last axis, in nats."""
    p = probabilities.astype(np.float64, copy=False)
    return np.asarray(-np.sum(p * np.log(p, out=np.zeros_like(p), where=p > 0), axis=-1))


def with_both_classes(outputs: NDArray[np.floating]) -> NDArray[np.floating]:
    """One sigmoid unit as two classes: [..., 1] becomes [..., 2] with 1 − p first; more units stay as they are."""
    if outputs.shape[-1] != 1:
        return outputs
    return np.concatenate([1 - outputs, outputs], axis=-1)


@dataclass(frozen=True, slots=True)
class Scores:
    """One number an image for each score; `mean` and `std` are [images, classes], over passes (std with 1/T)."""

    passes: int
    mean: Floats
    std: Floats
    predictive_entropy: Floats
    expected_entropy: Floats
    mutual_information: Floats
    variation_ratio: Floats
    winner_std: Floats
    margin: Floats
    max_probability: Floats
    winner: NDArray[np.int64]
    vote: NDArray[np.int64]
    votes: NDArray[np.int64]
    """[images, classes]: passes that put this class first."""

    @property
    def classes(self) -> int:
        return int(self.mean.shape[1])

    def doubt(self, name: str) -> Floats:
        """The score called `name`, turned so that more means less sure: `DOUBTS` lists the names."""
        values: Floats = getattr(self, name)
        return 1.0 - values if name in ("margin", "max_probability") else values

    def normalized(self, name: str) -> Floats:
        """An entropy or mutual information as a share of log C, the most it can be."""
        values: Floats = getattr(self, name)
        return np.asarray(values / np.log(self.classes))


DOUBTS: dict[str, str] = {
    "mutual_information": "Mutual information",
    "predictive_entropy": "Predictive entropy",
    "expected_entropy": "Expected entropy",
    "variation_ratio": "Variation ratio",
    "winner_std": "Standard deviation of the winner",
    "margin": "1 − margin",
    "max_probability": "1 − highest mean",
}
"""Score → what a person reads, most telling first."""


class Accumulator:
    """Takes passes as they come and gives the scores of all so far; the order of passes does not matter."""

    def __init__(self, images: int, classes: int) -> None:
        if classes < 2:
            raise UserError(
                "This network predicts a number, not classes.",
                "Uncertainty is shown for classifiers: use softmax or sigmoid in the last layer.",
            )
        self.passes = 0
        self._mean = np.zeros((images, classes))
        self._deviations = np.zeros((images, classes))
        self._entropy = np.zeros(images)
        self._votes = np.zeros((images, classes), dtype=np.int64)

    @classmethod
    def after(cls, scores: Scores) -> Accumulator:
        """One that goes on from where these scores were taken."""
        made = cls(*scores.mean.shape)
        made.passes = scores.passes
        made._mean = scores.mean.copy()
        made._deviations = scores.std**2 * scores.passes
        made._entropy = scores.expected_entropy * scores.passes
        made._votes = scores.votes.copy()
        return made

    def means(self) -> tuple[NDArray[np.int16], float, float]:
        """The winner of each image, and over all images the means of predictive entropy and mutual information."""
        predictive = entropy(self._mean)
        expected = self._entropy / self.passes
        gap = float(np.maximum(predictive - expected, 0.0).mean())
        return self._mean.argmax(axis=1).astype(np.int16), float(predictive.mean()), gap

    def standard_errors(self) -> Floats:
        """s / √T of the winner's mean, with s over T − 1: [images]. Infinite after one pass."""
        if self.passes < 2:
            return np.full(len(self._mean), np.inf)
        rows = np.arange(len(self._mean))
        spread = self._deviations[rows, self._mean.argmax(axis=1)]
        return np.asarray(np.sqrt(np.maximum(spread, 0.0) / (self.passes - 1) / self.passes))

    def add(self, probabilities: Passes) -> None:
        """Add passes: [passes, images, classes]. Means and deviations are kept by Welford's method in float64,
        because E[x²] − E[x]² would leave 1e-8 of spread where there is none."""
        for one in probabilities:
            p = one.astype(np.float64, copy=False)
            self.passes += 1
            away = p - self._mean
            self._mean += away / self.passes
            self._deviations += away * (p - self._mean)
            self._entropy += entropy(p)
            self._votes[np.arange(len(p)), p.argmax(axis=-1)] += 1

    def scores(self) -> Scores:
        """The scores of all passes so far (at least one)."""
        n = self.passes
        mean = self._mean.copy()
        std = np.sqrt(np.maximum(self._deviations, 0.0) / n)
        predictive, expected = entropy(mean), self._entropy / n
        winner = mean.argmax(axis=1)
        rows = np.arange(len(mean))
        top = np.partition(mean, -2, axis=1)[:, -2:]
        return Scores(
            passes=n,
            mean=mean,
            std=std,
            predictive_entropy=predictive,
            expected_entropy=expected,
            mutual_information=np.maximum(predictive - expected, 0.0),
            variation_ratio=1.0 - self._votes.max(axis=1) / n,
            winner_std=std[rows, winner],
            margin=top[:, 1] - top[:, 0],
            max_probability=top[:, 1],
            winner=winner,
            vote=self._votes.argmax(axis=1),
            votes=self._votes.copy(),
        )


def score(probabilities: Passes | Iterable[Passes]) -> Scores:
    """The scores of [passes, images, classes], or of several such blocks one after the other."""
    blocks = [probabilities] if isinstance(probabilities, np.ndarray) else list(probabilities)
    _, images, classes = blocks[0].shape
    accumulator = Accumulator(images, classes)
    for block in blocks:
        accumulator.add(block)
    return accumulator.scores()
