"""A table a block of rows at a time, so that memory does not grow with a file that is only read through.

How a text is written (encoding, separator, names) is found in its first block and holds for all. Sheets, and texts
whose cells are parted by blanks or that are UTF-16, come in one block: they are small, or cannot be cut unread.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.engine.data.reading import Watch, opened
from dnnstudio.engine.data.tables.files import PARQUET, SHEETS, parquet_blocks, read_cells
from dnnstudio.engine.data.tables.text.cells import Cells, text_cells
from dnnstudio.engine.data.tables.text.scan import NEWLINE, QUOTE

BLOCK_BYTES = 2**19
BLOCK_ROWS = 10_000


def cell_blocks(
    source: Table, path: Path, watch: Watch, *, numbers: Collection[str] = (), block_bytes: int = BLOCK_BYTES
) -> Iterator[Cells]:
    """The cells of a table file block by block, with the lines of the whole file. Raises `UserError`.

    `numbers` names the columns that are to be read as numbers in each block where that is possible.
    """
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        yield from parquet_blocks(path, BLOCK_ROWS, watch)
        return
    if suffix in SHEETS:
        yield read_cells(source, path, watch)
        return
    with opened(path, what="the table") as (file, size):
        blocks = _texts(path, file, packed=suffix == ".gz", size=block_bytes, watch=watch)
        first = next(blocks)
        rest = next(blocks, None)
        cells = None if rest is None else _first(first, path, source, numbers, watch)
        if cells is not None and rest is not None:
            yield cells[0]
            yield from _later(rest, blocks, path, cells, first.count(b"\n"), numbers, watch)
            if os.fstat(file.fileno()).st_size != size:
                raise UserError(f"{path.name} changed while it was read.", "Try again once it is complete.")
            return
    yield read_cells(source, path, watch, numbers=numbers)


def _texts(path: Path, file: BinaryIO, *, packed: bool, size: int, watch: Watch) -> Iterator[bytes]:
    """The bytes of a text, cut after whole records."""
    stream = GzipFile(fileobj=file) if packed else file
    held = b""
    while True:
        watch.check()
        try:
            part = stream.read(size)
        except (BadGzipFile, EOFError, zlib.error):
            raise UserError(f"{path.name} is not a whole gzip file.", "Copy or save it again.") from None
        if not part:
            break
        held += part
        cut = _cut(held)
        if cut:
            yield held[:cut]
            held = held[cut:]
    if held or not packed:
        yield held


def _cut(held: bytes) -> int:
    """Where the last whole record ends; 0 where there is none. A line break inside of quotes ends no record.

    A quote that is never closed would hold all that follows: then the last line break decides, and one line is lost.
    """
    data = np.frombuffer(held, np.uint8)
    breaks = data == NEWLINE
    if b'"' in held:
        outside = np.bitwise_xor.accumulate((data == QUOTE).view(np.uint8)) == 0
        whole = np.flatnonzero(breaks & outside)
        if len(whole) and whole[-1] >= len(data) // 2:
            return int(whole[-1]) + 1
    ends = np.flatnonzero(breaks)
    return int(ends[-1]) + 1 if len(ends) else 0


def _first(
    first: bytes, path: Path, source: Table, numbers: Collection[str], watch: Watch
) -> tuple[Cells, Table, bytes] | None:
    """The cells of the first block, how the others are to be read, and the line of names that each needs above it.

    None where the file cannot be read in blocks.
    """
    if b"\0" in first[:1_000]:  # UTF-16, which is cut between two bytes of a letter
        return None
    try:
        cells = text_cells(first, path, source, watch, numbers=numbers)
    except UserError:  # such as names that fill the block
        return None
    if cells.encoding == "utf-16" or cells.separator == "blanks":
        return None
    head = b""
    if cells.header:
        lines = first.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        head = lines[int(cells.lines[0]) - 2] + b"\n"
    fixed = source.replaced(separator=cells.separator, header="yes" if cells.header else "no")
    start = head + b"\n".join(first.split(b"\n")[int(cells.lines[0]) - 1 : int(cells.lines[0]) + 20]) + b"\n"
    try:
        again = text_cells(start, path, fixed, watch)
    except UserError:
        return None
    return (cells, fixed, head) if again.frame.columns == cells.frame.columns else None


def _later(
    rest: bytes,
    blocks: Iterator[bytes],
    path: Path,
    known: tuple[Cells, Table, bytes],
    above: int,
    numbers: Collection[str],
    watch: Watch,
) -> Iterator[Cells]:
    """The other blocks; `above` counts the line breaks before the next one."""
    first, fixed, head = known
    is_plain = first.encoding == "utf-8"
    block: bytes | None = rest
    while block is not None:
        if not block.isspace() and block:
            # What is ASCII so far may turn out to be anything; a byte that is no UTF-8 then says what.
            encoding = None if is_plain else first.encoding
            cells = text_cells(head + block, path, fixed.replaced(encoding=encoding), watch, numbers=numbers)
            shift = above - (1 if head else 0)
            yield replace(cells, lines=cells.lines + shift, notes=(), dropped=(), ragged=cells.ragged + shift)
        above += block.count(b"\n")
        block = next(blocks, None)
