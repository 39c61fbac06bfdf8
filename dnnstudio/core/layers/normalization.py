"""Layers that bring their inputs to a common scale."""

from __future__ import annotations

from typing import Literal

from dnnstudio.core.layers.base import Layer, Shape, ShapeError, Variable, WeightedLayer
from dnnstudio.core.layers.dense import constraint, regularizer
from dnnstudio.core.options import option
from dnnstudio.core.parts import AnyConstraint, AnyInitializer, AnyRegularizer, Ones, Zeros


class BatchNormalization(WeightedLayer):
    kind: Literal["batch_normalization"] = "batch_normalization"
    label = "Batch normalization"
    keras_class = "BatchNormalization"
    icon = "sliders-horizontal"
    group = "Normalization"
    help = (
        "Centres and scales each input over the batch, then learns the best scale and offset (Ioffe and Szegedy, 2015)."
    )
    axis: int = option(
        -1,
        title="Axis",
        help="The axis that keeps its own mean and variance; −1 is the last, the columns or channels.",
    )
    momentum: float = option(
        0.99,
        title="Momentum",
        help="How slowly the moving averages follow: nearer 1 for small batches.",
        ge=0,
        lt=1,
    )
    epsilon: float = option(
        0.001,
        title="Epsilon",
        help="Added to the variance so that nothing is divided by zero.",
        gt=0,
        advanced=True,
    )
    center: bool = option(True, title="Offset (beta)", help="Learn an offset after scaling.", advanced=True)
    scale: bool = option(True, title="Scale (gamma)", help="Learn a scale.", advanced=True)
    beta_initializer: AnyInitializer = option(
        Zeros(), title="Beta initializer", help="What the offsets start from.", advanced=True
    )
    gamma_initializer: AnyInitializer = option(
        Ones(), title="Gamma initializer", help="What the scales start from.", advanced=True
    )
    moving_mean_initializer: AnyInitializer = option(
        Zeros(), title="Moving mean initializer", help="What the moving means start from.", advanced=True
    )
    moving_variance_initializer: AnyInitializer = option(
        Ones(),
        title="Moving variance initializer",
        help="What the moving variances start from.",
        advanced=True,
    )
    beta_regularizer: AnyRegularizer | None = regularizer("beta")
    gamma_regularizer: AnyRegularizer | None = regularizer("gamma")
    beta_constraint: AnyConstraint | None = constraint("beta")
    gamma_constraint: AnyConstraint | None = constraint("gamma")

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        size = (shape[self._position(shape)],)
        learnt = [
            Variable("gamma", size, self.trainable, "learnt scale") if self.scale else None,
            Variable("beta", size, self.trainable, "learnt offset") if self.center else None,
        ]
        averages = [
            Variable("moving_mean", size, False, "average of the batches' means, used when predicting"),
            Variable("moving_variance", size, False, "average of the batches' variances, used when predicting"),
        ]
        return tuple(variable for variable in (*learnt, *averages) if variable is not None)

    def output_shape(self, shape: Shape) -> Shape:
        self._position(shape)
        return shape

    def _position(self, shape: Shape) -> int:
        """Where in `shape` the axis lies. Keras counts the batch as axis 0."""
        position = self.axis - 1 if self.axis > 0 else len(shape) + self.axis
        if self.axis == 0 or not 0 <= position < len(shape):
            raise ShapeError(f"{self.id}: axis {self.axis} is not one of its input's axes (1 to {len(shape)}, or −1).")
        return position

    def caption(self, shape: Shape | None = None) -> str:
        return f"momentum {self.momentum:g}" + (f" · axis {self.axis}" if self.axis != -1 else "")


class Rescaling(Layer):
    kind: Literal["rescaling"] = "rescaling"
    label = "Rescaling"
    keras_class = "Rescaling"
    icon = "arrows-out-line-vertical"
    group = "Normalization"
    help = "Computes x · scale + offset inside the network."
    scale: float = option(title="Scale", help="Every number is multiplied by this.", initial=1.0)
    offset: float = option(0.0, title="Offset", help="Added after the scaling.")

    def caption(self, shape: Shape | None = None) -> str:
        return f"× {self.scale:g}" + (f" + {self.offset:g}" if self.offset else "")
