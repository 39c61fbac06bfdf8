"""Loss and metric per row: what Keras's loss and metric classes compute before averaging."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import Shape
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.targets.losses import LOSSES, LossName
from dnnstudio.core.experiment.transfer import Autoencoder
from dnnstudio.core.planning.class_weights import class_weights_of
from dnnstudio.engine.backend.builder import check_task
from dnnstudio.engine.backend.runtime import keras, tf


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss to minimize and the metric to report: `loss` is Keras's name, `metric` "accuracy" or "mae".

    `drawn` is the shape of a row if whole rows are reconstructed (by an autoencoder) instead of one answer per row.
    `class_weights` says how much a row of each class counts in the loss; without it all count alike.
    """

    loss: LossName
    metric: str
    drawn: Shape | None = None
    class_weights: tuple[float, ...] | None = None

    @property
    def measures_numbers(self) -> bool:
        """Whether one number is predicted for each row."""
        return self.metric == "mae" and self.drawn is None

    @property
    def sparse(self) -> bool:
        """Whether labels are class numbers instead of one column per class."""
        return LOSSES[self.loss].reads_class_numbers

    def labels(self, values: Any) -> tf.Tensor:
        """Labels [rows] as the loss expects them: int64 [rows], float32 [rows, 1] for a single unit, or whole rows
        [rows, *drawn].
        """
        if self.drawn is not None:
            return tf.convert_to_tensor(values)
        if self.sparse:
            return tf.cast(tf.convert_to_tensor(values), tf.int64)
        return tf.reshape(tf.cast(tf.convert_to_tensor(values), tf.float32), (-1, 1))

    @property
    def label_spec(self) -> tf.TensorSpec:
        """Shape and dtype of the result of `labels`."""
        if self.drawn is not None:
            return tf.TensorSpec((None, *self.drawn), tf.float32)
        return tf.TensorSpec((None,), tf.int64) if self.sparse else tf.TensorSpec((None, 1), tf.float32)

    def row_losses(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """The loss of each row, float32 [rows], times the weight of its class, without regularization penalties."""
        labels, outputs = self._flat(labels), self._flat(outputs)
        losses = getattr(keras.losses, self.loss)(labels, outputs)
        if self.class_weights is None:
            return losses
        classes = labels if self.sparse else tf.cast(labels[:, 0], tf.int64)
        return losses * tf.gather(tf.constant(self.class_weights, tf.float32), classes)

    def row_metrics(self, labels: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        """Correct (1) or wrong (0) of each row, or the absolute error of a drawn row: float32 [rows].

        Of a predicted number the absolute and the squared error: float32 [rows, 2].
        """
        labels, outputs = self._flat(labels), self._flat(outputs)
        if self.measures_numbers:
            errors = outputs - labels
            return tf.concat([tf.abs(errors), tf.square(errors)], axis=-1)
        if self.metric == "mae":
            return tf.reduce_mean(tf.abs(outputs - labels), axis=-1)
        if self.sparse:
            return tf.cast(tf.equal(tf.argmax(outputs, axis=-1), labels), tf.float32)
        return tf.cast(tf.equal(outputs > 0.5, labels > 0.5), tf.float32)[:, 0]

    def answers(self, outputs: tf.Tensor) -> tf.Tensor:
        """What outputs [rows, units] say of each row [rows]: the predicted number, or the class, int64."""
        if self.drawn is not None or self.measures_numbers:
            return outputs[..., 0]
        if self.sparse:
            return tf.argmax(outputs, axis=-1)
        return tf.cast(outputs[:, 0] > 0.5, tf.int64)

    def _flat(self, values: tf.Tensor) -> tf.Tensor:
        """Reconstructed rows as [rows, values], because Keras's losses average over the last axis only."""
        return values if self.drawn is None else tf.reshape(values, (-1, prod(self.drawn)))


def objective(experiment: Experiment, summary: DataSummary) -> Objective:
    """The experiment's loss and the task's metric. Raises `UserError` if the network does not fit the task."""
    loss = check_task(experiment, summary)
    if isinstance(experiment.pretraining, Autoencoder):
        return Objective(loss, "mae", summary.input_shape)
    return Objective(loss, "accuracy" if summary.classes else "mae")


def training_objective(experiment: Experiment, summary: DataSummary) -> Objective:
    """What the steps of a training make small: `objective`, with the weights of the classes. Raises `UserError`."""
    return replace(objective(experiment, summary), class_weights=class_weights_of(experiment, summary))


def weight_penalty(model: keras.Model) -> Any:
    """The sum of all weight regularization penalties, as Keras adds it to the loss: of trainable variables only."""
    prices = [v.regularizer(v) for v in model.trainable_variables if v.regularizer is not None]
    return tf.add_n(prices) if prices else tf.constant(0.0)
