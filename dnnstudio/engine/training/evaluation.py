"""Loss and figures of a model on many rows, with dropout off and without side effects."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.data import DataSummary, TargetUnit
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.uncertainty.figures import figures_of_classes, figures_of_numbers, losses_of_numbers
from dnnstudio.engine.backend.keras_internals import clear_losses
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.backend.objective import Objective, objective, weight_penalty
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.backend.zero_copy import shared
from dnnstudio.engine.training.aside import Aside

BLOCK = 1000
"""Rows per forward pass, at most."""


class Rows(Protocol):
    """The part of `engine.data.Split` that is used: x [n, *shape], y [n]."""

    @property
    def x(self) -> NDArray[np.float32]: ...
    @property
    def y(self) -> NDArray[np.generic]: ...


class Evaluator:
    """One compiled function for a model, used again for every part and every epoch."""

    def __init__(self, model: keras.Sequential, objective: Objective, summary: DataSummary) -> None:
        """`model` answers in the target's own unit. Its figures are of rows that all count alike: no class weights.

        Raises `UserError` where one row does not fit into memory on its way.
        """
        self._model = model
        self._at_once = rows_at_once(model, BLOCK)
        self._tracing: Aside | None = None
        self._objective = objective = replace(objective, class_weights=None)
        self._summary = summary
        unit = summary.target_unit or TargetUnit(mean=0.0, std=1.0)
        self._std, self._factor = unit.std, unit.loss_factor(objective.loss)
        shape = (None, *model.input_shape[1:])
        self._sums = tf.function(
            self._block, input_signature=(tf.TensorSpec(shape, tf.float32), objective.label_spec), autograph=False
        )
        self._penalty = tf.function(lambda: weight_penalty(model), autograph=False)

    def evaluate(self, split: Rows, *, control: Control | None = None) -> dict[str, float]:
        """The figures of the part `split`, x [n, *shape] and y [n]; empty without rows.

        Of classes "loss", "accuracy" and those of `figures_of_classes`; of a number "loss" and those of
        `figures_of_numbers`, in its own unit; of reconstructed rows "loss" and "mae". `control` is polled between
        blocks. Raises `Cancelled` once it is stopped.
        """
        count = len(split.x)
        if not count:
            return {}
        self._get_ready(control)
        sums = np.zeros(3)
        answers = []
        step = self._at_once
        for start in range(0, count, step):
            if control is not None:
                control.check()
            x, y = split.x[start : start + step], split.y[start : start + step]
            added, said = self._sums(shared(x), self._objective.labels(y))
            sums += added.numpy()
            answers.append(said.numpy())
        loss, metric, activity = (float(value) for value in sums)
        penalty = self._factor * (float(self._penalty()) + activity / count)
        name, summary = self._objective.metric, self._summary
        if self._objective.drawn is not None:
            return {"loss": loss / count + penalty, name: metric / count}
        said = np.concatenate(answers)
        if self._objective.measures_numbers:
            values, predicted = np.asarray(split.y, np.float64), said.astype(np.float64)
            losses = losses_of_numbers(self._objective.loss, predicted - values, std=self._std)
            return {"loss": float(losses.mean()) + penalty} | figures_of_numbers(values, predicted)
        labels = np.asarray(split.y, np.int64)
        names = summary.class_names
        told = figures_of_classes(labels, said.astype(np.int64), names, majority=summary.majority)
        return {"loss": loss / count + penalty, name: metric / count} | told

    def _get_ready(self, control: Control | None) -> None:
        """Trace what is called for each block. Raises `Cancelled` once the job is stopped.

        Nothing is called: a layer that is random in every pass would draw once more, and a run that goes on would not
        be the one that never stopped.
        """
        if self._tracing is None:

            def trace() -> None:
                self._sums.get_concrete_function()
                self._penalty.get_concrete_function()

            self._tracing = Aside(trace, "tracing the evaluation")
        self._tracing.wait(control)

    def answers(self, split: Rows) -> NDArray[np.float64]:
        """The number that is predicted for each row of a part, x [n, *shape]: float64 [n]."""
        step = self._at_once
        blocks = [
            self._sums(shared(split.x[start : start + step]), self._objective.labels(split.y[start : start + step]))
            for start in range(0, len(split.x), step)
        ]
        return np.concatenate([said.numpy() for _, said in blocks]).astype(np.float64)

    @property
    def measures_numbers(self) -> bool:
        """Whether one number is predicted for each row."""
        return self._objective.measures_numbers

    def _block(self, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Sums of losses, metrics and activity penalties, and what is said of each row [rows]: a number or a class."""
        outputs = self._model(x, training=False)
        prices = self._model.losses
        # Keras divides an activity penalty by the batch size.
        activity = (tf.add_n(prices) if prices else tf.constant(0.0)) - weight_penalty(self._model)
        activity *= tf.cast(tf.shape(x)[0], tf.float32)
        clear_losses(self._model)
        losses, metrics = self._objective.row_losses(y, outputs), self._objective.row_metrics(y, outputs)
        # In float64, so that the order of blocks does not affect the last digits.
        sums = tf.stack([tf.reduce_sum(tf.cast(value, tf.float64)) for value in (losses, metrics, activity)])
        return sums, self._objective.answers(outputs)


def evaluate(
    model: keras.Sequential,
    split: Rows,
    experiment: Experiment,
    summary: DataSummary,
    *,
    control: Control | None = None,
) -> dict[str, float]:
    """The figures of a model on `split`, x [n, *shape] and y [n], with dropout off, as `Evaluator.evaluate`.

    Use one `Evaluator` for several parts, so that its function is compiled once. Raises `UserError` if the network does
    not fit the task, and `Cancelled`.
    """
    return Evaluator(model, objective(experiment, summary), summary).evaluate(split, control=control)
