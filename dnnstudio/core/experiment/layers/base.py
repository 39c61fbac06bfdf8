"""Base classes of the layers: output shape, variables, traits and the caption on the card."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import Any, ClassVar, Literal, Self

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.kinds import Family, Kinded

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
    """Display name of an activation: "ELU", "hard sigmoid"."""
    return ACTIVATION_LABELS.get(name, name.replace("_", " "))


class ShapeError(ValueError):
    """A layer cannot follow the one before it; the message is shown to the user."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One array of a layer, in Keras's order and under Keras's name."""

    name: str
    shape: Shape
    trainable: bool
    role: str = ""
    filter_axes: tuple[int, ...] = ()
    """The axes that one unit's incoming weights lie along; () for all but the last."""

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


MAX_NETWORK_LAYERS = 200
"""The most that are trained, and read from a model file, without `Input`: Keras takes 43 s to build 400."""


class Role(Enum):
    """The part a layer plays in the stack; each kind has exactly one."""

    SHAPE = "shape"
    """Says or changes how the numbers lie, and leaves them as they are."""
    KERNEL = "kernel"
    """Mixes its inputs by weights, and may carry an activation of its own."""
    ACTIVATION = "activation"
    """Applies a curve to the numbers."""
    NORMALIZATION = "normalization"
    """Brings the numbers to mean 0 and spread 1 by what it measured."""
    SCALING = "scaling"
    """Multiplies and shifts the numbers by constants."""
    NOISE = "noise"
    """Disturbs the numbers while training."""
    POOLING = "pooling"
    """Keeps less of an image."""
    PENALTY = "penalty"
    """Adds to the loss and passes the numbers on."""


KERNEL_OPTIONS = (
    "activation",
    "kernel_initializer",
    "kernel_regularizer",
    "kernel_constraint",
    "use_bias",
    "bias_initializer",
    "bias_regularizer",
    "bias_constraint",
    "activity_regularizer",
)
"""The fields of every layer with a kernel: what hidden layers may have in common."""


@dataclass(frozen=True, slots=True)
class ShapeRemedy:
    """Field changes that let a layer follow the one before it; `title` is shown to the user."""

    title: str
    changes: Mapping[str, Any]


class Layer(Kinded):
    """One layer of the stack. `id` is its Keras name and the key by which weights are transferred.

    A kind states its traits: `role`, `wants_images`, `elementwise`, `passes_zero` and `compiled`. None of them has a
    default, because any default would be wrong for some kind.
    """

    kinds: ClassVar[Family[Self]] = Family("layer")
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
    short_name: ClassVar[str] = ""
    """Name of new layers if the kind is too long: "bn"."""
    usually_once: ClassVar[bool] = False
    """Whether a stack has at most one as a rule: the first gets no number."""

    role: ClassVar[Role]
    wants_images: ClassVar[bool]
    """Whether it needs rows of height × width × channels."""
    wants_series: ClassVar[bool] = False
    """Whether it needs rows of steps × channels."""
    elementwise: ClassVar[bool]
    """Whether the sampler may give it the kept units of a row alone: each number of its output comes of the number in
    its place, whatever its options. False is always right, and slower. (Of an activation that is an option the engine
    looks at the function.)"""
    passes_zero: ClassVar[bool]
    """Whether a unit that is zero for all rows is zero behind it, in training too, whatever its options. False is
    always right, and slower. (Where it depends on an activation, the engine looks at the function.)"""
    compiled: ClassVar[bool]
    """Whether the compiled steps of training carry it. XLA's convolutions and poolings are slower than TensorFlow's."""
    required_traits: ClassVar[tuple[str, ...]] = ("role", "wants_images", "elementwise", "passes_zero", "compiled")

    is_dropout: ClassVar[bool] = False
    """Whether Monte Carlo sampling keeps it switched on; true for every `DropoutLayer` and for no other."""
    averages_over: ClassVar[str] = ""
    """What its stored means are computed over: "batch", "training rows"; "" if it stores none."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        if "kind" in cls.model_fields and cls.role is Role.KERNEL:
            missing = [name for name in KERNEL_OPTIONS if name not in cls.model_fields]
            if missing:
                raise TypeError(f"The layer {cls.__name__} has a kernel, but no {', '.join(missing)}. Add the fields.")

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
        """The class to build: Keras's, or one of the program's registered layers."""
        return self.stand_in or self.saved_class()

    def saved_class(self) -> str:
        """The class named in a model file: Keras's own if it has one."""
        return self.keras_class

    @classmethod
    def class_names(cls) -> tuple[str, ...]:
        """Every class that such a layer may be built as: Keras's and the program's."""
        return tuple(name for name in (cls.keras_class, cls.stand_in, cls.extension) if name)

    @classmethod
    def part_of(cls, variable: str, part: str) -> str:
        """The name of the field, if there is one, that holds an "initializer", "regularizer" or "constraint" of a
        variable.
        """
        return f"{variable}_{part}"

    def own_activation(self) -> str:
        """The activation that this layer itself applies: "" for none, "relu"; for an activation layer its kind:
        "prelu".
        """
        fields = vars(self)  # called for every layer at every edit; `model_fields` is too slow for that
        if "activation" not in fields:
            return self.kind if self.role is Role.ACTIVATION else ""
        named = fields["activation"]
        return "" if named is None or named == "linear" else str(named)

    def shape_remedy(self, shape: Shape) -> ShapeRemedy | None:
        """The field changes that would let the layer accept rows of `shape`, which it does not accept now."""
        del shape
        return None

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one row after this layer, for one row of `shape`. Raises `ShapeError` if it cannot follow."""
        return shape

    def variables(self, shape: Shape) -> tuple[Variable, ...]:
        """The layer's arrays for an input of `shape`, as in Keras's `layer.weights` (random states left out)."""
        del shape
        return ()

    def caption(self, shape: Shape | None = None) -> str:
        """The key settings in a few words, shown on the second line of the card."""
        del shape
        return ""


class WeightedLayer(Layer):
    """A layer with trainable weights."""

    has_weights = True
    trainable: bool = option(
        True,
        title="Trainable",
        help="Off freezes the layer: its weights stay as they are while others learn.",
    )


def axis_positions(layer_id: str, axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...]:
    """The indexes in `shape` of the axes, sorted. Keras counts the batch as axis 0. Raises `ShapeError`."""
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
