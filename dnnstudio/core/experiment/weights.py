"""Initializers, regularizers and constraints of a layer's weights.

Names and defaults are Keras's (https://keras.io/api/layers/initializers, /regularizers, /constraints).
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from dnnstudio.core.experiment.fields import Option, option


def _seed() -> Any:
    return option(
        None,
        title="Seed",
        initial=42,
        help="Fixes these numbers apart from the experiment's seed.",
        advanced=True,
        ge=0,
    )


class Initializer(Option):
    """The distribution of a variable's initial values."""


class _Seeded(Initializer):
    seed: int | None = _seed()


class GlorotUniform(_Seeded):
    kind: Literal["glorot_uniform"] = "glorot_uniform"
    label = "Glorot uniform"
    keras_class = "GlorotUniform"
    help = "Variance 2 / (fan in + fan out): for linear, tanh, sigmoid and softmax units (Glorot and Bengio, 2010)."


class GlorotNormal(_Seeded):
    kind: Literal["glorot_normal"] = "glorot_normal"
    label = "Glorot normal"
    keras_class = "GlorotNormal"
    help = "Variance 2 / (fan in + fan out), normally distributed (Glorot and Bengio, 2010)."


class HeUniform(_Seeded):
    kind: Literal["he_uniform"] = "he_uniform"
    label = "He uniform"
    keras_class = "HeUniform"
    help = "Variance 2 / fan in, uniformly distributed: for ReLU and its relatives (He et al., 2015)."


class HeNormal(_Seeded):
    kind: Literal["he_normal"] = "he_normal"
    label = "He normal"
    keras_class = "HeNormal"
    help = "Variance 2 / fan in: keeps the signal's strength through ReLU and its relatives (He et al., 2015)."


class LecunUniform(_Seeded):
    kind: Literal["lecun_uniform"] = "lecun_uniform"
    label = "LeCun uniform"
    keras_class = "LecunUniform"
    help = "Variance 1 / fan in, uniformly distributed (LeCun et al., 1998)."


class LecunNormal(_Seeded):
    kind: Literal["lecun_normal"] = "lecun_normal"
    label = "LeCun normal"
    keras_class = "LecunNormal"
    help = "Variance 1 / fan in: what SELU needs to normalize itself (Klambauer et al., 2017)."


class VarianceScaling(_Seeded):
    kind: Literal["variance_scaling"] = "variance_scaling"
    label = "Variance scaling"
    keras_class = "VarianceScaling"
    help = "Variance scale / fan: the family that Glorot, He and LeCun belong to."
    scale: float = option(1.0, title="Scale", help="The variance times the fan: 2 gives He, 1 gives LeCun.", gt=0)
    mode: Literal["fan_in", "fan_out", "fan_avg"] = option(
        "fan_in", title="Fan", help="Count a unit's inputs, its outputs, or the average of both."
    )
    distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = option(
        "truncated_normal", title="Distribution", help="The shape the numbers are drawn from."
    )


class RandomNormal(_Seeded):
    kind: Literal["random_normal"] = "random_normal"
    label = "Random normal"
    keras_class = "RandomNormal"
    help = "Normal numbers of a fixed width, whatever the size of the layer."
    mean: float = option(0.0, title="Mean", help="The centre of the distribution.")
    stddev: float = option(0.05, title="Standard deviation", help="The width of the distribution.", ge=0)


class RandomUniform(_Seeded):
    kind: Literal["random_uniform"] = "random_uniform"
    label = "Random uniform"
    keras_class = "RandomUniform"
    help = "Numbers spread evenly between two limits."
    minval: float = option(-0.05, title="Minimum", help="The lowest number drawn.")
    maxval: float = option(0.05, title="Maximum", help="The highest number drawn.")


class TruncatedNormal(_Seeded):
    kind: Literal["truncated_normal"] = "truncated_normal"
    label = "Truncated normal"
    keras_class = "TruncatedNormal"
    help = "Normal numbers, drawn again when further than two standard deviations out."
    mean: float = option(0.0, title="Mean", help="The centre of the distribution.")
    stddev: float = option(0.05, title="Standard deviation", help="The width before the cut.", ge=0)


class Orthogonal(_Seeded):
    kind: Literal["orthogonal"] = "orthogonal"
    label = "Orthogonal"
    keras_class = "Orthogonal"
    help = "A random rotation: keeps lengths exactly, however deep the network (Saxe et al., 2013)."
    gain: float = option(1.0, title="Gain", help="Every length is multiplied by this.")


class Zeros(Initializer):
    kind: Literal["zeros"] = "zeros"
    label = "Zeros"
    keras_class = "Zeros"
    help = "All zero: right for biases; for kernels every unit would stay the same."


class Ones(Initializer):
    kind: Literal["ones"] = "ones"
    label = "Ones"
    keras_class = "Ones"
    help = "All one: right for batch normalization's scale."


class Constant(Initializer):
    kind: Literal["constant"] = "constant"
    label = "Constant"
    keras_class = "Constant"
    help = "One number everywhere."
    value: float = option(0.0, title="Value", help="The number that fills the variable.")


class Identity(Initializer):
    kind: Literal["identity"] = "identity"
    label = "Identity"
    keras_class = "Identity"
    help = "Passes the input through at first; needs a two-dimensional kernel."
    gain: float = option(1.0, title="Gain", help="The number on the diagonal.")


AnyInitializer = Annotated[
    GlorotUniform
    | GlorotNormal
    | HeUniform
    | HeNormal
    | LecunUniform
    | LecunNormal
    | VarianceScaling
    | RandomNormal
    | RandomUniform
    | TruncatedNormal
    | Orthogonal
    | Zeros
    | Ones
    | Constant
    | Identity,
    Discriminator("kind"),
]


class Regularizer(Option):
    """A penalty added to the loss."""


class L1L2(Regularizer):
    kind: Literal["l1_l2"] = "l1_l2"
    label = "L1 / L2"
    keras_class = "L1L2"
    help = "Adds l1 · Σ|w| + l2 · Σw² to the loss: l2 keeps weights small, l1 makes many of them zero."
    l1: float = option(0.0, title="L1", help="Price of Σ|w|: drives many weights to exactly zero.", ge=0)
    l2: float = option(0.0, title="L2", help="Price of Σw²: keeps all weights small.", ge=0)


class OrthogonalRegularizer(Regularizer):
    kind: Literal["orthogonal"] = "orthogonal"
    label = "Orthogonal"
    keras_class = "OrthogonalRegularizer"
    help = "Rewards rows (or columns) of the kernel that stand at right angles to each other."
    factor: float = option(0.01, title="Factor", help="Price of the angle between two rows.", ge=0)
    mode: Literal["rows", "columns"] = option("rows", title="Mode", help="Compare rows or columns.")


def _regularizer_kind(value: Any) -> str:
    """Allow `{"l2": 0.01}` without a kind, which defaults to l1/l2."""
    kind = value.get("kind", "l1_l2") if isinstance(value, dict) else getattr(value, "kind", "l1_l2")
    return kind if isinstance(kind, str) else "l1_l2"


AnyRegularizer = Annotated[
    Annotated[L1L2, Tag("l1_l2")] | Annotated[OrthogonalRegularizer, Tag("orthogonal")],
    Discriminator(_regularizer_kind),
]


class Constraint(Option):
    """A projection applied to weights after every step."""


def _axis() -> Any:
    return option(0, title="Axis", help="The axis summed over: 0 looks at each unit's incoming weights.", advanced=True)


class MaxNorm(Constraint):
    kind: Literal["max_norm"] = "max_norm"
    label = "Max norm"
    keras_class = "MaxNorm"
    help = "Shrinks a unit's incoming weights when their norm exceeds the limit (Srivastava et al., 2014)."
    max_value: float = option(2.0, title="Max norm", help="The largest norm that a unit's weights may have.", gt=0)
    axis: int | tuple[int, ...] = _axis()


class UnitNorm(Constraint):
    kind: Literal["unit_norm"] = "unit_norm"
    label = "Unit norm"
    keras_class = "UnitNorm"
    help = "Scales each unit's incoming weights to norm 1."
    axis: int | tuple[int, ...] = _axis()


class NonNeg(Constraint):
    kind: Literal["non_neg"] = "non_neg"
    label = "Not negative"
    keras_class = "NonNeg"
    help = "Sets negative weights to zero."


class MinMaxNorm(Constraint):
    kind: Literal["min_max_norm"] = "min_max_norm"
    label = "Min-max norm"
    keras_class = "MinMaxNorm"
    help = "Keeps each unit's norm between two limits."
    min_value: float = option(0.0, title="Minimum", help="The smallest norm allowed.", ge=0)
    max_value: float = option(1.0, title="Maximum", help="The largest norm allowed.", gt=0)
    rate: float = option(1.0, title="Rate", help="How much of the way to go each step: 1 is all of it.", gt=0, le=1)
    axis: int | tuple[int, ...] = _axis()


AnyConstraint = Annotated[MaxNorm | UnitNorm | NonNeg | MinMaxNorm, Discriminator("kind")]
