"""New rows for a trained network: read and stored like the training rows, with an error message per invalid row."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.engine.data.preparation import Preparation, PreparedColumn
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.encode import as_texts, encode, number_signs
from dnnstudio.engine.data.tables.files import read_cells, sheets_of
from dnnstudio.engine.data.tables.number_rows import reads_at_once
from dnnstudio.engine.data.tables.row_blocks import cell_blocks
from dnnstudio.engine.data.tables.text.cells import Cells
from dnnstudio.engine.data.tables.values import NumberSigns, shown


@dataclass(frozen=True, slots=True)
class NewRows:
    """`x` is float64 [rows, columns] for `Preparation.apply`; `lines` the line or row of each in its file.

    `errors` has a message for each invalid row, else ""; its values must not be used. `unseen` has a message for each
    row with a category that no training row has: its inputs are all 0. `place` says what `lines` count.
    """

    x: NDArray[np.float64]
    lines: NDArray[np.int64]
    errors: tuple[str, ...]
    unseen: tuple[str, ...]
    notes: tuple[str, ...]
    place: str = "line"
    dropped: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The lines that are no rows, for they have another number of cells."""


def read_new_rows(source: Table, preparation: Preparation, path: Path, watch: Watch) -> NewRows:
    """The rows of a file for a network trained on `source`. The target column may be missing.

    Raises `UserError` if the file cannot be read or lacks a required column.
    """
    cells = read_cells(as_new(source, path, watch), path, watch)
    return rows_of(cells, source, preparation, path, number_signs(source, cells.frame))


def new_row_blocks(source: Table, preparation: Preparation, path: Path, watch: Watch) -> Iterator[NewRows]:
    """Like `read_new_rows`, a block of rows at a time."""
    signs: NumberSigns | None = None
    for cells in cell_blocks(as_new(source, path, watch), path, watch, numbers=_plain_numbers(source, preparation)):
        signs = signs or number_signs(source, cells.frame)
        yield rows_of(cells, source, preparation, path, signs)


def _plain_numbers(source: Table, preparation: Preparation) -> frozenset[str]:
    """The columns that can be read as numbers at once: a wide table is answered many times faster so."""
    if source.decimal is None or source.thousands is None or not reads_at_once(source):
        return frozenset()
    columns = (item.column for item in preparation.columns)
    return frozenset(column.name for column in columns if column.kind == "number" and not column.missing_values)


def as_new(source: Table, path: Path, watch: Watch) -> Table:
    """The source for another file: separator and encoding may differ from the training file's and are found again.

    The sheet is the one of that name, where the file has it.
    """
    sheet = source.sheet if source.sheet is not None and source.sheet in sheets_of(path, watch) else None
    return source.replaced(encoding=None, separator=None, sheet=sheet, header=None)


def rows_of(cells: Cells, source: Table, preparation: Preparation, path: Path, signs: NumberSigns) -> NewRows:
    """The rows of these cells as `Preparation.apply` takes them. Raises `UserError` where a column is missing."""
    x = np.empty((cells.frame.height, len(preparation.columns)))
    errors: list[list[str]] = [[] for _ in range(len(x))]
    unseen: list[list[str]] = [[] for _ in range(len(x))]
    there = frozenset(cells.frame.columns)
    for place, column in enumerate(preparation.columns):
        name = column.column.name
        if name not in there:
            raise _no_column(path, name, cells)
        encoded = encode(cells.frame[name], column.column, source, signs, column.vocabulary or None)
        x[:, place] = encoded.values
        for row in np.flatnonzero(encoded.bad):
            text = shown(cells.frame[name][int(row)])
            errors[row].append(f'Column "{name}" holds "{text}", which is not {encoded.expected}.')
        if column.fill is None:
            for row in np.flatnonzero(np.isnan(encoded.values) & ~encoded.bad):
                errors[row].append(f'Column "{name}" is empty.')
        _say_unseen(column, encoded.values, cells, unseen)
    return NewRows(
        x=x,
        lines=cells.lines,
        errors=tuple(" ".join(said) for said in errors),
        unseen=tuple(" ".join(said) for said in unseen),
        notes=tuple(note for note in cells.notes if note != cells.ragged_note),
        place=cells.place,
        dropped=cells.ragged,
    )


def _say_unseen(column: PreparedColumn, values: NDArray[np.float64], cells: Cells, unseen: list[list[str]]) -> None:
    if column.column.kind != "category":
        return
    places = np.append(column.places, -1)
    rows = np.flatnonzero(~np.isnan(values))
    rows = rows[places[values[rows].astype(np.int64)] < 0]
    texts = as_texts(cells.frame[column.column.name])
    for row in rows:
        said = f'Column "{column.column.name}" holds "{shown(texts[int(row)])}", which no training row had.'
        unseen[row].append(said)


def _no_column(path: Path, name: str, cells: Cells) -> UserError:
    near = difflib.get_close_matches(name, cells.frame.columns, n=1, cutoff=0.5)
    hint = f'Did you rename it to "{near[0]}"?' if near else f"It has: {', '.join(cells.frame.columns[:12])}."
    return UserError(f'{path.name} has no column "{name}", which the network needs.', hint)
