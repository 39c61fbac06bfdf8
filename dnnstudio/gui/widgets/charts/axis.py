"""The axes of a chart: round ticks around values, each with a label of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnnstudio.core.text import NBSP

Ticks = Sequence[tuple[float, str]]


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
    """An axis around these values with three to six round ticks."""
    span = high - low if high > low else 1e-9
    raw = span / 4
    power = 10.0 ** np.floor(np.log10(raw))
    step = float(next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw - 1e-12))
    first, last = np.floor(low / step + 1e-6), np.ceil(high / step - 1e-6)
    values = np.round(np.arange(first, last + 1) * step, 10)
    names = [f"{value * 100:g}{NBSP}%" if share else _tick(value) for value in values.tolist()]
    if len(set(names)) < len(names):  # six digits do not tell them apart
        decimals = len(f"{step * 100 if share else step:.10f}".rstrip("0").partition(".")[2])
        names = [
            f"{value * 100:.{decimals}f}{NBSP}%" if share else f"{value:,.{decimals}f}" for value in values.tolist()
        ]
    return Axis(float(values[0]), float(values[-1]), list(zip(values.tolist(), names, strict=True)), label)


def _tick(value: float) -> str:
    """The number at a tick: 0.5, 2,500, 400,000, and 1.2e+07 where more digits would be too wide."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 and value == int(value) else f"{value:g}"
