"""The result of a reader: the rows as stored, before class filter, split and scaling."""

from __future__ import annotations

import hashlib
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.report import ReadingReport
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.columns import NO_KEYS, SplitKeys, StoredColumn
from dnnstudio.engine.data.reading import Watch

Array = NDArray[Any]

MAX_CLASSES = 1_000
"""More distinct labels than this indicate a regression target, not classes."""
BLOCK_BYTES = 2**23
"""Rows are processed in blocks of about this size: little extra memory, and stop requests are polled in between."""

PIECE_BYTES = 2**19


@dataclass(frozen=True, slots=True)
class Rows:
    """`x` is [n, *shape] in its stored type; `y` is int64 labels [n], or float64 [n] for regression."""

    x: Array
    y: Array


@dataclass(frozen=True, slots=True)
class Raw:
    """A source, read and checked.

    `labels` are the sorted label values and `names` their display names; both are empty for regression. `full_scale` is
    the divisor of "unit" scaling (255 for 8-bit images), None to use the training rows' own range. `columns` names the
    features of a table. `fill` says that NaN marks an empty cell. A table with columns of several kinds has a `stored`
    column for each, is prepared by a `Preparation`, and has `keys` that assign training rows to parts.
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
    stored: tuple[StoredColumn, ...] = ()
    keys: SplitKeys = NO_KEYS
    target: Column | None = None
    report: ReadingReport | None = None

    @property
    def is_number(self) -> bool:
        return not self.labels

    @property
    def shape(self) -> tuple[int, ...]:
        return self.train.x.shape[1:]


def blocks(x: Array) -> list[slice]:
    """Slices over the rows of `x` [n, ...], each of about `BLOCK_BYTES`."""
    step = max(1, BLOCK_BYTES // max(1, x.nbytes // max(1, len(x))))
    return [slice(start, min(start + step, len(x))) for start in range(0, len(x), step)]


def digest_of(*arrays: Array) -> str:
    """SHA-256 of the types, shapes [...] and bytes of the arrays, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def digest_in_pieces(*arrays: Array) -> str:
    """SHA-256 of the types, shapes [...] and the CRC-32 of each piece of the arrays, which several cores work out.

    It tells whether a large table is the same, in half the time of a SHA-256 of all: CRC-32 finds every change of up to
    four bytes in a row, and misses another change of one piece with a chance of 2^-32.
    """

    def of_piece(piece: NDArray[np.uint8]) -> bytes:
        return zlib.crc32(piece.data).to_bytes(4, "little")

    digest = hashlib.sha256()
    with ThreadPoolExecutor() as pool:
        for array in arrays:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            pieces = [content[start : start + PIECE_BYTES] for start in range(0, len(content), PIECE_BYTES)]
            digest.update(b"".join(pool.map(of_piece, pieces)))
    return digest.hexdigest()


def check_finite(x: Array, *, what: str, columns: tuple[str, ...] = (), watch: Watch | None = None) -> None:
    """Refuse NaN and infinity in `x` [n, *shape]: a single one would ruin the whole network.

    Raises `UserError` with the row (counted from 1) and the position in it.
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
    """Raise `UserError` if rows `x` [n, ...] and labels `y` [n] differ in number, or if there are none."""
    if len(x) != len(y):
        raise UserError(
            f"{images} holds {count_of(len(x), 'row')} but {labels} holds {count_of(len(y), 'label')}.",
            "They must belong together: choose the two files of the same set.",
        )
    if len(x) == 0:
        raise UserError(f"{images} holds no rows.", "Choose a file with examples in it.")


def integer_labels(y: Array, *, what: str) -> NDArray[np.int64]:
    """Labels [n] as int64. Whole floats such as 3.0 are accepted; raises `UserError` for anything else."""
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
    """The sorted distinct labels of all parts, [n] each. Raises `UserError` for a single class or too many."""
    labels = np.unique(np.concatenate([np.unique(part) for part in parts]))
    if len(labels) < 2:
        raise UserError(f"{what}: every label is {labels[0]}; there must be at least two classes.", "Is it complete?")
    if len(labels) > MAX_CLASSES:
        raise UserError(
            f"{what} holds {len(labels):,} different labels; at most {MAX_CLASSES:,} classes are supported.",
            "Is it a number to predict rather than a class?",
        )
    return tuple(int(label) for label in labels)
