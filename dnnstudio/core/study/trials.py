"""The trials of a sweep: how each ended, their table, the best of them, and which one is hopeless."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from dnnstudio.core.atomic_files import read_bounded
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.paths import path_keys
from dnnstudio.core.os_errors import is_missing
from dnnstudio.core.study.sweep import TRIALS, SweepPlan, trial_folder
from dnnstudio.core.study.varied import value_text
from dnnstudio.core.workspace.history import Row, rows_of
from dnnstudio.core.workspace.runs import read_metrics

TABLE = "trials.csv"
RECORDS = "trials.json"
MAX_BYTES = 64 * 2**20

MEDIAN_AFTER_TRIALS = 5
"""So many trials must be done before one is called hopeless, as with Optuna's `MedianPruner` …"""
MEDIAN_FROM_EPOCH = 3
"""… and it must have come so far, because the first epochs say little."""

Status = Literal["done", "failed", "stopped", "pruned"]
Curve = Mapping[int, float]
"""Epoch, from 1 → the validation figure that is compared."""


class Trial(BaseModel):
    """One trial that ended. `figures` are named as the columns of the table; what there is none of is left out.

    The validation figures are those of the best epoch, the test figures those of the weights in `model.keras`.
    `message` says why it failed.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    number: int
    status: Status
    values: dict[str, Any]
    figures: dict[str, float] = {}
    last: float | None = None
    """The compared figure after the last epoch. Trials of older versions have none."""
    seconds: float | None = None
    message: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it is not to be trained any more."""
        return self.status != "stopped"


def but_failed(trials: Mapping[int, Trial]) -> dict[int, Trial]:
    """The trials that need no further try: what failed the others, such as a full disk, may be mended."""
    return {number: trial for number, trial in trials.items() if trial.status != "failed"}


_TRIALS = TypeAdapter(tuple[Trial, ...])


def columns(plan: SweepPlan) -> tuple[str, ...]:
    """The columns of the table."""
    return ("trial", "status", *plan.paths, *figure_names(plan), "seconds", "folder")


def figure_names(plan: SweepPlan) -> tuple[str, str, str, str]:
    """val_loss, val_accuracy, test_loss, test_accuracy, or with mae where a number is predicted."""
    metric = "mae" if plan.target == "val_mae" else "accuracy"
    return ("val_loss", f"val_{metric}", "test_loss", f"test_{metric}")


def read_trials(folder: Path) -> dict[int, Trial]:
    """Number → trial, of all that ended so far. Raises `UserError` for a damaged file."""
    path = folder / RECORDS
    if is_missing(path):
        return {}
    try:
        return {one.number: one for one in _TRIALS.validate_json(read_bounded(path, MAX_BYTES, what="trials"))}
    except ValidationError:
        raise UserError(f"{path} is damaged.", "Sweep into a new folder.") from None


def write_trials(folder: Path, plan: SweepPlan, trials: Mapping[int, Trial]) -> None:
    """Replace the records and the table, each in one step. Raises `UserError`."""
    inorder = tuple(trials[number] for number in sorted(trials))
    write_checked(folder / RECORDS, _TRIALS.dump_json(inorder, indent=1) + b"\n")
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(columns(plan))
    for one in inorder:
        values = [value_text(one.values[path]) if path in one.values else None for path in plan.paths]
        figures = [one.figures.get(name) for name in figure_names(plan)]
        rows.writerow([one.number, one.status, *values, *figures, one.seconds, f"{TRIALS}/{one.number}"])
    write_checked(folder / TABLE, text.getvalue().encode())


def trial_figures(folder: Path, plan: SweepPlan, number: int, *, test: bool) -> dict[str, float]:
    """The figures that the trial's run folder holds, finite ones alone; those on the test part if asked for."""
    place = trial_folder(folder, number)
    metrics = read_metrics(place) or {}
    found: dict[str, Any] = dict(_best_row(_rows(place), metrics.get("best_epoch")))
    if test:
        found |= {f"test_{name}": value for name, value in (metrics.get("test") or {}).items()}
    return {
        name: float(value)
        for name in figure_names(plan)
        if isinstance(value := found.get(name), int | float) and math.isfinite(value)
    }


def trial_curve(folder: Path, plan: SweepPlan, number: int) -> dict[int, float]:
    """The compared figure after each epoch that the trial's history holds."""
    rows = _rows(trial_folder(folder, number))
    return {int(row["epoch"]): row[plan.target] for row in rows if plan.target in row and "epoch" in row}


def had_other_data(folder: Path, plan: SweepPlan, trials: Mapping[int, Trial]) -> bool:
    """Whether some trials that are done were trained on other rows than the others, though nothing varies the rows."""
    if any(path_keys(path)[0] in ("data", "seed") for path in plan.paths):
        return False
    prints = set()
    for trial in trials.values():
        if trial.status == "done":
            with suppress(UserError):  # its run folder is damaged
                prints.add((read_metrics(trial_folder(folder, trial.number)) or {}).get("data_fingerprint"))
    return len(prints - {None}) > 1


def best_trial(plan: SweepPlan, trials: Mapping[int, Trial]) -> Trial | None:
    """The trial with the best validation figure; the lower validation loss, then the earlier one, decides a tie."""
    done = [one for one in trials.values() if one.status == "done" and plan.target in one.figures]
    sign = -1 if plan.higher_is_better else 1
    return min(
        done,
        key=lambda one: (sign * one.figures[plan.target], one.figures.get("val_loss", math.inf), one.number),
        default=None,
    )


def is_hopeless(curve: Curve, others: Sequence[Curve], *, higher_is_better: bool) -> bool:
    """The median rule (Golovin et al. 2017, "Google Vizier"): whether a trial's best figure so far is worse than the
    median of the done trials' figures at the same epoch."""
    epoch = max(curve, default=0)
    if len(others) < MEDIAN_AFTER_TRIALS or epoch < MEDIAN_FROM_EPOCH:
        return False
    there = [other[epoch] for other in others if epoch in other and not math.isnan(other[epoch])]
    own = [value for value in curve.values() if not math.isnan(value)]
    if not own:
        return True
    if not there:
        return False
    median = statistics.median(there)
    return max(own) < median if higher_is_better else min(own) > median


def seconds_left(
    spent: Sequence[float], left: int, *, at_once: int, start: float = 0.0, passed: float = 0.0
) -> float | None:
    """How long `left` trials take, `at_once` of them at a time, by the mean of what others took; None without any.

    `start` is what their processes take to start, all at once, before the first trial. Of those under way so much has
    `passed`, as a number of trials.
    """
    if not spent:
        return None
    return start + statistics.mean(spent) * max(left - passed, 0.0) / min(at_once, max(1, left))


def _rows(place: Path) -> list[Row]:
    return rows_of(place)


def _best_row(rows: Sequence[Row], best_epoch: Any) -> Row:
    """The row of the best epoch; where the run could not say which, that of the lowest validation loss."""
    if best_epoch:
        return next((row for row in rows if row.get("epoch") == best_epoch), {})
    finite = [row for row in rows if math.isfinite(row.get("val_loss", math.nan))]
    return min(finite, key=lambda row: row["val_loss"], default={})
