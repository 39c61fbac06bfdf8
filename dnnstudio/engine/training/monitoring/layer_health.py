"""Measures each layer's gradient, activations and last update during training, without changing any state.

A few fixed rows pass through the network once more, eagerly, in a Keras stateless scope, which captures what layers
would assign to their variables (averages, seed states). `core.analysis.layer_health` interprets the figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.analysis.checks.cures import SATURATING
from dnnstudio.core.analysis.layer_health import DYING, FLAT_END, LayerHealth, histogram_of
from dnnstudio.core.errors import Cancelled
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import HealthMeasured
from dnnstudio.engine.backend.memory import rows_at_once
from dnnstudio.engine.backend.objective import Objective, weight_penalty
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.monitoring.progress import Emit

ROWS = 64
SHARE = 0.05
"""Of the time of training: a measurement that would cost more is left out."""
FRACTIONS: tuple[tuple[float, ...], ...] = ((0.0, 0.25, 0.5, 0.75, 1.0), (0.5, 1.0))
"""Where in the first epochs it is measured; in all later ones at the end."""
HEIGHTS = {name: (0.0 if "sigmoid" in name else -1.0, 1.0) for name in SATURATING}
"""Lowest and highest value of the curves that saturate."""


class Rows(Protocol):
    """The part of `engine.data.Split` that is used: x [n, *shape], y [n]."""

    @property
    def x(self) -> NDArray[np.float32]: ...
    @property
    def y(self) -> NDArray[np.generic]: ...


class HealthProbe:
    """Measures one network during its training. Steps are counted from 0 within their epoch."""

    def __init__(
        self,
        model: keras.Sequential,
        objective: Objective,
        rows: Rows,
        *,
        run: str,
        emit: Emit,
        steps_per_epoch: int,
        control: Control | None = None,
    ) -> None:
        self._control = control
        self._model = model
        self._objective = objective
        count = rows_at_once(model, ROWS)
        self._x = tf.convert_to_tensor(rows.x[:count])
        self._y = objective.labels(rows.y[:count])
        self._run = run
        self._emit = emit
        self._steps = steps_per_epoch
        self._begun = time.monotonic()
        self._spent = 0.0
        self._longest = 0.0
        self._before: dict[str, NDArray[Any]] | None = None
        self.latest: tuple[LayerHealth, ...] = ()

    def limit(self, epoch: int, step: int, count: int) -> int:
        """Limit the number of steps of the next call, so that a step to be measured is run by itself."""
        following = [point for point in measured_steps(epoch, self._steps) if point >= step]
        if not following:
            return count
        return 1 if following[0] == step else min(count, following[0] - step)

    def before(self, epoch: int, step: int) -> None:
        """Called before a step: copy the weights if the step is to be measured and the time budget allows it."""
        self._before = None
        if step not in measured_steps(epoch, self._steps):
            return
        passed = time.monotonic() - self._begun
        if self.latest and self._spent + self._longest > SHARE * passed:
            return
        self._before = {layer.name: weights_of(layer) for layer in self._model.layers if layer.trainable_variables}

    def after(self, epoch: int, step: int) -> None:
        """Called after a step: measure and emit the figures if it was to be measured, and no stop comes between."""
        if self._before is None:
            return
        began, before, self._before = time.monotonic(), self._before, None
        try:
            self.latest = measure(self._model, self._objective, self._x, self._y, before=before, control=self._control)
        except Cancelled:  # the step is done: the training hears of the stop when it is counted
            return
        position = epoch + (step + 1) / self._steps
        self._emit(HealthMeasured(run=self._run, epoch=position, layers=self.latest))
        took = time.monotonic() - began
        self._spent += took
        # The first measurement includes TensorFlow's initialization, which later ones do not repeat.
        self._longest = max(self._longest, took) if self._spent > took else 0.0


def measured_steps(epoch: int, steps: int) -> tuple[int, ...]:
    """The steps of an epoch (counted from 0) after which the layers are measured."""
    fractions = FRACTIONS[epoch] if epoch < len(FRACTIONS) else (1.0,)
    return tuple(sorted({max(0, int(np.ceil(share * steps)) - 1) for share in fractions}))


def weights_of(layer: keras.layers.Layer) -> NDArray[Any]:
    """The layer's kernel, or all its trainable weights if it has none, flattened: [weights]."""
    kernel = getattr(layer, "kernel", None)
    variables = layer.trainable_variables if kernel is None or not kernel.trainable else [kernel]
    return np.concatenate([np.ravel(variable.numpy()) for variable in variables])


def measure(
    model: keras.Sequential,
    objective: Objective,
    x: tf.Tensor,
    y: tf.Tensor,
    *,
    before: dict[str, NDArray[Any]] | None = None,
    control: Control | None = None,
) -> tuple[LayerHealth, ...]:
    """Every layer's figures on the batch `x` [rows, *shape], `y` [rows]; `before` holds earlier weights for the update
    ratio.

    Batch normalization normalizes by this batch, as in training; dropout is off. No variable is changed. Raises
    `Cancelled` at the next layer, forwards or backwards, once `control` is stopped.
    """

    def heed() -> None:
        if control is not None and control.stopped:
            raise Cancelled

    def with_gradient(values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        """The same values; a stop is heard when their gradient is asked for."""

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            heed()
            return upstream

        return tf.identity(values), gradient

    heeding = tf.custom_gradient(with_gradient)
    outputs: dict[str, Any] = {}
    with keras.StatelessScope(), tf.GradientTape() as tape:
        values = x
        for layer in model.layers:
            normalizes = isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
            heed()
            values = heeding(layer(values, training=True) if normalizes else layer(values))
            outputs[layer.name] = values
        loss = tf.reduce_mean(objective.row_losses(y, values)) + weight_penalty(model)
    variables = [variable.value for variable in model.trainable_variables]
    gradients = tape.gradient(loss, variables)
    found = {
        id(variable): np.zeros(variable.shape, np.float32) if gradient is None else gradient.numpy()
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
    }
    mixing = [layer for layer in model.layers if hasattr(layer, "kernel")]
    end = model.layers.index(mixing[-1]) if mixing else len(model.layers)
    figures = []
    for index, layer in enumerate(model.layers):
        heed()
        figures.append(_layer(layer, outputs[layer.name].numpy(), found, before or {}, hidden=index < end))
    return tuple(figures)


def gradient_norms(model: keras.Sequential, objective: Objective, x: tf.Tensor, y: tf.Tensor) -> dict[str, float]:
    """The norm of each layer's gradient on the batch `x` [rows, *shape], `y` [rows], before clipping. Changes no
    variable.
    """
    with keras.StatelessScope(), tf.GradientTape() as tape:
        outputs = model(x, training=True)
        loss = tf.reduce_mean(objective.row_losses(y, outputs)) + weight_penalty(model)
    gradients = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    sizes = {
        id(variable): 0.0 if gradient is None else _norm(gradient.numpy())
        for variable, gradient in zip(model.trainable_variables, gradients, strict=True)
    }
    return {
        layer.name: _norm(np.array([sizes[id(variable)] for variable in layer.trainable_variables]))
        for layer in model.layers
        if layer.trainable_variables
    }


def _layer(
    layer: keras.layers.Layer,
    output: NDArray[np.float32],
    gradients: dict[int, NDArray[Any]],
    before: dict[str, NDArray[Any]],
    *,
    hidden: bool,
) -> LayerHealth:
    own = [gradients[id(variable)].ravel() for variable in layer.trainable_variables]
    gradient = np.concatenate(own).astype(np.float64) if own else None
    kernel = getattr(layer, "kernel", None)
    rms = None
    if kernel is not None and id(kernel) in gradients:
        rms = _norm(gradients[id(kernel)]) / float(np.sqrt(gradients[id(kernel)].size))
    ratio = None
    if own and layer.name in before:
        old, new = before[layer.name].astype(np.float64), weights_of(layer).astype(np.float64)
        size = _norm(old)
        ratio = _norm(new - old) / size if size else None
    counts, low, high = histogram_of(output)
    with np.errstate(all="ignore"):
        mean, std = float(output.mean(dtype=np.float64)), float(output.std(dtype=np.float64))
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return LayerHealth(
        id=layer.name,
        gradient_norm=None if gradient is None else _norm(gradient),
        gradient_rms=rms,
        update_ratio=ratio,
        mean=mean,
        std=std,
        histogram=counts,
        low=low,
        high=high,
        dead=_dead(output) if hidden and name in DYING else None,
        saturated=_saturated(output, *HEIGHTS[name]) if hidden and name in HEIGHTS else None,
        frozen=bool(layer.weights) and not layer.trainable_variables,
    )


def _norm(values: NDArray[Any]) -> float:
    with np.errstate(all="ignore"):
        return float(np.linalg.norm(np.ravel(values).astype(np.float64)))


def _dead(output: NDArray[np.float32]) -> float:
    """The share of units (of the last axis) that are 0 for every row and position."""
    return float((output.reshape(-1, output.shape[-1]) == 0).all(axis=0).mean())


def _saturated(output: NDArray[np.float32], low: float, high: float) -> float:
    """The share of the outputs in the flat ends of an activation with the range `low` to `high`."""
    edge = FLAT_END * (high - low)
    return float(((output < low + edge) | (output > high - edge)).mean())
