"""Tables of all kinds of files as cells: text (plain or .gz), Parquet, Excel and ODS, and text from the clipboard."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import MAX_COLUMNS, Table
from dnnstudio.core.text import byte_size, count_of, listed
from dnnstudio.engine.backend.memory import most_of, need_memory
from dnnstudio.engine.data.panics import refused_as
from dnnstudio.engine.data.reading import Watch, opened
from dnnstudio.engine.data.tables.sheets.books import open_book
from dnnstudio.engine.data.tables.sheets.formulas import COMPUTE, places
from dnnstudio.engine.data.tables.text.cells import Cells, column_names, text_cells
from dnnstudio.engine.data.tables.text.decode import has_header
from dnnstudio.engine.data.tables.values import find_number_signs

MAX_BYTES = 2**31
CHUNK = 2**22
MEMORY_FACTOR = 4
"""Text, texts and float64 of one byte of a text table, roughly."""
LINE_BYTES = 120
"""What each line takes besides while it is judged, however short it is: tables that pack well have short lines."""
SHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
PARQUET = (".parquet", ".pq")
TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
_PARQUET_FAULTS = (pl.exceptions.PolarsError, OSError)
_STORED = r"^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$"
"""A number of a sheet as its reader prints it."""


def is_table_file(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    return last in (*SHEETS, *PARQUET, *TEXTS) or (last == ".gz" and (len(suffixes) < 2 or suffixes[-2] in TEXTS))


def read_cells(source: Table, path: Path, watch: Watch, *, numbers: Collection[str] = ()) -> Cells:
    """The cells of a table file; `numbers` names the columns that are to be read as numbers where that is possible.

    Raises `UserError`, or `Cancelled` by the watch.
    """
    suffix = path.suffix.lower()
    with opened(path, what="the table") as (file, size):
        if suffix in PARQUET:
            return _parquet(path)
        if suffix in SHEETS:
            return _sheet(source, path, file, size, watch)
        content = _packed(path, file, size, watch) if suffix == ".gz" else _plain(path, file, size, watch)
    return text_cells(content, path, source, watch, numbers=numbers)


def clipboard_cells(text: str, source: Table, watch: Watch) -> Cells:
    """The cells of a text that was copied from another program. Raises `UserError`."""
    return text_cells(text.encode("utf-8", "replace"), Path("The clipboard"), source.replaced(encoding="utf-8"), watch)


def _plain(path: Path, file: BinaryIO, size: int, watch: Watch) -> bytes:
    if size > MAX_BYTES:
        raise UserError(
            f"{path.name} is larger than {byte_size(MAX_BYTES)}, too large for a text table.",
            "Save it as Parquet, or use fewer rows.",
        )
    need_memory(size * MEMORY_FACTOR, what=path.name)
    return _read(path, file, MAX_BYTES, watch)


def _packed(path: Path, file: BinaryIO, size: int, watch: Watch) -> bytes:
    # Only reading tells how much it is: what comes out is counted as it comes.
    most = min(MAX_BYTES, most_of(size) // MEMORY_FACTOR)
    hint = "Use fewer rows." if most == MAX_BYTES else "Unpack it first, or use fewer rows."
    try:
        with GzipFile(fileobj=file) as unpacked:
            content = _read(path, unpacked, most, watch, hint=hint)
    except (BadGzipFile, EOFError, zlib.error):
        raise UserError(f"{path.name} is not a whole gzip file.", "Copy or save it again.") from None
    need_memory(len(content) * MEMORY_FACTOR + content.count(b"\n") * LINE_BYTES, what=path.name, packed=size)
    return content


def _read(path: Path, file: BinaryIO | GzipFile, limit: int, watch: Watch, *, hint: str = "Use fewer rows.") -> bytes:
    # Pieces that are joined at last would be in memory twice, and would hold Python's lock while they are copied.
    content = BytesIO()
    while part := file.read(CHUNK):
        content.write(part)
        watch.check()
        if content.tell() > limit:
            raise UserError(f"{path.name} holds more than {byte_size(limit)} of text.", hint)
    return content.getvalue()


def _parquet(path: Path) -> Cells:
    with refused_as(_no_parquet(path), *_PARQUET_FAULTS):
        lazy = pl.scan_parquet(path, glob=False)
        schema = lazy.collect_schema()
        if len(schema) > MAX_COLUMNS:
            raise UserError(
                f"{path.name} has {count_of(len(schema), 'column')}; at most {MAX_COLUMNS:,} are read.",
                "Use fewer columns.",
            )
        rows = int(lazy.select(pl.len()).collect().item())
        need_memory(rows * len(schema) * 24, what=path.name, packed=path.stat().st_size)
        frame = lazy.collect()
    return _parquet_cells(path, frame, 1)


def _no_parquet(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be read as a Parquet file.", "Copy or save it again.")


def parquet_blocks(path: Path, rows: int, watch: Watch) -> Iterator[Cells]:
    """The cells of a Parquet file, so many rows at a time. Raises `UserError`, or `Cancelled` by the watch."""
    with refused_as(_no_parquet(path), *_PARQUET_FAULTS):
        lazy = pl.scan_parquet(path, glob=False)
        total = int(lazy.select(pl.len()).collect().item())
    for start in range(0, max(total, 1), rows):
        watch.check()
        with refused_as(_no_parquet(path), *_PARQUET_FAULTS):
            frame = lazy.slice(start, rows).collect()
        cells = _parquet_cells(path, frame, start + 1)
        yield cells if start == 0 else replace(cells, notes=())


def _parquet_cells(path: Path, frame: pl.DataFrame, first: int) -> Cells:
    """Rows of a Parquet file, the first of which is the row `first` of the file."""
    notes: list[str] = []
    columns = []
    for column in frame.iter_columns():
        kept = _plain_column(column)
        if kept is None:
            notes.append(f'Column "{column.name}" holds {column.dtype}, not plain values, and is left out.')
        else:
            columns.append(kept)
    frame = pl.DataFrame(columns)
    if not frame.height or frame.width < 2:
        raise _too_small(path)
    names, unnamed, renamed = column_names(frame.columns)
    frame.columns = names
    lines = np.arange(first, frame.height + first, dtype=np.int64)
    return Cells(frame, lines, header=True, unnamed=unnamed, notes=(*notes, *renamed), place="row")


def _plain_column(column: pl.Series) -> pl.Series | None:
    """Numbers as float64, dates as they are, true and false and all texts as texts; None for what is none of these."""
    kind = column.dtype
    if kind.is_float():
        return column.cast(pl.Float64).fill_nan(None)
    if kind.is_numeric():
        exact = kind.is_decimal() or column.dtype in (pl.Int64, pl.UInt64, pl.Int128)
        return column.cast(pl.String) if exact and _beyond_float(column) else column.cast(pl.Float64)
    if kind in (pl.Date, pl.Datetime):
        return column
    if kind in (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Time, pl.Null):
        return column.cast(pl.String)
    return None


def _beyond_float(column: pl.Series) -> bool:
    """Whether whole numbers are so large that two of them would become one as float64: keys, not measures."""
    high = column.cast(pl.Float64).abs().max()
    return isinstance(high, float) and high > 2**53


def _sheet(source: Table, path: Path, file: BinaryIO, size: int, watch: Watch) -> Cells:
    """The cells of the sheet that `source` names, else of the first that holds a table."""
    wanted = source.sheet
    refused = _too_small(path)
    book = open_book(path, file, watch, size=size)
    names = book.names
    if wanted is not None and wanted not in names:
        raise UserError(f'{path.name} has no sheet "{wanted}".', f"It has: {', '.join(names[:12])}.")
    for name in names if wanted is None else (wanted,):
        frame, height = book.load(name)
        notes = (
            (f'{path.name} has {len(names)} sheets; "{name}" is read.',) if wanted is None and len(names) > 1 else ()
        )
        without = places(book.formulas, name)
        try:
            return replace(_sheet_cells(source, path, frame, height, notes, without), sheets=names, sheet=name)
        except UserError:  # an empty sheet, or a cover: the table is on another
            if not _is_small(frame):
                raise
            if without:
                refused = UserError(f'In {path.name}, formulas of the sheet "{name}" were never computed.', COMPUTE)
    raise refused


def sheets_of(path: Path, watch: Watch) -> tuple[str, ...]:
    """The names of the sheets of a file; none of a file that is no Excel or ODS. Raises `UserError`."""
    if path.suffix.lower() not in SHEETS:
        return ()
    with opened(path, what="the table") as (file, size):
        return open_book(path, file, watch, size=size).names


def _is_small(frame: pl.DataFrame) -> bool:
    """Whether a sheet is empty, or holds fewer than two rows or columns."""
    filled = [name for name in frame.columns if frame[name].null_count() < frame.height]
    return len(filled) < 2 or frame.height < 2


def _sheet_cells(
    source: Table, path: Path, frame: pl.DataFrame, height: int, notes: tuple[str, ...], without: Collection[int]
) -> Cells:
    """`without` are the places of columns with formulas that have no value."""
    formulas = {name for place, name in enumerate(frame.columns) if place in without}
    lines = np.arange(1, frame.height + 1, dtype=np.int64) + (height - frame.height)
    frame = frame[[name for name in frame.columns if frame[name].null_count() < frame.height]]
    if frame.height < 2 or frame.width < 2:
        raise _too_small(path)
    if frame.width > MAX_COLUMNS:
        raise UserError(
            f"{path.name} has {count_of(frame.width, 'column')}; at most {MAX_COLUMNS:,} are read.",
            "Use fewer columns.",
        )
    filled = frame.select(pl.sum_horizontal(pl.all().is_not_null())).to_series().to_numpy()
    # Titles above a table fill a cell or two; the head fills most of its columns.
    first = int(np.argmax(filled > frame.width / 2)) if (filled > frame.width / 2).any() else 0
    above = int(np.count_nonzero(filled[:first]))
    rows = [tuple(cell or "" for cell in row) for row in frame[first : first + 1_000].rows()]
    named = source.header == "yes" or (source.header is None and has_header(rows))
    head = [cell.strip() for cell in rows[0]] if named else [""] * frame.width
    begin = first + named
    keep = filled[begin:] > 0
    frame, lines = frame[begin:].filter(pl.Series(keep)), lines[begin:][keep]
    if not frame.height:
        raise _too_small(path)
    names, unnamed, renamed = column_names(head)
    uncomputed = [name for name, before in zip(names, frame.columns, strict=True) if before in formulas]
    frame.columns = names
    frame = _with_stored_numbers(source, frame)
    skipped = (f"{count_of(above, 'row')} above the table left out.",) if above else ()
    return Cells(
        frame,
        lines,
        header=named,
        unnamed=unnamed,
        notes=(*notes, *skipped, *renamed, *_of_uncomputed(uncomputed)),
        place="row",
        uncomputed=frozenset(uncomputed),
    )


def _of_uncomputed(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    which = listed([f'"{name}"' for name in names])
    has = "Column {} has" if len(names) == 1 else "Columns {} have"
    return (f"{has.format(which)} formulas whose values were never computed: they count as empty cells. {COMPUTE}",)


def _with_stored_numbers(source: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The sheet's numbers with a fraction as float64 where texts beside them have a decimal comma.

    A stored number comes as text with a point, whatever the signs of the texts, which would then misread it.
    """
    stored = [column.name for column in frame.iter_columns() if _is_stored(column)]
    texts = (column for column in frame.iter_columns() if column.name not in stored)
    if not stored or "comma" not in (source.decimal, find_number_signs(texts, None).decimal):
        return frame
    return frame.with_columns(pl.col(stored).cast(pl.Float64))


def _is_stored(column: pl.Series) -> bool:
    """Whether all cells look as stored numbers do; three decimals in each of them could be thousands of a text."""
    cells = column.drop_nulls()
    fractions = cells.filter(cells.str.contains(".", literal=True))
    if not len(fractions) or bool(fractions.str.contains(r"\.\d{3}$").all()):
        return False
    return bool(cells.str.contains(_STORED).all())


def _too_small(path: Path) -> UserError:
    return UserError(
        f"{path.name} holds no table: it needs two columns and a row below their names.",
        "Choose another file or sheet.",
    )
