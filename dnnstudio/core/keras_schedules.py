"""Which of Keras's own learning-rate schedules gives a schedule's rates: for model files and exported scripts alike."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.schedules import Constant, CosineRestarts, Exponential, Piecewise, Plan, Power, Schedule, Warmup


@dataclass(frozen=True, slots=True)
class KerasSchedule:
    """A class of `keras.optimizers.schedules` by its name, and its arguments by theirs."""

    name: str
    arguments: dict[str, Any]


def keras_schedule(schedule: Schedule, plan: Plan) -> KerasSchedule | None:
    """Keras's class with the schedule's rate at every step, as far as its float32 carries; None where it has none.

    What the plan holds is only calculated with, so that a script may have names in the place of numbers. A constant
    rate needs no class, and the performance schedule is a callback.
    """
    if schedule.warmup is not None:
        return _warm_up(schedule.warmup, plan) if isinstance(schedule, Constant) else None
    first: dict[str, Any] = {"initial_learning_rate": plan.learning_rate}
    match schedule:
        case Power() if schedule.power == 1.0:
            steps = plan.in_steps(schedule.s, schedule.unit)
            return KerasSchedule("InverseTimeDecay", first | {"decay_steps": steps, "decay_rate": 1.0})
        case Exponential():
            return _exponential(schedule, plan)
        case Piecewise():
            # Keras names the last step of a stretch, not the first of the next.
            last = [math.ceil(plan.in_steps(boundary, schedule.unit)) - 1 for boundary in schedule.boundaries]
            return KerasSchedule("PiecewiseConstantDecay", {"boundaries": last, "values": list(schedule.rates_between)})
        # Keras finds the period in float32: with another factor, or with a part of a step, it may restart a step late.
        case CosineRestarts() if schedule.t_mul in (1.0, 2.0) and schedule.first_period == int(schedule.first_period):
            given = first | {"first_decay_steps": plan.in_steps(schedule.first_period, schedule.unit)}
            given |= {name: getattr(schedule, name) for name in ("t_mul", "m_mul", "alpha")}
            return KerasSchedule("CosineDecayRestarts", given)
    return None


def _warm_up(warmup: Warmup, plan: Plan) -> KerasSchedule:
    """A rise to a constant rate: Keras rises to a cosine, and one whose floor is its height stays where it is."""
    given = {"initial_learning_rate": plan.learning_rate * warmup.start_factor, "decay_steps": 1, "alpha": 1.0}
    steps = plan.whole_steps(warmup.duration, warmup.unit)
    return KerasSchedule("CosineDecay", given | {"warmup_target": plan.learning_rate, "warmup_steps": steps})


def _exponential(schedule: Exponential, plan: Plan) -> KerasSchedule:
    steps, factor = plan.in_steps(schedule.s, schedule.unit), schedule.decay_rate
    given: dict[str, Any] = {"initial_learning_rate": plan.learning_rate}
    if schedule.progress == "step":
        return KerasSchedule("ExponentialDecay", given | {"decay_steps": steps, "decay_rate": factor})
    factor = factor ** (plan.steps_per_epoch / steps)
    if schedule.progress == "multiply":
        given["initial_learning_rate"] = plan.learning_rate * factor
    given |= {"decay_steps": plan.steps_per_epoch, "decay_rate": factor, "staircase": True}
    return KerasSchedule("ExponentialDecay", given)
