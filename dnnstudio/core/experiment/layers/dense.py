"""The fully connected layer, and Flatten and Reshape, which prepare its input."""

from math import prod
from typing import Any, Literal

from dnnstudio.core.experiment.fields import Option, option
from dnnstudio.core.experiment.layers.base import (
    Activation,
    Layer,
    Role,
    Shape,
    ShapeError,
    ShapeRemedy,
    Variable,
    WeightedLayer,
    activation_label,
    times,
)
from dnnstudio.core.experiment.weights import AnyConstraint, AnyInitializer, AnyRegularizer, GlorotUniform, Zeros


class Input(Layer):
    kind: Literal["input"] = "input"
    label = "Input"
    keras_class = "Input"
    icon = "sign-in"
    usually_once = True
    role = Role.SHAPE
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "States the shape that the network expects; without one it is the data's."
    shape: tuple[int, ...] = option(
        title="Shape",
        help="The shape of one row, without the batch axis.",
        initial=(28, 28),
        min_length=1,
        max_length=4,
    )

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.shape:
            raise ShapeError(f"{self.id} expects rows of {times(self.shape)}, but gets {times(shape)}.")
        return shape

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return ShapeRemedy(f"Set its shape to {times(shape)}", {"shape": shape})

    def caption(self, shape: Shape | None = None) -> str:
        return times(self.shape)


class Flatten(Layer):
    kind: Literal["flatten"] = "flatten"
    label = "Flatten"
    keras_class = "Flatten"
    icon = "rows"
    usually_once = True
    role = Role.SHAPE
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Lays an image out as one row of numbers, so that Dense can read it."

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def caption(self, shape: Shape | None = None) -> str:
        if shape is None:
            return ""
        return f"{times(shape)} pixels" if len(shape) > 1 else f"{times(shape)}, already flat"


class Reshape(Layer):
    kind: Literal["reshape"] = "reshape"
    label = "Reshape"
    keras_class = "Reshape"
    icon = "grid-nine"
    role = Role.SHAPE
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Gives the same numbers another shape."
    target_shape: tuple[int, ...] = option(
        title="Target shape",
        help="The new shape; one −1 is worked out.",
        initial=(-1,),
        min_length=1,
        max_length=4,
    )

    def output_shape(self, shape: Shape) -> Shape:
        total, known = prod(shape), prod(n for n in self.target_shape if n != -1)
        unknown = self.target_shape.count(-1)
        if any(n < -1 or n == 0 for n in self.target_shape) or unknown > 1:
            raise ShapeError(f"{self.id}: a target shape holds positive numbers and at most one −1.")
        if (unknown and total % known) or (not unknown and total != known):
            raise ShapeError(f"{self.id} cannot lay {total:,} numbers out as {times(self.target_shape)}.")
        return tuple(total // known if n == -1 else n for n in self.target_shape)

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        return ShapeRemedy("Set its target to one row", {"target_shape": (-1,)})

    def caption(self, shape: Shape | None = None) -> str:
        return times(self.target_shape)


def use_bias() -> Any:
    """Field: whether the layer has a bias."""
    return option(True, title="Bias", help="A number added to each unit; superfluous right before batch normalization.")


def kernel_initializer() -> Any:
    """Field: the initializer of the weights, Keras's default unless set."""
    return option(GlorotUniform(), title="Kernel initializer", help="How the weights are drawn before training.")


def bias_initializer() -> Any:
    """Field: the initializer of the biases, Keras's default unless set."""
    return option(Zeros(), title="Bias initializer", help="What the biases start from.", advanced=True)


_MEANT = {
    "kernel": "the weights",
    "activity": "the layer's outputs",
    "depthwise": "the filters of the channels",
    "pointwise": "the weights that mix the channels",
}
"""What a regularizer or constraint is about → how its help names it."""


def regularizer(what: str, *, advanced: bool = True) -> Any:
    """Field: the regularizer of the kernel, the bias or the activity."""
    title = "Regularizer" if what == "kernel" else f"{what.capitalize()} regularizer"
    meant = _MEANT.get(what, f"the {what}")
    return option(None, title=title, help=f"A penalty in the loss that keeps {meant} small.", advanced=advanced)


def constraint(what: str, *, advanced: bool = True) -> Any:
    """Field: the constraint of the kernel or the bias."""
    title = "Constraint" if what == "kernel" else f"{what.capitalize()} constraint"
    meant = _MEANT.get(what, f"the {what}")
    return option(
        None,
        title=title,
        help=f"A limit that {meant} are brought back to after each step.",
        advanced=advanced,
    )


class Dense(WeightedLayer):
    kind: Literal["dense"] = "dense"
    label = "Dense"
    keras_class = "Dense"
    icon = "share-network"
    role = Role.KERNEL
    wants_images = False
    elementwise = False
    passes_zero = False
    compiled = True
    help = "Every unit looks at all inputs: activation(x · kernel + bias)."
    units: int = option(title="Units", help="How many numbers the layer puts out.", initial=100, ge=1, le=1_000_000)
    activation: Activation | None = option(
        None,
        title="Activation",
        help="The curve applied to each unit's sum; without one the layer is linear.",
    )
    use_bias: bool = use_bias()
    kernel_initializer: AnyInitializer = kernel_initializer()
    bias_initializer: AnyInitializer = bias_initializer()
    kernel_regularizer: AnyRegularizer | None = regularizer("kernel", advanced=False)
    bias_regularizer: AnyRegularizer | None = regularizer("bias")
    activity_regularizer: AnyRegularizer | None = regularizer("activity")
    kernel_constraint: AnyConstraint | None = constraint("kernel", advanced=False)
    bias_constraint: AnyConstraint | None = constraint("bias")

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        kernel = Variable("kernel", (shape[-1], self.units), self.trainable, "weights")
        bias = Variable("bias", (self.units,), self.trainable, "one number a unit")
        return (kernel, bias) if self.use_bias else (kernel,)

    def caption(self, shape: Shape | None = None) -> str:
        return weights_caption(self)


def weights_caption(layer: Any) -> str:
    """Caption of a dense or convolutional layer: "ELU · He normal · L2 0.001 · max norm 1"."""
    words = [activation_label(layer.activation or "linear"), layer.kernel_initializer.label]
    words += [part_caption(part) for part in (layer.kernel_regularizer, layer.kernel_constraint) if part is not None]
    return " · ".join(words)


def part_caption(part: Option) -> str:
    """Caption of a regularizer or constraint: "L2 0.001", "Max norm 1"."""
    values: dict[str, Any] = {name: getattr(part, name) for name in ("l1", "l2", "max_value") if hasattr(part, name)}
    if "l1" in values:
        return " ".join(f"{name.upper()} {value:g}" for name, value in values.items() if value) or "L2 0"
    return " ".join([part.label, *(f"{value:g}" for value in values.values())])
