"""Calibration of predicted probabilities: of the predictions made with 80 % confidence, are 80 % correct?

ECE and MCE: Naeini et al., 2015; temperature scaling: Guo et al., 2017; Brier score: Brier, 1950, in its form for
several classes (mean over images of Σ (p − one-hot)²), which lies between 0 and 2.

Shapes: `probabilities` is [images, classes], `labels`, `confidence` (the winner's probability) and `correct` are
[images].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

Binning = Literal["width", "mass"]
SMALLEST = 1e-12
"""Probabilities are kept above this before a logarithm."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """The non-empty bins of a reliability diagram, in order of confidence; each array is [bins]."""

    low: Floats
    high: Floats
    counts: NDArray[np.int64]
    confidence: Floats
    accuracy: Floats

    @property
    def gap(self) -> Floats:
        """|accuracy − confidence| of each bin: [bins]."""
        return np.abs(self.accuracy - self.confidence)

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean gap, weighted by each bin's share of the images."""
        return float(np.average(self.gap, weights=self.counts))

    @property
    def mce(self) -> float:
        """The largest gap of any bin."""
        return float(self.gap.max())

    @property
    def mce_count(self) -> int:
        """How many images stand behind the largest gap: it is often that of a bin with very few."""
        return int(self.counts[self.gap.argmax()])


def reliability(
    confidence: Floats, correct: NDArray[np.bool_], *, bins: int = 15, binning: Binning = "width"
) -> Reliability:
    """Group images into bins by confidence, of equal width or of equal counts; empty bins are left out.

    `confidence` and `correct` are [images]. A bin includes its upper edge: (low, high]; 0 belongs to the first.
    """
    hit = correct.astype(np.float64)
    if binning == "width":
        edges = np.linspace(0.0, 1.0, bins + 1)
        index = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
        low, high = edges[:-1], edges[1:]
    else:
        order = np.argsort(confidence, kind="stable")
        index = np.empty(len(confidence), dtype=np.int64)
        groups = np.array_split(order, min(bins, len(order)))
        for number, group in enumerate(groups):
            index[group] = number
        low = np.array([confidence[group].min() for group in groups])
        high = np.array([confidence[group].max() for group in groups])
    counts = np.bincount(index, minlength=len(low))
    held = counts > 0
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(index, weights=confidence, minlength=len(low)) / counts
        accuracy = np.bincount(index, weights=hit, minlength=len(low)) / counts
    return Reliability(low[held], high[held], counts[held].astype(np.int64), mean_confidence[held], accuracy[held])


def adaptive_ece(confidence: Floats, correct: NDArray[np.bool_], *, bins: int = 15) -> float:
    """ECE over bins of equal counts (Nguyen and O'Connor, 2015); `confidence` and `correct` are [images]."""
    return reliability(confidence, correct, bins=bins, binning="mass").ece


def brier(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean over images of Σ over classes of (p − one-hot)², from probabilities [images, classes] and labels
    [images].
    """
    rows = np.arange(len(labels))
    squares = (probabilities**2).sum(axis=1) - 2 * probabilities[rows, labels] + 1
    return float(squares.mean())


def nll(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean of −log of the label's probability, in nats, from probabilities [images, classes] and labels [images]."""
    given = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(given, SMALLEST)).mean())


def tempered(probabilities: Floats, temperature: float) -> Floats:
    """p^(1/temperature), renormalized to sum to 1: [images, classes]. Softer for temperatures above 1,
    sharper below.
    """
    logits = np.log(np.maximum(probabilities, SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """The temperature that minimizes the negative log-likelihood of probabilities [images, classes] and labels
    [images].

    Fit it on validation rows, never on test rows. The loss is convex in β = 1/temperature and its slope is the mean of
    (expected logit − label's logit), so the zero of the slope is found by bisection on a logarithmic scale between
    temperatures 0.01 and 100 (Guo et al., 2017).
    """
    logits = np.log(np.maximum(probabilities, SMALLEST))
    wanted = logits[np.arange(len(labels)), labels]

    def slope(beta: float) -> float:
        powers = np.exp(beta * (logits - logits.max(axis=1, keepdims=True)))
        shares = powers / powers.sum(axis=1, keepdims=True)
        return float(((shares * logits).sum(axis=1) - wanted).mean())

    low, high = np.log(0.01), np.log(100.0)
    for _ in range(60):
        middle = (low + high) / 2
        if slope(float(np.exp(middle))) < 0:
            low = middle
        else:
            high = middle
    return float(np.exp(-(low + high) / 2))
