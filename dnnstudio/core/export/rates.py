"""The learning-rate schedule as Keras code: an equivalent Keras class, or else a class with the formula."""

from __future__ import annotations

from typing import Any

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import CosineRestarts, OneCycle, Performance, Plan, Power, Schedule, Unit
from dnnstudio.core.experiment.schedules.keras_classes import keras_schedule
from dnnstudio.core.export.code import INDENT, call, literal
from dnnstudio.core.export.terms import Term

SCHEDULES = "keras.optimizers.schedules"
ARGUMENT = 2
"""How deep an argument of the optimizer stands in the call of `compile`."""

POWER = '''
class PowerDecay(keras.optimizers.schedules.LearningRateSchedule):
    """initial / (1 + step / s) ** power."""

    def __init__(self, initial, s, power):
        super().__init__()
        self.initial, self.s, self.power = initial, s, power

    def __call__(self, step):
        step = keras.ops.cast(step, "float64")
        rate = self.initial / keras.ops.power(1.0 + step / self.s, self.power)
        return keras.ops.cast(rate, "float32")

    def get_config(self):
        return {"initial": self.initial, "s": self.s, "power": self.power}
'''
ONE_CYCLE = '''
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Straight up from start to highest, straight down again, and down to last at the end (Smith, 2018)."""

    def __init__(self, steps, last_steps, start, highest, last):
        super().__init__()
        self.steps, self.last_steps = steps, last_steps
        self.start, self.highest, self.last = start, highest, last

    def __call__(self, step):
        step = keras.ops.cast(step, "float64")
        half = max((self.steps - self.last_steps) // 2, 0)
        up = self.start + (self.highest - self.start) * step / max(half, 1)
        down = self.highest + (self.start - self.highest) * (step - half) / max(half, 1)
        rest = max(self.steps - 2 * half, 1)
        out = self.start + (self.last - self.start) * (step - 2 * half) / rest
        rate = keras.ops.where(step < half, up, keras.ops.where(step < 2 * half, down, out))
        return keras.ops.cast(keras.ops.maximum(rate, min(self.last, self.start)), "float32")

    def get_config(self):
        names = ("steps", "last_steps", "start", "highest", "last")
        return {name: getattr(self, name) for name in names}
'''
COSINE = '''
class CosineRestarts(keras.optimizers.schedules.LearningRateSchedule):
    """Half a cosine down, again and again (Loshchilov and Hutter, 2016), with every restart at its very step."""

    def __init__(self, initial, first_steps, t_mul, m_mul, alpha):
        super().__init__()
        self.initial, self.first_steps = initial, first_steps
        self.t_mul, self.m_mul, self.alpha = t_mul, m_mul, alpha

    def __call__(self, step):
        share = keras.ops.cast(step, "float64") / self.first_steps
        if self.t_mul == 1.0:
            period = keras.ops.floor(share + 1e-9)
            share = share - period
        else:
            passed = keras.ops.log(1.0 - share * (1.0 - self.t_mul)) / math.log(self.t_mul)
            period = keras.ops.floor(passed + 1e-9)
            length = keras.ops.power(self.t_mul, period)
            share = (share - (1.0 - length) / (1.0 - self.t_mul)) / length
        wave = 0.5 * keras.ops.power(self.m_mul, period) * (1.0 + keras.ops.cos(math.pi * share))
        return keras.ops.cast(self.initial * ((1.0 - self.alpha) * wave + self.alpha), "float32")

    def get_config(self):
        names = ("initial", "first_steps", "t_mul", "m_mul", "alpha")
        return {name: getattr(self, name) for name in names}
'''
WARM_UP = '''
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A straight rise to the first rate of a schedule, which begins after it."""

    def __init__(self, after, steps, start_factor):
        super().__init__()
        self.after, self.steps, self.start_factor = after, steps, start_factor

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rise = self.start_factor + (1.0 - self.start_factor) * step / self.steps
        later = self.rate(keras.ops.maximum(step - self.steps, 0.0))
        return keras.ops.where(step < self.steps, self.rate(keras.ops.zeros_like(step)) * rise, later)

    def rate(self, step):
        return self.after(step) if callable(self.after) else self.after

    def get_config(self):
        return {"after": self.after, "steps": self.steps, "start_factor": self.start_factor}
'''


FOLLOWED = '''
class FollowedRate(keras.optimizers.schedules.LearningRateSchedule):
    """The rates that a training was really led by: parts (first step, start, rate, factor), each from its first step.

    A part's rate is a number, or a schedule that has its first step at start.
    """

    def __init__(self, parts):
        super().__init__()
        self.parts = parts

    def __call__(self, step):
        step = keras.ops.cast(step, "float64")
        rate = keras.ops.zeros_like(step)
        for first, start, part, factor in self.parts:
            value = part(keras.ops.maximum(step - start, 0.0)) if callable(part) else part
            rate = keras.ops.where(step < first, rate, factor * keras.ops.cast(value, "float64"))
        return keras.ops.cast(rate, "float32")

    def get_config(self):
        return {"parts": self.parts}
'''


class WrittenPlan(Plan):
    """A plan whose values are variable names of the script."""

    def whole_steps(self, duration: float, unit: Unit) -> Any:
        return Term(f"max(1, round({literal(self.in_steps(duration, unit))}))")


WRITTEN = WrittenPlan(*(Term(name) for name in ("initial", "steps_per_epoch", "epochs")))  # type: ignore[arg-type]


def rate_lines(experiment: Experiment) -> str:
    """The required classes and the function `learning_rate(initial, epochs)`; empty for a constant rate."""
    schedule = experiment.schedule
    if schedule.is_number:
        return ""
    lines = ["def learning_rate(initial, epochs):", '    """The learning rate of each step of a training."""']
    steps = literal(WRITTEN.steps_per_epoch * WRITTEN.epochs)
    classes: list[str] = []
    body = _keras_code(schedule, depth=1)
    if body is None:
        after, warmup = schedule.replaced(warmup=None), schedule.warmup
        depth = 1 if warmup is None else 2
        body = _keras_code(after, depth=depth)
        if body is None:
            name, body = _own_code(after, depth=depth)
            classes.append(name)
        if warmup is not None:
            classes.append(WARM_UP)
            lines.append(f"    warm_up = {literal(WRITTEN.whole_steps(warmup.duration, warmup.unit))}")
            steps = f"max({steps} - warm_up, 1)"
            given = {"steps": "warm_up", "start_factor": literal(warmup.start_factor)}
            body = call("WarmUp", given, first=[body], depth=1)
        if isinstance(schedule, OneCycle):
            lines.append(f"    steps = {steps}")
    return "\n\n".join([*(text.strip() + "\n" for text in classes), "\n".join([*lines, f"    return {body}"])])


def followed_lines(experiment: Experiment) -> str:
    """The class of the rates that were really followed; empty where no rate was changed, or Keras cannot follow it."""
    return FOLLOWED.strip() + "\n" if experiment.rate_changes and not experiment.schedule.adaptive else ""


def rate_code(experiment: Experiment, number: int, learning_rate: float, epochs: int) -> str:
    """What the optimizer of phase `number` takes as its learning rate, recorded changes included."""
    changes = [change for change in experiment.rate_changes if change.phase == number]
    if not changes or experiment.schedule.adaptive:
        return _planned_code(experiment, learning_rate, epochs)
    begins = changes[0].at <= 0  # then nothing is led by the plan itself
    parts = [] if begins else [("0", "0", _planned_code(experiment, learning_rate, epochs), 1.0)]
    for change in changes:
        rate = change.rate
        code = _planned_code(experiment, learning_rate, change.epochs or epochs) if rate is None else repr(rate)
        first, start = (_steps_code(value, change.unit) for value in (change.at, change.start))
        parts.append((first, start, code, change.factor if rate is None else 1.0))
    inside = INDENT * (ARGUMENT + 2)
    lines = "".join(f"{inside}({first}, {start}, {code}, {factor!r}),\n" for first, start, code, factor in parts)
    list_depth, end = INDENT * (ARGUMENT + 1), INDENT * ARGUMENT
    return f"FollowedRate(\n{list_depth}[\n{lines}{list_depth}]\n{end})"


def _planned_code(experiment: Experiment, learning_rate: float, epochs: int) -> str:
    if experiment.schedule.is_number:
        return repr(learning_rate)
    return f"learning_rate({learning_rate!r}, epochs={epochs})"


def _steps_code(value: float, unit: Unit) -> str:
    number = str(int(value)) if float(value).is_integer() else repr(value)
    return f"{number} * steps_per_epoch" if unit == "epochs" and value else number


def callback_lines(experiment: Experiment, *, weighs_loss: bool = False) -> list[str]:
    """The callbacks for `fit`, each as a constructor call.

    Where the script weighs the loss (`weighs_loss`), a smallest gain of the loss is weighed too.
    """

    def gain(monitor: str, value: float) -> str:
        return (
            f"{literal(value)} * loss_weight" if value and weighs_loss and monitor.endswith("loss") else literal(value)
        )

    found: list[str] = []
    schedule, early = experiment.schedule, experiment.training.early_stopping
    if isinstance(schedule, Performance):
        names = ("monitor", "factor", "patience", "min_delta", "cooldown", "min_lr")
        given = {name: literal(getattr(schedule, name)) for name in names}
        given["min_delta"] = gain(schedule.monitor, schedule.min_delta)
        found.append(call("keras.callbacks.ReduceLROnPlateau", given, depth=1))
    if early is not None:
        given = {
            "monitor": literal(early.monitor),
            "patience": literal(early.patience),
            "min_delta": gain(early.monitor, early.min_delta),
            "restore_best_weights": literal(early.restore_best),
        }
        found.append(call("keras.callbacks.EarlyStopping", given, depth=1))
    if experiment.training.tensorboard:
        found.append(call("keras.callbacks.TensorBoard", {"log_dir": literal("tensorboard")}, depth=1))
    return found


def _keras_code(schedule: Schedule, *, depth: int) -> str | None:
    """The constructor call of the equivalent Keras class; None if there is none."""
    named = keras_schedule(schedule, WRITTEN)
    if named is None:
        return None
    given = {name: literal(value) for name, value in named.arguments.items()}
    return call(f"{SCHEDULES}.{named.name}", given, depth=depth)


def _own_code(schedule: Schedule, *, depth: int) -> tuple[str, str]:
    """A class for a schedule that Keras lacks, and its constructor call."""
    match schedule:
        case Power():
            steps = literal(WRITTEN.in_steps(schedule.s, schedule.unit))
            given = {"s": steps, "power": literal(schedule.power)}
            return POWER, call("PowerDecay", given, first=["initial"], depth=depth)
        case OneCycle():
            start = schedule.start_rate or schedule.max_rate / 10
            given = {
                "steps": "steps",
                "last_steps": "steps // 10 + 1"
                if schedule.last_steps is None
                else f"min({schedule.last_steps}, steps)",
                "start": repr(start),
                "highest": repr(schedule.max_rate),
                "last": repr(schedule.last_rate or start / 1000),
            }
            return ONE_CYCLE, call("OneCycle", given, depth=depth)
        case CosineRestarts():
            given = {"first_steps": literal(WRITTEN.in_steps(schedule.first_period, schedule.unit))}
            given |= {name: literal(getattr(schedule, name)) for name in ("t_mul", "m_mul", "alpha")}
            return COSINE, call("CosineRestarts", given, first=["initial"], depth=depth)
    raise AssertionError(f"{schedule.label} is Keras's own.")
