"""Numbers as users write, read and step them. Pure functions, no Qt.

A number is shown as its shortest exact text (0.001, 1e-7, 100), and a step leads to another short one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from math import floor, isfinite, log10

Number = int | float


class Steps(Enum):
    """How the arrow keys change a number."""

    UNIT = "unit"
    """One up, one down: axes, seeds."""
    COUNT = "count"
    """By the second digit: 32 → 33, 300 → 310. PageUp doubles, PageDown halves."""
    FACTOR = "factor"
    """1, 2, 5, 10: learning rates, penalties, norms."""
    SHARE = "share"
    """By 0.05 up to 0.9, then 0.95, 0.98, 0.99 …: rates, momentum."""
    LINEAR = "linear"
    """By a tenth, or whatever `size` says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a number: at least, above, at most, below."""

    ge: Number | None = None
    gt: Number | None = None
    le: Number | None = None
    lt: Number | None = None

    def allow(self, value: Number) -> bool:
        """Whether the number is within the limits."""
        return (
            isfinite(value)
            and (self.ge is None or value >= self.ge)
            and (self.gt is None or value > self.gt)
            and (self.le is None or value <= self.le)
            and (self.lt is None or value < self.lt)
        )

    @property
    def lower(self) -> Number | None:
        return self.ge if self.ge is not None else self.gt

    @property
    def upper(self) -> Number | None:
        return self.le if self.le is not None else self.lt

    def sentence(self, title: str, *, integer: bool) -> str:
        """The expected values: "Units must be a whole number from 1 to 1,000,000." """
        if self.ge is not None and self.le is not None:
            wanted = f"from {_grouped(self.ge)} to {_grouped(self.le)}"
        else:
            parts = [
                f"{word} {_grouped(bound)}"
                for word, bound in (
                    ("at least", self.ge),
                    ("above", self.gt),
                    ("at most", self.le),
                    ("below", self.lt),
                )
                if bound is not None
            ]
            wanted = " and ".join(parts)
        if integer:
            kind = "a whole number" + (" of" if wanted and not wanted.startswith("from") else "")
        else:
            kind = "a number" if not wanted or wanted.startswith("from") else ""
        return f"{title} must be {' '.join(part for part in (kind, wanted) if part)}."


def text_of(value: Number) -> str:
    """The shortest text that is exactly this number: 100, 0.2, 1.0, 1e-7, 2.5e-5."""
    if isinstance(value, int):
        return str(value)
    if value == 0:
        return "0.0"
    if 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)  # finite numbers only
    mantissa = str(digits[0]) + ("." + "".join(map(str, digits[1:])) if len(digits) > 1 else "")
    return f"{'-' if sign else ''}{mantissa}e{exponent + len(digits) - 1}"


def parse(text: str, *, integer: bool) -> Number:
    """Parse a number written by a user. Raises `ValueError` for anything else.

    Spaces and underscores group digits; in whole numbers commas do too. In other numbers a comma that cannot group
    thousands is a decimal comma ("0,5"); one that could is refused as ambiguous.
    """
    plain = "".join(text.split()).replace("_", "").replace("\N{MINUS SIGN}", "-")
    if len(plain) > 400:
        raise ValueError("too long")
    if not integer:
        return _float(plain)
    plain = plain.replace(",", "")
    try:
        return int(plain)
    except ValueError:
        value = _float(plain)
        if value != int(value):
            raise
        return int(value)


def _float(plain: str) -> float:
    if "," in plain:
        whole, _, rest = plain.partition(",")
        groups = len(rest) == 3 and rest.isdigit() and whole.strip("-+0") != ""
        if "." in plain or "," in rest or groups:
            raise ValueError(plain)
        plain = plain.replace(",", ".")
    value = float(plain)
    if not isfinite(value):
        raise ValueError(plain)
    return value


def stepped(
    value: Number, direction: int, *, steps: Steps, limits: Limits, big: bool = False, size: float = 0.1
) -> Number:
    """The next number up (`direction` 1) or down (−1); unchanged at the limit."""
    if steps is Steps.UNIT or steps is Steps.COUNT:
        after: Number = _count(int(value), direction, counting=steps is Steps.COUNT, big=big)
    elif steps is Steps.FACTOR:
        after = _factor(float(value), direction, big=big, limits=limits)
    elif steps is Steps.SHARE:
        after = _share(float(value), direction, big=big)
    else:
        after = _clean(float(value) + direction * size * (10 if big else 1))
    if limits.allow(after):
        return after
    edge = limits.le if direction > 0 else limits.ge
    return value if edge is None else type(after)(edge)


def _count(value: int, direction: int, *, counting: bool, big: bool) -> int:
    if not counting:
        return value + direction * (10 if big else 1)
    if big and value > 0:
        return value * 2 if direction > 0 else max(value // 2, 1)
    size: int = 10 ** max(len(str(abs(value - (direction < 0)))) - 2, 0)
    return (value // size + 1) * size if direction > 0 else -((-value) // size + 1) * size


def _factor(value: float, direction: int, *, big: bool, limits: Limits) -> float:
    if value == 0:
        return direction * 1e-4
    if value < 0:
        return -_factor(-value, -direction, big=big, limits=Limits())
    if direction < 0 and value <= 1.0000001e-6 and limits.allow(0.0):
        return 0.0
    if big:
        return _clean(value * (10.0 if direction > 0 else 0.1))
    exponent = floor(log10(value) + 1e-9)
    ladder = [float(f"{digit}e{power}") for power in (exponent - 1, exponent, exponent + 1) for digit in (1, 2, 5)]
    if direction > 0:
        return next(rung for rung in ladder if rung > value * (1 + 1e-9))
    return next(rung for rung in reversed(ladder) if rung < value * (1 - 1e-9))


def _share(value: float, direction: int, *, big: bool) -> float:
    size = 0.1 if big else 0.05
    near_one = value >= 0.9 - 1e-9 if direction > 0 else value > 0.9 + 1e-9
    if near_one and value < 1:
        rest = _factor(1 - value, -direction, big=False, limits=Limits(gt=0))
        return _clean(1 - rest)
    return _clean(value + direction * size)


def _clean(value: float) -> float:
    """Rounded to remove binary rounding errors: 0.30000000000000004 is 0.3."""
    return float(f"{value:.10g}")


def _grouped(bound: Number) -> str:
    if isinstance(bound, int) or (bound == int(bound) and abs(bound) < 1e15):
        return f"{int(bound):,}"
    return text_of(bound)
