"""Maps a schedule to the Keras learning-rate schedule with the same rates, for model files and exported scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from dnnstudio.core.experiment.schedules.records import (
    Constant,
    CosineRestarts,
    Exponential,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Warmup,
)


@dataclass(frozen=True, slots=True)
class KerasSchedule:
    """Name and arguments of a class in `keras.optimizers.schedules`."""

    name: str
    arguments: dict[str, Any]


def keras_schedule(schedule: Schedule, plan: Plan) -> KerasSchedule | None:
    """Keras's class with the same rate at every step, within float32 precision; None if there is none.

    The plan's values are only used in arithmetic, so that the script export can pass symbolic names instead of numbers.
    A constant rate needs no class, and the performance schedule is a callback.
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
            # Keras's boundary is the last step of a piece, not the first of the next.
            last = [math.ceil(plan.in_steps(boundary, schedule.unit)) - 1 for boundary in schedule.boundaries]
            return KerasSchedule("PiecewiseConstantDecay", {"boundaries": last, "values": list(schedule.rates_between)})
        # Keras computes the period in float32: for other factors or fractional steps it may restart one step late.
        case CosineRestarts() if schedule.t_mul in (1.0, 2.0) and schedule.first_period == int(schedule.first_period):
            given = first | {"first_decay_steps": plan.in_steps(schedule.first_period, schedule.unit)}
            given |= {name: getattr(schedule, name) for name in ("t_mul", "m_mul", "alpha")}
            return KerasSchedule("CosineDecayRestarts", given)
    return None


def _warm_up(warmup: Warmup, plan: Plan) -> KerasSchedule:
    """Warm-up to a constant rate, written as Keras's warm-up to a cosine decay whose floor equals its top."""
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
