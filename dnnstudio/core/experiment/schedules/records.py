"""Learning-rate schedules as formulas of the step.

Preview, training and exported script all come from the one formula of each class: `rate` is written against a
namespace `xp` that is numpy here and `keras.ops` inside the training graph.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log, pi
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Discriminator, model_validator

from dnnstudio.core.experiment.fields import Option, option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from dnnstudio.core.experiment.optimizers import Optimizer

Unit = Literal["epochs", "steps"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The facts of the training that a schedule may use: the optimizer's learning rate and the length."""

    learning_rate: float
    steps_per_epoch: int
    epochs: int
    warmup_steps: int = 0

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training, without the warm-up."""
        return max(self.steps_per_epoch * self.epochs - self.warmup_steps, 1)

    def in_steps(self, duration: float, unit: Unit) -> float:
        """Convert a duration in epochs or steps to steps."""
        return duration * self.steps_per_epoch if unit == "epochs" else duration

    def whole_steps(self, duration: float, unit: Unit) -> int:
        """Convert a duration in epochs or steps to a whole number of steps, at least one."""
        return max(1, round(self.in_steps(duration, unit)))


def _unit(help: str = "Count in epochs or in optimizer steps.") -> Any:
    return option("epochs", title="Counted in", help=help)


class Warmup(Option):
    """A linear rise to the schedule's first rate; the schedule begins after it."""

    label = "Warm-up"
    help = "A straight rise from a small rate, before the schedule begins (Goyal et al., 2017)."
    duration: float = option(1.0, title="Warm-up", help="How long the rise takes.", gt=0)
    unit: Unit = _unit()
    start_factor: float = option(
        0.1, title="Start at", help="The first rate, as a share of the rate that the schedule begins with.", ge=0, le=1
    )


class Schedule(Option):
    """Base of the learning-rate schedules. Exactly one is active; all but the adaptive ones are known in advance."""

    adaptive: ClassVar[bool] = False
    """Whether the rate depends on how the training goes, so that a preview can only show the start."""
    uses_base_rate: ClassVar[bool] = True
    """Whether the optimizer's learning rate matters."""

    warmup: Warmup | None = option(
        None, title="Warm-up", help="Rise to the first rate in a straight line.", advanced=True, late=True
    )

    @property
    def is_number(self) -> bool:
        """Whether Keras takes the rate as a plain number: one that is constant or set by a callback."""
        return self.adaptive

    def scaled(self, factor: float) -> Self:
        """The schedule with its own rates (not the optimizer's) multiplied by `factor`."""
        del factor
        return self

    @property
    def own_rates(self) -> tuple[float, ...]:
        """The rates that it states itself, highest and others; empty where it works with the optimizer's."""
        return ()

    def suited(self, optimizer: Optimizer) -> Self:
        """The schedule with its own rates set to what fits the optimizer and its learning rate."""
        del optimizer
        return self

    @abstractmethod
    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        """The learning rate at `step`, a float array or tensor [...] from 0 without the warm-up; `xp` is numpy or
        `keras.ops`.
        """

    def warmed_rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        """The learning rate at `step`, a float array or tensor [...] from 0, warm-up included."""
        if self.warmup is None:
            return self.rate(step, plan, xp)
        length = plan.whole_steps(self.warmup.duration, self.warmup.unit)
        rest = replace(plan, warmup_steps=length)
        first = self.rate(xp.zeros_like(step), rest, xp)
        rise = self.warmup.start_factor + (1.0 - self.warmup.start_factor) * step / length
        return xp.where(step < length, first * rise, self.rate(xp.maximum(step - length, 0.0), rest, xp))

    def rates(self, steps: ArrayLike, plan: Plan) -> NDArray[np.float64]:
        """The learning rate of each optimizer step in `steps`, counted from 0: float64 [steps]."""
        import numpy as np  # reading and showing an experiment does not need it

        given = np.asarray(steps, dtype=np.float64)
        return np.asarray(self.warmed_rate(given, plan, np), dtype=np.float64)

    def momentum(self, step: Any, plan: Plan, xp: Any) -> Any | None:
        """The momentum at `step` (float array or tensor [...]), or None if the schedule does not set it."""
        del step, plan, xp
        return None


class Constant(Schedule):
    kind: Literal["constant"] = "constant"
    label = "Constant"
    help = "The optimizer's learning rate from the first step to the last."

    @property
    def is_number(self) -> bool:
        return self.warmup is None

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        return xp.zeros_like(step) + plan.learning_rate


class Power(Schedule):
    """lr0 / (1 + t/s)^c."""

    kind: Literal["power"] = "power"
    label = "Power"
    help = "lr0 / (1 + t/s)^c: halves after s, is a third after 2 s, and falls more and more slowly (for c = 1)."
    s: float = option(10.0, title="Half after (s)", help="How long until the rate has halved.", gt=0)
    unit: Unit = _unit()
    power: float = option(1.0, title="Power (c)", help="How steeply it falls.", gt=0)

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        return plan.learning_rate / xp.power(1.0 + step / plan.in_steps(self.s, self.unit), self.power)


class Exponential(Schedule):
    """lr0 · r^(t/s) with r = 0.1: the rate falls to a tenth every s.

    `progress` defines t: the step ("step"), the number of completed epochs ("epoch"), or that number plus one
    ("multiply"), which is what multiplying the rate by r^(1/s) at the start of every epoch, the first included, gives.
    """

    kind: Literal["exponential"] = "exponential"
    label = "Exponential"
    help = "lr0 · 0.1^(t/s): the rate falls to a tenth every s."
    s: float = option(20.0, title="A tenth after (s)", help="How long until the rate has fallen by the factor.", gt=0)
    unit: Unit = _unit()
    decay_rate: float = option(0.1, title="Factor", help="What remains of the rate after s.", gt=0, le=1)
    progress: Literal["step", "epoch", "multiply"] = option(
        "step",
        title="Change",
        help="Smoothly every step, once an epoch, or by multiplying the current rate each epoch.",
    )

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        done = step
        if self.progress != "step":
            done = xp.floor(step / plan.steps_per_epoch) * plan.steps_per_epoch
        if self.progress == "multiply":
            done = done + plan.steps_per_epoch
        return plan.learning_rate * xp.power(self.decay_rate, done / plan.in_steps(self.s, self.unit))


class Piecewise(Schedule):
    """A constant rate for each piece; the next one begins at its boundary."""

    kind: Literal["piecewise"] = "piecewise"
    label = "Piecewise constant"
    help = "One rate up to the first boundary, another up to the second, and so on."
    uses_base_rate = False
    boundaries: tuple[float, ...] = option(
        (5.0, 15.0), title="Boundaries", help="Where the next rate begins, rising.", min_length=1, max_length=100
    )
    rates_between: tuple[float, ...] = option(
        (0.01, 0.005, 0.001), title="Rates", help="One more than there are boundaries.", min_length=2, max_length=101
    )
    unit: Unit = _unit()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.rates_between) != len(self.boundaries) + 1:
            raise ValueError(
                f"piecewise has {len(self.boundaries)} boundaries and {len(self.rates_between)} rates; "
                "it needs one rate more than boundaries"
            )
        if self.boundaries[0] <= 0 or any(after <= before for before, after in pairwise(self.boundaries)):
            raise ValueError(f"piecewise boundaries are {_listed(self.boundaries)}; they must be above 0 and rise")
        if min(self.rates_between) <= 0:
            raise ValueError(f"piecewise rates are {_listed(self.rates_between)}; each must be above 0")
        return self

    @property
    def own_rates(self) -> tuple[float, ...]:
        return self.rates_between

    def suited(self, optimizer: Optimizer) -> Self:
        """The optimizer's own rate first, then falling to a tenth, in steps of one ratio for more than three pieces."""
        count, first = len(self.rates_between), optimizer.learning_rate
        shares = (1.0, 0.5, 0.1) if count == 3 else tuple(0.1 ** (place / (count - 1)) for place in range(count))
        return self.replaced(rates_between=tuple(float(f"{first * share:.2g}") for share in shares))

    def scaled(self, factor: float) -> Self:
        return self.replaced(rates_between=tuple(rate * factor for rate in self.rates_between))

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        rate = xp.zeros_like(step) + self.rates_between[0]
        for boundary, following in zip(self.boundaries, self.rates_between[1:], strict=True):
            rate = xp.where(step < plan.in_steps(boundary, self.unit), rate, following)
        return rate


class Performance(Schedule):
    """Keras's ReduceLROnPlateau: https://keras.io/api/callbacks/reduce_lr_on_plateau."""

    kind: Literal["performance"] = "performance"
    label = "Performance"
    help = "Multiplies the rate by a factor whenever the validation figures have not improved for a while."
    adaptive = True
    factor: float = option(0.5, title="Factor", help="What the rate is multiplied by.", gt=0, lt=1)
    patience: int = option(5, title="Patience", help="Epochs without improvement before it acts.", ge=0, unit="epochs")
    min_delta: float = option(1e-4, title="Smallest gain", help="What counts as improvement.", ge=0, advanced=True)
    cooldown: int = option(
        0, title="Rest", help="Epochs after a cut in which nothing is counted.", ge=0, unit="epochs", advanced=True
    )
    min_lr: float = option(0.0, title="Lowest rate", help="It never falls below this.", ge=0, advanced=True)
    monitor: Literal["val_loss", "val_accuracy", "loss"] = option(
        "val_loss", title="Watch", help="The figure that must improve.", advanced=True
    )

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        return xp.zeros_like(step) + plan.learning_rate


class OneCycle(Schedule):
    """1cycle: up, down, and almost to zero (Smith, 2018), counted in steps.

    Linearly from `start_rate` to `max_rate` in the first half, back in the second, and down to `last_rate` in the final
    `last_steps`. Defaults: a tenth of the maximum, a thousandth of the start, and a tenth of all steps plus one.
    `momentum_low` and `momentum_high`, set together, make momentum mirror the rate.
    """

    kind: Literal["one_cycle"] = "one_cycle"
    label = "1cycle"
    help = "Up to a high rate in the first half, down in the second, almost to zero at the end (Smith, 2018)."
    uses_base_rate = False
    max_rate: float = option(0.05, title="Maximum rate", help="The rate in the middle: find it by a test.", gt=0)
    start_rate: float | None = option(
        None, title="Start rate", initial=0.005, help="Left out, a tenth of the maximum.", gt=0, advanced=True
    )
    last_rate: float | None = option(
        None, title="Last rate", initial=5e-6, help="Left out, a thousandth of the start rate.", gt=0, advanced=True
    )
    last_steps: int | None = option(
        None,
        title="Last steps",
        initial=100,
        help="Left out, a tenth of all steps and one more.",
        ge=1,
        unit="steps",
        advanced=True,
    )
    momentum_low: float | None = option(
        None,
        title="Lowest momentum",
        initial=0.85,
        help="Momentum where the rate is highest: 0.85.",
        ge=0,
        lt=1,
        advanced=True,
    )
    momentum_high: float | None = option(
        None,
        title="Highest momentum",
        initial=0.95,
        help="Momentum where the rate is lowest: 0.95.",
        ge=0,
        lt=1,
        advanced=True,
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.momentum_low is None) != (self.momentum_high is None):
            raise ValueError("one_cycle has one end of the momentum; set both, or neither")
        return self

    @property
    def own_rates(self) -> tuple[float, ...]:
        return (self.max_rate,)

    def suited(self, optimizer: Optimizer) -> Self:
        """Up to the optimizer's usual maximum; start and last rate follow from it."""
        return self.replaced(max_rate=optimizer.cycle_maximum, start_rate=None, last_rate=None)

    def scaled(self, factor: float) -> Self:
        names = ("max_rate", "start_rate", "last_rate")
        rates = {name: getattr(self, name) for name in names}
        return self.replaced(**{name: None if rate is None else rate * factor for name, rate in rates.items()})

    def stretches(self, plan: Plan) -> tuple[int, int]:
        """Steps of each half and of the final piece."""
        last = min(self.last_steps or plan.steps // 10 + 1, plan.steps)
        return max((plan.steps - last) // 2, 0), last

    def _through(self, step: Any, plan: Plan, xp: Any, low: float, high: float, last: float) -> Any:
        half, _ = self.stretches(plan)
        up = low + (high - low) * step / max(half, 1)
        down = high + (low - high) * (step - half) / max(half, 1)
        out = low + (last - low) * (step - 2 * half) / max(plan.steps - 2 * half, 1)
        return xp.where(step < half, up, xp.where(step < 2 * half, down, out))

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        start = self.start_rate or self.max_rate / 10
        last = self.last_rate or start / 1000
        # Beyond the planned end (one more epoch) the rate stays at its last value instead of falling below zero.
        return xp.maximum(self._through(step, plan, xp, start, self.max_rate, last), min(last, start))

    def momentum(self, step: Any, plan: Plan, xp: Any) -> Any | None:
        if self.momentum_low is None or self.momentum_high is None:
            return None
        return self._through(step, plan, xp, self.momentum_high, self.momentum_low, self.momentum_high)


class CosineRestarts(Schedule):
    """SGDR (Loshchilov and Hutter, 2016):
    https://keras.io/api/optimizers/learning_rate_schedules/cosine_decay_restarts.

    Half a cosine wave over each period; the n-th period is `t_mul`ⁿ as long and `m_mul`ⁿ as high.
    """

    kind: Literal["cosine_restarts"] = "cosine_restarts"
    label = "Cosine with restarts"
    help = "Half a cosine down, then up again at once, each time more slowly (Loshchilov and Hutter, 2016)."
    first_period: float = option(10.0, title="First period", help="How long the first way down takes.", gt=0)
    unit: Unit = _unit()
    t_mul: float = option(2.0, title="Period × ", help="Each period is this much longer than the one before.", ge=1)
    m_mul: float = option(1.0, title="Height × ", help="Each start is this much lower or higher.", gt=0, le=10)
    alpha: float = option(0.0, title="Floor", help="The lowest rate, as a share of the first.", ge=0, le=1)

    def rate(self, step: Any, plan: Plan, xp: Any) -> Any:
        done = step / plan.in_steps(self.first_period, self.unit)
        late = 1e-9  # log(243) / log(3) is a little less than 5
        if self.t_mul == 1.0:
            period = xp.floor(done + late)
            share = done - period
        else:
            period = xp.floor(xp.log(1.0 - done * (1.0 - self.t_mul)) / log(self.t_mul) + late)
            length = xp.power(self.t_mul, period)
            share = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        wave = 0.5 * xp.power(self.m_mul, period) * (1.0 + xp.cos(pi * share))
        return plan.learning_rate * ((1.0 - self.alpha) * wave + self.alpha)


AnySchedule = Annotated[
    Constant | Power | Exponential | Piecewise | Performance | OneCycle | CosineRestarts, Discriminator("kind")
]
SCHEDULE_KINDS: dict[str, type[Schedule]] = {
    kind.model_fields["kind"].default: kind for kind in get_args(get_args(AnySchedule)[0])
}
"""Kind in the file → class, in the order of the menu."""


def _listed(numbers: tuple[float, ...]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
