"""Base class of the optimizers: common fields, and the traits that each kind states."""

from typing import TYPE_CHECKING, Any, ClassVar, Self

from dnnstudio.core.experiment.fields import option
from dnnstudio.core.experiment.kinds import Family, Kinded

CLIPPINGS = ("clipnorm", "clipvalue", "global_clipnorm")
"""At most one of these may be set."""


def rate_field(default: float = 0.001) -> Any:
    """Field: the learning rate, Keras's default unless another is given."""
    return option(
        default, title="Learning rate", help="The length of a step: the most important number of all.", gt=0, le=1e6
    )


def memory_field(title: str, default: float, help: str, **more: Any) -> Any:
    """Field: an exponential decay rate, from 0 to below 1."""
    return option(default, title=title, help=help, ge=0, lt=1, **more)


def epsilon_field() -> Any:
    """Field: the small constant added to a divisor."""
    return option(1e-7, title="Epsilon", help="Keeps the division by the gradient's size finite.", gt=0, advanced=True)


def beta_1_field(default: float = 0.9) -> Any:
    """Field: the decay rate of the running mean of the gradient."""
    return memory_field("Beta 1", default, "Memory of the gradient's mean: how much momentum.")


def beta_2_field(default: float = 0.999) -> Any:
    """Field: the decay rate of the running mean of the squared gradient."""
    return memory_field("Beta 2", default, "Memory of the gradient's size.")


def weight_decay_field(default: float | None = None) -> Any:
    """Field: decoupled weight decay; off unless a default is given."""
    return option(
        default,
        title="Weight decay",
        initial=0.004,
        help="Shrinks all weights by this share of the learning rate at each step (Loshchilov and Hutter, 2017).",
        ge=0,
        advanced=default is None,
        late=True,
    )


class Optimizer(Kinded):
    """Base of the optimizers: learning rate, one of three clippings, weight decay and weight averaging.

    A kind states `highest_rate`, `keeps_zero` and `slots`. None of them has a default, because any default would be
    wrong for some kind.
    """

    kinds: ClassVar[Family[Self]] = Family("optimizer")
    required_traits = ("highest_rate", "keeps_zero", "slots")
    highest_rate: ClassVar[float | None]
    """The learning rate above which training nearly always breaks off; None where its steps do not grow with it so."""
    keeps_zero: ClassVar[bool]
    """Whether a weight that is zero and whose gradient is zero stays zero, whatever the other weights do."""

    cycle_factor: ClassVar[float] = 10.0
    """How many times its constant rate a schedule that only passes through its maximum may reach: about ten for Adam
    and its family, whose steps are of one size (fastai's `fit_one_cycle` goes to ten times the usual rate too)."""

    @property
    def cycle_maximum(self) -> float:
        """The maximum to propose for a schedule such as 1cycle: a multiple of the own rate, within the usual range."""
        highest = self.usual_range[1]
        wanted = self.learning_rate * self.cycle_factor
        return float(f"{wanted if highest is None else min(wanted, highest):.2g}")

    @property
    def usual_range(self) -> tuple[float, float | None]:
        """The lowest and the highest rate that a schedule usually reaches with it at its height; None: no limit known.

        From a thousandth of Keras's default to twenty times that (a 1cycle of twice the usual height), or to
        `highest_rate` where a kind's rates differ more from task to task.
        """
        usual = float(type(self).model_fields["learning_rate"].default)
        limit = self.highest_rate
        return usual / 1000, None if limit is None else min(limit, 2 * self.cycle_factor * usual)

    if TYPE_CHECKING:

        def slots(self) -> int:
            """How many arrays of a weight's size it keeps per weight, not counting the average of `use_ema`."""

    learning_rate: float = rate_field()
    clipnorm: float | None = option(
        None,
        title="Clip norm",
        initial=1.0,
        help="Shortens each variable's gradient to this norm and keeps its direction: [0.9, 100] becomes [0.009, 1].",
        gt=0,
        late=True,
    )
    clipvalue: float | None = option(
        None,
        title="Clip value",
        initial=1.0,
        help="Cuts each number of the gradient to ± this, which may turn it: [0.9, 100] becomes [0.9, 1].",
        gt=0,
        late=True,
    )
    global_clipnorm: float | None = option(
        None,
        title="Global clip norm",
        initial=1.0,
        help="Shortens the gradient of the whole network to this norm and keeps its direction.",
        gt=0,
        late=True,
    )
    weight_decay: float | None = weight_decay_field()
    use_ema: bool = option(
        False,
        title="Average the weights",
        help="Keeps a moving average of the weights, and puts it in their place at the end of the training.",
        advanced=True,
        late=True,
    )
    ema_momentum: float = memory_field(
        "Averaging momentum", 0.99, "How slowly the average of the weights follows them.", advanced=True, late=True
    )
    ema_overwrite_frequency: int | None = option(
        None,
        title="Take the average every",
        initial=100,
        help="Steps after which the weights become their average; off means once, at the end of the training.",
        ge=1,
        unit="steps",
        advanced=True,
        late=True,
    )
