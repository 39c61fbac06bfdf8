"""Going on with a run that lies in its folder: what is to be trained, and what more epochs mean to its schedule."""

from __future__ import annotations

from pathlib import Path

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import TrainRun
from dnnstudio.core.runs import CHECKPOINT, EXPERIMENT, read_run
from dnnstudio.core.stages import planned_epochs, with_more_epochs


def continued(folder: Path, more_epochs: int | None = None) -> TrainRun:
    """The training that goes on with the run in `folder` to its planned end, or for so many more epochs.

    Epochs within the plan leave the plan as it is, so that two halves are the same as the whole; beyond its end the
    plan grows. Raises `UserError`.
    """
    record = read_run(folder)
    experiment = codec.load(folder / EXPERIMENT)
    planned, done = planned_epochs(experiment), record.epochs_done
    if not (folder / CHECKPOINT).is_dir():
        raise UserError(f"{folder.name} holds no checkpoint to go on from.", "Train it afresh.")
    if more_epochs is None:
        if done >= planned:
            raise UserError(f"{folder.name} has trained all of its {planned} epochs.", "Use +1 epoch to go on.")
        return TrainRun(experiment=experiment, folder=folder, resume_from=folder)
    target = done + more_epochs
    if target <= planned:
        return TrainRun(experiment=experiment, folder=folder, resume_from=folder, stop_after=target)
    return TrainRun(experiment=with_more_epochs(experiment, target - planned), folder=folder, resume_from=folder)


def more_epochs_sentence(experiment: Experiment, done: int, more: int = 1) -> str:
    """What `more` epochs mean to the schedule of a run that has done `done`; "" where it does not care."""
    planned = planned_epochs(experiment)
    if experiment.schedule.kind != "one_cycle":
        return ""
    if done + more <= planned:
        return f"1cycle goes on as planned over {planned} epochs."
    return (
        f"1cycle had its end after {planned} epochs; the new ones follow the last part of a 1cycle over {done + more}."
    )
