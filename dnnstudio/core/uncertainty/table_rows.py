"""A table's columns as a person reads them: names, words instead of indexes, and the place among the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.uncertainty.scores import Floats

ColumnKind = Literal["number", "yes_no", "date", "category"]
MOST_NUMBERS = 2_000_000
"""More training values are thinned out evenly: a place among so many rows is exact enough."""
EMPTY = "empty"
FIRST_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class ShownColumn:
    """One stored column of a table. Stored values are numbers, 0 or 1, days since 1970, or indexes into `words`,
    which are the table's own for no and yes as well, where they are known.

    `ordered` holds the training rows' values, ascending and without empty cells: [training rows].
    """

    name: str
    kind: ColumnKind
    ordered: Floats
    words: tuple[str, ...] = ()

    @property
    def has_order(self) -> bool:
        """Whether values can be larger and smaller, so that a place among others means something."""
        return self.kind in ("number", "date")

    def text(self, value: float) -> str:
        """The value in words: "12.5", "yes", "2024-03-01", "red"."""
        if not np.isfinite(value):
            return EMPTY
        match self.kind:
            case "category":
                index = round(value)
                return self.words[index] if 0 <= index < len(self.words) else EMPTY
            case "yes_no":
                no, yes = self.words if len(self.words) == 2 else ("no", "yes")
                return yes if value >= 0.5 else no
            case "date":
                try:
                    return (FIRST_DAY + timedelta(days=float(value))).isoformat()
                except OverflowError:
                    return f"day {value:g}"
            case _:
                return f"{value:.6g}"

    def share_below(self, value: float) -> float:
        """The share of training rows with a smaller value, where equal ones count half; NaN for an empty cell."""
        if not np.isfinite(value) or not len(self.ordered):
            return float("nan")
        low, high = (int(np.searchsorted(self.ordered, value, side=side)) for side in ("left", "right"))
        return (low + high) / 2 / len(self.ordered)

    def share_alike(self, value: float) -> float:
        """The share of training rows with this very value; NaN for an empty cell."""
        if not np.isfinite(value) or not len(self.ordered):
            return float("nan")
        low, high = (int(np.searchsorted(self.ordered, value, side=side)) for side in ("left", "right"))
        return (high - low) / len(self.ordered)

    def is_outside(self, value: float) -> bool:
        """Whether no training row has a value as small, or as large, or of this category."""
        if not np.isfinite(value) or not len(self.ordered):
            return False
        if self.has_order:
            return bool(value < self.ordered[0] or value > self.ordered[-1])
        return self.share_alike(value) == 0


def shown_columns(
    training: NDArray[np.floating],
    *,
    names: Sequence[str] = (),
    kinds: Sequence[ColumnKind] = (),
    words: Sequence[tuple[str, ...]] = (),
) -> tuple[ShownColumn, ...]:
    """The columns of a table from its stored training rows [rows, columns].

    Columns without a name are called "value 1" and so on, and without a kind hold numbers.
    """
    rows, columns = training.shape
    step = max(1, -(-rows * columns // MOST_NUMBERS))
    kept = np.asarray(training[::step], np.float64)
    made = []
    for place in range(columns):
        values = kept[:, place]
        made.append(
            ShownColumn(
                name=names[place] if place < len(names) else f"value {place + 1}",
                kind=kinds[place] if place < len(kinds) else "number",
                ordered=np.sort(values[np.isfinite(values)]),
                words=words[place] if place < len(words) else (),
            )
        )
    return tuple(made)
