"""The axes of a chart: round ticks around values, each with a label of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnnstudio.core.text import NBSP
from dnnstudio.core.ticks import MOST_DIGITS, around, ends_of, power_of, round_number, told_apart

Ticks = Sequence[tuple[float, str]]
DIGITS = 6
"""With more digits than these a label is written where fewer do not tell it from the others."""
MOST_DECIMALS, LONGEST = 10, 1e15
"""Labels of more decimals, or of larger numbers, are powers of ten."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Both ends, the labelled values, and the axis title."""

    low: float
    high: float
    ticks: Ticks
    label: str = ""


def share_axis(low: float, high: float, step: float, label: str = "") -> Axis:
    """An axis of proportions, labelled in per cent."""
    values = np.arange(round(np.ceil(low / step - 1e-9)), round(np.floor(high / step + 1e-9)) + 1) * step
    return Axis(low, high, [(float(value), f"{value * 100:g}{NBSP}%") for value in np.round(values, 10)], label)


def nice_axis(low: float, high: float, label: str = "", *, share: bool = False) -> Axis:
    """An axis around these values with three to seven round ticks; from 0 to 1 where they are all 0."""
    low, high = (0.0, 1.0) if low == high == 0 else ends_of(low, high)
    raw = (high - low) / 4
    power = power_of(raw) - 1
    digits = next(digits for digits in (10, 20, 25, 50, 100, 200) if round_number(digits, power) >= raw * (1 - 1e-9))
    step = round_number(digits, power)
    first, last = around(low, high, step, slack=1e-6)
    values = [round_number(n * digits, power) for n in range(first, last + 1)]
    names = _share_names(values, step) if share else _names(values, step)
    return Axis(values[0], values[-1], list(zip(values, names, strict=True)), label)


def _share_names(values: Sequence[float], step: float) -> list[str]:
    written = [f"{value * 100:g}" for value in values]
    if len(set(written)) < len(written):
        written = _more_digits([value * 100 for value in values], step * 100)
    return [f"{words}{NBSP}%" for words in written]


def _names(values: Sequence[float], step: float) -> list[str]:
    written = [_tick(value) for value in values]
    return written if len(set(written)) == len(written) else _more_digits(values, step)


def _more_digits(values: Sequence[float], step: float) -> list[str]:
    """What six digits do not tell apart: with the decimals of the step, or with as many digits as needed."""
    decimals = len(f"{step:.{MOST_DECIMALS}f}".rstrip("0").partition(".")[2])
    if step >= 0.1**MOST_DECIMALS and max(map(abs, values)) < LONGEST:
        return [f"{value:,.{decimals}f}" for value in values]
    return told_apart(values, lambda value, digits: f"{value:.{digits}g}", DIGITS, MOST_DIGITS)


def _tick(value: float) -> str:
    """The number at a tick: 0.5, 2,500, 400,000, and 1.2e+07 where more digits would be too wide."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 and value == int(value) else f"{value:g}"
