"""State shared by the views of a predicted number: samples, the chosen row, and the promised intervals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from PySide6.QtCore import QObject, Signal

from dnnstudio.core.uncertainty.conformal import IntervalCalibration, Promise, calibrate_intervals
from dnnstudio.core.uncertainty.number_samples import NumberSamples, number_calibration_rows
from dnnstudio.core.uncertainty.numbers import (
    PROMISES,
    IntervalReliability,
    Intervals,
    gaussian_intervals,
    interval_reliability,
)
from dnnstudio.gui.uncertainty.sentences import Nouns, Words


class Way(StrEnum):
    """How intervals are made."""

    PLAIN = "plain"
    """Conformal, equally wide for all rows."""
    SCALED = "scaled"
    """Conformal, scaled by the spread of the row's passes."""
    PASSES = "passes"
    """From the spread of the passes alone, taken for a Gaussian."""


EPSILON_SHARE = 0.01
"""The least spread of scaled intervals, as a share of the standard deviation of the training targets."""


@dataclass(frozen=True, slots=True)
class Promised:
    """The intervals of all rows, and the calibration behind them; None where passes alone make them."""

    intervals: Intervals
    calibration: IntervalCalibration | None

    @property
    def missing(self) -> int:
        """How many more calibration rows are needed."""
        return 0 if self.calibration is None else self.calibration.missing


class NumberInspection(QObject):
    """`samples_changed` while passes arrive; `image_changed` for another row; `promise_changed` for other intervals."""

    samples_changed = Signal()
    image_changed = Signal()
    validation_changed = Signal()
    promise_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = Words(Nouns(row="row"))
        """The texts that name what is sampled."""
        self.samples: NumberSamples | None = None
        self.validation: NumberSamples | None = None
        self.finished = False
        self.image = 0
        self.percent = 90
        self.way = Way.PLAIN

    def set_samples(self, samples: NumberSamples, *, finished: bool) -> None:
        """Set the samples so far."""
        self.samples, self.finished = samples, finished
        self.words.follow(samples)
        if self.image >= len(samples.rows):
            self.image = 0
        if samples.is_single:
            self.way = Way.PLAIN
        self.samples_changed.emit()

    def finish(self) -> None:
        """The present job has ended, whatever its result."""
        self.finished = True
        if self.samples is not None:
            self.samples_changed.emit()

    def set_validation(self, validation: NumberSamples | None) -> None:
        self.validation = validation
        self.validation_changed.emit()

    def set_image(self, row: int) -> None:
        """Select another row."""
        if self.samples is not None and 0 <= row < len(self.samples.rows) and row != self.image:
            self.image = row
            self.image_changed.emit()

    def set_promise(self, *, percent: int | None = None, way: Way | None = None) -> None:
        """Promise another coverage, or make the intervals in another way."""
        self.percent = self.percent if percent is None else percent
        self.way = self.way if way is None else way
        self.promise_changed.emit()

    def counted(self) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """The rows that coverage is counted on: all, or those that did not calibrate if they are the same rows."""
        assert self.samples is not None
        rows = np.arange(len(self.samples.rows))
        validation = self.validation
        same = validation is not None and validation.rows.title == self.samples.rows.title and self.way != Way.PASSES
        return np.setdiff1d(rows, number_calibration_rows(validation)) if same and validation is not None else rows

    def promised(self, coverage: float | str | None = None, way: Way | None = None) -> Promised | None:
        """The intervals at this coverage, by default the chosen one; None while nothing can calibrate them."""
        if self.samples is None:
            return None
        promise, chosen = Promise.of(f"{self.percent / 100:g}" if coverage is None else coverage), way or self.way
        summary = self.samples.summary
        if chosen is Way.PASSES:
            share = float(promise.coverage)
            return Promised(gaussian_intervals(summary.mean, summary.std, share), None)
        if self.validation is None:
            return None
        known, rows = self.validation, number_calibration_rows(self.validation)
        scaled = chosen is Way.SCALED
        epsilon = EPSILON_SHARE * (self.samples.rows.target_std or 1.0) if scaled else None
        calibration = calibrate_intervals(
            known.rows.truth[rows],
            known.summary.mean[rows],
            promise=promise,
            spread=known.summary.std[rows] if scaled else None,
            epsilon=epsilon,
        )
        spread = summary.std if scaled else None
        return Promised(calibration.intervals(summary.mean, spread=spread), calibration)

    def reliability(self, way: Way) -> IntervalReliability | None:
        """Reached against promised coverage, for promises from 10 to 99 %."""
        found = [self.promised(f"{share:g}", way) for share in PROMISES]
        made = [one.intervals for one in found if one is not None]
        if self.samples is None or len(made) < len(PROMISES):
            return None
        rows = self.counted()
        low, high = (np.stack([getattr(one, end)[rows] for one in made]) for end in ("low", "high"))
        return interval_reliability(self.samples.rows.truth[rows], Intervals(low, high), PROMISES)
