"""Chooses the loss for a task."""

from __future__ import annotations

from dnnstudio.core.experiment.data import Data, DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.losses import LossName, Task, loss_of_task


def task_of(data: Data, summary: DataSummary | None) -> Task:
    """The task ("binary", "classes" or "number") of the data's summary or, before reading, of its source."""
    if summary is not None:
        return "binary" if summary.binary else "classes" if summary.classes else "number"
    if data.source.predicts_number:
        return "number"
    return "classes" if data.classes.positive is None else "binary"


def resolve_loss(experiment: Experiment, summary: DataSummary | None) -> LossName:
    """The loss to train with, a key of `LOSSES`: the experiment's own, or the task's for "auto".

    `summary` is None before the data is read.
    """
    return loss_of_task(task_of(experiment.data, summary)).name if experiment.loss == "auto" else experiment.loss
