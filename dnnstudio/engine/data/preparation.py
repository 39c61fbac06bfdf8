"""Converts a table's stored columns to network inputs; fitted on the training rows only.

Equivalent to scikit-learn's ColumnTransformer of SimpleImputer, StandardScaler or MinMaxScaler, and OneHotEncoder
(`handle_unknown="ignore"`). It is stored in the run as `preparation.json`, so that new rows are prepared in the same
way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError, model_validator

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Scaling, TargetUnit
from dnnstudio.core.experiment.data.sources.table import FEATURE_KINDS, Column
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.core.workspace.runs import PREPARATION
from dnnstudio.engine.data.columns import StoredColumn
from dnnstudio.engine.data.raw import Array, blocks
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.scaling import medians, moments, ranges, require_finite, take

FILE = PREPARATION
MAX_BYTES = 16 * 2**20
OTHER = "other"
"""Name of the input shared by all rare categories of a column."""
DATE_PARTS = ("year", "month", "day of week", "days since the first")
LOOKED_AT = 1_000


class PreparedColumn(Option):
    """How one column becomes inputs.

    `fill` replaces an empty cell, None if no cell may be empty. `offset` and `scale` have one value per numeric input:
    one for a number, four for a date; `first_day` is the earliest training date. `vocabulary` holds all categories of
    the table in the order of their stored indexes, and `places` the input of each: rare ones share the last, and −1
    marks one that no training row has, which gives only zeros. `low` and `high` are the range of the training rows'
    numbers or days, to say what lies outside of it; None where that is not known. `whole` says that the training rows
    hold whole numbers alone.
    """

    column: Column
    fill: float | None
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    vocabulary: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    first_day: float = 0.0
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        numbers = {"number": 1, "date": len(DATE_PARTS)}.get(self.column.kind, 0)
        if len(self.offset) != numbers or len(self.scale) != numbers or not all(self.scale):
            raise ValueError(f'the column "{self.column.name}" needs {numbers} offsets and scales other than 0')
        if self.column.kind not in FEATURE_KINDS:
            raise ValueError(f'the column "{self.column.name}" is of the kind {self.column.kind}, which gives no input')
        used = sorted({place for place in self.places if place >= 0})
        if (
            len(self.places) != len(self.vocabulary)
            or used != list(range(len(used)))
            or min(self.places, default=0) < -1
        ):
            raise ValueError(f'the column "{self.column.name}" has places that do not fit its vocabulary')
        if self.vocabulary and self.fill is not None and not 0 <= self.fill < len(self.vocabulary):
            raise ValueError(f'the column "{self.column.name}" fills in a category that is not there')
        return self

    @property
    def words(self) -> tuple[str, ...]:
        """What the stored values are called: the categories, or the words for no and yes; empty for numbers."""
        pair = self.column.categories if self.column.kind == "yes_no" else None
        return self.vocabulary or pair or ()

    @property
    def unseen(self) -> tuple[str, ...]:
        """The categories of the table that occur in no training row."""
        return tuple(name for name, place in zip(self.vocabulary, self.places, strict=True) if place < 0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the column's inputs."""
        name = self.column.name
        match self.column.kind:
            case "category":
                names = dict(zip(reversed(self.places), reversed(self.vocabulary), strict=True))
                shared = {place for place in names if self.places.count(place) > 1}
                found = [
                    f"{name} = {OTHER if place in shared else names[place]}"
                    for place in range(max(names, default=-1) + 1)
                ]
            case "date":
                found = [f"{name}: {part}" for part in DATE_PARTS]
            case _:
                found = [name]
        return (*found, f"{name} is empty") if self.column.indicator else tuple(found)


class KeptUnit(Option):
    """Mean and standard deviation by which a number that is predicted was standardized."""

    mean: float
    std: float

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.std > 0:
            raise ValueError(f"std is {self.std}, by which nothing can be divided")
        return self

    @classmethod
    def of(cls, unit: TargetUnit | None) -> Self | None:
        """The record of a unit, None of none."""
        return None if unit is None else cls(mean=unit.mean, std=unit.std)


class Preparation(Option):
    """The fitted preparation of a table. Stored rows are float64 [n, columns], inputs float32 [n, inputs]."""

    format: Literal[1] = 1
    kind: Literal["table"] = "table"
    scaling: Scaling
    columns: tuple[PreparedColumn, ...]
    target: Column
    classes: tuple[str, ...] = ()
    target_unit: KeptUnit | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs, in their order."""
        return tuple(name for column in self.columns for name in column.inputs)

    def input_shape(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """The network's input shape for stored rows of shape `stored`."""
        del stored
        return (len(self.inputs),)

    def transform(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Stored rows [n, columns] as float64 inputs [n, inputs]."""
        out = np.zeros((len(x), len(self.inputs)))
        start = 0
        for place, column in enumerate(self.columns):
            width = len(column.inputs)
            _put(column, x[:, place], out[:, start : start + width])
            start += width
        return out

    def apply(self, x: Array) -> NDArray[np.float32]:
        """Stored rows [n, columns] as network input, float32 [n, inputs]."""
        out = np.empty((len(x), len(self.inputs)), np.float32)
        for block in blocks(x):
            self.apply_into(x[block], out[block])
        return out

    def apply_into(self, x: Array, out: NDArray[np.float32]) -> None:
        """Like `apply`, into the existing array `out` [n, inputs]."""
        with np.errstate(over="ignore"):
            out[...] = self.transform(x)

    def invert(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Inputs [n, inputs] in the units of the table, for display; categories stay 0 and 1."""
        offset = np.concatenate([_padded(column.offset, 0.0, column) for column in self.columns])
        scale = np.concatenate([_padded(column.scale, 1.0, column) for column in self.columns])
        back: NDArray[np.float32] = (x * scale + offset).astype(np.float32)
        return back

    def save(self, path: Path) -> None:
        """Write the file read by `load`. Raises `UserError`."""
        write_atomically(path, (codec.pretty(codec.to_plain(self)) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> Preparation:
        """Read and validate a preparation file. Raises `UserError`."""
        text = read_bounded(path, MAX_BYTES, what="a preparation")
        plain = codec.decode(text, name=path.name)
        if not isinstance(plain, dict):
            raise UserError(f"{path.name} holds no preparation.", "It is written with the run; copy it from there.")
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UserError(f"{path.name}: {explain(error, cls)}") from None


def fit_preparation(
    columns: Sequence[StoredColumn],
    x: NDArray[np.float64],
    rows: NDArray[np.int64],
    *,
    scaling: Scaling,
    target: Column,
    classes: tuple[str, ...] = (),
    unit: TargetUnit | None = None,
    watch: Watch,
) -> Preparation:
    """Fit the preparation to the training rows with the indexes `rows` [m] of `x`, float64 [n, columns].

    `unit` is that of the target, fitted on the same rows.
    """
    prepared: dict[int, PreparedColumn] = {}
    numbers = [place for place, stored in enumerate(columns) if stored.column.kind == "number"]
    prepared |= dict(_fit_numbers(columns, numbers, x, rows, scaling, watch))
    for place, stored in enumerate(columns):
        watch.check()
        if place not in prepared:
            prepared[place] = _FITS[stored.column.kind](stored, take(x[:, place], rows), scaling)
    return Preparation(
        scaling=scaling,
        columns=tuple(prepared[place] for place in range(len(columns))),
        target=target,
        classes=classes,
        target_unit=KeptUnit.of(unit),
    )


def _fit_numbers(
    columns: Sequence[StoredColumn],
    places: list[int],
    x: NDArray[np.float64],
    rows: NDArray[np.int64],
    scaling: Scaling,
    watch: Watch,
) -> Iterator[tuple[int, PreparedColumn]]:
    """Fit all number columns at once: wide tables have thousands of them."""
    if not places:
        return
    part = x if len(places) == x.shape[1] else x[:, places]
    holes = np.asarray(np.isnan(part).any(axis=0))
    fills = np.zeros(len(places))
    for index in range(len(places)):
        if not holes[index]:
            continue
        frequent = columns[places[index]].column.missing == "most_frequent"
        fills[index] = (_most_frequent if frequent else _median)(part[:, index][rows])
    filled = fills if holes.any() else None
    low, high = ranges(part, rows, filled, watch)
    with np.errstate(over="ignore", invalid="ignore"):
        offset, scale = _spread(part, rows, filled, scaling, (low, high), watch)
    require_finite(offset, scale, [columns[place].column.name for place in places])
    for index, place in enumerate(places):
        column = columns[place].column
        fill = float(fills[index]) if holes[index] else _fill_of(column, part[:, index], rows)
        yield (
            place,
            PreparedColumn(
                column=column,
                fill=fill,
                offset=(float(offset[index]),),
                scale=(float(scale[index]),),
                low=float(low[index]),
                high=float(high[index]),
                whole=_are_whole(x[:, place], rows),
            ),
        )


def _fill_of(column: Column, values: NDArray[np.float64], rows: NDArray[np.int64]) -> float | None:
    """The replacement for an empty cell of a new row, although no training cell is empty."""
    if column.missing == "median":
        return _median(values[rows])
    return _most_frequent(values[rows]) if column.missing == "most_frequent" else None


def _spread(
    x: NDArray[np.float64],
    rows: NDArray[np.int64],
    fill: NDArray[np.float64] | None,
    scaling: Scaling,
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    watch: Watch,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset and scale of each column with these ranges. One that is constant in the training rows becomes 0."""
    if scaling == "none":
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    low, high = ends
    if scaling == "unit":
        return low, np.where(high > low, high - low, 1.0)
    mean, std = moments(x, rows, fill, watch)
    constant = (high == low) | (std == 0)
    return np.where(constant, low, mean), np.where(constant, 1.0, std)


def _are_whole(values: NDArray[np.float64], rows: NDArray[np.int64]) -> bool:
    """Whether these rows of a column [n] hold whole numbers alone, beside empty cells. Most others show it soon."""
    return all(not bool((np.rint(part) - part).any()) for part in _without_empty(values, rows))


def _without_empty(values: NDArray[np.float64], rows: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """These rows of a column without its empty cells, a few first and then all."""
    for some in (rows[:LOOKED_AT], rows):
        part = values[some]
        yield part[~np.isnan(part)]


def _fit_yes_no(stored: StoredColumn, values: NDArray[np.float64], scaling: Scaling) -> PreparedColumn:
    del scaling
    fills = stored.column.missing in ("median", "most_frequent")
    return PreparedColumn(column=stored.column, fill=_most_frequent(values) if fills else None)


def _fit_category(stored: StoredColumn, values: NDArray[np.float64], scaling: Scaling) -> PreparedColumn:
    del scaling
    column, vocabulary = stored.column, stored.vocabulary
    fill = _most_frequent(values) if vocabulary and column.missing in ("median", "most_frequent") else None
    filled = values[~np.isnan(values)] if fill is None else np.where(np.isnan(values), fill, values)
    counts = np.bincount(filled[filled >= 0].astype(np.int64), minlength=len(vocabulary))
    kept = counts >= max(1, column.min_frequency)
    rare = (counts > 0) & ~kept
    places = np.where(kept, np.cumsum(kept) - 1, np.where(rare, np.count_nonzero(kept), -1))
    return PreparedColumn(column=column, fill=fill, vocabulary=vocabulary, places=tuple(places.tolist()))


def _fit_date(stored: StoredColumn, values: NDArray[np.float64], scaling: Scaling) -> PreparedColumn:
    fills = stored.column.missing in ("median", "most_frequent")
    fill = _median(values) if fills else None
    filled = values[~np.isnan(values)] if fill is None else np.where(np.isnan(values), fill, values)
    first = float(filled.min()) if len(filled) else 0.0
    parts = date_parts(filled, first)
    rows = np.arange(len(filled), dtype=np.int64)
    offset, scale = np.zeros(4), np.ones(4)
    if len(filled):
        offset, scale = _spread(parts, rows, None, scaling, ranges(parts, rows, None, Watch()), Watch())
    return PreparedColumn(
        column=stored.column,
        fill=fill,
        offset=tuple(offset.tolist()),
        scale=tuple(scale.tolist()),
        first_day=first,
        low=first if len(filled) else None,
        high=float(filled.max()) if len(filled) else None,
    )


_FITS = {"yes_no": _fit_yes_no, "category": _fit_category, "date": _fit_date}


def date_parts(days: NDArray[np.float64], first: float) -> NDArray[np.float64]:
    """Year, month (1 to 12), day of the week (Monday 0) and days since `first`, for days since 1970-01-01: [n, 4]."""
    whole = np.floor(days).astype("datetime64[D]")
    months = whole.astype("datetime64[M]")
    years = whole.astype("datetime64[Y]")
    # 1970-01-01 was a Thursday, day 3 of a week that begins on Monday with 0.
    return np.column_stack(
        [
            years.astype(np.int64) + 1970,
            (months - years.astype("datetime64[M]")).astype(np.int64) + 1,
            (whole.astype(np.int64) + 3) % 7,
            days - first,
        ]
    ).astype(np.float64)


def _put(column: PreparedColumn, values: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Write one column's inputs to `out`. Unseen categories become all zeros."""
    empty = np.isnan(values)
    if column.column.indicator:
        out[:, -1] = empty
    if empty.any():
        values = np.where(empty, 0.0 if column.fill is None else column.fill, values)
    match column.column.kind:
        case "category":
            # A stored −1 (a category outside the vocabulary) indexes the −1 appended at the end.
            codes = np.append(column.places, -1)[values.astype(np.int64)]
            codes = codes if column.fill is not None else np.where(empty, -1, codes)
            known = np.flatnonzero(codes >= 0)
            out[known, codes[known]] = 1.0
        case "date":
            out[:, : len(DATE_PARTS)] = (date_parts(values, column.first_day) - column.offset) / np.asarray(
                column.scale
            )
        case "number":
            out[:, 0] = (values - column.offset[0]) / column.scale[0]
        case _:
            out[:, 0] = values


def _median(values: NDArray[np.float64]) -> float:
    """The median ignoring NaN; 0 if all are NaN."""
    return float(medians(values[:, None], np.arange(len(values), dtype=np.int64))[0])


def _most_frequent(values: NDArray[np.float64]) -> float:
    """The most frequent value, the smallest of several; 0 if all are NaN."""
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[np.argmax(counts)]) if len(found) else 0.0


def _padded(values: tuple[float, ...], blank: float, column: PreparedColumn) -> NDArray[np.float64]:
    return np.asarray([*values, *[blank] * (len(column.inputs) - len(values))])
