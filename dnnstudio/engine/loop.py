"""The training loop: many steps in one compiled function, over data that stays where it is.

Its face is `StepLoop`: rows by number in, losses and metrics of every step out. What a step does is what one step of
Keras's `fit` does (forward pass in training mode, loss with penalties, gradients, clipping, update, constraints);
a test holds the two side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.losses import Objective
from dnnstudio.engine.runtime import keras, tf


@dataclass(frozen=True, slots=True)
class StepsDone:
    """One entry a step: the batch's mean loss with penalties, and its mean metric."""

    losses: NDArray[np.float32]
    metrics: NDArray[np.float32]


class StepMomentum:
    """A momentum that changes at every step, in the place where a Keras optimizer expects a fixed number."""

    def __init__(self, value: tf.Tensor) -> None:
        self._value = value

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> tf.Tensor:
        return tf.cast(self._value, dtype or tf.float32, name=name)

    def __ne__(self, other: object) -> bool:
        """Optimizers ask once, while they are traced, whether there is any momentum: there is."""
        return True

    __hash__ = None  # type: ignore[assignment]

    def __gt__(self, other: float) -> bool:
        return True

    def __sub__(self, other: float) -> tf.Tensor:
        return self._value - other

    def __mul__(self, other: Any) -> tf.Tensor:
        return self._value * other


class StepLoop:
    """Trains `model` on rows of `x` and `y`, in the order that it is given."""

    def __init__(
        self,
        model: keras.Sequential,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        x: NDArray[np.float32],
        y: NDArray[np.generic],
        *,
        sets_momentum: bool = False,
    ) -> None:
        """`sets_momentum` says that `run` is given a momentum for every step; the optimizer must have one."""
        self._model = model
        self._optimizer = optimizer
        self._objective = objective
        self._x = tf.convert_to_tensor(x)
        # An autoencoder's labels are its rows: they are not kept twice.
        self._y = self._x if y is x else objective.labels(y)
        self._sets_momentum = sets_momentum
        # Built before the first trace: a function may not make variables when it is traced again.
        optimizer.build(model.trainable_variables)
        self._run = tf.function(
            self._steps,
            input_signature=(
                # Handed in at each call, not captured: what a traced function captures lives until the cyclic
                # garbage collector comes by, and this is the whole of the data.
                tf.TensorSpec(self._x.shape, self._x.dtype),
                tf.TensorSpec(self._y.shape, self._y.dtype),
                tf.TensorSpec((None, None), tf.int32),
                tf.TensorSpec((None,), tf.float32),
                tf.TensorSpec((None,), tf.float32),
            ),
            autograph=False,
        )

    def run(
        self,
        rows: NDArray[np.int32],
        rates: NDArray[np.floating],
        momenta: NDArray[np.floating] | None = None,
    ) -> StepsDone:
        """One step for each line of `rows` (int32 [steps, batch]) at the rates (and momenta) given, one a step."""
        given = np.zeros(len(rows)) if momenta is None else momenta
        losses, metrics = self._run(
            self._x,
            self._y,
            tf.constant(rows, tf.int32),
            tf.constant(rates, tf.float32),
            tf.constant(given, tf.float32),
        )
        return StepsDone(losses.numpy(), metrics.numpy())

    def release(self) -> None:
        """Let go of the data; no step can be run afterwards."""
        del self._x, self._y

    def _steps(
        self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, rates: tf.Tensor, momenta: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(rows)[0]

        def body(step: tf.Tensor, losses: tf.TensorArray, metrics: tf.TensorArray) -> tuple[object, object, object]:
            batch = rows[step]
            loss, metric = self._step(tf.gather(x, batch), tf.gather(y, batch), rates[step], momenta[step])
            return step + 1, losses.write(step, loss), metrics.write(step, metric)

        _, losses, metrics = tf.while_loop(
            lambda step, *_: step < count,
            body,
            (tf.constant(0), tf.TensorArray(tf.float32, count), tf.TensorArray(tf.float32, count)),
            parallel_iterations=1,
        )
        return losses.stack(), metrics.stack()

    def _step(self, x: tf.Tensor, y: tf.Tensor, rate: tf.Tensor, momentum: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self._model.trainable_variables
        self._optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            outputs = self._model(x, training=True)
            loss = tf.reduce_mean(self._objective.row_losses(y, outputs))
            if penalties := self._model.losses:
                loss += tf.add_n(penalties)
        self._update(tape.gradient(loss, variables), momentum)
        # The penalties are tensors of this graph; outside it they must not be found.
        self._model._clear_losses()
        return loss, tf.reduce_mean(self._objective.row_metrics(y, outputs))

    def _update(self, gradients: list[tf.Tensor], momentum: tf.Tensor) -> None:
        optimizer = self._optimizer
        changes: dict[str, Any] = {
            # Keras sums the gradients over all machines, of which there is one; TensorFlow registers a gradient for
            # that sum, under a new name at every trace and for ever, and with it this whole graph: 1 MB a training.
            "_all_reduce_sum_gradients": list,
        }
        if self._sets_momentum:
            changes["momentum"] = StepMomentum(momentum)
        before = {name: vars(optimizer)[name] for name in changes if name in vars(optimizer)}
        try:
            for name, value in changes.items():
                setattr(optimizer, name, value)
            optimizer.apply(gradients, self._model.trainable_variables)
        finally:
            for name in changes:
                delattr(optimizer, name)
            for name, value in before.items():
                setattr(optimizer, name, value)
