"""Warnings about a table before training, from its roles, kinds and split: data leakage, duplicates, likely
failures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.text import count_of, printable, shortened
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.splitting import Parts

FEW_VALUES = 50
ROWS_A_VALUE = 5
"""A column of few values that each come so often is compared with the label."""
SAME_NUMBER = 0.99999
"""A correlation with the predicted number from which on a column is that number in other units."""
MANY_NUMBERS = 50
"""So many classes that are all numbers are rather a number to predict."""
FURTHEST = 2.0**62
NEAR = 1e-3
"""Rows whose inputs agree to this part of the column's spread are near copies."""
UNLIKELY = 20
"""Equal rows are worth a word where the columns allow for so many times more different rows than there are."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Consequence:
    """One warning: a word for programs, a sentence for people, and the columns that it is about."""

    code: str
    text: str
    columns: tuple[str, ...] = ()


def consequences(
    raw: Raw,
    parts: Parts,
    targets: tuple[NDArray[Any], ...],
    summary: DataSummary,
    preparation: Preparation,
    watch: Watch,
) -> tuple[Consequence, ...]:
    """The warnings for a table, most serious first; `targets` are the labels or numbers of each part, [rows] each.

    Raises `Cancelled` by the watch.
    """
    x, y = raw.train.x[parts.train], targets[0]
    return (
        *_label_in_other_words(raw, x, y, watch),
        *_order_gives_away(raw),
        *_across_the_split(raw, parts, preparation, watch),
        *_few_rows(targets, summary),
        *_many_numbers(summary),
        *_constant(raw, x),
        *_unseen(preparation),
    )


def _label_in_other_words(raw: Raw, x: NDArray[np.float64], y: NDArray[Any], watch: Watch) -> Iterator[Consequence]:
    target = "" if raw.target is None else raw.target.name
    if raw.is_number:
        for place, stored in enumerate(raw.stored):
            if stored.column.kind in ("number", "date") and _same_number(x[:, place], y):
                yield Consequence(
                    "same_as_target",
                    f'Column "{stored.column.name}" is "{target}" in other units: it gives it away.',
                    (stored.column.name,),
                )
        return
    told = []
    for place, stored in enumerate(raw.stored):
        watch.check()
        if _tells_a_class(x[:, place], y):
            told.append(stored.column.name)
    if told:
        one = len(told) == 1
        words = ("Column", "tells", "it gives") if one else ("Columns", "tell", "they give")
        yield Consequence(
            "label_in_other_words",
            f'{words[0]} {_listed(told)} {words[1]} "{target}" in other words: {words[2]} it away. '
            "Leave out what is not known beforehand.",
            tuple(told),
        )


def _same_number(values: NDArray[np.float64], y: NDArray[Any]) -> bool:
    there = ~np.isnan(values)
    if np.count_nonzero(there) < 10:
        return False
    a, b = values[there] - values[there].mean(), y[there] - y[there].mean(dtype=np.float64)
    a, b = a / (np.abs(a).max() or 1.0), b / (np.abs(b).max() or 1.0)  # squares of large numbers have no end
    size = np.sqrt((a @ a) * (b @ b))
    return bool(size > 0 and abs(a @ b) > SAME_NUMBER * size)


def _tells_a_class(values: NDArray[np.float64], y: NDArray[Any]) -> bool:
    """Whether values and classes correspond one to one or, for two values, whether one of them is exactly one class (a
    one-hot column of the label).
    """
    there = ~np.isnan(values)
    found, codes = np.unique(values[there], return_inverse=True)
    if not 2 <= len(found) <= FEW_VALUES or np.count_nonzero(there) < ROWS_A_VALUE * len(found):
        return False
    classes, labels = np.unique(y[there], return_inverse=True)
    table = np.zeros((len(found), len(classes)), np.int64)
    np.add.at(table, (codes, labels), 1)
    if len(found) == 2 and len(classes) > 2:
        first = table[0] > 0
        second = table[1] > 0
        return not (first & second).any() and min(first.sum(), second.sum()) == 1
    return len(classes) > 1 and bool(((table > 0).sum(axis=1) == 1).all())


def _order_gives_away(raw: Raw) -> Iterator[Consequence]:
    """A monotonically rising column in a file sorted by class: it counts rows and so reveals the class."""
    y = raw.train.y
    if raw.is_number or len(y) < 20:
        return
    if np.count_nonzero(np.diff(y)) != len(np.unique(y)) - 1:
        return
    for place, stored in enumerate(raw.stored):
        values = raw.train.x[:, place]
        if stored.column.kind == "number" and bool((np.diff(values) == 1).all()):
            yield Consequence(
                "id_gives_away",
                f'Column "{stored.column.name}" counts the rows, and the file is sorted by class: it gives it away.',
                (stored.column.name,),
            )


def _across_the_split(raw: Raw, parts: Parts, preparation: Preparation, watch: Watch) -> Iterator[Consequence]:
    """Validation and test rows that also occur, up to rounding, among the training rows."""
    x = raw.train.x
    room = 1.0
    for place in range(x.shape[1]):
        room = min(room * pl.Series(np.ascontiguousarray(x[:, place])).n_unique(), 1e18)
        if room >= UNLIKELY * len(x):
            break
    else:
        return
    test = x if raw.test is None else raw.test.x
    seen = _rounded(preparation, x[parts.train]).unique()
    for rows, name in ((x[parts.validation], "validation"), (test[parts.test], "test")):
        watch.check()
        copies = _rounded(preparation, rows).join(seen, on=seen.columns, how="semi").height
        if copies:
            stand, is_ = ("stands", "is") if copies == 1 else ("stand", "are")
            yield Consequence(
                "copies",
                f"{copies:,} of {count_of(len(rows), f'{name} row')} {stand} among the training rows, or nearly so: "
                f"what the network remembers {is_} taken for what it understood.",
            )


def _rounded(preparation: Preparation, x: NDArray[np.float64]) -> pl.DataFrame:
    """The rows with their numbers rounded relative to their column's spread, int64."""
    scale = np.asarray([column.scale[0] if column.scale else 1.0 for column in preparation.columns])
    offset = np.asarray([column.offset[0] if column.offset else 0.0 for column in preparation.columns])
    if preparation.scaling == "none":
        scale = np.where(scale > 0, np.nanstd(x, axis=0), 1.0) if len(x) else scale
        scale = np.where(scale > 0, scale, 1.0)
    with np.errstate(over="ignore"):
        steps = np.rint(np.nan_to_num((x - offset) / scale, nan=1e9) / NEAR)
    return pl.from_numpy(np.clip(steps, -FURTHEST, FURTHEST).astype(np.int64, order="F"))


def _few_rows(targets: tuple[NDArray[Any], ...], summary: DataSummary) -> Iterator[Consequence]:
    if not summary.classes:
        return
    counts = np.asarray([np.bincount(y[y >= 0], minlength=summary.classes) for y in targets])
    if np.count_nonzero(counts[1]) == 1:
        only = summary.class_names[int(np.argmax(counts[1]))]
        yield Consequence("one_class_validates", f'All validation rows are of one class, "{only}": they judge nothing.')
    lacking = np.flatnonzero((counts == 0).any(axis=0))
    if len(lacking):
        names = _listed([summary.class_names[place] for place in lacking])
        word, has = ("Class", "has") if len(lacking) == 1 else ("Classes", "have")
        yield Consequence("small_class", f"{word} {names} {has} too few rows to stand in every part of the split.")


def _many_numbers(summary: DataSummary) -> Iterator[Consequence]:
    if summary.classes > MANY_NUMBERS and all(_is_number(name) for name in summary.class_names):
        yield Consequence(
            "many_numbers",
            f"The target holds {summary.classes:,} different numbers. Predict a number instead of classes?",
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _constant(raw: Raw, x: NDArray[np.float64]) -> Iterator[Consequence]:
    same = [stored.column.name for place, stored in enumerate(raw.stored) if _is_constant(x[:, place])]
    if same:
        word, has = ("Column", "has") if len(same) == 1 else ("Columns", "have")
        text = f"{word} {_listed(same)} {has} one value alone in the training rows."
        yield Consequence("constant", text, tuple(same))


def _is_constant(values: NDArray[np.float64]) -> bool:
    """Whether all that is not empty, of [rows], is one value, or nothing."""
    return not bool(np.fmin.reduce(values, initial=np.inf) < np.fmax.reduce(values, initial=-np.inf))


def _unseen(preparation: Preparation) -> Iterator[Consequence]:
    for column in preparation.columns:
        if column.unseen:
            yield Consequence(
                "unseen",
                f'No training row has {_listed(list(column.unseen))} in column "{column.column.name}": all its inputs '
                "are 0 in such rows.",
            )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f'"{printable(shortened(name))}"' for name in names[:SHOWN])
    return shown + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
