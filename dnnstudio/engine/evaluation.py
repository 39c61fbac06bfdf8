"""Loss and metric of a model on many rows, with dropout off and nothing changed by looking."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.control import Control
from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment
from dnnstudio.engine.losses import Objective, objective, weight_penalty
from dnnstudio.engine.runtime import keras, tf
from dnnstudio.engine.tensors import shared

BLOCK = 1000
"""Rows a forward pass."""


class Rows(Protocol):
    """What is needed of `engine.data.Split`."""

    @property
    def x(self) -> NDArray[np.float32]: ...
    @property
    def y(self) -> NDArray[np.generic]: ...


class Evaluator:
    """One compiled function for a model, used again for every part and every epoch."""

    def __init__(self, model: keras.Sequential, objective: Objective) -> None:
        self._model = model
        self._objective = objective
        shape = (None, *model.input_shape[1:])
        self._sums = tf.function(
            self._block, input_signature=(tf.TensorSpec(shape, tf.float32), objective.label_spec), autograph=False
        )
        self._penalty = tf.function(lambda: weight_penalty(model), autograph=False)

    def evaluate(self, split: Rows, *, control: Control | None = None) -> dict[str, float]:
        """{"loss", "accuracy"} (or "mae") of the rows; empty without rows.

        `control` is looked at between blocks. Raises `Cancelled` once it is stopped.
        """
        count = len(split.x)
        if not count:
            return {}
        sums = np.zeros(3)
        for start in range(0, count, BLOCK):
            if control is not None:
                control.check()
            x, y = split.x[start : start + BLOCK], split.y[start : start + BLOCK]
            sums += self._sums(shared(x), self._objective.labels(y)).numpy()
        loss, metric, activity = (float(value) for value in sums)
        penalty = float(self._penalty())
        return {"loss": (loss + activity) / count + penalty, self._objective.metric: metric / count}

    def _block(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        outputs = self._model(x, training=False)
        prices = self._model.losses
        # Keras divides a price on activities by the rows of the batch.
        activity = (tf.add_n(prices) if prices else tf.constant(0.0)) - weight_penalty(self._model)
        activity *= tf.cast(tf.shape(x)[0], tf.float32)
        self._model._clear_losses()
        losses, metrics = self._objective.row_losses(y, outputs), self._objective.row_metrics(y, outputs)
        # In float64, so that the order of blocks does not show in the last digits.
        return tf.stack([tf.reduce_sum(tf.cast(value, tf.float64)) for value in (losses, metrics, activity)])


def evaluate(
    model: keras.Sequential,
    split: Rows,
    experiment: Experiment,
    summary: DataSummary,
    *,
    control: Control | None = None,
) -> dict[str, float]:
    """{"loss", "accuracy"} (or "mae") of a model on some rows, dropout off. For several parts use one `Evaluator`."""
    return Evaluator(model, objective(experiment, summary)).evaluate(split, control=control)
