"""The row of the runs table for whatever a folder holds, and the rows that lie behind it."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core.study.repeat_record import read_repeat
from dnnstudio.core.workspace.ensembles import is_ensemble, member_folder, read_ensemble
from dnnstudio.core.workspace.runs import RunRecord, is_sweep, read_run


def read_row(folder: Path) -> RunRecord:
    """The row of a run folder, an ensemble's or a sweep's folder. Raises `UserError` for anything else."""
    if is_ensemble(folder):
        return read_repeat(folder)[0]
    if is_sweep(folder):
        from dnnstudio.core.study.sweep_record import read_sweep_record  # the first paint does not need it

        return read_sweep_record(folder)
    return read_run(folder, in_part=True)


def member_names(folder: Path) -> dict[Path, str]:
    """Run folder → name of what lies behind the row of an ensemble or a sweep: "seed 3", "trial 7: units 32".

    Nothing for a single run. Raises `UserError`.
    """
    if is_ensemble(folder):
        return {member_folder(folder, seed): f"seed {seed}" for seed in read_ensemble(folder).seeds}
    if is_sweep(folder):
        from dnnstudio.core.study.sweep_record import trial_names

        return trial_names(folder)
    return {}
