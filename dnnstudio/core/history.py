"""The history of a run: one row an epoch, kept as `history.csv` and handed on as arrays."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.errors import UserError
from dnnstudio.core.files import read_bounded, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "history.csv"
FIRST_COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds")
"""The order of the columns; what else was measured follows."""
MAX_BYTES = 256 * 2**20
TAIL_BYTES = 65_536
"""More than any line has: how far back the end of the last whole line is looked for."""

Row = dict[str, float]


def columns_of(row: Row) -> tuple[str, ...]:
    """The columns of a history whose rows look like `row`, in the order of the file."""
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
    """Add one epoch to the file. Raises `UserError`.

    The first row makes the file. Later ones are added at its end, because rewriting it would cost more and more as a
    run grows; a crash in the middle of it leaves at worst a last line without its end, which
    readers pass over and the next row replaces.
    """
    if not path.exists():
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
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{path} cannot be written: {reason}.", "Free some space or choose another folder.") from None


def read_rows(path: Path) -> list[Row]:
    """The epochs that the file holds; an unfinished last line is passed over. Raises `UserError`."""
    try:
        text = read_bounded(path, MAX_BYTES, what="a history").decode()
    except UnicodeDecodeError:
        raise UserError(f"{path} is not a history: it is not text.", "Choose another run.") from None
    lines = text[: text.rfind("\n") + 1].splitlines()
    rows: list[Row] = []
    for number, cells in enumerate(csv.reader(lines), start=1):
        if number == 1:
            columns = cells
            continue
        try:
            rows.append({name: float(cell) for name, cell in zip(columns, cells, strict=True)})
        except ValueError:
            raise UserError(f"{path} is damaged in line {number}.", "Choose another run.") from None
    return rows


def as_columns(rows: Iterable[Row]) -> dict[str, NDArray[np.float64]]:
    """The rows as one array a column, for plots; empty without rows."""
    import numpy as np  # runs are listed without it

    listed = list(rows)
    if not listed:
        return {}
    return {name: np.array([row.get(name, np.nan) for row in listed]) for name in columns_of(listed[0])}


def read_columns(path: Path) -> dict[str, NDArray[np.float64]]:
    """`as_columns` of the file's rows. Raises `UserError`."""
    return as_columns(read_rows(path))


def _line(row: Row, columns: Sequence[str]) -> str:
    """Numbers in the shortest form that reads back as the same number."""
    return ",".join(_number(row[name]) for name in columns) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
