"""State of the Promise tab: the promised coverage, how sets are made, and what they reach. No widgets.

Half of the validation rows calibrates, drawn as for `dnnstudio predict --coverage`; the rows that are looked at never
do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.accuracy import Ints
from dnnstudio.core.uncertainty.conformal import (
    ClassScores,
    PredictionSets,
    Promise,
    ReachedCoverage,
    SetCalibration,
    SetMethod,
    calibrate_sets,
    calibration_split,
    score_classes,
)
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.set_kinds import SetKind


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """One way of making sets, on the looked-at rows: its calibration, the sets, and how often they hold the label."""

    calibration: SetCalibration
    sets: PredictionSets
    reached: ReachedCoverage

    @property
    def missed(self) -> tuple[int, ...]:
        """The classes that are held significantly less often than promised."""
        return self.reached.missed(self.calibration.promise)


@dataclass(frozen=True, slots=True, eq=False)
class Promised:
    """Both ways beside each other; `chosen` is the one that the sets are shown of."""

    one: Kept
    """One threshold for all classes."""
    by_class: Kept
    """One threshold a class, by the same score."""
    how: SetKind
    calibration_rows: int
    validation_rows: int
    same_rows: bool
    """Whether the looked-at rows are the validation rows themselves; then the half that did not calibrate counts."""
    rows: NDArray[np.int64]
    """The rows that the coverage is counted on: [counted rows]."""

    @property
    def chosen(self) -> Kept:
        return self.by_class if self.how is SetKind.BY_CLASS else self.one

    @property
    def other(self) -> Kept:
        return self.one if self.how is SetKind.BY_CLASS else self.by_class

    @property
    def by_class_helps(self) -> bool:
        """Whether one threshold forgets a class, and the class that is served worst fares better with one for each.

        A class with too few calibration rows of its own is in every set, which is no help.
        """
        worst = [
            min(share.value for share in kept.reached.classes if share.total) for kept in (self.one, self.by_class)
        ]
        return bool(self.one.missed) and worst[1] > worst[0] and not self.too_few_by_class

    @property
    def too_few_by_class(self) -> bool:
        """Whether a class that one threshold forgets has too few calibration rows for a threshold of its own."""
        missing = self.by_class.calibration.missing
        return any(missing[number] > 0 for number in self.one.missed)

    @property
    def promise(self) -> Promise:
        return self.chosen.calibration.promise


@dataclass(slots=True)
class PromiseState:
    """What is promised. Scores do not depend on the promise, so they are kept while the slider moves."""

    percent: int = 90
    how: SetKind = SetKind.LAC
    at_least_one: bool = False
    """Whether a row that no class fits gets the best fitting one; it stays marked as strange."""
    _scores: dict[tuple[int, SetMethod], tuple[Samples, ClassScores]] = field(default_factory=dict)

    @property
    def promise(self) -> Promise:
        return Promise.of(f"{self.percent / 100:g}")

    @property
    def method(self) -> SetMethod:
        return self.how.method

    def calibrations(self, validation: Samples) -> tuple[SetCalibration, SetCalibration]:
        """Calibrated on half of these rows: with one threshold, and with one for each class."""
        chosen, labels = calibration_rows(validation), validation.rows.labels
        scores = self._scored(validation)
        part = ClassScores(scores.values[chosen], scores.method)
        one, by_class = (
            calibrate_sets(part, labels[chosen], promise=self.promise, by_class=each) for each in (False, True)
        )
        return one, by_class

    def sets(self, samples: Samples, validation: Samples) -> PredictionSets:
        """The chosen kind of sets of any rows, such as changed pictures."""
        one, by_class = self.calibrations(validation)
        chosen = by_class if self.how is SetKind.BY_CLASS else one
        return chosen.sets(self._scored(samples), at_least_one=self.at_least_one)

    def promised(self, samples: Samples, validation: Samples) -> Promised:
        """Both kinds of sets of the looked-at rows, and what they reach."""
        scores, labels = self._scored(samples), samples.rows.labels
        same = samples.rows.title == validation.rows.title and len(labels) == len(validation.rows)
        rows = np.arange(len(labels))
        if same:
            rows = np.setdiff1d(rows, calibration_rows(validation))
        kept = []
        for calibration in self.calibrations(validation):
            sets = calibration.sets(scores, at_least_one=self.at_least_one)
            counted = PredictionSets(sets.members[rows], sets.strange[rows])
            kept.append(Kept(calibration, sets, counted.coverage(labels[rows])))
        size = len(calibration_rows(validation))
        return Promised(kept[0], kept[1], self.how, size, len(validation.rows), same, rows)

    def _scored(self, samples: Samples) -> ClassScores:
        key = (id(samples), self.method)
        held = self._scores.get(key)
        if held is None or held[0] is not samples:
            if len(self._scores) > 16:  # changed pictures come and go
                self._scores.clear()
            held = self._scores[key] = (samples, score_classes(samples.scores.mean, method=self.method))
        return held[1]


def calibration_rows(validation: Samples) -> Ints:
    """The half of the validation rows that calibrates, ascending: [calibration rows]."""
    labels = validation.rows.labels
    return calibration_split(len(labels), seed=validation.seed, labels=labels).calibration
