"""Conformal prediction: sets of classes or intervals that contain the truth with a promised probability, such as 90 %.

Split conformal prediction (Vovk, Gammerman and Shafer, 2005; Angelopoulos and Bates, 2021, arXiv 2107.07511): held-out
calibration rows get a nonconformity score (how badly the prediction fits the truth), and a prediction keeps everything
that scores no worse than the k-th smallest of them, k = ⌈(n + 1) · coverage⌉. For new rows exchangeable with the
calibration rows the truth is kept with probability k / (n + 1), if no two scores are equal, over the draw of both: at
least the promise, and at most 1 / (n + 1) above it. Shifted images or data from another source are not exchangeable.

The guarantee is also lost where the calibration rows were used to choose something: the epoch, the temperature, the
threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of, listed
from dnnstudio.core.uncertainty.accuracy import Ints
from dnnstudio.core.uncertainty.classification import as_labels, as_probabilities
from dnnstudio.core.uncertainty.numbers import Intervals
from dnnstudio.core.uncertainty.proportions import LEVEL, Share
from dnnstudio.core.uncertainty.scores import Floats

Members = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Promise:
    """The promised coverage, as an exact fraction of the decimal that was written.

    Floating point would be off by one rank: 600 · (1 − 0.9) is 59.999…, which asks for rank 541 instead of 540.
    """

    coverage: Fraction

    @classmethod
    def of(cls, coverage: float | str | Fraction) -> Promise:
        """`Promise.of(0.9)` is nine tenths. Raises `UserError` unless it lies strictly between 0 and 1."""
        try:
            share = coverage if isinstance(coverage, Fraction) else Fraction(str(coverage))
        except (ValueError, ZeroDivisionError):
            share = None
        if share is None or not 0 < share < 1:
            raise UserError(f"The promised coverage is {coverage}; it must lie between 0 and 1.", "Set it to 0.9.")
        return cls(share)

    @classmethod
    def failing(cls, alpha: float | str | Fraction) -> Promise:
        """The promise with this error rate: `Promise.failing(0.1)` is `Promise.of(0.9)`. Raises `UserError` as `of`
        does.
        """
        return cls(1 - cls.of(alpha).coverage)

    @property
    def alpha(self) -> Fraction:
        """The permitted error rate, 1 − coverage."""
        return 1 - self.coverage

    @property
    def rows_needed(self) -> int:
        """The fewest calibration rows that can keep the promise: 9 for 90 %, 19 for 95 %, 99 for 99 %."""
        return ceil(self.coverage / self.alpha)

    def rank(self, rows: int) -> int:
        """k = ⌈(rows + 1) · coverage⌉, counted from 1; above `rows` if there are too few of them."""
        return ceil((rows + 1) * self.coverage)

    def expected(self, rows: int) -> Fraction:
        """The coverage to expect after calibration on so many rows, if no two scores are equal: k / (rows + 1)."""
        return Fraction(self.rank(rows), rows + 1)

    def quantile(self, scores: Floats) -> float:
        """The k-th smallest of the scores [rows]; infinite if there are too few, so that everything is kept."""
        rank = self.rank(len(scores))
        return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else float("inf")


class SetMethod(StrEnum):
    """The nonconformity score of a class."""

    LAC = "lac"
    """1 − p of the class: the smallest sets on average (Sadinle, Lei and Wasserman, 2019)."""
    APS = "aps"
    """The probability of all classes at least as probable as it, itself included: sets grow where the network is in
    doubt (Romano, Sesia and Candès, 2020). This is the variant that includes the class and is not randomized, so that
    the same rows always give the same sets."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """Nonconformity scores [rows, classes], from 0 (fits best) to 1; made by `score_classes`.

    They do not depend on the promise, so moving a coverage slider does not compute them again.
    """

    values: Floats
    method: SetMethod

    @property
    def classes(self) -> int:
        return int(self.values.shape[1])


def score_classes(probabilities: ArrayLike, *, method: SetMethod = SetMethod.LAC) -> ClassScores:
    """Score the classes of each row, from probabilities [rows, classes] ([rows] or [rows, 1] for a single sigmoid
    unit).

    Equally probable classes rank in class order. Raises `UserError` for outputs that are not probabilities.
    """
    given = as_probabilities(probabilities)
    if method is SetMethod.LAC:
        return ClassScores(1.0 - given, method)
    order = np.argsort(-given, axis=1, kind="stable")
    mass = np.cumsum(np.take_along_axis(given, order, axis=1), axis=1)
    scores = np.empty_like(mass)
    # Rounding may push the cumulative sum above 1 in some rows only.
    np.put_along_axis(scores, order, np.minimum(mass, 1.0), axis=1)
    return ClassScores(scores, method)


@dataclass(frozen=True, slots=True)
class ReachedCoverage:
    """How often the sets contain the label: over all rows, and over those of each class."""

    overall: Share
    classes: tuple[Share, ...]

    def missed(self, promise: Promise, *, level: float = LEVEL) -> tuple[int, ...]:
        """The classes whose coverage is significantly too low: the upper end of Wilson's interval is below
        the promise.
        """
        wanted = float(promise.coverage)
        return tuple(index for index, share in enumerate(self.classes) if share.misses(wanted, level=level))

    @property
    def worst(self) -> int | None:
        """The class with the lowest coverage (the first of equals); None if no row is labelled."""
        labelled = [index for index, share in enumerate(self.classes) if share.total]
        return min(labelled, key=lambda index: self.classes[index].value, default=None)


@dataclass(frozen=True, slots=True, eq=False)
class PredictionSets:
    """The classes that cannot be excluded: `members` is bool [rows, classes].

    `strange` [rows] marks the rows that no class fits. Their sets are empty, unless `at_least_one` put the best fitting
    class into them.
    """

    members: Members
    strange: Members

    @property
    def sizes(self) -> Ints:
        """The number of classes in each set: [rows]."""
        return np.asarray(self.members.sum(axis=1), dtype=np.int64)

    @property
    def mean_size(self) -> float:
        return float(self.sizes.mean())

    @property
    def empty(self) -> int:
        """How many sets are empty."""
        return int((self.sizes == 0).sum())

    @property
    def size_counts(self) -> Ints:
        """How many sets contain 0, 1, … classes: [classes + 1]."""
        return np.bincount(self.sizes, minlength=self.members.shape[1] + 1).astype(np.int64)

    def covered(self, labels: ArrayLike) -> Members:
        """Whether each set contains its row's label: bool [rows]. Raises `UserError` for labels that do not fit the
        sets.
        """
        rows, classes = self.members.shape
        return np.asarray(self.members[np.arange(rows), as_labels(labels, rows=rows, classes=classes)])

    def coverage(self, labels: ArrayLike) -> ReachedCoverage:
        """How often the sets contain the labels [rows], overall and per class. Raises `UserError` as `covered` does."""
        covered = self.covered(labels)
        rows, classes = self.members.shape
        known = as_labels(labels, rows=rows, classes=classes)
        totals = np.bincount(known, minlength=classes)
        hits = np.bincount(known, weights=covered, minlength=classes)
        by_class = tuple(Share(int(hit), int(total)) for hit, total in zip(hits, totals, strict=True))
        return ReachedCoverage(Share(int(covered.sum()), rows), by_class)


@dataclass(frozen=True, slots=True, eq=False)
class SetCalibration:
    """The largest nonconformity score that is still kept; made by `calibrate_sets`.

    `quantiles` and `counts` (the calibration rows behind each) have one entry for all classes together, or one per
    class (class-conditional or Mondrian conformal prediction): [1] or [classes].
    """

    promise: Promise
    method: SetMethod
    quantiles: Floats
    counts: Ints
    classes: int

    @property
    def by_class(self) -> bool:
        return len(self.quantiles) == self.classes

    @property
    def missing(self) -> Ints:
        """How many more calibration rows each entry needs, [1] or [classes]; above 0 its classes are always kept, which
        says nothing.
        """
        return np.maximum(self.promise.rows_needed - self.counts, 0)

    def always_kept(self, names: tuple[str, ...]) -> str:
        """A sentence on the classes [classes] that are in every set, as they have too few calibration rows of their
        own; "" where there are none, and with one threshold for all.
        """
        few = [name for name, missing in zip(names, self.missing, strict=True) if missing > 0] if self.by_class else []
        needed = count_of(self.promise.rows_needed, "row")
        return (
            f"In every set, as a class needs {needed} of its own to calibrate on: {listed(few, most=6)}." if few else ""
        )

    def sets(self, scores: ClassScores, *, at_least_one: bool = False) -> PredictionSets:
        """The prediction sets of scored rows. Raises `ValueError` for scores of another method.

        `at_least_one` puts the best fitting class into sets that would be empty; this only enlarges sets, so the
        promise still holds. Raises `UserError` for rows with another number of classes.
        """
        if scores.method is not self.method:
            raise ValueError(f"The sets were calibrated by {self.method}, and these rows are scored by {scores.method}")
        if scores.classes != self.classes:
            raise UserError(
                f"The sets were calibrated for {count_of(self.classes, 'class')}, but these rows have "
                f"{scores.classes}.",
                "Calibrate them with the same network.",
            )
        members = np.asarray(scores.values <= self.quantiles)
        strange = np.asarray(~members.any(axis=1))
        if at_least_one:
            members[strange, scores.values[strange].argmin(axis=1)] = True
        return PredictionSets(members, strange)

    def sets_of(self, probabilities: ArrayLike, *, at_least_one: bool = False) -> PredictionSets:
        """The prediction sets for probabilities [rows, classes]: `score_classes`, then `sets`. Raises `UserError` as
        both do.
        """
        return self.sets(score_classes(probabilities, method=self.method), at_least_one=at_least_one)


def calibrate_sets(
    scores: ClassScores, labels: ArrayLike, *, promise: Promise, by_class: bool = False
) -> SetCalibration:
    """Calibrate on the scores of the calibration rows and their labels [rows].

    One quantile for all classes keeps the promise on average over all rows, but may neglect a class; `by_class` keeps
    it in every class, with larger sets, and needs `promise.rows_needed` rows in each. Too few rows are not an error:
    see `missing`. Raises `UserError` for labels that do not fit.
    """
    rows, classes = scores.values.shape
    known = as_labels(labels, rows=rows, classes=classes)
    of_label = scores.values[np.arange(rows), known]
    groups = [of_label[known == index] for index in range(classes)] if by_class else [of_label]
    return SetCalibration(
        promise=promise,
        method=scores.method,
        quantiles=np.array([promise.quantile(group) for group in groups]),
        counts=np.array([len(group) for group in groups], dtype=np.int64),
        classes=classes,
    )


@dataclass(frozen=True, slots=True)
class IntervalCalibration:
    """The half-width of prediction intervals for a number; made by `calibrate_intervals`.

    `quantile` is in the target's unit or, when scaled by the spread, a multiple of (spread + epsilon). `epsilon` is
    None for plain intervals, which have the same width for all rows.
    """

    promise: Promise
    quantile: float
    rows: int
    epsilon: float | None = None

    @property
    def missing(self) -> int:
        """How many more calibration rows are needed; above 0 the intervals are infinite."""
        return max(self.promise.rows_needed - self.rows, 0)

    def intervals(self, predicted: ArrayLike, *, spread: ArrayLike | None = None) -> Intervals:
        """The intervals around predicted numbers [rows]; `spread` [rows] is required exactly if they are
        scaled by it.
        """
        middle = np.asarray(predicted, dtype=np.float64)
        half = self.quantile * _scale(middle, spread, self.epsilon)
        return Intervals(middle - half, middle + half)


def calibrate_intervals(
    values: ArrayLike,
    predicted: ArrayLike,
    *,
    promise: Promise,
    spread: ArrayLike | None = None,
    epsilon: float | None = None,
) -> IntervalCalibration:
    """Calibrate on true and predicted numbers [rows], with the score |y − ŷ| or |y − ŷ| / (spread + epsilon).

    `spread` is the standard deviation over the passes (Papadopoulos et al., 2008; Lei et al., 2018, section 5.2), and
    `epsilon` keeps the intervals of rows with almost no spread from collapsing. Choose it before looking at the
    calibration rows, for example as a hundredth of the standard deviation of the training targets; both are in the
    target's unit. Raises `UserError` for arrays of different length, and for a spread without an epsilon above 0.
    """
    true, said = np.asarray(values, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if true.ndim != 1 or true.shape != said.shape:
        raise UserError(
            f"The true numbers have the shape {true.shape} and the predicted ones {said.shape}; "
            "they must be [rows], and equally many.",
            "Give one of each for every row.",
        )
    scores = np.abs(true - said) / _scale(said, spread, epsilon)
    if not np.isfinite(scores).all():
        raise UserError(
            "Some true or predicted numbers are not finite.",
            "Leave out rows without a target, or train the network again with a lower learning rate.",
        )
    return IntervalCalibration(promise, promise.quantile(scores), len(scores), epsilon)


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationSplit:
    """Indexes of the rows to calibrate on, and of those left for model selection or testing, both ascending."""

    calibration: Ints
    rest: Ints


def calibration_split(rows: int, *, seed: int, labels: Ints | None = None) -> CalibrationSplit:
    """Split the rows at random into halves; an odd one out calibrates. The same seed gives the same halves.

    Meant for the validation rows: one half calibrates, the other goes on selecting the epoch and the temperature. If
    all of them selected the epoch of the network at hand, the guarantee is lost, and the user should be told.

    With labels [rows] each class is halved too, to within one row, so that no class is left without calibration rows by
    chance. Within a class the halves remain random, so the class-conditional guarantee is exact; over all rows the
    class shares vary less than in a fresh draw, which changes the coverage very little.
    """
    order = np.random.default_rng(seed).permutation(rows)
    if labels is not None:
        known = as_labels(labels, rows=rows, classes=int(np.max(labels, initial=0)) + 1)
        # Sorted by class, shuffled within each: every second row then halves each class and the whole set.
        order = order[np.argsort(known[order], kind="stable")]
    return CalibrationSplit(np.sort(order[::2]), np.sort(order[1::2]))


def _scale(predicted: Floats, spread: ArrayLike | None, epsilon: float | None) -> Floats:
    """The denominator of the score: 1, or spread + epsilon, [rows]."""
    if spread is None and epsilon is None:
        return np.ones(predicted.shape)
    if spread is None or epsilon is None or not epsilon > 0:
        raise UserError(
            "Intervals scaled by the spread of the passes need the spread of every row and an epsilon above 0.",
            "Give both, or neither for intervals of equal width.",
        )
    wide = np.asarray(spread, dtype=np.float64)
    if wide.shape != predicted.shape or not (wide >= 0).all():
        raise UserError(
            f"The spread has the shape {wide.shape} for {count_of(len(predicted), 'row')}; "
            "each row needs one, and none may be below 0.",
            "Sample the same rows as are predicted.",
        )
    return wide + epsilon
