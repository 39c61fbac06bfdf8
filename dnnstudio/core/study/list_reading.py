"""Reads the rows of the run table: a run, an ensemble with its members, a sweep with its trials."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.paths import path_keys
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import plainly_refused
from dnnstudio.core.study.listing import FIGURES, ListedRun, over_seeds, settings_of, task_of
from dnnstudio.core.study.repeat_record import read_repeat, spread
from dnnstudio.core.study.setting_words import START, Setting
from dnnstudio.core.study.sweep import SweepPlan, read_sweep
from dnnstudio.core.study.sweep_record import range_text, sweep_record, trial_record, varied_words
from dnnstudio.core.study.trials import Trial, read_trials
from dnnstudio.core.study.varied import with_values
from dnnstudio.core.workspace.ensembles import is_ensemble, read_ensemble
from dnnstudio.core.workspace.history import Row
from dnnstudio.core.workspace.remarks import Remarks, read_remarks
from dnnstudio.core.workspace.runs import EXPERIMENT, RunRecord, is_sweep, read_parts, read_run


def read_listed(folder: Path) -> ListedRun:
    """The row of a run folder, an ensemble's or a sweep's folder. Raises `UserError`."""
    with plainly_refused(folder):
        return _read_listed(folder)


def _read_listed(folder: Path) -> ListedRun:
    if is_sweep(folder):
        return _listed_sweep(folder)
    if not is_ensemble(folder):
        record = read_run(folder, in_part=True)
        metrics, rows, _ = read_parts(folder, in_part=True)
        return _listed(record, codec.load(folder / EXPERIMENT), rows, _test_figures(metrics), _remarks_of(folder))
    record, members = read_repeat(folder)
    experiment = read_ensemble(folder).experiment
    listed = tuple(replace(read_listed(member.folder), name=f"seed {_seed_of(member)}") for member in members)
    row = _listed(record, experiment, [], {}, _remarks_of(folder))
    return over_seeds(row, listed)


def _seed_of(member: RunRecord) -> str:
    return member.folder.name


def _remarks_of(folder: Path) -> Remarks:
    try:
        return read_remarks(folder)
    except UserError:
        return Remarks()  # said when it is edited; a damaged note must not hide a run


def _test_figures(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
    test = metrics.get("test")
    return test if isinstance(test, dict) else {}


def _settings_in(folder: Path, experiment: Experiment) -> dict[str, Setting]:
    """The settings of a run; what it starts from by its place, which two runs may name from two folders."""
    settings = settings_of(experiment)
    source = settings.get(START)
    if isinstance(source, str) and source.strip():
        settings[START] = os.path.normpath(folder.absolute() / source)
    return settings


def _listed(
    record: RunRecord, experiment: Experiment, rows: Sequence[Row], test: Mapping[str, Any], remarks: Remarks
) -> ListedRun:
    known = {name for row in rows[:1] for name in row}
    figure = next((name for name in FIGURES if f"val_{name}" in known or name in test), "loss")
    column = f"val_{figure}" if f"val_{figure}" in known else figure
    values = [row[column] for row in rows if column in row and isfinite(row[column])]
    pick = max if figure == "accuracy" else min
    found = test.get(figure)
    return ListedRun(
        record=record,
        task=task_of(experiment),
        seed=experiment.seed,
        settings=MappingProxyType(_settings_in(record.folder, experiment)),
        figure=figure,
        best=spread([pick(values)]) if values else None,
        last=spread(values[-1:]),
        test=spread([float(found)]) if isinstance(found, int | float) else None,
        remarks=remarks,
        folders=(record.folder,),
        name=record.name,
    )


# ------------------------------------------------------------------------------------------------------- sweeps


def _listed_sweep(folder: Path) -> ListedRun:
    """The row of a sweep, by its two files and its best trial's folder: a thousand trials are not looked into."""
    plan, trials = read_sweep(folder), read_trials(folder)
    record = sweep_record(folder, plan, trials)
    settings = _TrialSettings(plan.experiment)
    task, figure = task_of(plan.experiment), plan.target.removeprefix("val_")
    empty = ListedRun(
        record=record,
        task=task,
        seed=plan.experiment.seed,
        settings=settings.of({}),
        figure=figure,
        best=None,
        last=None,
        test=None,
        remarks=_remarks_of(folder),
        folders=(folder,),
        name=f"{record.name}: {varied_words(plan)}",
        ranges=MappingProxyType({settings.path_of(one.path): range_text(one) for one in plan.vary}),
    )
    members = tuple(_listed_trial(folder, plan, trials[number], settings, empty) for number in sorted(trials))
    best = next((one for one in members if record.sweep is not None and one.record.folder == record.sweep.home), empty)
    return replace(empty, members=members, settings=best.settings, best=best.best, last=best.last, test=best.test)


def _listed_trial(folder: Path, plan: SweepPlan, trial: Trial, settings: _TrialSettings, sweep: ListedRun) -> ListedRun:
    record, done = trial_record(folder, plan, trial), trial.status == "done"

    def of(value: float | None) -> Any:
        return spread([value]) if value is not None and done else None

    return replace(
        sweep,
        record=record,
        settings=settings.of(trial.values),
        best=of(trial.figures.get(plan.target)),
        last=of(trial.last),
        test=of(trial.figures.get(plan.target.replace("val_", "test_"))),
        remarks=_remarks_of(record.folder),
        folders=(record.folder,),
        name=record.name,
        ranges=MappingProxyType({}),
    )


class _TrialSettings:
    """The settings of trials. Building an experiment takes a millisecond, so it is done once for all that differ by
    numbers and words alone; with another kind come other options, and it is built anew.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._built: dict[str, Mapping[str, Setting]] = {}

    def path_of(self, path: str) -> str:
        """The path as settings are named: a layer by its name, not by its place."""
        keys = list(path_keys(path))
        if len(keys) > 1 and keys[0] == "layers" and keys[1].isdigit() and int(keys[1]) < len(self._experiment.layers):
            keys[1] = self._experiment.layers[int(keys[1])].id
        return ".".join(keys)

    def of(self, values: Mapping[str, Any]) -> Mapping[str, Setting]:
        """The settings of the experiment with these values; where it cannot hold them, its own."""
        own = self._base({})
        plain = {
            path: value
            for path, value in values.items()
            if isinstance(value, str | int | float) and not path.endswith("kind") and self.path_of(path) in own
        }
        base = self._base({path: value for path, value in values.items() if path not in plain})
        return MappingProxyType({**base, **{self.path_of(path): value for path, value in plain.items()}})

    def _base(self, values: Mapping[str, Any]) -> Mapping[str, Setting]:
        key = json.dumps(values, sort_keys=True)
        if key not in self._built:
            try:
                built = with_values(self._experiment, values)
            except UserError:
                built = self._experiment
            self._built[key] = settings_of(built)
        return self._built[key]
