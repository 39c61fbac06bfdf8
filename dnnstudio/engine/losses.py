"""Loss and metric of a batch, row by row: what Keras's loss and metric classes compute before they average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment
from dnnstudio.engine.build import check_task
from dnnstudio.engine.runtime import keras, tf


@dataclass(frozen=True, slots=True)
class Objective:
    """What training makes small and what it reports beside: `loss` is Keras's name, `metric` "accuracy" or "mae"."""

    loss: str
    metric: str

    @property
    def sparse(self) -> bool:
        """Whether labels are class numbers, against one column a class."""
        return self.loss == "sparse_categorical_crossentropy"

    def labels(self, values: Any) -> tf.Tensor:
        """Labels as the loss wants them: int64 [rows], or float32 [rows, 1] for a single unit."""
        if self.sparse:
            return tf.cast(tf.convert_to_tensor(values), tf.int64)
        return tf.reshape(tf.cast(tf.convert_to_tensor(values), tf.float32), (-1, 1))

    def row_losses(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The loss of each row, float32 [rows], without penalties."""
        return getattr(keras.losses, self.loss)(labels, outputs)

    def row_metrics(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Right (1) or wrong (0), or the absolute error, of each row: float32 [rows]."""
        if self.metric == "mae":
            return tf.reduce_mean(tf.abs(outputs - labels), axis=-1)
        if self.sparse:
            return tf.cast(tf.equal(tf.argmax(outputs, axis=-1), labels), tf.float32)
        return tf.cast(tf.equal(outputs > 0.5, labels > 0.5), tf.float32)[:, 0]


def objective(experiment: Experiment, summary: DataSummary) -> Objective:
    """The experiment's loss and the task's metric. Raises `UserError` where the network does not fit the task."""
    return Objective(check_task(experiment, summary), "accuracy" if summary.classes else "mae")


def weight_penalty(model: keras.Model) -> Any:
    """The sum of all prices on weights, as Keras adds it to the loss: of trainable variables alone."""
    prices = [v.regularizer(v) for v in model.trainable_variables if v.regularizer is not None]
    return tf.add_n(prices) if prices else tf.constant(0.0)
