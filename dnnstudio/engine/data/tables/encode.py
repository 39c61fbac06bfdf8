"""Converts cells to stored numbers by each column's kind, in the same way for training and new rows.

No cell silently becomes NaN: a cell that is invalid for its column is marked, and reported by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.engine.data.tables.values import (
    NumberSigns,
    find_date_format,
    find_number_signs,
    stripped,
    to_days,
    to_numbers,
    without_missing,
    yes_no_pair,
)

EXACT = 2.0**53
"""Up to here every whole number is a float64 of its own."""
UNSEEN = -1.0
"""Stored value of a category that is not in the vocabulary."""
_EXPECTED = {"number": "a number", "date": "a date", "yes_no": "yes or no"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """One column's stored values, float64 [rows]: NaN for a missing cell, or for an invalid one marked in `bad`.

    `column` says how they were read, with what was found out: the pair of yes and no, the format of the dates. New rows
    must be read by the same, for a few of them may look like something else.
    """

    values: NDArray[np.float64]
    bad: NDArray[np.bool_]
    column: Column
    vocabulary: tuple[str, ...] = ()
    expected: str = ""


def number_signs(source: Table, frame: pl.DataFrame) -> NumberSigns:
    """The table's number format: the source's settings, inferred where they are left open."""
    if source.decimal is not None and source.thousands is not None:
        return NumberSigns(source.decimal, source.thousands)
    found = find_number_signs(frame.iter_columns(), source.separator)
    return NumberSigns(source.decimal or found.decimal, source.thousands or found.thousands)


def present(cells: pl.Series, column: Column, source: Table) -> pl.Series:
    """The cells of a column, null where they match the table's or the column's missing-value signs."""
    return without_missing(cells, source.missing_values, column.missing_values)


def as_texts(cells: pl.Series) -> pl.Series:
    """The cells as text: whole numbers without a decimal point, dates as they are printed.

    Each number by itself, so that a few new rows spell it as the training rows did.
    """
    if cells.dtype.is_float():
        whole = ((cells == cells.round()) & (cells.abs() <= EXACT)).fill_null(False)
        return cells.set(~whole, None).cast(pl.Int64).cast(pl.String).zip_with(whole, cells.cast(pl.String))
    return cells if cells.dtype == pl.String else cells.cast(pl.String)


def encode(
    cells: pl.Series,
    column: Column,
    source: Table,
    signs: NumberSigns,
    vocabulary: Sequence[str] | None = None,
) -> Encoded:
    """The stored values of one feature. `vocabulary` contains the known categories; all others are then unseen."""
    cells = present(cells, column, source)
    if column.kind == "number" and cells.dtype == pl.Float64:
        stored = cells.to_numpy()
        infinite = np.isinf(stored)
        if infinite.any():
            stored = np.where(infinite, np.nan, stored)
        return Encoded(stored, infinite, column, expected=_EXPECTED["number"])
    match column.kind:
        case "number":
            values = to_numbers(cells, signs)
        case "date":
            if column.date_format is None and cells.dtype == pl.String:
                column = column.replaced(date_format=find_date_format(cells))
            values = to_days(cells, column.date_format)
        case "yes_no":
            pair = _pair(as_texts(cells), column)
            column = column if pair is None or column.categories else column.replaced(categories=pair)
            values = _yes_no(as_texts(cells), pair)
        case _:
            return _category(as_texts(cells), column, vocabulary)
    bad = (cells.is_not_null() & values.is_null()).to_numpy().astype(bool)
    return Encoded(values.to_numpy().astype(np.float64), bad, column, expected=_EXPECTED[column.kind])


def _pair(texts: pl.Series, column: Column) -> tuple[str, str] | None:
    """What says no and yes in a column, in lower case: its two categories, or what its cells are."""
    if column.categories is not None and len(column.categories) == 2:
        return column.categories[0].lower(), column.categories[1].lower()
    return yes_no_pair(texts.str.to_lowercase().drop_nulls().unique().head(3).to_list())


def _yes_no(texts: pl.Series, pair: tuple[str, str] | None) -> pl.Series:
    if pair is None:
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.Float64)
    lowered = texts.str.to_lowercase()
    return lowered.replace_strict(dict(zip(pair, (0.0, 1.0), strict=True)), default=None, return_dtype=pl.Float64)


def _category(texts: pl.Series, column: Column, vocabulary: Sequence[str] | None) -> Encoded:
    if vocabulary is None:
        vocabulary = column.categories or sorted_texts(texts)
    places = {name: float(place) for place, name in enumerate(vocabulary)}
    values = (
        texts.replace_strict(places, default=UNSEEN, return_dtype=pl.Float64)
        if places
        else pl.Series([UNSEEN] * len(texts), dtype=pl.Float64)
    )
    values = values.set(texts.is_null(), None)
    return Encoded(values.to_numpy().astype(np.float64), np.zeros(len(texts), bool), column, tuple(vocabulary))


def sorted_texts(texts: pl.Series) -> tuple[str, ...]:
    """The distinct texts, numbers in numerical order, all others in alphabetical order."""
    found = stripped(texts).drop_nulls().unique().to_list()
    try:
        return tuple(sorted(found, key=lambda text: (float(text), text)))
    except ValueError:
        return tuple(sorted(found))
