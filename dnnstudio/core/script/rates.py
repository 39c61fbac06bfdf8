"""The learning-rate schedule as Keras code: Keras's own class where it says the same, else the formula in a class."""

from __future__ import annotations

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.schedules import CosineRestarts, Exponential, OneCycle, Performance, Piecewise, Power, Schedule
from dnnstudio.core.script.code import call, literal

SCHEDULES = "keras.optimizers.schedules"

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


def is_plain(schedule: Schedule) -> bool:
    """Whether the rate of a step is the optimizer's number."""
    return schedule.warmup is None and (schedule.adaptive or schedule.kind == "constant")  # type: ignore[attr-defined]


def rate_lines(experiment: Experiment) -> str:
    """The classes that are needed and `learning_rate(initial, epochs)`; empty where the rate is a number."""
    schedule = experiment.schedule
    if is_plain(schedule):
        return ""
    classes = _classes(schedule)
    body = _rate(schedule)
    lines = ["def learning_rate(initial, epochs):", '    """The learning rate of each step of a training."""']
    steps = "steps_per_epoch * epochs"
    if schedule.warmup is not None:
        warmup = schedule.warmup
        length = _steps(warmup.duration, warmup.unit)
        lines += [f"    warm_up = max(1, round({length}))", f"    steps = max({steps} - warm_up, 1)"]
        body = call("WarmUp", {"steps": "warm_up", "start_factor": literal(warmup.start_factor)}, first=[body], depth=1)
    elif isinstance(schedule, OneCycle):
        lines += [f"    steps = {steps}"]
    return "\n\n".join([*(text.strip() + "\n" for text in classes), "\n".join([*lines, f"    return {body}"])])


def callback_lines(experiment: Experiment) -> list[str]:
    """The callbacks of `fit`, each as a call."""
    found: list[str] = []
    schedule, early = experiment.schedule, experiment.training.early_stopping
    if isinstance(schedule, Performance):
        names = ("monitor", "factor", "patience", "min_delta", "cooldown", "min_lr")
        given = {name: literal(getattr(schedule, name)) for name in names}
        found.append(call("keras.callbacks.ReduceLROnPlateau", given, depth=1))
    if early is not None:
        given = {
            "monitor": literal(early.monitor),
            "patience": literal(early.patience),
            "min_delta": literal(early.min_delta),
            "restore_best_weights": literal(early.restore_best),
        }
        found.append(call("keras.callbacks.EarlyStopping", given, depth=1))
    return found


def _classes(schedule: Schedule) -> list[str]:
    found = []
    if isinstance(schedule, Power) and schedule.power != 1:
        found.append(POWER)
    if isinstance(schedule, OneCycle):
        found.append(ONE_CYCLE)
    if schedule.warmup is not None:
        found.append(WARM_UP)
    return found


def _rate(schedule: Schedule) -> str:
    """The expression for the schedule after its warm-up."""
    match schedule:
        case Power():
            s = _steps(schedule.s, schedule.unit)
            if schedule.power != 1:
                return call("PowerDecay", {"s": s, "power": literal(schedule.power)}, first=["initial"], depth=1)
            given = {"decay_steps": s, "decay_rate": "1.0"}
            return call(f"{SCHEDULES}.InverseTimeDecay", given, first=["initial"], depth=1)
        case Exponential():
            return _exponential(schedule)
        case Piecewise():
            places = ", ".join(f"math.ceil({_steps(place, schedule.unit)}) - 1" for place in schedule.boundaries)
            given = {"boundaries": f"[{places}]", "values": f"[{', '.join(map(repr, schedule.rates_between))}]"}
            return call(f"{SCHEDULES}.PiecewiseConstantDecay", given, depth=1)
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
            return call("OneCycle", given, depth=1)
        case CosineRestarts():
            given = {"first_decay_steps": _steps(schedule.first_period, schedule.unit)}
            given |= {name: repr(getattr(schedule, name)) for name in ("t_mul", "m_mul", "alpha")}
            return call(f"{SCHEDULES}.CosineDecayRestarts", given, first=["initial"], depth=1)
    return "initial"


def _exponential(schedule: Exponential) -> str:
    name, s = f"{SCHEDULES}.ExponentialDecay", _steps(schedule.s, schedule.unit)
    if schedule.progress == "step":
        given = {"decay_steps": s, "decay_rate": repr(schedule.decay_rate)}
        return call(name, given, first=["initial"], depth=1)
    epoch = f"{schedule.decay_rate!r} ** (steps_per_epoch / ({s}))"
    first = "initial" if schedule.progress == "epoch" else f"initial * {epoch}"
    return call(
        name, {"decay_steps": "steps_per_epoch", "decay_rate": epoch, "staircase": "True"}, first=[first], depth=1
    )


def _steps(duration: float, unit: str) -> str:
    return f"{duration:g} * steps_per_epoch" if unit == "epochs" else f"{duration:g}"
