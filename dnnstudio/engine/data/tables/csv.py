"""Reader of CSV tables, using polars. No text silently becomes NaN: an invalid cell is reported with line, column and
text.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Csv
from dnnstudio.core.text import byte_size, count_of, printable, shortened
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.raw import MAX_CLASSES, Array, Raw, Rows, digest_of, label_values
from dnnstudio.engine.data.reading import Watch, as_path, opened
from dnnstudio.engine.data.sources import reader, with_test_note
from dnnstudio.engine.data.tables.text.layout import Layout, find_layout

MAX_BYTES = 2**30
CHUNK = 2**22
MEMORY_FACTOR = 8
"""Memory per byte of CSV, for text and float64: a cell of two bytes becomes eight."""
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "?", "-"})
"""Texts that mark a missing value, in lower case."""
CLASS_NAMES = frozenset({"none", "-"})
"""Those of them that are names of classes where the column is the label."""


Targets = tuple[Array, tuple[int, ...], tuple[str, ...]]
"""The label of every row, the label values, and their names."""


@dataclass(frozen=True, slots=True)
class _Bad:
    """Non-numeric cells of one column: the first one's line and text, and their number."""

    line: int
    column: str
    text: str
    count: int


def csv_files(source: Csv, watch: Watch) -> tuple[Path, ...]:
    """The single file of the table."""
    return (as_path(source.path, what="the table"),)


@reader(Csv, files=csv_files)
def _read_source(source: Csv, watch: Watch) -> Raw:
    return with_test_note(read_csv(source, watch))


def read_csv(source: Csv, watch: Watch) -> Raw:
    """The rows of a CSV file: float64 features (NaN only if missing cells are to be filled) and labels. Raises
    `UserError`.
    """
    path = as_path(source.path, what="the table")
    layout = find_layout(path, _content(path, watch), watch)
    label = _label_column(path, layout.names, source.label_column)
    features = tuple(name for name in layout.names if name != label)
    watch.tell(0, len(layout.lines), f"Reading {path.name}")
    frame, is_text = _frame(path, layout, label)
    watch.check()
    lines = layout.lines[layout.present]
    notes: list[str] = []
    x = _features(path, frame, features, lines, keep_empty=source.empty_cells != "refuse", is_text=is_text)
    y = frame[label].fill_null("").str.strip_chars()
    if source.empty_cells == "drop_rows":
        names_too = CLASS_NAMES if source.target == "classes" else frozenset()
        keep = ~np.isnan(x).any(axis=1) & ~_is_missing(y, besides=names_too)
        if not keep.all():
            notes.append(f"{count_of(int((~keep).sum()), 'row')} with an empty cell left out.")
        if not keep.any():
            raise UserError(f"{path.name}: every row has an empty cell.", "Fill them with the median instead.")
        x, y, lines = x[keep], y.filter(pl.Series(keep)), lines[keep]
    empty = np.isnan(x).sum(axis=0)
    if empty.any():
        notes.append(f"{count_of(int(empty.sum()), 'empty cell')} filled with the median of the training rows.")
    number = source.target == "number"
    targets, labels, names = (_number_targets if number else _class_targets)(path, y, lines, label)
    return Raw(
        train=Rows(x, targets),
        test=None,
        labels=labels,
        names=names,
        origin=f'{path.name}, predicting "{label}"',
        columns=features,
        notes=tuple(notes),
        fill=bool(empty.any()),
        digest=digest_of(x, targets),
    )


def _content(path: Path, watch: Watch) -> bytes:
    with opened(path, what="the table") as (file, size):
        if size > MAX_BYTES:
            raise UserError(
                f"{path.name} is larger than {byte_size(MAX_BYTES)}, too large for a CSV table.",
                "Save the numbers as an .npz file.",
            )
        need_memory(size * MEMORY_FACTOR, what=path.name)
        parts = []
        while part := file.read(CHUNK):
            parts.append(part)
            watch.tell(len(parts) * CHUNK, size, f"Reading {path.name}")
            if len(parts) * CHUNK > MAX_BYTES + CHUNK:
                raise UserError(f"{path.name} grows while it is read.", "Wait until it is complete.")
    return b"".join(parts)


def _label_column(path: Path, names: tuple[str, ...], wanted: str) -> str:
    if not wanted.strip():
        return names[-1]
    if wanted.strip() in names:
        return wanted.strip()
    near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.5)
    hint = f'Did you mean "{near[0]}"?' if near else f"It has: {', '.join(names[:12])}."
    raise UserError(f'{path.name} has no column "{wanted}".', hint)


def _frame(path: Path, layout: Layout, label: str) -> tuple[pl.DataFrame, bool]:
    """The cells: numbers if every feature cell is one, else text, so that the invalid one can be named."""
    kinds = {name: pl.String if name == label else pl.Float64 for name in layout.names}
    for schema, is_text in ((kinds, False), (dict.fromkeys(layout.names, pl.String), True)):
        try:
            frame = pl.read_csv(
                layout.content,
                separator=layout.separator,
                schema=schema,
                has_header=True,
                quote_char='"',
                n_threads=1,
            )
        except pl.exceptions.PolarsError:
            if is_text:
                raise _unreadable(path) from None
            continue
        if frame.height != len(layout.lines):
            raise _unreadable(path)
        frame = frame.filter(pl.Series(layout.present))
        finite = all(
            is_text or name == label or (frame[name].null_count() == 0 and frame[name].is_finite().all())
            for name in layout.names
        )
        if finite:
            return frame, is_text
    raise _unreadable(path)


def _unreadable(path: Path) -> UserError:
    return UserError(
        f"{path.name} cannot be read as a table: a quote stands inside a cell.",
        "Put the whole cell into quotes and double the quote inside.",
    )


def _features(
    path: Path, frame: pl.DataFrame, names: tuple[str, ...], lines: Array, *, keep_empty: bool, is_text: bool
) -> NDArray[np.float64]:
    if not names:
        raise UserError(f"{path.name} has only the label column.", "A table needs a column to learn from as well.")
    x = np.empty((frame.height, len(names)))
    empty: list[_Bad] = []
    for index, name in enumerate(names):
        if not is_text:
            x[:, index] = frame[name].to_numpy()
            continue
        texts = frame[name].fill_null("").str.strip_chars()
        x[:, index], bad = _numbers(texts, lines, name)
        if bad is not None:
            kind = "a text" if bad.count > frame.height // 2 else "not a finite number"
            raise _bad_cell(path, bad, kind)
        missing = np.flatnonzero(np.isnan(x[:, index]))
        if len(missing):
            empty.append(_Bad(int(lines[missing[0]]), name, texts[int(missing[0])], len(missing)))
    if empty and not keep_empty:
        first = min(empty, key=lambda bad: bad.line)
        total = sum(bad.count for bad in empty)
        shown = f' ("{first.text}")' if first.text else ""
        cells = "1 cell is" if total == 1 else f"{total:,} cells are"
        raise UserError(
            f"{path.name}: {cells} empty in {count_of(len(empty), 'column')}; the first is line {first.line}, column "
            f'"{first.column}"{shown}.',
            "Set empty cells to leave such rows out or to fill them with the median.",
        )
    return x


def _numbers(texts: pl.Series, lines: Array, name: str) -> tuple[NDArray[np.float64], _Bad | None]:
    """Text as float64 with NaN for missing cells; and the cells that are neither."""
    values = texts.cast(pl.Float64, strict=False).to_numpy().astype(np.float64)
    missing = _is_missing(texts)
    values[missing] = np.nan
    wrong = np.flatnonzero(~np.isfinite(values) & ~missing)
    if not len(wrong):
        return values, None
    first = int(wrong[0])
    return values, _Bad(int(lines[first]), name, texts[first], len(wrong))


def _is_missing(texts: pl.Series, *, besides: frozenset[str] = frozenset()) -> NDArray[np.bool_]:
    return texts.str.to_lowercase().is_in(list(MISSING - besides)).to_numpy().astype(bool)


def _number_targets(path: Path, y: pl.Series, lines: Array, label: str) -> Targets:
    values, bad = _numbers(y, lines, label)
    if bad is not None:
        raise _bad_cell(path, bad, "not a finite number")
    _refuse_missing(path, _is_missing(y), lines, label)
    return values, (), ()


def _class_targets(path: Path, y: pl.Series, lines: Array, label: str) -> Targets:
    """Whole numbers are used as labels; texts are numbered in alphabetical order."""
    _refuse_missing(path, _is_missing(y, besides=CLASS_NAMES), lines, label)
    values = y.cast(pl.Float64, strict=False)
    if values.null_count() == 0:
        numbers = values.to_numpy()
        broken = np.flatnonzero(~np.isfinite(numbers) | (numbers != np.rint(numbers)) | (np.abs(numbers) > 2**53))
        if len(broken):
            bad = _Bad(int(lines[broken[0]]), label, y[int(broken[0])], len(broken))
            raise UserError(
                f'{path.name}: line {bad.line}, column "{label}" holds "{bad.text}", not the number of a class.',
                "Set Predict to a number, or choose another label column.",
            )
        whole = numbers.astype(np.int64)
        labels = label_values(whole, what=f'{path.name}, column "{label}"')
        return whole, labels, tuple(str(value) for value in labels)
    names = sorted(set(y.to_list()))
    if not 2 <= len(names) <= MAX_CLASSES:
        raise UserError(
            f'{path.name}: the column "{label}" holds {count_of(len(names), "different text")}; 2 to {MAX_CLASSES:,} '
            "classes are possible.",
            "Choose another label column.",
        )
    place = {name: index for index, name in enumerate(names)}
    codes = np.asarray([place[text] for text in y.to_list()], np.int64)
    return codes, tuple(range(len(names))), tuple(names)


def _refuse_missing(path: Path, empty: NDArray[np.bool_], lines: Array, label: str) -> None:
    missing = np.flatnonzero(empty)
    if len(missing):
        raise UserError(
            f'{path.name}: line {lines[missing[0]]} has no label in column "{label}" '
            f"({count_of(len(missing), 'such row')}).",
            "Set empty cells to leave such rows out.",
        )


def _bad_cell(path: Path, bad: _Bad, kind: str) -> UserError:
    text = shortened(printable(bad.text), 40)
    more = f" ({bad.count:,} such cells in this column)" if bad.count > 1 else ""
    hint = (
        "A network learns from numbers: remove the column, or write a number for each text."
        if kind == "a text"
        else "Write numbers with a point, without spaces or other signs."
    )
    return UserError(f'{path.name}: line {bad.line}, column "{bad.column}" holds "{text}", {kind}{more}.', hint)
