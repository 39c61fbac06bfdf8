"""The coverage that is promised for new cases, and the sets or intervals that follow from it. No Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.jobs.cases import AnswerCalibration
from dnnstudio.core.uncertainty.conformal import (
    ClassScores,
    IntervalCalibration,
    Promise,
    SetCalibration,
    SetMethod,
    calibrate_intervals,
    calibrate_sets,
    score_classes,
)
from dnnstudio.core.uncertainty.set_kinds import SetKind

Floats = NDArray[np.float64]


class CasePromise:
    """A coverage and a kind of sets over the calibration rows. What follows is kept until one of them changes."""

    def __init__(self) -> None:
        self.calibration: AnswerCalibration | None = None
        self.coverage = 0.9
        self.kind = SetKind.LAC
        self._scores: dict[SetMethod, ClassScores] = {}
        self._scored: AnswerCalibration | None = None
        self._made: tuple[tuple[object, ...], SetCalibration | IntervalCalibration | None] | None = None

    @property
    def promise(self) -> Promise:
        """The share of the slider, as it stands beside it."""
        return Promise.of(round(self.coverage, 4))

    @property
    def state(self) -> tuple[object, ...]:
        """Equal as long as the same sets or intervals follow."""
        return self.calibration, round(self.coverage, 4), self.kind

    @property
    def rows_missing(self) -> int:
        """How many more calibration rows the coverage needs."""
        return 0 if self.calibration is None else max(0, self.promise.rows_needed - len(self.calibration))

    @property
    def made(self) -> SetCalibration | IntervalCalibration | None:
        """What the coverage promises; None without a calibration, or where it has too few rows."""
        if self._made is None or self._made[0] != self.state:
            self._made = self.state, self._calibrated()
        return self._made[1]

    def _calibrated(self) -> SetCalibration | IntervalCalibration | None:
        known = self.calibration
        if known is None or self.rows_missing:
            return None
        if known.values.ndim == 1:
            return calibrate_intervals(known.truth, known.values, promise=self.promise)
        if self._scored is not known:
            self._scores, self._scored = {}, known
        method = self.kind.method
        if method not in self._scores:
            self._scores[method] = score_classes(known.values, method=method)
        return calibrate_sets(self._scores[method], known.truth, promise=self.promise, by_class=self.kind.by_class)

    def members(self, values: Floats) -> NDArray[np.bool_] | None:
        """Which classes are in the set of each row of probabilities [rows, classes], none in that of a row without an
        answer (NaN): [rows, classes]. None without sets.
        """
        made = self.made
        if not isinstance(made, SetCalibration):
            return None
        known = np.isfinite(values).all(axis=1)
        found = np.zeros(values.shape, np.bool_)
        if known.any():
            found[known] = made.sets_of(values[known]).members
        return found

    def sizes(self, values: Floats) -> NDArray[np.int64]:
        """How many classes are in the set of each row of probabilities [rows, classes]: [rows]; 0 without sets."""
        found = self.members(values)
        return np.zeros(len(values), np.int64) if found is None else found.sum(axis=1).astype(np.int64)

    def interval(self, value: float) -> tuple[float, float] | None:
        """The interval around a number; None without one."""
        made = self.made
        if not isinstance(made, IntervalCalibration):
            return None
        ends = made.intervals([value])
        return float(ends.low[0]), float(ends.high[0])
