"""A run's history: one row per epoch, stored as `history.csv` and returned as arrays."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import code_of, is_missing, reason_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "history.csv"
FIRST_COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
"""These columns come first; other measured figures follow."""
MAX_BYTES = 256 * 2**20
LONGEST_NAME = 256
LONGEST_CELL = 32
"""A float64 in its shortest form has at most 24 characters."""
MOST_EPOCHS = 10**9
TAIL_BYTES = 65_536
"""How far back to search for the end of the last complete line; longer than any line."""

Row = dict[str, float]


def columns_of(row: Row) -> tuple[str, ...]:
    """The columns of a history whose rows have the keys of `row`, in file order."""
    known = [name for name in FIRST_COLUMNS if name in row]
    return (*known, *(name for name in row if name not in FIRST_COLUMNS))


def write_history(path: Path, rows: Sequence[Row]) -> None:
    """Replace the file by these rows. Raises `UserError`."""
    text = io.StringIO()
    if rows:
        columns = columns_of(rows[0])
        text.write(",".join(columns) + "\n")
        text.writelines(_line(row, columns) for row in rows)
    write_atomically(path, text.getvalue().encode())


def append_row(path: Path, row: Row) -> None:
    """Append one epoch to the file. Raises `UserError`.

    The first row creates the file. Later ones are appended, because rewriting costs more and more as a run grows; a
    crash leaves at worst an incomplete last line, which readers skip and the next row replaces.
    """
    if is_missing(path):
        write_history(path, [row])
        return
    try:
        with path.open("r+b") as file:
            header = file.readline().decode().rstrip("\n").split(",")
            size = file.seek(0, 2)
            file.seek(max(size - TAIL_BYTES, 0))
            tail = file.read()
            file.truncate(size - (len(tail) - tail.rfind(b"\n") - 1))
            file.seek(0, 2)
            file.write(_line(row, header).encode())
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {reason_of(error)}.", "Choose another folder.", code=code_of(error)
        ) from None


def rows_of(folder: Path) -> list[Row]:
    """The epochs of the run in `folder`, none where it has no history yet. Raises `UserError`."""
    return [] if is_missing(folder / FILE) else read_rows(folder / FILE)


def read_rows(path: Path) -> list[Row]:
    """The epochs in the file; an incomplete last line is skipped. Raises `UserError`."""
    try:
        text = read_bounded(path, MAX_BYTES, what="a history").decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a history: it is not text.", "Choose another run.") from None
    lines = text[: text.rfind("\n") + 1].split("\n")[:-1]
    rows: list[Row] = []
    columns: list[str] = []
    cells_of = csv.reader(lines, strict=True)
    for number in range(1, len(lines) + 1):
        try:
            cells = next(cells_of)
            if number == 1:
                columns = _header(cells)
            else:
                rows.append({name: _figure(name, cell) for name, cell in zip(columns, cells, strict=True)})
        except (ValueError, csv.Error, StopIteration):  # the last where a quote is open, which no history has
            raise UserError(f"{path} is damaged in line {number}.", "Choose another run.") from None
    return rows


def _header(cells: list[str]) -> list[str]:
    """The names of the columns. Raises `ValueError` where one is there twice, or is too long for a name."""
    if len(set(cells)) < len(cells):
        raise ValueError("a column twice")
    if max(map(len, cells), default=0) > LONGEST_NAME:
        raise ValueError("too long")
    return cells


def _figure(column: str, cell: str) -> float:
    """The number in a cell. Raises `ValueError` for one that a float64 cannot hold, and for an epoch that is none."""
    if len(cell) > LONGEST_CELL:
        raise ValueError("too long")
    value = float(cell)
    if math.isinf(value) and "inf" not in cell.lower():
        raise ValueError("too large")
    if column == "epoch" and not (value.is_integer() and 0 <= value <= MOST_EPOCHS):
        raise ValueError("no epoch")
    return value


def as_columns(rows: Iterable[Row]) -> dict[str, NDArray[np.float64]]:
    """The rows as one float64 array [epochs] per column, NaN where a row lacks it; empty without rows."""
    import numpy as np  # listing runs does not need it

    listed = list(rows)
    if not listed:
        return {}
    return {name: np.array([row.get(name, np.nan) for row in listed]) for name in columns_of(listed[0])}


def _line(row: Row, columns: Sequence[str]) -> str:
    """A CSV line; numbers in the shortest form that reads back equal."""
    return ",".join(_number(row[name]) for name in columns) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
