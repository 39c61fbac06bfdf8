"""Refuses to measure outputs by a loss that takes them for what they are not."""

from __future__ import annotations

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.uncertainty.classification import check_between_0_and_1
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.data import Dataset
from dnnstudio.engine.reuse.ensemble import outputs_of
from dnnstudio.engine.training.evaluation import Evaluator

LOOKED_AT = 256
"""Rows that are looked at: bare sums lie outside 0 to 1 at once."""


def evaluator_of(model: keras.Sequential, experiment: Experiment, dataset: Dataset) -> Evaluator:
    """An evaluator of a trained or opened network. Raises `UserError` if it does not fit the task, and for classes
    whose outputs are no probabilities.
    """
    goal = objective(experiment, dataset.summary)
    if goal.metric == "accuracy":
        rows = next((part.x for part in (dataset.test, dataset.validation, dataset.train) if len(part.x)), None)
        if rows is not None:
            check_between_0_and_1(outputs_of(model, rows[:LOOKED_AT]))
    return Evaluator(model, goal, dataset.summary)
