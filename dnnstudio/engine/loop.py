"""The training loop: many steps in one compiled function, over data that stays where it is.

Its face is `StepLoop`: rows by number in, losses and metrics of every step out. What a step does is what one step of
Keras's `fit` does (forward pass in training mode, loss with penalties, gradients, clipping, update, constraints);
a test holds the two side by side. It goes one of two ways, which give the same: by Keras's own layers and optimizer, or
compiled by XLA (`engine.fast`) where the network can be and it pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.fast.reasons import pays_from, why_not
from dnnstudio.engine.fast.steps import FastSteps
from dnnstudio.engine.losses import Objective
from dnnstudio.engine.optimizer_parts import StepMomentum, exchanged
from dnnstudio.engine.runtime import keras, tf
from dnnstudio.engine.tensors import shared


@dataclass(frozen=True, slots=True)
class StepsDone:
    """One entry a step: the batch's mean loss with penalties, and its mean metric."""

    losses: NDArray[np.float32]
    metrics: NDArray[np.float32]


def lines(order: NDArray[np.int32], batch: int, step: int, count: int) -> NDArray[np.int32]:
    """The rows of at most `count` steps from `step` of an epoch on: [steps, batch]. A short batch goes by itself."""
    whole = min(count, len(order) // batch - step)
    part = order[step * batch : (step + max(whole, 1)) * batch]
    return part.reshape(-1, batch) if whole > 0 else part[None]


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
        batch: int = 0,
        fast_from: int | None = None,
    ) -> None:
        """`sets_momentum` says that `run` is given a momentum for every step; the optimizer must have one.

        `batch` is the most rows of a step; without it every step goes the plain way. From the optimizer's step
        `fast_from` on steps go the fast way; None leaves it to the sizes.
        """
        self._model = model
        self._optimizer = optimizer
        self._objective = objective
        self._x = shared(x)
        # An autoencoder's labels are its rows: they are not kept twice.
        self._y = self._x if y is x else objective.labels(y)
        self._sets_momentum = sets_momentum
        self._batch = batch
        self.note = why_not(model) if batch else ""
        """Why this network goes the plain way, in a sentence for the person; empty where it does not."""
        self._fast: FastSteps | None = None
        self._fast_from = pays_from(steps_an_epoch=-(-len(x) // batch)) if batch else 0
        if fast_from is not None:
            self._fast_from = fast_from
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
        if not self._batch or self.note:
            return self._run_plainly(rows, rates, given)
        plain = min(self.plain_left, len(rows))
        parts = [self._run_plainly(rows[:plain], rates[:plain], given[:plain])] if plain else []
        if plain < len(rows):
            parts.append(self._run_fast(rows[plain:], rates[plain:], given[plain:]))
        return StepsDone(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("losses", "metrics")))

    def expect(self, rows: NDArray[np.int32]) -> None:
        """The lines that probably follow on those of the next `run`: what can be made ready for them is."""
        if self._fast is not None:
            self._fast.expect(rows[: self.together])

    def ready(self) -> bool:
        """Whether the next step can be taken at once: not while steps are being compiled, which this begins."""
        if not self._batch or self.note or self.plain_left > 0:
            return True
        fast = self._fast_steps()
        if fast.prepared:
            return True
        if not fast.preparing:
            fast.prepare(self._x, self._y)
        return False

    @property
    def plain_left(self) -> int:
        """How many of the next steps go the plain way before the fast one begins; 0 where none does."""
        if not self._batch or self.note or not self._fast_from:
            return 0
        return max(self._fast_from - int(self._optimizer.iterations.numpy()), 0)

    def _fast_steps(self) -> FastSteps:
        if self._fast is None:
            self._fast = FastSteps(
                self._model,
                self._optimizer,
                self._objective,
                batch=self._batch,
                sets_momentum=self._sets_momentum,
            )
        return self._fast

    def _run_fast(
        self, rows: NDArray[np.int32], rates: NDArray[np.floating], momenta: NDArray[np.floating]
    ) -> StepsDone:
        return StepsDone(*self._fast_steps().run(self._x, self._y, rows, rates, momenta))

    def _run_plainly(
        self, rows: NDArray[np.int32], rates: NDArray[np.floating], momenta: NDArray[np.floating]
    ) -> StepsDone:
        losses, metrics = self._run(
            self._x,
            self._y,
            tf.constant(rows, tf.int32),
            tf.constant(rates, tf.float32),
            tf.constant(momenta, tf.float32),
        )
        return StepsDone(losses.numpy(), metrics.numpy())

    @property
    def together(self) -> int:
        """How many steps go together: fewer in a call to `run` take nearly as long as so many."""
        return 1 if self._fast is None else self._fast.capacity

    def release(self) -> None:
        """Let go of the data; no step can be run afterwards."""
        if self._fast is not None:
            self._fast.release()
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
        with exchanged(optimizer, **changes):
            optimizer.apply(gradients, self._model.trainable_variables)
