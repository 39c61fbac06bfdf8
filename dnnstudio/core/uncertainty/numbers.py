"""Uncertainty of a network that predicts a number: the spread of its passes, and whether it can be trusted.

Everything is in the target's own unit: answers come scaled back. Samples are [passes, rows]. The spread
over passes is the model's (epistemic) uncertainty. It leaves out the noise of the data, so intervals from passes alone
are mostly too narrow (Gal, 2016, section 3.3, adds the noise's variance 1/τ: here `noise`). Calibration of intervals:
Kuleshov, Fenner and Ermon, 2018; sharpness: Gneiting, Balabdaoui and Raftery, 2007.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.scores import Floats, Passes

PROMISES = tuple(percent / 100 for percent in (10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99))
"""The coverages at which intervals are checked, unless others are asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Closed intervals from `low` to `high`: [rows], or [promises, rows] for several coverages; infinite if nothing is
    excluded.
    """

    low: Floats
    high: Floats

    @property
    def widths(self) -> Floats:
        """`high` − `low`, shaped as the intervals: [rows] or [promises, rows]."""
        return self.high - self.low

    @property
    def mean_width(self) -> float:
        """Sharpness: the mean width of the intervals, in the target's unit."""
        return float(self.widths.mean())

    def covered(self, values: Floats) -> NDArray[np.bool_]:
        """Whether the true value [rows] lies inside: bool, shaped as the intervals."""
        return np.asarray((self.low <= values) & (values <= self.high))

    def coverage(self, values: Floats) -> Share:
        """How many of the true values [rows] lie inside intervals of shape [rows]."""
        return Share(int(self.covered(values).sum()), len(values))


@dataclass(frozen=True, slots=True, eq=False)
class NumberPasses:
    """Statistics of each row over the passes: all [rows], in the unit of the samples."""

    passes: int
    mean: Floats
    std: Floats
    """Spread of the passes, with 1/T, as for classes."""
    standard_error: Floats
    """Standard error of the mean: s / √T with s over T − 1. Infinite after one pass."""


def summarize(samples: Passes) -> NumberPasses:
    """Mean, spread and standard error of samples [passes, rows]. Raises `UserError` for another shape or no passes."""
    taken = _checked(samples)
    passes = len(taken)
    std = taken.std(axis=0)
    error = std / np.sqrt(passes - 1) if passes > 1 else np.full(taken.shape[1], np.inf)
    return NumberPasses(passes, taken.mean(axis=0), std, error)


def central_intervals(samples: Passes, coverages: ArrayLike) -> Intervals:
    """Central intervals of samples [passes, rows]: their quantiles (1 ∓ c)/2, linearly interpolated.

    One coverage gives [rows], several give [promises, rows].
    """
    wanted = _shares(coverages)
    low, high = np.quantile(_checked(samples), [(1 - wanted) / 2, (1 + wanted) / 2], axis=0)
    return Intervals(low, high)


def gaussian_intervals(mean: Floats, std: Floats, coverages: ArrayLike, *, noise: float = 0.0) -> Intervals:
    """mean ∓ z √(std² + noise²) with z the Gaussian quantile of (1 + c)/2: [rows], or [promises, rows]."""
    wanted = _shares(coverages)
    z = np.array([NormalDist().inv_cdf((1 + share) / 2) for share in wanted.ravel()]).reshape(wanted.shape)
    half = z[..., None] * np.sqrt(std**2 + noise**2)
    return Intervals(mean - half, mean + half)


@dataclass(frozen=True, slots=True)
class NumberScores:
    """Errors of the predicted numbers: `mae` and `rmse` in the target's unit, `nll` in nats of a density in that unit.

    `r2` is NaN if all true values are equal, and `nll` if some row has neither spread nor noise.
    """

    rows: int
    mae: float
    rmse: float
    r2: float
    nll: float


def number_scores(values: Floats, mean: Floats, std: Floats, *, noise: float = 0.0) -> NumberScores:
    """Score the predicted mean and spread [rows] by the true values [rows]. Raises `UserError` for arrays of different
    length.
    """
    values, mean, std = _rows_alike(values, mean, std)
    error = mean - values
    total = float(((values - values.mean()) ** 2).sum())
    return NumberScores(
        rows=len(values),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        r2=1 - float((error**2).sum()) / total if total > 0 else float("nan"),
        nll=gaussian_nll(values, mean, std, noise=noise),
    )


def gaussian_nll(values: Floats, mean: Floats, std: Floats, *, noise: float = 0.0) -> float:
    """Mean of ½ log(2πv) + (value − mean)² / 2v with v = std² + noise², over [rows]; NaN if some v is 0."""
    variance = std**2 + noise**2
    if not (variance > 0).all():
        return float("nan")
    return float((0.5 * np.log(2 * pi * variance) + (values - mean) ** 2 / (2 * variance)).mean())


@dataclass(frozen=True, slots=True, eq=False)
class IntervalReliability:
    """Observed against promised coverage: each array is [promises]."""

    promised: Floats
    reached: tuple[Share, ...]
    width: Floats
    """Mean width of the intervals (sharpness), in the target's unit."""

    @property
    def gap(self) -> Floats:
        """Observed − promised coverage, [promises]: below 0 where the intervals are too narrow."""
        return np.array([share.value for share in self.reached]) - self.promised

    @property
    def miscalibration(self) -> float:
        """The mean of |observed − promised|."""
        return float(np.abs(self.gap).mean())


def interval_reliability(values: Floats, intervals: Intervals, promised: ArrayLike) -> IntervalReliability:
    """The share of the true values [rows] inside intervals [promises, rows], for each promise."""
    shares = np.atleast_1d(_shares(promised))
    if intervals.low.shape != (len(shares), len(values)):
        raise UserError(
            f"The intervals have the shape {intervals.low.shape}; {len(shares)} promises for "
            f"{count_of(len(values), 'row')} need "
            f"({len(shares)}, {len(values)}).",
            "Make the intervals from the same promises and rows.",
        )
    counts = intervals.covered(values).sum(axis=1)
    reached = tuple(Share(int(count), len(values)) for count in counts)
    return IntervalReliability(shares, reached, np.asarray(intervals.widths.mean(axis=1)))


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCoverage:
    """The mean absolute error of the k rows with the smallest spread, for k = 1 … n; each array is [rows].

    `threshold[k−1]` is the largest spread that is still answered. Tied rows share their errors evenly, so that the
    curve does not depend on their order.
    """

    coverage: Floats
    mae: Floats
    rmse: Floats
    threshold: Floats

    @property
    def area(self) -> float:
        """The mean of the curve over all coverages: smaller if a large spread goes with a large error."""
        return float(self.mae.mean())


def error_coverage(values: Floats, mean: Floats, std: Floats) -> ErrorCoverage:
    """The curve of the spread `std` for predicted `mean` and true `values`: all [rows]."""
    values, mean, std = _rows_alike(values, mean, std)
    ranked, group, sizes = np.unique(std, return_inverse=True, return_counts=True)
    order = np.sort(group)
    answered = np.arange(1, len(values) + 1)
    error = np.abs(mean - values)

    def running(of_row: Floats) -> Floats:
        evenly = np.bincount(group, weights=of_row) / sizes
        return np.asarray(np.cumsum(evenly[order]) / answered)

    return ErrorCoverage(answered / len(values), running(error), np.sqrt(running(error**2)), ranked[order])


def error_oracle(values: Floats, mean: Floats) -> ErrorCoverage:
    """The best possible curve, which refers the largest errors first; true values and predicted means are [rows]."""
    return error_coverage(values, mean, np.abs(np.asarray(mean) - values))


def _checked(samples: Passes) -> Floats:
    taken = np.asarray(samples, dtype=np.float64)
    if taken.ndim == 3 and taken.shape[2] == 1:  # one output unit, as Keras gives it
        taken = taken[:, :, 0]
    if taken.ndim != 2 or not len(taken):
        raise UserError(
            f"The samples have the shape {taken.shape}; they must be [passes, rows] with at least one pass.",
            "Sample a network whose last layer has one unit.",
        )
    if not np.isfinite(taken).all():
        raise UserError("The network's outputs are not finite numbers.", "Train it again with a lower learning rate.")
    return taken


def _shares(coverages: ArrayLike) -> Floats:
    wanted = np.asarray(coverages, dtype=np.float64)
    if wanted.ndim > 1 or not ((wanted > 0) & (wanted < 1)).all():
        raise UserError(f"The coverage is {wanted.tolist()}; it must lie between 0 and 1.", "Set it to 0.9.")
    return wanted


def _rows_alike(*arrays: Floats) -> tuple[Floats, ...]:
    """The arrays as float64, checked to be [rows] and of the same length."""
    given = tuple(np.asarray(array, dtype=np.float64) for array in arrays)
    if any(array.ndim != 1 for array in given) or len({len(array) for array in given}) != 1 or not len(given[0]):
        shapes = ", ".join(str(array.shape) for array in given)
        raise UserError(
            f"True values, predictions and spreads have the shapes {shapes}; they must be as long as one another.",
            "Give one of each for every row, and at least one row.",
        )
    return given
