"""A person's own table as rows: columns by their roles and kinds, empty cells by each column's rule."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.core.experiment.data.split import PART_NAMES
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.columns import SplitKeys, StoredColumn
from dnnstudio.engine.data.raw import Array, Raw, Rows, digest_in_pieces
from dnnstudio.engine.data.reading import Watch, as_path
from dnnstudio.engine.data.sources import reader
from dnnstudio.engine.data.tables import kept_cells
from dnnstudio.engine.data.tables.encode import Encoded, as_texts, encode, number_signs, present
from dnnstudio.engine.data.tables.files import read_cells
from dnnstudio.engine.data.tables.judge import Judgement, judge
from dnnstudio.engine.data.tables.number_rows import number_rows, plain_numbers
from dnnstudio.engine.data.tables.targets import Target, blanks_note, class_names, find_target
from dnnstudio.engine.data.tables.text.cells import Cells
from dnnstudio.engine.data.tables.values import NumberSigns, shown

ROWS_AT_ONCE = 2**12
NO_ROW = np.zeros(0, bool)


@dataclass(frozen=True, slots=True)
class _Part:
    """One file's rows: features by column, the target as texts or numbers, and where each row stands."""

    x: NDArray[np.float64]
    target: Target
    lines: NDArray[np.int64]
    vocabularies: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    keys: SplitKeys
    notes: tuple[str, ...]


def table_files(source: Table, watch: Watch) -> tuple[Path, ...]:
    del watch
    names = (source.path, source.test_path)
    return tuple(as_path(name, what="the table") for name in names if name is not None)


@reader(Table, files=table_files)
def read_table(source: Table, watch: Watch) -> Raw:
    """The rows of a table: float64 columns by `StoredColumn`, and labels or numbers. Raises `UserError`."""
    paths = table_files(source, watch)
    watch.tell(0, len(paths), f"Reading {paths[0].name}")
    cells = kept_cells.remembered(source, paths[0]) or _cells(source, paths[0], watch)
    if not source.columns:
        source = settled(source, cells)
    signs = number_signs(source, cells.frame)
    train = _part(source, cells, paths[0], signs, None)
    test = None
    if len(paths) == 2:
        watch.tell(1, len(paths), f"Reading {paths[1].name}")
        other = _cells(source, paths[1], watch)
        test = _part(source, other, paths[1], signs, train.vocabularies)
    return _raw(source, paths, train, test)


def _cells(source: Table, path: Path, watch: Watch) -> Cells:
    """The cells of a table file, its plain numbers as rows where that is possible. Raises `UserError`."""
    return number_rows(source, path, watch) or read_cells(source, path, watch, numbers=plain_numbers(source))


def settled(source: Table, cells: Cells, *, predict: str | None = None) -> Table:
    """The source with everything that was left open as it was found in its cells."""
    return with_findings(source, cells, judge(cells, source, predict=predict))


def with_findings(source: Table, cells: Cells, found: Judgement) -> Table:
    """The source with what was left open filled in."""
    return source.replaced(
        encoding=source.encoding or cells.encoding,
        separator=source.separator or cells.separator,
        header=source.header or ("yes" if cells.header else "no"),
        decimal=source.decimal or found.signs.decimal,
        thousands=source.thousands or found.signs.thousands,
        missing_values=found.missing_values or None,
        columns=tuple(item.column for item in found.columns),
        target=found.predicts,
    )


def _part(
    source: Table,
    cells: Cells,
    path: Path,
    signs: NumberSigns,
    vocabularies: tuple[tuple[str, ...], ...] | None,
) -> _Part:
    """The rows of one file; `vocabularies` are the categories that another file had already."""
    target = source.target_column
    assert target is not None
    _require(source, cells, path)
    features = source.features
    if not features:
        raise UserError(f"{path.name}: no column is a feature.", "Give at least one column the role feature.")
    stored: dict[int, NDArray[np.float64]] = {}
    found: list[tuple[str, ...]] = []
    columns: list[Column] = []
    numbers = cells.numbers
    dropped = np.zeros(len(cells.lines), bool)
    notes = list(cells.notes)
    filled = 0
    for place, column in enumerate(features):
        known = vocabularies[place] if vocabularies is not None else None
        if numbers is not None and column.name in numbers.names:
            encoded = Encoded(numbers.rows[:, place], NO_ROW, column)
            empty = np.isnan(encoded.values) if column.name in numbers.gaps else None
        else:
            encoded = encode(cells.frame[column.name], column, source, signs, known)
            _refuse_bad(encoded, column, cells, path)
            stored[place] = encoded.values
            empty = np.isnan(encoded.values)
        if empty is None:
            pass
        elif column.missing == "refuse":
            _refuse_empty(empty, column, cells, path)
        elif column.missing == "drop_rows":
            dropped |= empty
        else:
            filled += int(empty.sum())
        notes += _unseen_note(encoded, column, cells)
        if column.kind == "category":
            notes += blanks_note(column, cells.frame[column.name])
        found.append(encoded.vocabulary)
        columns.append(encoded.column)
    answers, said = find_target(cells.frame[target.name], target, source)
    empty = answers.empty
    if target.missing == "refuse":
        _refuse_empty(empty, target, cells, path)
    dropped |= empty
    keys = _keys(source, cells, path, signs)
    notes += said
    keep, lines = ~dropped, cells.lines
    if dropped.any():
        notes.append(f"{count_of(int(dropped.sum()), 'row')} with an empty cell left out.")
        if dropped.all():
            raise UserError(f"{path.name}: every row has an empty cell.", "Fill them in instead of leaving rows out.")
        answers, lines = answers.where(keep), lines[keep]
    if filled:
        notes.append(f"{count_of(filled, 'empty cell')} filled in from the training rows.")
    values = answers.valued(source, signs, lines, path)
    if source.target == "classes" and answers.cells.n_unique() > values.cells.n_unique():
        notes.append(f'Column "{target.name}" writes a number in several ways, as 1 and 1.0: each number is one class.')
    x = _completed(np.empty((len(keep), len(features))) if numbers is None else numbers.rows, stored)
    return _Part(
        x=x[keep] if dropped.any() else x,
        target=values,
        lines=lines,
        vocabularies=tuple(found),
        columns=tuple(columns),
        keys=keys.where(keep) if dropped.any() else keys,
        notes=tuple(notes),
    )


def _completed(rows: NDArray[np.float64], columns: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The array [rows, columns] with these columns, each [rows], put in their places.

    A few thousand rows at a time: they stay in the processor's cache, while whole columns would be written with a
    stride that fetches every line of memory once a column.
    """
    for start in range(0, len(rows) if columns else 0, ROWS_AT_ONCE):
        for place, values in columns.items():
            rows[start : start + ROWS_AT_ONCE, place] = values[start : start + ROWS_AT_ONCE]
    return rows


def _require(source: Table, cells: Cells, path: Path) -> None:
    if cells.numbers is not None:  # it has looked
        return
    there = cells.frame.columns
    for column in source.columns:
        if column.role != "ignored" and column.name not in there:
            near = difflib.get_close_matches(column.name, there, n=1, cutoff=0.5)
            hint = f'Did you mean "{near[0]}"?' if near else f"It has: {', '.join(there[:12])}."
            raise UserError(f'{path.name} has no column "{column.name}".', hint)


def _refuse_bad(encoded: Encoded, column: Column, cells: Cells, path: Path) -> None:
    wrong = np.flatnonzero(encoded.bad)
    if not len(wrong):
        return
    text = shown(cells.frame[column.name][int(wrong[0])])
    more = f" ({len(wrong):,} such cells)" if len(wrong) > 1 else ""
    raise UserError(
        f'{path.name}: {cells.place} {cells.lines[wrong[0]]}, column "{column.name}" holds "{text}", which is not '
        f"{encoded.expected}{more}.",
        "Mend the cell, give the column another kind, or name the text as a sign of an empty cell.",
    )


def _refuse_empty(empty: NDArray[np.bool_], column: Column, cells: Cells, path: Path) -> None:
    missing = np.flatnonzero(empty)
    if len(missing):
        more = f" ({len(missing):,} such cells)" if len(missing) > 1 else ""
        raise UserError(
            f'{path.name}: {cells.place} {cells.lines[missing[0]]} is empty in column "{column.name}"{more}.',
            "Leave such rows out, or fill them in from the training rows.",
        )


def _unseen_note(encoded: Encoded, column: Column, cells: Cells) -> list[str]:
    if column.kind != "category" or not (encoded.values < 0).any():
        return []
    rows = np.flatnonzero(encoded.values < 0)
    names = as_texts(cells.frame[column.name])[rows.tolist()].unique().sort().to_list()
    listed = ", ".join(f'"{shown(name)}"' for name in names[:5]) + ("…" if len(names) > 5 else "")
    return [f'Column "{column.name}" holds {listed}, not among its categories: all its inputs are 0 in such rows.']


def _keys(source: Table, cells: Cells, path: Path, signs: NumberSigns) -> SplitKeys:
    groups, times, parts = source.column("group"), source.column("time"), source.column("split")
    return SplitKeys(
        groups=None if groups is None else _groups(cells, groups, source),
        times=None if times is None else _times(cells, times, source, signs, path),
        parts=None if parts is None else _parts(cells, parts, source, path),
    )


def _groups(cells: Cells, column: Column, source: Table) -> NDArray[np.int64]:
    texts = as_texts(present(cells.frame[column.name], column, source)).fill_null("")
    return np.unique(texts.to_numpy(), return_inverse=True)[1].astype(np.int64)


def _times(cells: Cells, column: Column, source: Table, signs: NumberSigns, path: Path) -> NDArray[np.float64]:
    encoded = encode(cells.frame[column.name], column, source, signs) if column.kind in ("date", "number") else None
    if encoded is None:
        raise UserError(
            f'The column "{column.name}" is to order the rows by time, but its kind is {column.kind}.',
            "Give it the kind date or number.",
        )
    _refuse_bad(encoded, column, cells, path)
    _refuse_empty(np.isnan(encoded.values), column, cells, path)
    return encoded.values


def _parts(cells: Cells, column: Column, source: Table, path: Path) -> NDArray[np.int64]:
    texts = as_texts(present(cells.frame[column.name], column, source)).str.to_lowercase()
    parts = texts.replace_strict(PART_NAMES, default=None, return_dtype=pl.Int64)
    wrong = parts.is_null().arg_true()
    if len(wrong):
        first = int(wrong[0])
        raise UserError(
            f'{path.name}: {cells.place} {cells.lines[first]}, column "{column.name}" holds "{shown(texts[first])}", '
            "which names no part.",
            "Write train, validation or test.",
        )
    return parts.to_numpy().astype(np.int64)


def _raw(source: Table, paths: tuple[Path, ...], train: _Part, test: _Part | None) -> Raw:
    target = source.target_column
    assert target is not None
    parts = [train] if test is None else [train, test]
    names: tuple[str, ...] = ()
    if source.target == "number":
        ys: list[Array] = [part.target.numbers for part in parts]
    else:
        names = class_names([part.target for part in parts], target, paths[0])
        ys = [part.target.classes(names, part.lines, path) for part, path in zip(parts, paths, strict=False)]
    vocabulary = "\0".join("\0".join(words) for words in train.vocabularies).encode()
    keys = [key for key in (train.keys.groups, train.keys.times, train.keys.parts) if key is not None]
    arrays = [*(part.x for part in parts), *ys, *keys, np.frombuffer(vocabulary, np.uint8)]
    has_test = test is not None or (train.keys.parts is not None and bool((train.keys.parts == 2).any()))
    note = "" if has_test else ", a share of the rows kept for the test"
    return Raw(
        train=Rows(train.x, ys[0]),
        test=None if test is None else Rows(test.x, ys[1]),
        labels=tuple(range(len(names))),
        names=names,
        origin=f'{" and ".join(path.name for path in paths)}, predicting "{target.name}"{note}',
        columns=tuple(column.name for column in source.features),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
        digest=digest_in_pieces(*arrays),
        stored=tuple(
            StoredColumn(column, words) for column, words in zip(train.columns, train.vocabularies, strict=True)
        ),
        keys=train.keys,
        target=target,
    )
