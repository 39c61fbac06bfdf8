"""The column to predict. Each different text is looked at once, however many rows hold it: a million rows are a few
classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.raw import MAX_CLASSES
from dnnstudio.engine.data.tables.encode import as_texts, present, sorted_texts
from dnnstudio.engine.data.tables.text.decode import MISSING_SIGNS
from dnnstudio.engine.data.tables.values import NumberSigns, shown, stripped, to_numbers, used_signs, yes_no_pair

FEW = 4
"""Where each text is held by so many rows on average, it is looked at once."""


@dataclass(frozen=True, slots=True)
class Target:
    """The column to predict in one file.

    `cells` are its different cells, null for an empty one; `codes` [rows] is the place of each row's cell among them,
    None where `cells` are the rows themselves.
    """

    column: Column
    cells: pl.Series
    codes: NDArray[np.unsignedinteger] | None

    def of_rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """The value [rows] of each row, by that of each of `cells`."""
        return values if self.codes is None else values[self.codes]

    @property
    def empty(self) -> NDArray[np.bool_]:
        """Which rows have an empty cell, bool [rows]."""
        return self.of_rows(self.cells.is_null().to_numpy().astype(bool))

    def where(self, keep: NDArray[np.bool_]) -> Target:
        """The rows for which `keep`, bool [rows], is True."""
        if self.codes is None:
            return replace(self, cells=self.cells.filter(pl.Series(keep)))
        codes = self.codes[keep]
        used = np.bincount(codes, minlength=len(self.cells)) > 0
        places = np.cumsum(used) - 1
        return Target(self.column, self.cells.filter(pl.Series(used)), places.astype(codes.dtype)[codes])

    def valued(self, source: Table, signs: NumberSigns, lines: NDArray[np.int64], path: Path) -> Target:
        """With numbers as cells where a number is predicted or classes are numbers, else with texts.

        `lines` [rows] is the line of each row in the file `path`. Raises `UserError`.
        """
        if source.target == "classes" and self.column.kind != "number":
            return replace(self, cells=as_texts(self.cells))
        values = to_numbers(self.cells, signs)
        self._refuse(values.is_null(), lines, path, "a number", "Predict classes instead, or mend the cell.")
        return replace(self, cells=values)

    @property
    def numbers(self) -> NDArray[np.float64]:
        """The number of each row, float64 [rows]."""
        return self.of_rows(self.cells.to_numpy().astype(np.float64))

    def classes(self, names: Sequence[str], lines: NDArray[np.int64], path: Path) -> NDArray[np.int64]:
        """The place of each row's class among `names`, int64 [rows]. Raises `UserError`."""
        places = {name: place for place, name in enumerate(names)}
        codes = as_texts(self.cells).replace_strict(places, default=None, return_dtype=pl.Int64)
        hint = "Add it to the column's categories, or mend the cell."
        self._refuse(codes.is_null(), lines, path, "one of its classes", hint)
        return self.of_rows(codes.to_numpy().astype(np.int64))

    def _refuse(self, wrong: pl.Series, lines: NDArray[np.int64], path: Path, expected: str, hint: str) -> None:
        """Refuse the first row whose cell is `wrong`, bool [different cells]."""
        if not wrong.any():
            return
        first = int(np.argmax(self.of_rows(wrong.to_numpy().astype(bool))))
        cells = as_texts(self.cells) if expected == "one of its classes" else self.cells
        text = shown(cells[first if self.codes is None else int(self.codes[first])])
        raise UserError(
            f'{path.name}: line {lines[first]}, column "{self.column.name}" holds "{text}", which is not {expected}.',
            hint,
        )


def find_target(cells: pl.Series, column: Column, source: Table) -> tuple[Target, list[str]]:
    """The target column of a table, and what is to be said of the signs of its empty cells."""
    cells, codes = _different(cells)
    notes = _signs_note(source, column, cells)
    if source.target == "classes":
        notes += blanks_note(column, cells)
    return Target(column, present(cells, column, source), codes), notes


def blanks_note(column: Column, cells: pl.Series) -> list[str]:
    """Which texts stand in a column with and without blanks around them, and are taken for one."""
    if cells.dtype != pl.String:
        return []
    texts = stripped(cells.drop_nulls().unique()).drop_nulls()
    double = sorted(texts.filter(texts.is_duplicated()).unique())
    if not double:
        return []
    listed = ", ".join(f'"{shown(text)}"' for text in double[:5]) + ("…" if len(double) > 5 else "")
    what = "class" if column.role == "target" else "category"
    return [f'Column "{column.name}" holds {listed} with and without blanks around: they are one {what}.']


def in_codes(cells: pl.Series) -> pl.Series:
    """The texts as an Enum of the different ones, or as they are where looking at each once does not pay."""
    if cells.dtype != pl.String:
        return cells
    there = cells.unique().drop_nulls()
    return cells if len(there) * FEW > len(cells) else cells.cast(pl.Enum(there))


def joined(blocks: Sequence[pl.Series]) -> pl.Series:
    """One column of the blocks that `in_codes` gave, as an Enum of them all or as texts."""
    kinds = [block.dtype for block in blocks]
    if not any(isinstance(kind, pl.Enum) for kind in kinds):
        return pl.concat(blocks)
    words = list(dict.fromkeys(word for kind in kinds if isinstance(kind, pl.Enum) for word in kind.categories))
    few = len(words) * FEW <= sum(map(len, blocks)) and all(isinstance(kind, pl.Enum) for kind in kinds)
    kind = pl.Enum(words) if few else pl.String()
    return pl.concat([block.cast(kind) for block in blocks])


def _different(cells: pl.Series) -> tuple[pl.Series, NDArray[np.unsignedinteger] | None]:
    """The different texts and the place of each cell among them, or the cells and None where that does not pay."""
    cells = in_codes(cells)
    if not isinstance(cells.dtype, pl.Enum):
        return cells, None
    there, codes = cells.dtype.categories.alias(cells.name), cells.to_physical()
    if cells.null_count():
        there, empty = pl.concat([there, pl.Series([None], dtype=pl.String)]), len(there)
        codes = codes.cast(pl.UInt32).fill_null(empty)
    return there, codes.to_numpy()


def _signs_note(source: Table, target: Column, cells: pl.Series) -> list[str]:
    """Which texts of a column of classes stand for an empty cell: NA may be a class, such as Namibia."""
    if source.target != "classes" or cells.dtype != pl.String:
        return []
    signs = MISSING_SIGNS if source.missing_values is None else source.missing_values
    found = [sign for sign in used_signs(stripped(cells), (*signs, *(target.missing_values or ()))) if sign]
    if not found:
        return []
    listed = ", ".join(f'"{shown(sign)}"' for sign in found)
    return [f'Column "{target.name}" holds {listed}, taken for an empty cell and for no class.']


def class_names(parts: Sequence[Target], column: Column, path: Path) -> tuple[str, ...]:
    """The names of the classes in their order, over all parts. Raises `UserError` for one alone, or too many."""
    names = column.categories or sorted_texts(pl.concat([as_texts(part.cells) for part in parts]))
    if column.kind == "yes_no" and not column.categories and (pair := yes_no_pair(names)):
        names = tuple(sorted(names, key=lambda name: pair.index(name.lower())))
    if not 2 <= len(names) <= MAX_CLASSES:
        raise UserError(
            f'{path.name}: the column "{column.name}" holds {count_of(len(names), "different value")}; 2 to '
            f"{MAX_CLASSES:,} classes are possible.",
            "Choose another column to predict, or predict a number.",
        )
    return names
