"""The ends of an axis and the round numbers on it, for whatever numbers are drawn. No Qt, no numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import ceil, floor, isnan, log10

FARTHEST = 1e100
"""What is farther from 0 is not drawn, as what is not finite: the products within a drawing would overflow."""
NEAREST = 1e-100
"""Values nearer to each other than this are one in a drawing, and one nearer to 0 is 0."""
APART = 1e-9
"""Values nearer to each other than this share of their size are one too: their labels would be as long as a line."""
SLACK = 1e-9
"""So much of a step is rounding."""
MOST_DIGITS = 17
"""So many digits tell any two float64 apart."""


def is_drawable(value: float) -> bool:
    """Whether a drawing can have this value; not a number, and what is too far, it cannot."""
    return abs(value) <= FARTHEST


def ends_of(low: float, high: float) -> tuple[float, float]:
    """Two ends that can be drawn apart: those given, as far as a drawing goes, or some room around a single value."""
    low, high = _within(low), _within(high)
    size = max(abs(low), abs(high))
    if high - low >= max(NEAREST, APART * size):
        return low, high
    half = size / 2 if size >= NEAREST else 0.5
    return high - half, high + half


def _within(value: float) -> float:
    return 0.0 if isnan(value) else min(max(value, -FARTHEST), FARTHEST)


def power_of(value: float) -> int:
    """The power of ten of a number above 0: -2 of 0.025."""
    return floor(log10(value))


def round_number(digits: float, power: int) -> float:
    """`digits` times ten to the `power`, to the last bit: 3 times 0.1 would be 0.30000000000000004."""
    return float(f"{digits}e{power}")


def around(low: float, high: float, step: float, slack: float = SLACK) -> tuple[int, int]:
    """Of which multiples of `step` the range from `low` to `high` is enclosed, to a `slack` of the step."""
    return floor(low / step + slack), ceil(high / step - slack)


def decades(low: float, high: float, numbers: Iterable[float]) -> list[float]:
    """The rising `numbers` of each power of ten that lie from `low` to `high`, both above 0."""
    powers = range(power_of(low), power_of(high) + 1)
    found = [round_number(number, power) for power in powers for number in numbers]
    return [value for value in found if low * (1 - SLACK) <= value <= high * (1 + SLACK)]


def told_apart(values: Iterable[float], write: Callable[[float, int], str], least: int, most: int) -> list[str]:
    """The values as `write` gives them with so many digits, from `least` to `most`, that no two are the same."""
    listed = list(values)
    different = len(set(listed))
    for digits in range(least, most):
        words = [write(value, digits) for value in listed]
        if len(set(words)) == different:
            return words
    return [write(value, most) for value in listed]
