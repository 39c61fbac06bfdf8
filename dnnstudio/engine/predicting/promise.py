"""The calibration behind `--coverage`: on rows that took no part in training, answered as new cases are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Fraction
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import Part
from dnnstudio.core.text import count_of
from dnnstudio.core.uncertainty.conformal import (
    IntervalCalibration,
    Promise,
    SetCalibration,
    calibrate_intervals,
    calibrate_sets,
    calibration_split,
    score_classes,
)
from dnnstudio.core.uncertainty.numbers import Intervals
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.core.workspace.run_rows import data_changed
from dnnstudio.engine.data import load_part
from dnnstudio.engine.data.raw import Array

Answered = Callable[[Array], Floats]
"""What a network says of many stored rows: probabilities [rows, classes], or numbers [rows]."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Sets where classes are told apart, intervals where a number is predicted, and what was done to get them."""

    of: SetCalibration | IntervalCalibration
    classes: tuple[str, ...]
    note: str

    def sets(self, probabilities: Floats) -> list[tuple[str, ...]]:
        """The names in the set of each row of [rows, classes], likeliest first."""
        assert isinstance(self.of, SetCalibration)
        members = self.of.sets_of(probabilities).members
        order = np.argsort(-probabilities, axis=1, kind="stable")
        return [
            tuple(self.classes[place] for place in places if kept[place])
            for places, kept in zip(order, members, strict=True)
        ]

    def intervals(self, numbers: Floats) -> Intervals:
        """The intervals around the numbers [rows]."""
        assert isinstance(self.of, IntervalCalibration)
        return self.of.intervals(numbers)


def calibrate(
    experiment: Experiment,
    promise: Promise,
    answered: Answered,
    *,
    classes: tuple[str, ...],
    kind: SetKind = SetKind.LAC,
    several: bool,
    home: Path,
    control: Control,
) -> Calibrated:
    """Calibrate on half of the run's validation rows, drawn by the experiment's seed; `kind` says how sets are made.

    The members of an ensemble (`several`) keep other rows each where a share is drawn: what one has never seen has
    trained another. Then half of the test rows calibrates. `home` is the run folder. Raises `UserError` for too few
    rows, where the run's data cannot be read or changed, and for a kind of sets where there are no classes.
    """
    if not classes and kind is not SetKind.LAC:
        raise UserError("This network predicts a number, which gets an interval and no set.", "Leave out --sets.")
    rows = calibration_rows(experiment, classes=classes, several=several, home=home, control=control)
    if len(rows.x) < promise.rows_needed:
        raise UserError(
            f"A coverage of {float(promise.coverage):g} needs {count_of(promise.rows_needed, 'row')} to calibrate on, "
            f"but half of the {rows.part} rows is {count_of(len(rows.x), 'row')}.",
            "Promise less, or keep more rows for it.",
        )
    values = answered(rows.x)
    if classes:
        scores = score_classes(values, method=kind.method)
        found = calibrate_sets(scores, rows.y, promise=promise, by_class=kind.by_class)
        return Calibrated(found, classes, " ".join(filter(None, (rows.note, found.always_kept(classes)))))
    return Calibrated(calibrate_intervals(rows.y, values, promise=promise), classes, rows.note)


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationRows:
    """Stored rows [n, *shape] that took no part in training, and their classes or numbers [n]."""

    x: Array
    y: Array
    part: Part

    @property
    def note(self) -> str:
        """One sentence on what the coverage is calibrated on."""
        others = ", for each member kept other validation rows." if self.part == "test" else "."
        return f"The coverage is calibrated on {count_of(len(self.x), 'row')}, half of the {self.part} rows{others}"


def calibration_rows(
    experiment: Experiment, *, classes: tuple[str, ...], several: bool, home: Path, control: Control
) -> CalibrationRows:
    """The rows that `calibrate` takes. Raises `UserError` where the run's data cannot be read.

    Nor may the data have changed: rows that trained the network could be among what now validates.
    """
    part: Part = "test" if several and isinstance(experiment.data.validation, Fraction) else "validation"
    rows = load_part(experiment.data, part, seed=experiment.seed, control=control)
    if data_changed(home, rows.summary.fingerprint):
        raise UserError(
            "The data of this run changed since it was trained, so no rows are known that took no part in training.",
            "Bring back the data as it was, or train again.",
        )
    known: Array = np.asarray(rows.y, np.int64) if classes else np.asarray(rows.y, np.float64)
    labels = known if classes else None
    chosen = calibration_split(len(rows), seed=experiment.seed, labels=labels).calibration
    return CalibrationRows(rows.x[chosen], known[chosen], part)
