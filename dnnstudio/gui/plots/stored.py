"""A run read from its folder, as curves and final figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.study.repeat_record import mean_rows, member_rows
from dnnstudio.core.study.rows import read_row
from dnnstudio.core.study.sweep import read_sweep
from dnnstudio.core.workspace.ensembles import is_ensemble, member_folder, read_ensemble
from dnnstudio.core.workspace.history import rows_of
from dnnstudio.core.workspace.runs import EXPERIMENT, is_sweep, read_metrics
from dnnstudio.core.workspace.shared_layers import read_links
from dnnstudio.core.workspace.training_record import TrainedWith
from dnnstudio.gui.plots.curves import Curves


def read_stored_run(folder: Path) -> tuple[Curves, dict[str, Any]]:
    """The curves and the final figures of the run in `folder`; of an ensemble, the mean curves of its members;
    of a sweep, those of its best trial, or none while no trial has ended.

    Raises `UserError`.
    """
    if is_ensemble(folder):
        return _read_repeat(folder)
    if is_sweep(folder):
        home = read_row(folder).home
        if home == folder:
            return _of_no_trial(folder), {}
        curves, metrics = read_stored_run(home)
        curves.name = f"{folder.name} trial {curves.name}"
        return curves, metrics
    experiment = codec.load(folder / EXPERIMENT)
    metrics = read_metrics(folder) or {}
    rows = rows_of(folder)
    trained = TrainedWith.read(metrics)
    curves = Curves(
        experiment,
        run=str(metrics.get("run", "")),
        steps_per_epoch=trained.steps_per_epoch if trained is not None else 0,
        epochs=max(planned_epochs(experiment), len(rows)),
    )
    curves.name = folder.name
    for row in rows:
        curves.add_row(row)
    best = metrics.get("best_epoch")
    curves.best_epoch = best if isinstance(best, int) else 0
    curves.ended = True
    curves.stopped_early = metrics.get("reason") == "early_stopping"
    curves.changes = changes_of(folder)
    return curves, metrics


def changes_of(folder: Path) -> tuple[tuple[int, str], ...]:
    """After which epochs another training changed shared layers of this run. Damaged links hide no curves."""
    try:
        changes = read_links(folder).changes
    except UserError:
        return ()
    return tuple((change.epoch, change.by) for change in changes if change.epoch is not None)


def _of_no_trial(folder: Path) -> Curves:
    experiment = read_sweep(folder).experiment
    curves = Curves(experiment, epochs=planned_epochs(experiment))
    curves.name = folder.name
    curves.ended = True
    return curves


def _read_repeat(folder: Path) -> tuple[Curves, dict[str, Any]]:
    ensemble = read_ensemble(folder)
    histories = member_rows(folder, ensemble.seeds)
    means, deviations = mean_rows(histories.values())
    members = (read_metrics(member_folder(folder, seed)) or {} for seed in histories)
    steps = next((found.steps_per_epoch for each in members if (found := TrainedWith.read(each)) is not None), 0)
    epochs = max(planned_epochs(ensemble.experiment), len(means))
    curves = Curves(ensemble.experiment, steps_per_epoch=steps, epochs=epochs)
    curves.name = folder.name
    curves.set_means(means, deviations, ends=[rows[-1]["epoch"] for rows in histories.values() if rows])
    curves.ended = True
    return curves, read_metrics(folder) or {}
