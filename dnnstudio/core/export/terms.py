"""Symbolic names that support arithmetic and render as the code of the result."""

from __future__ import annotations

SUM, PRODUCT, POWER, WHOLE = range(4)
"""Operator precedence of a piece of code."""


class Term:
    """Code in place of a number: 2 * Term("steps") is the code `2 * steps`."""

    def __init__(self, text: str, holds: int = WHOLE) -> None:
        self._text = text
        self._holds = holds

    def __repr__(self) -> str:
        return self._text

    def __sub__(self, other: float) -> Term:
        return Term(f"{_part(self, SUM)} - {_part(other, PRODUCT)}", SUM)

    def __mul__(self, other: Term | float) -> Term:
        return Term(f"{_part(self, PRODUCT)} * {_part(other, POWER)}", PRODUCT)

    def __rmul__(self, other: float) -> Term:
        return Term(f"{_part(other, PRODUCT)} * {_part(self, POWER)}", PRODUCT)

    def __truediv__(self, other: Term | float) -> Term:
        return Term(f"{_part(self, PRODUCT)} / {_part(other, POWER)}", PRODUCT)

    def __rpow__(self, other: float) -> Term:
        return Term(f"{_part(other, WHOLE)} ** {_part(self, WHOLE)}", POWER)

    def __ceil__(self) -> Term:
        return Term(f"math.ceil({self})")


def _part(value: Term | float, needed: int) -> str:
    """The code of a number or a term, in parentheses where precedence requires them."""
    if not isinstance(value, Term):
        return repr(int(value) if value == int(value) else value)
    return repr(value) if value._holds >= needed else f"({value})"
