"""A column's facts for its head: how its values are spread, from where to where, and how many are missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.core.jobs.proposals import ColumnFacts
from dnnstudio.core.text import count_of, percent, printable, shortened
from dnnstudio.engine.data.tables.encode import as_texts, present, sorted_texts
from dnnstudio.engine.data.tables.judge import Judged
from dnnstudio.engine.data.tables.kept_cells import KeptCells
from dnnstudio.engine.data.tables.values import NumberSigns, to_days, to_numbers, yes_no_pair

BARS = 12
LONGEST = 40
DAYS_OF_TWO_YEARS = 731


def facts_of(kept: KeptCells, source: Table, item: Judged, signs: NumberSigns, *, as_classes: bool) -> ColumnFacts:
    """The facts of a column. `as_classes`: it is the target, and its values are classes, also where they are numbers.

    What was worked out before for the same kind is remembered with the cells.
    """
    column = item.column
    key = (column.name, column.kind, column.missing_values, source.missing_values, signs, as_classes)
    found = kept.facts.get(key)
    if found is None:
        cells = present(kept.cells.frame[column.name], column, source).drop_nulls()
        bars, labels, span = _spread(cells, column.kind, column.date_format, signs, as_classes=as_classes)
        found = kept.facts[key] = ColumnFacts(
            name=column.name,
            role=column.role,
            kind=column.kind,
            reason="",
            different=item.different,
            missing=item.empty,
            bars=bars,
            labels=labels,
            span=span,
        )
    return replace(found, role=column.role, reason=item.reason, filling=column.missing)


Spread = tuple[tuple[int, ...], tuple[str, ...], str]


def _spread(cells: pl.Series, kind: str, date_format: str | None, signs: NumberSigns, *, as_classes: bool) -> Spread:
    """Bars, their labels, and the range in words."""
    if not len(cells):
        return (), (), "no values"
    if kind == "date" and not as_classes:
        return _days(to_days(cells, date_format).drop_nulls().to_numpy())
    if kind == "number" and not as_classes:
        return _numbers(to_numbers(cells, signs).drop_nulls().to_numpy())
    texts = as_texts(cells)
    if kind in ("id", "text"):
        return (), (), count_of(int(texts.n_unique()), "value")
    return _values(texts, yes_no=kind == "yes_no", as_classes=as_classes)


def _numbers(values: NDArray[np.float64]) -> Spread:
    if not len(values):
        return (), (), "no numbers"
    low, high = float(values.min()), float(values.max())
    if low == high:
        return (), (), number_text(low)
    return _histogram(values), (), f"{number_text(low)} to {number_text(high)}"


def _days(days: NDArray[np.float64]) -> Spread:
    if not len(days):
        return (), (), "no dates"
    first, last = (np.datetime64(int(np.floor(day)), "D") for day in (days.min(), days.max()))
    near = days.max() - days.min() < DAYS_OF_TWO_YEARS
    low, high = (str(day) if near else str(day)[:4] for day in (first, last))
    return (_histogram(days) if low != high else ()), (), f"{low} to {high}" if low != high else low


def _histogram(values: NDArray[np.float64]) -> tuple[int, ...]:
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = values / max(float(np.abs(values).max()), 1e-300)  # the spread of two huge numbers may overflow
    return tuple(int(count) for count in np.histogram(scaled, BARS)[0])


def _values(texts: pl.Series, *, yes_no: bool, as_classes: bool) -> Spread:
    """The most frequent values first; classes in their own order."""
    counted = {str(row[0]): int(row[1]) for row in texts.value_counts().rows()}
    names = sorted(counted, key=lambda name: (-counted[name], name))[:BARS]
    if as_classes:
        names = _in_class_order(names, texts, yes_no=yes_no)
    labels = tuple(printable(shortened(name, LONGEST)) for name in names)
    bars = tuple(counted[name] for name in names)
    if as_classes:
        return bars, labels, count_of(len(counted), "class")
    if yes_no and (pair := yes_no_pair(counted)) is not None:
        yes = next((name for name in counted if name.lower() == pair[1]), pair[1])
        share = sum(count for name, count in counted.items() if name.lower() == pair[1]) / len(texts)
        return bars, labels, f"{yes} {percent(share)}"
    return bars, labels, count_of(len(counted), "value")


def _in_class_order(names: list[str], texts: pl.Series, *, yes_no: bool) -> list[str]:
    """The names as the classes are numbered: no before yes, numbers by their size, all others by the alphabet."""
    pair = yes_no_pair(names) if yes_no else None
    if pair is None:
        return [name for name in sorted_texts(texts) if name in names]
    return sorted(names, key=lambda name: pair.index(name.lower()))


def number_text(value: float) -> str:
    """A number as a head shows it: 84, 1962 (it may be a year), 49,812, 0.125, 1.2e-05."""
    size = abs(value)
    if value == round(value) and size < 1e4:
        return f"{value:.0f}"
    if value == round(value) and size < 1e9:
        return f"{value:,.0f}"
    if 1e-4 <= size < 1e4:
        return f"{value:,.4g}"
    return f"{value:,.0f}" if 1e4 <= size < 1e9 else f"{value:.3g}"
