"""Learning-rate schedules: the records, their durations in epochs and steps, and the matching Keras classes."""

from dnnstudio.core.experiment.schedules.records import (
    SCHEDULE_KINDS,
    AnySchedule,
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Unit,
    Warmup,
)

__all__ = [
    "SCHEDULE_KINDS",
    "AnySchedule",
    "Constant",
    "CosineRestarts",
    "Exponential",
    "OneCycle",
    "Performance",
    "Piecewise",
    "Plan",
    "Power",
    "Schedule",
    "Unit",
    "Warmup",
]
