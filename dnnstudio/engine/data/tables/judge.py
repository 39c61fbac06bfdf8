"""A guess for every column of a table, each with its reason: what it holds, what it is for, and what is predicted."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import FEATURE_KINDS, Column, Kind, Missing, Role, Table
from dnnstudio.core.experiment.data.split import PART_NAMES, likely_parts
from dnnstudio.core.text import count_of, printable, shortened
from dnnstudio.engine.data.raw import MAX_CLASSES
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.encode import as_texts, number_signs
from dnnstudio.engine.data.tables.number_rows import reads_at_once
from dnnstudio.engine.data.tables.sheets.formulas import COMPUTE
from dnnstudio.engine.data.tables.text.cells import Cells
from dnnstudio.engine.data.tables.text.decode import MISSING_SIGNS
from dnnstudio.engine.data.tables.values import (
    CELLS_AT_ONCE,
    NumberSigns,
    find_date_format,
    stripped,
    to_numbers,
    together,
    used_signs,
    without_missing,
    yes_no_pair,
)

FEW_NUMBERS = 10
"""A target of so many different whole numbers, or fewer, is taken for classes."""
FEW_CATEGORIES = 20
"""So many categories each get an input; of more, rare ones share one."""
MANY_CATEGORIES = 200
MANY_CLASSES = 30
"""More classes than this are predicted only where a person asks for it."""
ROWS_A_CLASS = 3
RARE_SHARE = 0.01
LOOKED_AT = 1_000
COLUMNS_AT_ONCE = 500
"""Of each column polars holds some 40 kB while it looks at it, however few its cells."""
MOST_EMPTY = 0.5
NOTED_EMPTY = 0.05
"""From this share of empty cells on, an input says where they were: that they are empty may tell something."""
ODD_SHARE = 0.1
ODD_TEXTS = 3
"""So few cells, of so few different texts, are signs of a missing number rather than a reason to call it a category."""
KNOWN_ODD = frozenset(
    {
        "none",
        "-",
        "--",
        "—",
        "n.a.",
        "n/k",
        "nil",
        "missing",
        "unknown",
        "not available",
        "#div/0!",
        "#value!",
        "*",
        "..",
    }
)
TARGET_NAMES = (
    "target", "label", "labels", "survived", "diagnosis", "species", "outcome", "response", "y", "class", "quality",
    "price", "medv",
)  # fmt: skip
"""What a column to predict is usually called, the surest first."""
SPLIT_NAMES = frozenset({"split", "subset", "partition", "part", "set", "dataset", "usage"})
"""What a column is usually called that says which rows train, validate and test."""
ID_NAME = re.compile(r"(^|[_\W])(id|ids|index|idx|rowid|rownames?|row|key|uuid|guid|no|nr|number|obs|case)$|ID$", re.I)
_CODE = r"^(0\d+|\d{16,})$"


@dataclass(frozen=True, slots=True)
class Judged:
    """A column with the reason for what it was taken for, in a sentence, and the figures that were looked at."""

    column: Column
    reason: str
    different: int
    empty: int
    smallest: int = 0
    """How often the rarest value comes."""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a table's columns were taken for, and what to say of the whole."""

    columns: tuple[Judged, ...]
    target: str
    predicts: str
    """"classes" or "number"."""
    signs: NumberSigns
    missing_values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


UNWATCHED = Watch()
JudgedColumns = tuple[NumberSigns, tuple[Judged, ...]]
"""How a table's numbers are written, and what each column holds, whatever is predicted."""


def judge(
    cells: Cells,
    source: Table,
    *,
    predict: str | None = None,
    columns: JudgedColumns | None = None,
    watch: Watch = UNWATCHED,
) -> Judgement:
    """The guess for a whole table. `predict` names the target. Raises `UserError` where no column can be one.

    `columns` is what `judge_columns` gave for the same cells and source, if it is known already.
    """
    signs, each = columns or judge_columns(cells, source, watch=watch)
    judged = _with_split(each, cells)
    target = _target(judged, predict, cells)
    place = next(index for index, item in enumerate(judged) if item.column.name == target)
    predicts, judged[place] = _as_target(judged[place], cells, asked=predict is not None)
    judged = [_as_feature(item, cells) if index != place else item for index, item in enumerate(judged)]
    if not any(item.column.role == "feature" for item in judged):
        raise UserError(
            f'The table has no column to predict "{target}" from.',
            "All others are ids, free text, empty, or always the same.",
        )
    return Judgement(tuple(judged), target, predicts, signs, _found_signs(cells, source))


def _with_split(judged: Sequence[Judged], cells: Cells) -> list[Judged]:
    """The columns, the first of which that names the part of each row, by its name and all its cells, is the split."""
    for place, item in enumerate(judged):
        name = item.column.name
        if name.strip().lower() not in SPLIT_NAMES or item.empty or item.different > len(PART_NAMES):
            continue
        words = as_texts(cells.frame[name]).unique().to_list()
        if likely_parts(words):
            column = item.column.replaced(role="split", kind="category")
            split = replace(item, column=column, reason="Its cells name the part of each row.")
            return [*judged[:place], split, *judged[place + 1 :]]
    return list(judged)


def judge_columns(cells: Cells, source: Table, *, watch: Watch = UNWATCHED) -> JudgedColumns:
    """What a table's columns hold: the greater part of the work of a judgement. Raises `Cancelled` by the watch."""
    settled = source.replaced(separator=cells.separator) if source.separator is None and cells.separator else source
    signs = number_signs(settled, cells.frame)
    frame, judged = cells.frame, list[Judged]()
    step = max(1, min(COLUMNS_AT_ONCE, CELLS_AT_ONCE // max(1, frame.height)))
    for start in range(0, frame.width, step):
        watch.tell(start, frame.width, "Looking at the columns")
        part = frame[:, start : start + step]
        plain = _plain_numbers(part, settled, signs)
        for place, column in enumerate(part.iter_columns(), start):
            watch.check()
            unnamed = cells.header and column.name in cells.unnamed
            found = plain.get(column.name) if not (unnamed and place == 0) else None
            if found is not None:
                judged.append(_number(column.name, place, *found, 0, frame.height))
            else:
                judged.append(_judge_column(column, column.name, place, settled, signs, unnamed=unnamed))
                if not judged[-1].different and column.name in cells.uncomputed:
                    judged[-1] = replace(judged[-1], reason="Its formulas were never computed.")
    return signs, tuple(judged)


def _plain_numbers(frame: pl.DataFrame, source: Table, signs: NumberSigns) -> dict[str, tuple[pl.Series, int]]:
    """The numbers of the columns that hold plain ones alone, and how many different texts they are.

    A few calls for all columns, for a wide table has thousands. Left out is what needs a look at its texts: two
    different ones may be yes and no, and codes such as 007 are none.
    """
    texts = [column.name for column in frame.iter_columns() if column.dtype == pl.String]
    if not texts or signs.decimal != "point" or not reads_at_once(source):
        return {}
    numbers = frame.select(pl.col(texts).cast(pl.Float64, strict=False))
    values = numbers.to_numpy()
    plain = [texts[place] for place in np.flatnonzero(np.isfinite(values).all(axis=0))]
    if not plain:
        return {}
    found = frame.select(pl.col(plain).n_unique()).row(0)
    whole = numbers.select((pl.col(plain) == pl.col(plain).round()).all()).row(0)
    digits = [name for name, is_whole in zip(plain, whole, strict=True) if is_whole]
    coded = frame.select(pl.col(digits).str.contains(_CODE).any()).row(0) if digits else ()
    codes = {name for name, is_code in zip(digits, coded, strict=True) if is_code}
    return {
        name: (numbers[name], different)
        for name, different in zip(plain, found, strict=True)
        if different != 2 and name not in codes
    }


def _found_signs(cells: Cells, source: Table) -> tuple[str, ...]:
    """The usual signs of an empty cell that the table uses, as they stand there."""
    if source.missing_values is not None:
        return source.missing_values
    found: set[str] = set()
    for texts in together(column for column in cells.frame.iter_columns() if column.dtype == pl.String):
        found |= set(used_signs(stripped(texts["text"]), MISSING_SIGNS))
    return tuple(sorted(found))


def _judge_column(
    cells: pl.Series, name: str, place: int, source: Table, signs: NumberSigns, *, unnamed: bool
) -> Judged:
    rows = len(cells)
    cells = without_missing(cells, source.missing_values)
    there = cells.drop_nulls()
    empty = rows - len(there)
    if not len(there):
        return _judged(name, "text", "ignored", "It is empty.", 0, empty)
    different = int(there.n_unique())
    if cells.dtype in (pl.Date, pl.Datetime):
        return _judged(name, "date", "feature", "Its cells are dates.", different, empty)
    numbers = _numbers(there, signs)
    odd = there.filter(numbers.is_null())
    if unnamed and place == 0 and (different == rows or _counts_up(numbers)):
        return _judged(name, "id", "ignored", "It has no name and tells the rows apart.", different, empty)
    words = {text.lower() for text in as_texts(there).unique().to_list()} if different == 2 else set()
    if pair := yes_no_pair(words) if len(words) == 2 else None:  # of No and no, neither means yes
        return _judged(name, "yes_no", "feature", f"Its cells are {pair[0]} and {pair[1]}.", different, empty)
    code = _is_code(there, numbers)
    if not len(odd) and not code:
        return _number(name, place, numbers, different, empty, rows)
    strange = sorted(as_texts(odd).unique().to_list())[: ODD_TEXTS + 1]
    few = len(odd) <= ODD_SHARE * len(there) and len(strange) <= ODD_TEXTS
    if len(odd) < len(there) and (few or {text.lower() for text in strange} <= KNOWN_ODD) and not code:
        names = ", ".join(printable(shortened(text)) for text in strange)
        said = f"{count_of(len(odd), 'cell')} ({names}) {'is' if len(odd) == 1 else 'are'} taken for empty"
        known = numbers.drop_nulls()
        found = _number(name, place, known, int(known.n_unique()), empty + len(odd), rows)
        column = found.column.replaced(missing_values=tuple(strange))
        return replace(found, column=column, reason=f"{found.reason.removesuffix('.')}; {said}.")
    pattern = find_date_format(there)
    if pattern is not None:
        found = _judged(name, "date", "feature", f"Its cells are dates ({pattern}).", different, empty)
        return replace(found, column=found.column.replaced(date_format=pattern))
    return _texts(name, as_texts(there), different, empty, rows)


def _numbers(there: pl.Series, signs: NumberSigns) -> pl.Series:
    """The cells as numbers; a column whose first cells are none of them is not looked through to its end."""
    if there.dtype == pl.String and to_numbers(there.head(LOOKED_AT), signs).null_count() == min(len(there), LOOKED_AT):
        return pl.Series(there.name, [None], dtype=pl.Float64).new_from_index(0, len(there))
    return to_numbers(there, signs)


def _judged(name: str, kind: Kind, role: Role, reason: str, different: int, empty: int) -> Judged:
    return Judged(Column(name=name, kind=kind, role=role), reason, different, empty)


def _number(name: str, place: int, numbers: pl.Series, different: int, empty: int, rows: int) -> Judged:
    whole = bool((numbers == numbers.round()).all())
    named = ID_NAME.search(name) is not None
    if whole and not empty and different == rows and rows > 2 and (named or (place == 0 and _counts_up(numbers))):
        return _judged(name, "id", "ignored", "Its numbers only tell the rows apart.", different, empty)
    if different == 1:
        return _judged(name, "number", "ignored", "It is always the same.", different, empty)
    counts = numbers.unique_counts() if different <= MANY_CATEGORIES else None
    smallest = int(counts.min()) if counts is not None else 1  # type: ignore[arg-type]
    found = _judged(name, "number", "feature", "All its cells are numbers.", different, empty)
    return replace(found, whole=whole, smallest=smallest)


def _counts_up(numbers: pl.Series) -> bool:
    """Whether the numbers only count the rows, from 0 or 1: a column that begins at 1871 counts years."""
    if numbers.null_count() or len(numbers) <= 2 or numbers[0] not in (0, 1):
        return False
    return bool((numbers.diff().drop_nulls() == 1).all())


def _is_code(there: pl.Series, numbers: pl.Series) -> bool:
    """Whether digits are a code and no number: 01 and 007 would lose their zeros, and long keys their last digits."""
    if there.dtype != pl.String or not bool((numbers == numbers.round()).all()):
        return False
    return bool(there.str.contains(_CODE).any())


def _texts(name: str, there: pl.Series, different: int, empty: int, rows: int) -> Judged:
    counts = there.unique_counts()
    smallest = int(counts.min())  # type: ignore[arg-type]
    if different == 1:
        return _judged(name, "category", "ignored", "It is always the same.", different, empty)
    if different > FEW_CATEGORIES and (different > MANY_CATEGORIES or different > rows * MOST_EMPTY):
        words = float(there.str.count_matches(r"\s+").mean() or 0.0)  # type: ignore[arg-type]
        kind: Kind = "text" if words >= 2 else "id"
        what = "free texts" if kind == "text" else "names"
        found = _judged(
            name, kind, "ignored", f"{different:,} different {what} in {count_of(rows, 'row')}.", different, empty
        )
        return replace(found, smallest=smallest)
    if different > 2 and different == len(there):
        return _judged(name, "id", "ignored", "Each of its texts stands there once.", different, empty)
    found = _judged(name, "category", "feature", f"It has {different} different texts.", different, empty)
    if different > FEW_CATEGORIES:
        rare = max(2, round(RARE_SHARE * rows))
        found = replace(found, column=found.column.replaced(min_frequency=rare))
    return replace(found, smallest=smallest)


def _target(judged: Sequence[Judged], predict: str | None, cells: Cells) -> str:
    names = [item.column.name for item in judged]
    if predict is not None:
        if predict.strip() in names:
            return predict.strip()
        near = difflib.get_close_matches(predict, names, n=1, cutoff=0.5)
        hint = f'Did you mean "{near[0]}"?' if near else f"It has: {', '.join(names[:12])}."
        raise UserError(f'The table has no column "{predict}".', hint)
    able = [item for item in judged if _can_be_target(item, len(cells.lines))]
    if not able:
        raise UserError(
            "The table has no column that could be predicted: all are ids, dates, free text, empty or always the same.",
            "Name the column by --predict, or add one.",
        )
    named = [item for word in TARGET_NAMES for item in able if item.column.name.lower() == word]
    return (named or able[::-1])[0].column.name


def _can_be_target(item: Judged, rows: int) -> bool:
    if item.column.role != "feature" or item.column.kind not in FEATURE_KINDS - {"date"}:
        return False
    if item.column.kind == "number":
        return True
    return item.different <= min(MANY_CLASSES, rows // ROWS_A_CLASS) and rows - item.empty > item.empty


def _as_target(item: Judged, cells: Cells, *, asked: bool) -> tuple[str, Judged]:
    column, rows = item.column, len(cells.lines) - item.empty
    if not item.different and column.name in cells.uncomputed:
        raise UserError(f'The formulas of the column "{column.name}" were never computed.', COMPUTE)
    if column.kind == "date" or item.different < 2:
        what = "holds dates" if column.kind == "date" else "is empty" if not item.different else "is always the same"
        raise UserError(f'The column "{column.name}" {what}: it cannot be predicted.', "Choose another column.")
    few = item.whole and item.different <= FEW_NUMBERS and item.smallest >= ROWS_A_CLASS
    number = column.kind == "number" and not few
    if not number and item.different > min(MAX_CLASSES, rows - 1):
        raise UserError(
            f'The column "{column.name}" holds {item.different:,} different texts in '
            f"{count_of(rows, 'row')}: too many classes.",
            "Choose another column.",
        )
    if column.kind in ("id", "text"):
        column = column.replaced(kind="number" if number else "category")
    why = (
        "Asked for" if asked else "A column of that name is usually predicted" if _is_named(column) else "The last one"
    )
    how = "its numbers are estimated" if number else f"its {item.different} values are the classes"
    missing: Missing = "drop_rows" if item.empty else "refuse"
    column = column.replaced(role="target", missing=missing, indicator=False, min_frequency=1)
    return ("number" if number else "classes"), replace(item, column=column, reason=f"{why}; {how}.")


def _is_named(column: Column) -> bool:
    return column.name.lower() in TARGET_NAMES


def _as_feature(item: Judged, cells: Cells) -> Judged:
    """A feature with what becomes of its empty cells; one that is mostly empty is left out."""
    column, rows = item.column, len(cells.lines)
    if column.role != "feature" or not item.empty:
        return item
    share = item.empty / rows
    if share > MOST_EMPTY:
        reason = f"{item.empty:,} of its {rows:,} cells are empty."
        return replace(item, column=column.replaced(role="ignored"), reason=reason)
    missing: Missing = "median" if column.kind in ("number", "date") else "most_frequent"
    column = column.replaced(missing=missing, indicator=share >= NOTED_EMPTY)
    cell = "1 cell is empty" if item.empty == 1 else f"{item.empty:,} cells are empty"
    return replace(item, column=column, reason=f"{item.reason.removesuffix('.')}; {cell}.")
