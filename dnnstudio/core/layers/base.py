"""What every layer kind answers: its output shape, its variables, and the line its card shows."""

from dataclasses import dataclass
from math import prod
from typing import ClassVar, Literal

from dnnstudio.core.options import Option, option

Shape = tuple[int, ...]
"""The shape of one row, without the batch axis: (28, 28), (300,)."""

Activation = Literal[
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "celu",
    "gelu",
    "silu",
    "mish",
    "tanh",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "exponential",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "hard_shrink",
    "soft_shrink",
    "tanh_shrink",
    "threshold",
    "squareplus",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "log_sigmoid",
    "log_softmax",
]
ACTIVATION_LABELS = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "Leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "silu": "SiLU (swish)",
    "hard_silu": "Hard SiLU",
}


def activation_label(name: str) -> str:
    """What a person reads for an activation: "ELU", "hard sigmoid"."""
    return ACTIVATION_LABELS.get(name, name.replace("_", " "))


class ShapeError(ValueError):
    """A layer cannot follow what comes before it; the text is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One array of a layer, in Keras's order and under Keras's name."""

    name: str
    shape: Shape
    trainable: bool
    role: str = ""

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


class Layer(Option):
    """One row of the stack. `id` is its Keras name and the key by which weights are transferred."""

    not_keras = frozenset({"kind", "id", "enabled", "trainable", "monte_carlo"})
    icon: ClassVar[str] = "stack"
    """Name in the Phosphor set."""
    group: ClassVar[str] = "Core"
    """Heading in the menu of layers."""
    has_weights: ClassVar[bool] = False
    stand_in: ClassVar[str] = ""
    """The program's own class that is built in place of `keras_class`; files name Keras's."""
    extension: ClassVar[str] = ""
    """The program's own class for options that Keras's has not got; files name it."""

    id: str = option(
        title="Name",
        help="The layer's name: letters, digits, _ and -; it stays the layer's key when weights are reused.",
        initial="layer",
        pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$",
        max_length=64,
    )
    enabled: bool = option(
        True, title="In use", help="Off leaves the layer in the list but out of the network.", advanced=True
    )

    def keras_name(self) -> str:
        """The class to build: Keras's, or one of the program's own registered layers."""
        return self.stand_in or self.saved_class()

    def saved_class(self) -> str:
        """The class that a model file names: Keras's own wherever it has one."""
        return self.keras_class

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one row after this layer. Raises `ShapeError` where it cannot follow `shape`."""
        return shape

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        """The layer's arrays for an input of `shape`, as in Keras's `layer.weights` (random states left out)."""
        del shape
        return ()

    def caption(self, shape: Shape | None = None) -> str:
        """The key settings in a few words, for the second line of the card."""
        del shape
        return ""


class WeightedLayer(Layer):
    """A layer that learns."""

    has_weights = True
    trainable: bool = option(
        True,
        title="Trainable",
        help="Off freezes the layer: its weights stay as they are while others learn.",
    )


def axis_positions(layer_id: str, axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """Where in `shape` the axes lie, in order. Keras counts the batch as axis 0. Raises `ShapeError`."""
    if isinstance(axis, int) and axis and -len(shape) <= axis <= len(shape):  # the usual case, asked at every edit
        return (axis - 1 if axis > 0 else len(shape) + axis,)
    axes = axis if isinstance(axis, tuple) else (axis,)
    found = tuple(sorted(number - 1 if number > 0 else len(shape) + number for number in axes))
    for number in axes:
        if number == 0 or not -len(shape) <= number <= len(shape):
            raise ShapeError(f"{layer_id}: axis {number} is not one of its input's axes (1 to {len(shape)}, or −1).")
    if not found or len(set(found)) < len(found):
        raise ShapeError(f"{layer_id}: give at least one axis, and each only once.")
    return found


def axis_caption(axis: int | tuple[int, ...]) -> str:
    """axis 1; axes 1 and 2."""
    axes = [str(number).replace("-", "−") for number in (axis if isinstance(axis, tuple) else (axis,))]
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(axes[:-1])} and {axes[-1]}" if axes else "no axis"


def times(shape: Shape) -> str:
    """28 × 28 for (28, 28)."""
    return " × ".join(f"{n:,}" for n in shape) or "one number"
