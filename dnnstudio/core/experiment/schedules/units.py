"""Converts schedule durations between epochs and optimizer steps."""

from __future__ import annotations

from typing import TypeVar

from dnnstudio.core.experiment.schedules.records import Schedule, Unit, Warmup

Part = TypeVar("Part", Schedule, Warmup)

DURATIONS = ("s", "first_period", "boundaries", "duration")
"""The fields of schedules and warm-ups that are counted in the record's `unit`."""
DIGITS = 12
"""Of a converted number: what is left of binary arithmetic is cut off, and there and back is the same number."""


def converted(part: Part, unit: Unit, steps_per_epoch: int) -> Part:
    """The schedule or warm-up with the same durations expressed in `unit`."""
    if part.unit == unit:  # type: ignore[attr-defined]
        return part
    factor = float(steps_per_epoch) if unit == "steps" else 1.0 / steps_per_epoch
    changes: dict[str, object] = {"unit": unit}
    for name in DURATIONS:
        value = getattr(part, name, None)
        if isinstance(value, tuple):
            changes[name] = tuple(_clean(number * factor) for number in value)
        elif value is not None:
            changes[name] = _clean(value * factor)
    return part.replaced(**changes)


def in_the_other_unit(duration: float, unit: Unit, steps_per_epoch: int) -> str:
    """A duration in words of the other unit: "17,190 steps", "13.9 epochs"."""
    if unit == "epochs":
        steps = _clean(duration * steps_per_epoch)
        return f"{steps:,.0f} {'step' if steps == 1 else 'steps'}"
    epochs = duration / steps_per_epoch
    words = f"{epochs:,.3g}" if epochs < 1000 else f"{epochs:,.0f}"
    return f"{words} {'epoch' if words == '1' else 'epochs'}"


def _clean(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
