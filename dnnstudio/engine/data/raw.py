"""What a reader gives: the rows as stored, before any class filter, split or scaling."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.reading import Watch, plural

Array = NDArray[Any]

MAX_CLASSES = 1_000
"""More distinct labels than this are a number that was taken for a class."""
BLOCK_BYTES = 2**23
"""Rows are looked through in blocks of about this size: little extra memory, and a stop is heard in between."""


@dataclass(frozen=True, slots=True)
class Rows:
    """`x` is [n, *shape] in the type it was stored in; `y` is int64 labels, or float64 where a number is predicted."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Raw:
    """A source, read and checked.

    `labels` are the label values in order and `names` what a person calls them; both empty where a number is
    predicted. `full_scale` is what "unit" divides by (255 for 8-bit pictures), None where the training rows' own
    range is used. `columns` names the features of a table. `fill` says that NaN stands for an empty cell.
    """

    train: Rows
    test: Rows | None
    labels: tuple[int, ...]
    names: tuple[str, ...]
    origin: str
    full_scale: float | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    fill: bool = False
    digest: str = ""

    @property
    def is_number(self) -> bool:
        return not self.labels

    @property
    def shape(self) -> tuple[int, ...]:
        return self.train.x.shape[1:]


def blocks(x: Array) -> list[slice]:
    """Slices over the rows of `x`, each of about `BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES // max(1, x.nbytes // max(1, len(x))))
    return [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]


def digest_of(*arrays: Array) -> str:
    """SHA-256 over the arrays' types, shapes and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def check_finite(x: Array, *, what: str, columns: tuple[str, ...] = (), watch: Watch | None = None) -> None:
    """Refuse NaN and infinity: one of them among a million values makes a whole network useless.

    Raises `UserError` with the row (counted from 1) and the place in it.
    """
    if x.dtype.kind != "f":
        return
    for block in blocks(x):
        if watch is not None:
            watch.check()
        finite = np.isfinite(x[block])
        if not finite.all():
            row, *place = (int(i) for i in np.argwhere(~finite)[0])
            value = x[block][(row, *place)]
            if columns and len(place) == 1:
                where = f'row {block.start + row + 1}, column "{columns[place[0]]}"'
            else:
                inside = f", place {', '.join(str(i + 1) for i in place)}" if place else ""
                where = f"row {block.start + row + 1}{inside}"
            raise UserError(f"{what}: {where} is {value}; every value must be a finite number.", "Mend or remove it.")


def check_lengths(x: Array, y: Array, *, images: str, labels: str) -> None:
    """Refuse rows and labels of different number, or none at all."""
    if len(x) != len(y):
        raise UserError(
            f"{images} holds {plural(len(x), 'row')} but {labels} holds {plural(len(y), 'label')}.",
            "They must belong together: choose the two files of the same set.",
        )
    if len(x) == 0:
        raise UserError(f"{images} holds no rows.", "Choose a file with examples in it.")


def integer_labels(y: Array, *, what: str) -> NDArray[np.int64]:
    """Labels as int64. Whole floats such as 3.0 count as whole numbers; anything else is refused."""
    check_finite(y, what=what)
    in_range = np.abs(y) < 2**53 if y.dtype.kind == "f" else y <= np.iinfo(np.int64).max
    whole = np.where(in_range, y, 0).astype(np.int64)
    wrong = np.flatnonzero(whole != y)
    if len(wrong):
        raise UserError(
            f"{what}: label {y[wrong[0]]} in row {wrong[0] + 1} is not a whole number that can name a class.",
            "Number the classes 0, 1, 2…",
        )
    return whole


def label_values(*parts: NDArray[np.int64], what: str) -> tuple[int, ...]:
    """The distinct labels of all parts in order. Refuses one class alone and far too many."""
    labels = np.unique(np.concatenate([np.unique(part) for part in parts]))
    if len(labels) < 2:
        raise UserError(f"{what}: every label is {labels[0]}; there must be at least two classes.", "Is it complete?")
    if len(labels) > MAX_CLASSES:
        raise UserError(
            f"{what} holds {len(labels):,} different labels; at most {MAX_CLASSES:,} classes are supported.",
            "Is it a number to predict rather than a class?",
        )
    return tuple(int(label) for label in labels)
