"""Loss and metric of a batch, row by row: what Keras's loss and metric classes compute before they average."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from dnnstudio.core.data import DataSummary
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Shape
from dnnstudio.core.transfer import Autoencoder
from dnnstudio.engine.build import check_task
from dnnstudio.engine.runtime import keras, tf


@dataclass(frozen=True, slots=True)
class Objective:
    """What training makes small and what it reports beside: `loss` is Keras's name, `metric` "accuracy" or "mae".

    `drawn` is the shape of a row where whole rows are drawn (by an autoencoder) instead of one answer for each.
    """

    loss: str
    metric: str
    drawn: Shape | None = None

    @property
    def sparse(self) -> bool:
        """Whether labels are class numbers, against one column a class."""
        return self.loss == "sparse_categorical_crossentropy"

    def labels(self, values: Any) -> tf.Tensor:
        """Labels as the loss wants them: int64 [rows], float32 [rows, 1] for a single unit, or whole rows."""
        if self.drawn is not None:
            return tf.convert_to_tensor(values)
        if self.sparse:
            return tf.cast(tf.convert_to_tensor(values), tf.int64)
        return tf.reshape(tf.cast(tf.convert_to_tensor(values), tf.float32), (-1, 1))

    @property
    def label_spec(self) -> tf.TensorSpec:
        """Shape and type of what `labels` gives."""
        if self.drawn is not None:
            return tf.TensorSpec((None, *self.drawn), tf.float32)
        return tf.TensorSpec((None,), tf.int64) if self.sparse else tf.TensorSpec((None, 1), tf.float32)

    def row_losses(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The loss of each row, float32 [rows], without penalties."""
        labels, outputs = self._flat(labels), self._flat(outputs)
        return getattr(keras.losses, self.loss)(labels, outputs)

    def row_metrics(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Right (1) or wrong (0), or the absolute error, of each row: float32 [rows]."""
        labels, outputs = self._flat(labels), self._flat(outputs)
        if self.metric == "mae":
            return tf.reduce_mean(tf.abs(outputs - labels), axis=-1)
        if self.sparse:
            return tf.cast(tf.equal(tf.argmax(outputs, axis=-1), labels), tf.float32)
        return tf.cast(tf.equal(outputs > 0.5, labels > 0.5), tf.float32)[:, 0]

    def _flat(self, values: tf.Tensor) -> tf.Tensor:
        """Drawn rows laid out flat, because Keras's losses average over the last axis alone."""
        return values if self.drawn is None else tf.reshape(values, (-1, prod(self.drawn)))


def objective(experiment: Experiment, summary: DataSummary) -> Objective:
    """The experiment's loss and the task's metric. Raises `UserError` where the network does not fit the task."""
    loss = check_task(experiment, summary)
    if isinstance(experiment.pretraining, Autoencoder):
        return Objective(loss, "mae", summary.input_shape)
    return Objective(loss, "accuracy" if summary.classes else "mae")


def weight_penalty(model: keras.Model) -> Any:
    """The sum of all prices on weights, as Keras adds it to the loss: of trainable variables alone."""
    prices = [v.regularizer(v) for v in model.trainable_variables if v.regularizer is not None]
    return tf.add_n(prices) if prices else tf.constant(0.0)
