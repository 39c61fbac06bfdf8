"""New cases, one by one: the stored values of a picture or row, or why it cannot be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch

ReadFile = Callable[[Path, Watch], Iterator["Item"]]
"""What reads one file. It raises `UserError` where the file as a whole cannot be used."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One new case. `values` has the shape and the unit of the run's stored rows, None where there is an `error`.

    `row` counts from 1 within `source`, None where the file as a whole cannot be used. `note` says what was changed so
    that it fits. `is_reversed`: dark on light where the training pictures are light on dark, or the reverse.
    """

    source: str
    row: int | None
    values: Array | None = None
    error: str = ""
    note: str = ""
    is_reversed: bool = False
