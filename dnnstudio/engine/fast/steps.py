"""Many steps in one compiled function. Weights, averages and the optimizer's state go in and come out as tensors."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.fast.forward import Batch, forward
from dnnstudio.engine.fast.noise import Noise, is_random
from dnnstudio.engine.fast.update import PureUpdate
from dnnstudio.engine.losses import Objective
from dnnstudio.engine.runtime import keras, tf

MOST_STEPS = 32
MOST_NUMBERS = 2**21
"""Of one call: more would leave the processor's cache, and stop and pause would have to wait."""


class FastSteps:
    """Steps of `model` by `optimizer`, on batches of at most `batch` rows. Made once, compiled at its first call."""

    def __init__(
        self,
        model: keras.Sequential,
        optimizer: keras.optimizers.Optimizer,
        objective: Objective,
        *,
        batch: int,
        sets_momentum: bool = False,
    ) -> None:
        self._layers = list(model.layers)
        self._objective = objective
        self._batch = batch
        self._capacity = int(np.clip(MOST_NUMBERS // (batch * prod(model.input_shape[1:])), 1, MOST_STEPS))
        self._noises: dict[int, Noise] = {}
        shape = (batch, *model.input_shape[1:])
        for place, layer in enumerate(self._layers):
            if is_random(layer):
                self._noises[place] = Noise(layer, shape, index=place)
            shape = layer.compute_output_shape(shape)
        self._trained = list(model.trainable_variables)
        self._update = PureUpdate(optimizer, self._trained, sets_momentum=sets_momentum)
        self._averages = [
            average
            for layer in self._layers
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            for average in (layer.moving_mean, layer.moving_variance)
        ]
        carried = {id(variable) for variable in (*self._trained, *self._averages)}
        counters = {id(noise.state) for noise in self._noises.values()}
        self._fixed = [v for v in model.variables if id(v) not in carried | counters and v.dtype == "float32"]
        self._compiled = tf.function(self._steps, jit_compile=True, autograph=False)
        self._call = tf.function(self._with_variables, autograph=False)

    def run(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        rows: NDArray[np.int32],
        rates: NDArray[np.floating],
        momenta: NDArray[np.floating],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """One step for each line of `rows`: each step's loss and metric, as the plain loop gives them."""
        losses, metrics = [], []
        for start in range(0, len(rows), self._capacity):
            part = rows[start : start + self._capacity]
            count, width = part.shape
            filled = np.zeros((self._capacity, self._batch), np.int32)
            filled[:count, :width] = part
            numbers = np.zeros((2, self._capacity), np.float32)
            numbers[:, :count] = rates[start : start + count], momenta[start : start + count]
            done = self._call(x, y, tf.constant(filled), tf.constant(width), tf.constant(count), tf.constant(numbers))
            losses.append(done[0].numpy()[:count])
            metrics.append(done[1].numpy()[:count])
        return np.concatenate(losses), np.concatenate(metrics)

    def _with_variables(
        self, x: tf.Tensor, y: tf.Tensor, rows: tf.Tensor, width: tf.Tensor, count: tf.Tensor, numbers: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The part outside XLA: batches gathered, random numbers drawn, variables read before and assigned after."""
        places = list(self._noises)
        drawn = [self._noises[place].draw(self._capacity) for place in places]
        groups = (self._trained, self._averages, self._update.state)
        *carried, losses, metrics = self._compiled(
            tf.gather(x, rows),
            tf.gather(y, rows),
            width,
            count,
            numbers,
            drawn,
            [variable.value for variable in self._fixed],
            *([variable.value for variable in group] for group in groups),
        )
        for group, values in zip(groups, carried, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        for place in places:
            state = self._noises[place].state
            self._noises[place].advance(tf.cast(count, state.dtype))
        return losses, metrics

    def _steps(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        width: tf.Tensor,
        count: tf.Tensor,
        numbers: tf.Tensor,
        drawn: list[tf.Tensor],
        fixed: list[tf.Tensor],
        trained: list[tf.Tensor],
        averages: list[tf.Tensor],
        state: list[tf.Tensor],
    ) -> tuple[Any, ...]:
        batch = Batch.of(self._batch, width)

        def body(step: Any, trained: Any, averages: Any, state: Any, losses: Any, metrics: Any) -> tuple[Any, ...]:
            noises = {
                place: (noise, numbers[step])
                for (place, noise), numbers in zip(self._noises.items(), drawn, strict=True)
            }
            loss, metric, gradients, averages = self._learn(
                x[step], y[step], batch, noises, fixed, trained, averages
            )
            trained, state = self._update.step(
                gradients, trained, state, rate=numbers[0, step], momentum=numbers[1, step]
            )
            here = step[None, None]
            losses = tf.tensor_scatter_nd_update(losses, here, loss[None])
            metrics = tf.tensor_scatter_nd_update(metrics, here, metric[None])
            return step + 1, trained, averages, state, losses, metrics

        zeros = tf.zeros(self._capacity)
        first = (tf.constant(0), trained, averages, state, zeros, zeros)
        done = tf.while_loop(lambda step, *_: step < count, body, first, parallel_iterations=1)
        return tuple(done[1:])

    def _learn(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        batch: Batch,
        noises: dict[int, tuple[Noise, Any]],
        fixed: list[tf.Tensor],
        trained: list[tf.Tensor],
        averages: list[tf.Tensor],
    ) -> tuple[Any, Any, Any, Any]:
        """Loss, metric, gradients and moved averages of one batch."""
        mapping = [
            *zip(self._fixed, fixed, strict=True),
            *zip(self._trained, trained, strict=True),
            *zip(self._averages, averages, strict=True),
        ]
        with tf.GradientTape() as tape, keras.StatelessScope(state_mapping=mapping) as scope:
            tape.watch(trained)
            outputs, prices = forward(self._layers, x, batch, noises)
            loss = batch.mean(self._objective.row_losses(y, outputs))
            prices += [v.regularizer(v.value) for v in self._trained if v.regularizer is not None]
            if prices:
                loss += tf.add_n(prices)
        metric = batch.mean(self._objective.row_metrics(y, outputs))
        moved = [scope.get_current_value(average) for average in self._averages]
        return loss, metric, tape.gradient(loss, trained), moved
