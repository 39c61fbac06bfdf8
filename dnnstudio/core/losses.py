"""Which loss a task is trained with."""

from __future__ import annotations

from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment


def resolve_loss(experiment: Experiment, summary: DataSummary) -> str:
    """The loss to train with, by Keras's name: the experiment's own, or for "auto" the task's."""
    if experiment.loss != "auto":
        return experiment.loss
    if summary.binary:
        return "binary_crossentropy"
    return "sparse_categorical_crossentropy" if summary.classes else "mean_squared_error"
