"""The training loop: many steps in one compiled function, over data that stays in memory.

Its interface is `StepLoop`: row indexes in, losses and metrics of every step out. A step does what one step of Keras's
`fit` does (forward pass in training mode, loss with penalties, gradients, clipping, update, constraints); a test
compares the two. Steps take one of two equivalent paths: eager, with Keras's own layers and optimizer, or compiled by
XLA (`engine.training.compiled`) where that is possible and pays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import Cancelled
from dnnstudio.engine.backend.keras_internals import clear_losses, sums_no_gradients
from dnnstudio.engine.backend.objective import Objective
from dnnstudio.engine.backend.optimizer_patches import StepMomentum, exchanged
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.backend.zero_copy import shared
from dnnstudio.engine.training.aside import Aside
from dnnstudio.engine.training.compiled.reasons import pays_from, why_not
from dnnstudio.engine.training.compiled.steps import CompiledSteps


@dataclass(frozen=True, slots=True)
class StepsDone:
    """One entry a step: the batch's mean loss with penalties, and its mean metric.

    `squares` are the mean squared errors where a number is predicted, else empty.
    """

    losses: NDArray[np.float32]
    metrics: NDArray[np.float32]
    squares: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))

    @classmethod
    def of(cls, losses: NDArray[np.float32], metrics: NDArray[np.float32]) -> StepsDone:
        """The figures of steps: losses [steps], and metrics [steps] or, of numbers, [steps, 2]."""
        return cls(losses, metrics) if metrics.ndim == 1 else cls(losses, metrics[:, 0], metrics[:, 1])


_FIGURES = ("losses", "metrics", "squares")


def lines(order: NDArray[np.int32], batch: int, step: int, count: int) -> NDArray[np.int32]:
    """The row indexes of at most `count` steps of an epoch, from `step` on: [steps, batch]. A short batch is returned
    by itself.
    """
    whole = min(count, len(order) // batch - step)
    part = order[step * batch : (step + max(whole, 1)) * batch]
    return part.reshape(-1, batch) if whole > 0 else part[None]


class StepLoop:
    """Trains `model` on rows of `x` and `y` in the given order."""

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
        compile_from: int | None = None,
    ) -> None:
        """`sets_momentum`: `run` is given a momentum for every step; the optimizer must have one.

        `batch` is the largest batch size; without it every step is eager. Steps are compiled from the optimizer's step
        `compile_from` on; None decides by the network's size.
        """
        self._model = model
        self._optimizer = optimizer
        self._objective = objective
        self._x = shared(x)
        # An autoencoder's labels are its rows, which are stored only once.
        self._y = self._x if y is x else objective.labels(y)
        self._sets_momentum = sets_momentum
        self._batch = batch
        self.note = why_not(model) if batch else ""
        """Why this network trains eagerly, as a sentence for the user; empty if it does not."""
        self._compiled: CompiledSteps | None = None
        self._tracing: Aside | None = None
        self._given_up = False
        self._compile_from = pays_from(steps_an_epoch=-(-len(x) // batch)) if batch else 0
        if compile_from is not None:
            self._compile_from = compile_from
        # Built before the first trace: a function must not create variables when it is retraced.
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
            return self._run_eagerly(rows, rates, given)
        eager = min(self.eager_left, len(rows))
        parts = [self._run_eagerly(rows[:eager], rates[:eager], given[:eager])] if eager else []
        if eager < len(rows):
            parts.append(self._run_compiled(rows[eager:], rates[eager:], given[eager:]))
        return StepsDone(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIGURES))

    def expect(self, rows: NDArray[np.int32]) -> None:
        """Announce the probable `rows`, int32 [steps, batch], of the next `run`, so that they can be prepared
        meanwhile.
        """
        if self._compiled is not None:
            self._compiled.expect(rows[: self.together])

    def ready(self, within_s: float = 0.0) -> bool:
        """Whether the next step can run at once, or so many seconds from now; False while steps are being traced or
        compiled, which this call starts if necessary.
        """
        if not self._batch or self.note or self.eager_left > 0:
            if self._tracing is None:
                self._given_up = False
                self._tracing = Aside(self._trace, "tracing the steps")
            return self._tracing.is_done_within(within_s)
        compiled = self._compiled_steps()
        if not compiled.begun:
            compiled.prepare(self._x, self._y)
        return compiled.is_prepared_within(within_s)

    def give_up(self) -> None:
        """Nobody waits for the first step any more: what is being traced ends at its next layer."""
        self._given_up = True
        if self._compiled is not None:
            self._compiled.give_up()

    def _trace(self) -> None:
        """Trace the eager steps, and call none of them: TensorFlow prepares a function in its first call, which takes
        about as long as the trace and cannot be interrupted.
        """
        self._run.get_concrete_function()
        if not self._given_up:
            self._run_eagerly(np.zeros((0, self._batch or 1), np.int32), np.zeros(0), np.zeros(0))

    def _heed(self) -> None:
        """Raises `Cancelled` within a trace that nobody waits for."""
        if self._given_up:
            raise Cancelled

    @property
    def eager_left(self) -> int:
        """How many of the next steps are eager before the compiled path begins; 0 if none."""
        if not self._batch or self.note or not self._compile_from:
            return 0
        return max(self._compile_from - int(self._optimizer.iterations.numpy()), 0)

    def _compiled_steps(self) -> CompiledSteps:
        if self._compiled is None:
            self._compiled = CompiledSteps(
                self._model,
                self._optimizer,
                self._objective,
                batch=self._batch,
                sets_momentum=self._sets_momentum,
            )
        return self._compiled

    def _run_compiled(
        self, rows: NDArray[np.int32], rates: NDArray[np.floating], momenta: NDArray[np.floating]
    ) -> StepsDone:
        return StepsDone.of(*self._compiled_steps().run(self._x, self._y, rows, rates, momenta))

    def _run_eagerly(
        self, rows: NDArray[np.int32], rates: NDArray[np.floating], momenta: NDArray[np.floating]
    ) -> StepsDone:
        losses, metrics = self._run(
            self._x,
            self._y,
            tf.constant(rows, tf.int32),
            tf.constant(rates, tf.float32),
            tf.constant(momenta, tf.float32),
        )
        return StepsDone.of(losses.numpy(), metrics.numpy())

    @property
    def together(self) -> int:
        """The preferred number of steps per call: a call of `run` with fewer takes almost as long."""
        return 1 if self._compiled is None else self._compiled.capacity

    def release(self) -> None:
        """Release the data; no step can be run afterwards."""
        if self._tracing is not None:
            self._tracing.join()  # it exchanges parts of the optimizer meanwhile
        if self._compiled is not None:
            self._compiled.release()
        del self._x, self._y

    def _steps(
        self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, rates: tf.Tensor, momenta: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(rows)[0]

        def body(step: tf.Tensor, losses: tf.TensorArray, metrics: tf.TensorArray) -> tuple[object, object, object]:
            batch = rows[step]
            loss, metric = self._step(tf.gather(x, batch), tf.gather(y, batch), rates[step], momenta[step])
            return step + 1, losses.write(step, loss), metrics.write(step, metric)

        figures = (2,) if self._objective.measures_numbers else ()
        kept = (
            tf.TensorArray(tf.float32, count, element_shape=()),
            tf.TensorArray(tf.float32, count, element_shape=figures),
        )
        _, losses, metrics = tf.while_loop(
            lambda step, *_: step < count, body, (tf.constant(0), *kept), parallel_iterations=1
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
        self._heed()
        self._update(tape.gradient(loss, variables), momentum)
        # The penalties are tensors of this graph and must not leak out of it.
        clear_losses(self._model)
        return loss, tf.reduce_mean(self._objective.row_metrics(y, outputs), axis=0)

    def _update(self, gradients: list[tf.Tensor], momentum: tf.Tensor) -> None:
        optimizer = self._optimizer
        update_step = optimizer.update_step

        def heeding(*given: object) -> None:
            self._heed()
            update_step(*given)

        changes = sums_no_gradients() | {"update_step": heeding}
        if self._sets_momentum:
            changes["momentum"] = StepMomentum(momentum)
        with exchanged(optimizer, **changes):
            optimizer.apply(gradients, self._model.trainable_variables)
