"""The cells of a text table, as text or directly as numbers; invalid input is reported with its line number."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import MAX_COLUMNS, Encoding, Separator, Table
from dnnstudio.core.text import count_of, shortened
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.text.decode import (
    MISSING_SIGNS,
    SIGNS,
    Sample,
    decode,
    find_separator,
    has_header,
    told_separator,
    without_blank_end,
)
from dnnstudio.engine.data.tables.text.scan import Records, scan

SHOWN_LINES = 5
WIDE = 1_000
"""A table of more columns is parsed by one core."""
VERY_WIDE, SMALL = 3_000, 8 * 2**20
"""A text of more columns and fewer bytes is parsed some columns at a time."""
KEPT_LINES = 100
"""So many of the lines that are no rows are kept as they stand."""
KEPT_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Dropped:
    """A line that is no row: how many cells it has instead, and how it begins."""

    line: int
    cells: int
    text: str


@dataclass(frozen=True, slots=True)
class NumberRows:
    """Columns that were read as numbers at once, as the rows that a network is taught from.

    `rows` is float64 [rows, features]; filled are the columns of the features `names`, NaN where a cell is empty.
    `gaps` are those of `names` with an empty cell.
    """

    rows: NDArray[np.float64]
    names: frozenset[str]
    gaps: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as stored in its file.

    `frame` contains text (null for an empty cell), or numbers and dates if the file or the caller says so. `lines` is
    the line or row of each record in the file, counted from 1. `unnamed` are the columns whose names were generated.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    header: bool
    encoding: Encoding | None = None
    separator: Separator | None = None
    unnamed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    place: str = field(default="line")
    """The unit of a row's position: "line" in a text, "row" in a sheet."""
    sheets: tuple[str, ...] = ()
    """The sheets of the file, where it has any."""
    sheet: str | None = None
    """The one of them that was read."""
    dropped: tuple[Dropped, ...] = ()
    """The first of the lines that have another number of cells."""
    dropped_count: int = 0
    ragged: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The lines of all of them."""
    ragged_note: str = ""
    """The one of `notes` that tells of the dropped lines; a window that shows the lines themselves leaves it out."""
    uncomputed: frozenset[str] = frozenset()
    """Columns of a sheet with formulas whose values were never computed; their cells are empty."""
    numbers: NumberRows | None = None
    """The columns that are rows of numbers already, and are not in `frame`; of the others it has those with a role."""


def text_cells(content: bytes, path: Path, source: Table, watch: Watch, *, numbers: Collection[str] = ()) -> Cells:
    """The cells of a text. `numbers` names columns to be read as numbers with a point; all others stay texts.

    Where one of them holds anything else, all columns stay texts. Raises `UserError`.
    """
    content, encoding = decode(content, path, source.encoding)
    told, skipped = told_separator(content)
    body = without_blank_end(content[skipped:])
    sample = find_separator(body, path, source.separator or told)
    sign = SIGNS[sample.separator]
    above = 1 if skipped else 0
    records = scan(body, sign, watch, what=path.name)
    first = first_of_width(records.widths, sample.width)
    if sample.separator == "blanks" or not records.regular or first is None:
        return _careful(body, path, source, sample, encoding, above)
    head, offset = named_columns(path, source, sample)
    begin = first + offset
    signs = MISSING_SIGNS if source.missing_values is None else source.missing_values
    frame = _quick(body, records, begin, sample, head, numbers, signs)
    if frame is None:
        return _careful(body, path, source, sample, encoding, above)
    widths = records.widths[begin:]
    keep = widths == sample.width
    lines = records.lines[begin:] + above
    ragged = np.flatnonzero((widths > 0) & ~keep)
    ragged_lines = lines[ragged]
    ragged_note = _ragged_note(ragged_lines, sample.width)
    notes = (*skipped_note(int(records.lines[first]) - 1), *ragged_note)
    dropped = tuple(
        Dropped(int(lines[row]), int(widths[row]), _beginning(body, int(records.starts[begin + row])))
        for row in ragged[:KEPT_LINES]
    )
    if not keep.all():
        frame, lines = frame.filter(pl.Series(keep)), lines[keep]
    found = _finished(path, frame, lines, head, sample, encoding, notes, named=bool(offset), ragged=len(ragged) > 0)
    return replace(
        found,
        dropped=dropped,
        dropped_count=len(ragged),
        ragged=ragged_lines,
        ragged_note="".join(ragged_note),
    )


def _beginning(body: bytes, start: int) -> str:
    """The first letters of the line that starts there."""
    end = body.find(b"\n", start)
    line = body[start : len(body) if end < 0 else end]
    return line[: 4 * KEPT_LETTERS].decode(errors="ignore")[:KEPT_LETTERS]


def first_of_width(widths: Sequence[int] | NDArray[np.int64], width: int) -> int | None:
    """The first record of the usual width, or one that is one cell shorter directly above such a one (R
    omits a name). `widths` are the cells of each record, [records].
    """
    for index in range(min(len(widths), 1_000)):
        if widths[index] == width:
            return index
        if widths[index] == width - 1 > 1 and index + 1 < len(widths) and widths[index + 1] == width:
            return index
    return None


def named_columns(path: Path, source: Table, sample: Sample) -> tuple[list[str], int]:
    """The column names, and how many records they occupy: one, or none if names are generated."""
    first = first_of_width([len(record) for record in sample.records], sample.width) or 0
    records = sample.records[first:]
    if sample.width > MAX_COLUMNS:
        raise UserError(
            f"{path.name} has {count_of(sample.width, 'column')}; at most {MAX_COLUMNS:,} are read.",
            "Use fewer columns.",
        )
    names = [cell.strip() for cell in records[0]]
    short = len(names) == sample.width - 1
    wanted = source.header
    if short or wanted == "yes" or (wanted is None and has_header(records)):
        names[0] = names[0].removeprefix("#").strip()
        return (["", *names] if short else names), 1
    return [""] * sample.width, 0


def _quick(
    body: bytes,
    records: Records,
    begin: int,
    sample: Sample,
    head: list[str],
    numbers: Collection[str],
    signs: Collection[str],
) -> pl.DataFrame | None:
    """The rows read by polars, as numbers if requested and possible; None if polars finds other rows than `scan`."""
    if begin >= len(records.starts):
        return pl.DataFrame(schema={str(place): pl.String for place in range(len(head))})
    named = begin == 1 and records.starts[begin] > 0
    part = body if named else body[records.starts[begin] :]
    places = [place for place, name in enumerate(column_names(head)[0]) if name in numbers]
    frames = parsed(part, sample, places, signs, named=named, truncate=True)
    frame = next((frame for frame in frames if all(is_finite(column) for column in frame.iter_columns())), None)
    return frame if frame is not None and frame.height == len(records.starts) - begin else None


def parsed(
    content: bytes,
    sample: Sample,
    numbers: Sequence[int],
    signs: Collection[str],
    *,
    named: bool,
    truncate: bool,
    alone: bool = False,
) -> Iterator[pl.DataFrame]:
    """The records of a text as columns "0", "1", …, in the ways in which polars can read them, the quickest first.

    Those at the places `numbers` are float64 first, which may hold NaN and infinity, and texts like all others at last.
    `named` says that the first record is to be left out. A record with too many cells is cut where `truncate`, else it
    ends all. `alone` keeps to one core, for a block among others.
    """
    texts: dict[str, pl.DataType] = {str(place): pl.String() for place in range(sample.width)}
    mixed = texts | {str(place): pl.Float64() for place in numbers}
    missing = sorted({variant for sign in signs for variant in (sign, sign.lower(), sign.upper())})
    # A list of missing-value signs makes polars half as fast, and most tables use none.
    tries = [(mixed, None), (mixed, missing)] if numbers else []
    read = partial(
        pl.read_csv,
        content,
        separator=SIGNS[sample.separator],
        has_header=named,
        quote_char='"',
        truncate_ragged_lines=truncate,
        # Of each column every core holds some 17 kB, however few its cells.
        n_threads=1 if alone or sample.width > WIDE else None,
        raise_if_empty=False,  # to look whether there is anything, polars copies all of it under Python's lock
    )
    # What a column holds for cells to come is let go of, some columns at a time, where it is more than the cells.
    apart = sample.width > VERY_WIDE and len(content) < SMALL
    blocks = [list(range(first, min(first + WIDE, sample.width))) for first in range(0, sample.width, WIDE)]
    for schema, marks in (*tries, (texts, None)):
        try:
            if apart:
                parts = [read(schema=schema, null_values=marks, columns=block).shrink_to_fit() for block in blocks]
                frame = pl.concat(parts, how="horizontal", strict=True)
            else:
                frame = read(schema=schema, null_values=marks)
            # The signs must not be lost from texts, of which they may be a part.
            hit = [place for place, kind in enumerate(schema.values()) if kind == pl.String and marks]
            if any(frame.to_series(place).null_count() for place in hit):
                frame = frame.with_columns(read(schema=texts, columns=hit))
        except pl.exceptions.PolarsError:
            continue
        yield frame


def is_finite(column: pl.Series) -> bool:
    """Whether all numbers of a column are finite; several times quicker than to ask polars."""
    if column.dtype != pl.Float64:
        return True
    return bool(np.count_nonzero(np.isfinite(column.to_numpy())) == len(column) - column.null_count())


def _careful(body: bytes, path: Path, source: Table, sample: Sample, encoding: Encoding, above: int) -> Cells:
    """Line by line: whitespace separators, and quotes in unusual positions, where at most one line is lost."""
    lines = body.decode().split("\n")
    rows = [parse_line(line, sample.separator) for line in lines]
    widths = [len(row) for row in rows]
    first = first_of_width(widths, sample.width)
    if first is None:
        raise UserError(f"{path.name} cannot be read as a table: its quotes are not closed.", "Mend the file.")
    head, offset = named_columns(path, source, sample)
    begin = first + offset
    kept = [index for index in range(begin, len(rows)) if widths[index] == sample.width]
    ragged = np.asarray(
        [i + 1 + above for i in range(begin, len(rows)) if widths[i] not in (0, sample.width)], np.int64
    )
    columns = zip(*(rows[index] for index in kept), strict=True) if kept else [[] for _ in head]
    frame = pl.DataFrame({str(place): pl.Series(list(cells), dtype=pl.String) for place, cells in enumerate(columns)})
    ragged_note = _ragged_note(ragged, sample.width)
    notes = (*skipped_note(first), *ragged_note)
    numbers = np.asarray(kept, np.int64) + 1 + above
    found = _finished(path, frame, numbers, head, sample, encoding, notes, named=bool(offset), ragged=len(ragged) > 0)
    dropped = tuple(
        Dropped(int(line), widths[line - 1 - above], lines[line - 1 - above][:KEPT_LETTERS])
        for line in ragged[:KEPT_LINES]
    )
    return replace(found, dropped=dropped, dropped_count=len(ragged), ragged=ragged, ragged_note="".join(ragged_note))


def parse_line(line: str, separator: Separator) -> list[str]:
    """The cells of one line; none if it is blank."""
    if not line.strip():
        return []
    if separator == "blanks":
        line = line.strip().replace("\t", " ")
        if '"' not in line:
            return line.split()
    try:
        return next(csv.reader([line], delimiter=SIGNS[separator], skipinitialspace=True))
    except csv.Error:
        return line.split(SIGNS[separator])


def skipped_note(count: int) -> tuple[str, ...]:
    return (f"{count_of(count, 'line')} above the table left out.",) if count > 0 else ()


def _ragged_note(lines: NDArray[np.int64], width: int) -> tuple[str, ...]:
    if not len(lines):
        return ()
    shown = ", ".join(str(line) for line in lines[:SHOWN_LINES])
    more = f" and {len(lines) - SHOWN_LINES:,} more" if len(lines) > SHOWN_LINES else ""
    word, verb = ("Line", "has") if len(lines) == 1 else ("Lines", "have")
    return (
        f"{word} {shown}{more} {verb} not {width} cells as the others and {'is' if verb == 'has' else 'are'} left out.",
    )


def _finished(
    path: Path,
    frame: pl.DataFrame,
    lines: NDArray[np.int64],
    head: list[str],
    sample: Sample,
    encoding: Encoding,
    notes: tuple[str, ...],
    *,
    named: bool,
    ragged: bool,
) -> Cells:
    if not frame.height and ragged:
        raise UserError(
            f"{path.name} cannot be read as a table: none of its lines has {len(head)} cells as the first one has.",
            "Choose the separator, or close quotes that are open.",
        )
    if not frame.height:
        raise UserError(f"{path.name} has a first line but no rows.", "Choose a file with examples in it.")
    if len(head) > 1 and not head[-1] and named and frame.to_series(-1).null_count() == frame.height:
        frame, head = frame[:, :-1], head[:-1]  # every line ends with a separator
    names, unnamed, renamed = column_names(head)
    frame.columns = names
    return Cells(
        frame=frame,
        lines=lines,
        header=named,
        encoding=encoding,
        separator=sample.separator,
        unnamed=unnamed,
        notes=(*notes, *renamed),
    )


def column_names(head: Sequence[str]) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """Unique column names, those generated for unnamed columns, and a note on them."""
    names: list[str] = []
    unnamed: list[str] = []
    notes: list[str] = []
    wanted = ["".join(c for c in given if c.isprintable())[:200] for given in head]
    taken, used = {name for name in wanted if name}, set[str]()
    for place, raw in enumerate(wanted):
        name = raw
        if not name:
            name = _free(f"column_{place + 1}", taken)
            unnamed.append(name)
        elif name in used:
            name = _free(f"{name}_2", taken)
            notes.append(f'Two columns are named "{shortened(raw)}"; the later one is called "{name}".')
        taken.add(name)
        used.add(name)
        names.append(name)
    return names, tuple(unnamed), tuple(notes)


def _free(name: str, taken: Collection[str]) -> str:
    stem, _, number = name.rpartition("_")
    count = int(number)
    while f"{stem}_{count}" in taken:
        count += 1
    return f"{stem}_{count}"
