"""A plain text table of numbers as rows, a block at a time by all cores: neither its bytes nor its columns are held.

Only what is plain goes this way: UTF-8 with as many cells in every line, quotes about whole cells of one line, and
numbers with a point. Whatever is not, and every cell that is to be refused, makes `number_rows` give None, and the
general way (`files.read_cells`) reads the file anew: it gives the same rows, and knows what to say of the others.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Column, Separator, Table
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.reading import Watch, opened
from dnnstudio.engine.data.tables.encode import encode
from dnnstudio.engine.data.tables.files import MAX_BYTES, PARQUET, SHEETS
from dnnstudio.engine.data.tables.targets import in_codes, joined
from dnnstudio.engine.data.tables.text.cells import (
    Cells,
    NumberRows,
    column_names,
    first_of_width,
    is_finite,
    named_columns,
    parsed,
    skipped_note,
)
from dnnstudio.engine.data.tables.text.decode import (
    LONGEST_LINES,
    MISSING_SIGNS,
    SAMPLE_BYTES,
    SAMPLE_LINES,
    SIGNS,
    Sample,
    decode,
    find_separator,
    told_separator,
    with_plain_breaks,
    without_blank_end,
)
from dnnstudio.engine.data.tables.text.scan import NEWLINE, scan
from dnnstudio.engine.data.tables.values import NumberSigns

BLOCK_BYTES = 3 * 2**20
"""The calls for smaller ones are felt, and larger ones need memory."""
HEAD_BYTES = SAMPLE_BYTES + 2**16
"""From so many bytes on, the first lines are judged as those of the whole file are."""
POINT = NumberSigns("point", "none")
BLOCK_ROWS = 2**11
"""A block of a wide table is larger, for each column of it costs some calls."""
MORE_ROWS = 1.05
"""Room for more rows than the first lines let expect: memory that is not written to costs nothing."""
WORKERS = max(2, min(8, os.cpu_count() or 1))
"""More would only hold each other up by Python's lock."""


class _NotPlainError(Exception):
    """The file needs the general way."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How every block is read. `offset` is where the first row begins in the file, `line` that row's line.

    `rows_a_byte` is what the first lines let expect.
    """

    source: Table
    path: Path
    sample: Sample
    unnamed: tuple[str, ...]
    notes: tuple[str, ...]
    header: bool
    offset: int
    line: int
    rows_a_byte: float
    numbers: tuple[tuple[int, int, Column], ...]
    """The place in the file, the place in a row, and the column, of those that are read as numbers."""
    others: tuple[tuple[int, Column], ...]
    """The place in the file, and the column, of all others with a role."""
    plain: frozenset[str]
    """The names of all that are read as numbers: a target may be one."""

    @property
    def separator(self) -> Separator:
        return self.sample.separator

    @property
    def signs(self) -> tuple[str, ...]:
        return MISSING_SIGNS if self.source.missing_values is None else self.source.missing_values


@dataclass(frozen=True, slots=True)
class _Block:
    """What one block gave: its other columns, and the numbers' columns that have an empty cell."""

    rest: pl.DataFrame
    gaps: frozenset[str]


def plain_numbers(source: Table) -> frozenset[str]:
    """The columns that may be read as numbers at once, as nothing about them needs a look at the text."""
    if not reads_at_once(source):
        return frozenset()
    wanted = [
        column
        for column in source.columns
        if column.role == "feature" or (column.role == "target" and source.target == "number")
    ]
    return frozenset(column.name for column in wanted if column.kind == "number" and not column.missing_values)


def reads_at_once(source: Table) -> bool:
    """Whether numbers need no look at their texts: they have a point, and no sign of an empty cell, as -999, is one."""
    if source.decimal == "comma" or source.thousands not in (None, "none"):
        return False
    return not any(_is_number(sign) for sign in source.missing_values or ())


def _is_number(sign: str) -> bool:
    try:
        return bool(np.isfinite(float(sign)))
    except ValueError:
        return False


def number_rows(
    source: Table, path: Path, watch: Watch, *, block_bytes: int = BLOCK_BYTES, block_rows: int = BLOCK_ROWS
) -> Cells | None:
    """The table's cells, with the features that are numbers as rows; None where the file needs the general way.

    A block has at least `block_bytes`, and about `block_rows` or more.
    Raises `Cancelled` by the watch, and `UserError` where the file cannot be opened or is too large for the memory.
    """
    numbers = plain_numbers(source)
    if path.suffix.lower() in (*SHEETS, *PARQUET, ".gz") or not any(item.name in numbers for item in source.features):
        return None
    if source.decimal != "point" or source.thousands != "none" or source.encoding not in (None, "utf-8"):
        return None
    with opened(path, what="the table") as (file, size):
        if size > MAX_BYTES:
            return None
        try:
            plan = _plan(file, path, source, numbers, watch)
            rows, gaps, rest = _read(file, size, plan, watch, block_bytes, block_rows)
        except (_NotPlainError, UserError):
            return None
        if os.fstat(file.fileno()).st_size != size:
            return None
    return Cells(
        frame=rest,
        lines=np.arange(plan.line, plan.line + len(rows), dtype=np.int64),
        header=plan.header,
        encoding="utf-8",
        separator=plan.separator,
        unnamed=plan.unnamed,
        notes=plan.notes,
        numbers=NumberRows(rows, frozenset(column.name for _, _, column in plan.numbers), gaps),
    )


def _plan(file: BinaryIO, path: Path, source: Table, numbers: frozenset[str], watch: Watch) -> _Plan:
    """How the blocks are read, by the same steps as the whole text is in the general way."""
    raw = file.read(HEAD_BYTES)
    whole = len(raw) < HEAD_BYTES
    if not whole:
        raw += b"".join(file.readline(LONGEST_LINES) for _ in range(SAMPLE_LINES + 1))  # as `find_separator` sees them
        raw = raw[: raw.rfind(b"\n") + 1]
    content, encoding = decode(raw, path, source.encoding)
    told, skipped = told_separator(content)
    body = without_blank_end(content[skipped:])
    if not whole and len(body) <= SAMPLE_BYTES:
        raise _NotPlainError
    if encoding != "utf-8" or content.count(b"\n") != raw.count(b"\n"):
        raise _NotPlainError
    sample = find_separator(body, path, source.separator or told)
    records = scan(body, SIGNS[sample.separator], watch, what=path.name)
    first = first_of_width(records.widths, sample.width)
    if sample.separator == "blanks" or not records.regular or first is None:
        raise _NotPlainError
    head, offset = named_columns(path, source, sample)
    begin = first + offset
    if begin >= len(records.starts) or (offset and not head[-1]):
        raise _NotPlainError
    names, unnamed, renamed = column_names(head)
    wanted = {column.name: column for column in source.columns if column.role != "ignored"}
    if not wanted.keys() <= set(names):
        raise _NotPlainError
    places = {column.name: place for place, column in enumerate(source.features) if column.name in numbers}
    line = int(records.lines[begin]) + (1 if skipped else 0)
    return _Plan(
        source=source,
        path=path,
        sample=sample,
        unnamed=unnamed,
        notes=(*skipped_note(int(records.lines[first]) - 1), *renamed),
        header=bool(offset),
        offset=_start_of_line(raw, line),
        line=line,
        rows_a_byte=len(records.starts) / len(raw),
        numbers=tuple((place, places[name], wanted[name]) for place, name in enumerate(names) if name in places),
        others=tuple(
            (place, wanted[name]) for place, name in enumerate(names) if name in wanted and name not in places
        ),
        plain=numbers,
    )


def _start_of_line(raw: bytes, line: int) -> int:
    """Where a line, counted from 1, begins."""
    start = 0
    for _ in range(line - 1):
        start = raw.index(b"\n", start) + 1
    return start


def _read(
    file: BinaryIO, size: int, plan: _Plan, watch: Watch, block_bytes: int, block_rows: int
) -> tuple[NDArray[np.float64], frozenset[str], pl.DataFrame]:
    """The rows, the columns with an empty cell, and the frame of all other columns."""
    out = np.empty((round(MORE_ROWS * plan.rows_a_byte * size) + 1, len(plan.source.features)))
    need_memory(out.nbytes, what=plan.path.name)
    size_of_blocks = max(block_bytes, round(block_rows / plan.rows_a_byte))
    done: list[_Block] = []
    pending: deque[Future[_Block]] = deque()
    filled = 0
    file.seek(plan.offset)
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for block, rows in _blocks(file, size_of_blocks):
                watch.tell(file.tell(), size, f"Reading {plan.path.name}")
                while pending and (len(pending) >= WORKERS or filled + rows > len(out)):
                    done.append(pending.popleft().result())
                if filled + rows > len(out):
                    out = _longer(out, filled, filled + rows)
                pending.append(pool.submit(_fill, plan, block, out[filled : filled + rows]))
                filled += rows
            done += [future.result() for future in pending]
        finally:
            pool.shutdown(cancel_futures=True)
    gaps = frozenset[str]().union(*(block.gaps for block in done))
    columns = zip(*(block.rest.iter_columns() for block in done), strict=True)
    return out[:filled], gaps, pl.DataFrame([joined(column) for column in columns])


def _longer(out: NDArray[np.float64], filled: int, rows: int) -> NDArray[np.float64]:
    """The array with room for at least so many rows, the first `filled` of which are kept."""
    longer = np.empty((max(rows, 2 * len(out)), out.shape[1]))
    longer[:filled] = out[:filled]
    return longer


def _blocks(file: BinaryIO, block_bytes: int) -> Iterator[tuple[bytes, int]]:
    """Whole lines of the file, and how many they are; the last ones without blank lines at their end."""
    block = file.read(block_bytes) + file.readline()
    while following := file.read(block_bytes):
        yield block, _lines(block)
        block = following + file.readline()
    block = without_blank_end(with_plain_breaks(block))
    if block.isspace() or not block:  # the general way takes off blank lines however many there are
        raise _NotPlainError
    yield block, _lines(block) + (not block.endswith(b"\n"))


def _lines(block: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == NEWLINE))


def _fill(plan: _Plan, block: bytes, out: NDArray[np.float64]) -> _Block:
    """Put the numbers of a block's lines into `out` [lines, features]. Raises `_NotPlainError`."""
    block = with_plain_breaks(block)
    _require_text(plan, block, len(out))
    numbers = [place for place, _, _ in plan.numbers]
    answers = [place for place, column in plan.others if column.name in plan.plain]
    for frame in parsed(block, plan.sample, [*numbers, *answers], plan.signs, named=False, truncate=False, alone=True):
        if frame.height != len(out):
            break
        _require_width(plan, block, frame)
        gaps = (
            _put(plan, frame, out) if frame.to_series(numbers[0]).dtype == pl.Float64 else _put_texts(plan, frame, out)
        )
        if gaps is not None:
            rest = [_other(plan, frame.to_series(place), column) for place, column in plan.others]
            return _Block(pl.DataFrame(rest), gaps)
    raise _NotPlainError


def _put(plan: _Plan, frame: pl.DataFrame, out: NDArray[np.float64]) -> frozenset[str] | None:
    """Put columns of numbers into `out` and give those with an empty cell; None where one is infinite or NaN."""
    cells = frame.get_columns()
    columns = [cells[place] for place, _, _ in plan.numbers]
    values = pl.DataFrame(columns).to_numpy()
    empty = [column.null_count() for column in columns]
    answers = [cells[place] for place, column in plan.others if column.name in plan.plain]
    if np.count_nonzero(np.isfinite(values)) != values.size - sum(empty) or not all(map(is_finite, answers)):
        return None
    if len(columns) == out.shape[1]:
        out[...] = values
    else:
        for place, (_, index, _) in enumerate(plan.numbers):
            out[:, index] = values[:, place]
    return frozenset(column.name for (_, _, column), count in zip(plan.numbers, empty, strict=True) if count)


def _put_texts(plan: _Plan, frame: pl.DataFrame, out: NDArray[np.float64]) -> frozenset[str]:
    """Put columns of which some cells need a look, such as 5 %, into `out`, and give those with an empty cell."""
    gaps: set[str] = set()
    for place, index, column in plan.numbers:
        out[:, index] = _looked_at(plan, frame.to_series(place), column)
        if np.isnan(out[:, index]).any():
            gaps.add(column.name)
    return frozenset(gaps)


def _looked_at(plan: _Plan, cells: pl.Series, column: Column) -> NDArray[np.float64]:
    encoded = encode(cells, column, plan.source, POINT)
    if encoded.bad.any():
        raise _NotPlainError
    return encoded.values


def _other(plan: _Plan, cells: pl.Series, column: Column) -> pl.Series:
    """The cells of a column that is no row's, those of a target as numbers, or in codes."""
    if column.name in plan.plain and cells.dtype == pl.String:
        cells = pl.Series(_looked_at(plan, cells, column), nan_to_null=True)
    return (in_codes(cells) if column.role == "target" else cells).alias(column.name)


def _require_text(plan: _Plan, block: bytes, rows: int) -> None:
    """The bytes must be UTF-8, and where there are quotes, the lines the records, each of the table's width."""
    if b"\0" in block:
        raise _NotPlainError
    if not block.isascii():
        try:
            block.decode()
        except UnicodeDecodeError:
            raise _NotPlainError from None
    if b'"' in block:
        records = scan(block, SIGNS[plan.separator], Watch(), what=plan.path.name)
        if not (records.regular and len(records.starts) == rows and (records.widths == plan.sample.width).all()):
            raise _NotPlainError


def _require_width(plan: _Plan, block: bytes, frame: pl.DataFrame) -> None:
    """Every line without quotes must have as many cells as the table.

    Polars refuses a line that has more, and fills one that has fewer with empty cells: where the last column has none,
    no line is short. Else there are as many separators as the lines take in all.
    """
    if b'"' in block or not frame.to_series(-1).null_count():
        return
    separators = np.count_nonzero(np.frombuffer(block, np.uint8) == ord(SIGNS[plan.separator]))
    if separators != frame.height * (plan.sample.width - 1):
        raise _NotPlainError
