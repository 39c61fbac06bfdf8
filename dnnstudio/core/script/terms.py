"""Names that are calculated with as if they were their numbers, and become the code of what was calculated."""

from __future__ import annotations

SUM, PRODUCT, POWER, WHOLE = range(4)
"""How tightly a piece of code holds together."""


class Term:
    """A piece of code in the place of a number: 2 * Term("steps") is the code `2 * steps`."""

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
    """The code of a number or a term, in brackets where it would fall apart beside its neighbour."""
    if not isinstance(value, Term):
        return repr(int(value) if value == int(value) else value)
    return repr(value) if value._holds >= needed else f"({value})"
