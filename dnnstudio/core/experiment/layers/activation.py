"""Activations as layers of their own."""

from typing import ClassVar, Literal

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.layers.base import Activation as ActivationName
from dnnstudio.core.experiment.layers.base import (
    Layer,
    Role,
    Shape,
    ShapeError,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    activation_label,
)
from dnnstudio.core.experiment.layers.dense import constraint, regularizer
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer, Zeros


class CurveLayer(Layer):
    """An activation with parameters of its own, which no name in Keras's list of activations can express."""

    icon = "activity"
    group = "Activation"
    role = Role.ACTIVATION
    wants_images = False
    nearest_activation: ClassVar[ActivationName]
    """The most similar named activation, for a mirrored decoder layer."""
    required_traits = (*Layer.required_traits, "nearest_activation")


class Activation(Layer):
    kind: Literal["activation"] = "activation"
    label = "Activation"
    keras_class = "Activation"
    icon = "activity"
    group = "Activation"
    short_name = "act"
    role = Role.ACTIVATION
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Applies a curve to each number, as a layer of its own: needed when batch normalization stands before it."
    activation: ActivationName = option(title="Activation", help="The curve applied to each number.", initial="relu")

    def caption(self, shape: Shape | None = None) -> str:
        return activation_label(self.activation)


class LeakyReLU(CurveLayer):
    kind: Literal["leaky_relu"] = "leaky_relu"
    label = "Leaky ReLU"
    keras_class = "LeakyReLU"
    nearest_activation = "leaky_relu"
    elementwise = True
    passes_zero = True
    compiled = True
    help = "max(slope · x, x): the small slope below zero keeps units from dying."
    negative_slope: float = option(
        0.3, title="Negative slope", help="The slope below zero: 0.01 is a small leak, 0.2 a large one.", ge=0
    )

    def caption(self, shape: Shape | None = None) -> str:
        return f"slope {self.negative_slope:g}"


class PReLU(WeightedLayer, CurveLayer):
    kind: Literal["prelu"] = "prelu"
    label = "PReLU"
    keras_class = "PReLU"
    nearest_activation = "leaky_relu"
    elementwise = False
    passes_zero = True
    compiled = True
    help = "Leaky ReLU whose slope below zero is learnt (He et al., 2015)."
    alpha_initializer: AnyInitializer = option(
        Zeros(), title="Slope initializer", help="What the slopes start from.", advanced=True
    )
    alpha_regularizer: AnyRegularizer | None = regularizer("alpha")
    alpha_constraint: AnyConstraint | None = constraint("alpha")
    shared_axes: tuple[int, ...] | None = option(
        None,
        title="Shared axes",
        help="Axes that share one slope, counted from 1: (1, 2) for images.",
        advanced=True,
    )

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        shared = self.shared_axes or ()
        if any(not 1 <= axis <= len(shape) for axis in shared):
            raise ShapeError(f"{self.id}: shared axes lie between 1 and {len(shape)}, not {shared}.")
        size = tuple(1 if axis in shared else n for axis, n in enumerate(shape, start=1))
        return (Variable("alpha", size, self.trainable, "learnt slope below zero"),)

    def output_shape(self, shape: Shape) -> Shape:
        self.variables(shape)
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return ShapeRemedy("Share no axes", {"shared_axes": None})

    def caption(self, shape: Shape | None = None) -> str:
        return "learnt slope"


class ELU(CurveLayer):
    kind: Literal["elu"] = "elu"
    label = "ELU"
    keras_class = "ELU"
    nearest_activation = "elu"
    elementwise = True
    passes_zero = True
    compiled = True
    help = "x above zero, alpha · (eˣ − 1) below: smooth, and centred nearer zero (Clevert et al., 2015)."
    alpha: float = option(1.0, title="Alpha", help="How far below zero the curve goes.", ge=0)

    def caption(self, shape: Shape | None = None) -> str:
        return f"alpha {self.alpha:g}"
