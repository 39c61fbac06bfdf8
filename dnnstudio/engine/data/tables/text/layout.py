"""The structure of a CSV file before reading cells: encoding, line ends, separator, and equal numbers of cells per
line.

CSV readers pad or truncate lines of the wrong length and read on after an unclosed quote; here such a line is refused
with its number.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import count_of
from dnnstudio.engine.data.reading import Watch

SEPARATORS = ",;\t|"
MAX_COLUMNS = 10_000
MAX_CELL = 100_000
BLOCK = 2**24
LOOK_ALIKES = (
    (b"PK\x03\x04", "an Excel or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF file"),
    (b"\x93NUMPY", "a NumPy file"),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """`lines` is the line number of each row below the header; `present` is False for blank lines among them."""

    content: bytes
    separator: str
    names: tuple[str, ...]
    lines: NDArray[np.int64]
    present: NDArray[np.bool_]


def find_layout(path: Path, content: bytes, watch: Watch) -> Layout:
    """Check the whole file's structure. Raises `UserError` that names the line."""
    content, before = _plain_text(path, content)
    first = content[: content.find(b"\n") if b"\n" in content else len(content)].decode()
    separator = max(SEPARATORS, key=first.count)
    if separator not in first:
        raise _refuse(path, "its first line holds one column only", "A table needs a column to learn from and a label.")
    scan = _scan_quoted if b'"' in content else _scan_plain
    names, lines, widths = scan(path, content, separator, before, watch)
    _check_names(path, names)
    present = widths > 0
    wrong = np.flatnonzero(present & (widths != len(names)))
    if len(wrong):
        at = wrong[0]
        raise _refuse(
            path,
            f"line {lines[at]} has {count_of(int(widths[at]), 'cell')}, the first line {len(names)}"
            + (f" ({len(wrong):,} such lines)" if len(wrong) > 1 else ""),
            "Mend the line; a separator inside a text needs quotes around the text.",
        )
    if not present.any():
        raise _refuse(path, "it has a first line but no rows", "Choose a file with examples in it.")
    return Layout(content, separator, tuple(names), lines, present)


def _plain_text(path: Path, content: bytes) -> tuple[bytes, int]:
    """UTF-8 with normalized line ends, without blank lines at both ends; and how many there were before the first."""
    for magic, what in LOOK_ALIKES:
        if content.startswith(magic):
            raise _refuse(path, f"it is {what}", "Export it as CSV (UTF-8).")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refuse(path, "it is UTF-16 text", "Save it again as CSV UTF-8.")
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    zero = content.find(b"\0")
    if zero >= 0:
        raise _refuse(
            path, f"line {_line(content, zero)} holds a zero byte", "Is it a text file? Save it as CSV UTF-8."
        )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise _refuse(path, f"line {line} is not UTF-8 text", "Save it again as CSV UTF-8.") from None
    stripped = content.lstrip(b"\n")
    before = len(content) - len(stripped)
    stripped = stripped.rstrip(b"\n")
    if not stripped.strip():
        raise _refuse(path, "it is empty", "Choose a file with examples in it.")
    return stripped, before


def _scan_plain(
    path: Path, content: bytes, separator: str, before: int, watch: Watch
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Cells per line by counting separators; correct if there are no quotes."""
    data = np.frombuffer(content, np.uint8)
    widths = []
    start = 0
    while start < len(content):
        watch.tell(start, len(content), f"Checking {path.name}")
        end = len(content)
        if end - start > BLOCK:
            cut = content.find(b"\n", start + BLOCK)
            end = cut + 1 if cut >= 0 else end
        part = data[start:end]
        begins = np.concatenate(([0], np.flatnonzero(part == 10) + 1))
        begins = begins[begins < len(part)]
        counts = np.add.reduceat(part == ord(separator), begins, dtype=np.int64)
        widths.append(np.where(part[begins] == 10, 0, counts + 1))
        start = end
    cells = np.concatenate(widths)
    first = content[: content.find(b"\n") if b"\n" in content else len(content)].decode()
    lines = np.arange(len(cells), dtype=np.int64) + 1 + before
    return first.split(separator), lines[1:], cells[1:]


def _scan_quoted(
    path: Path, content: bytes, separator: str, before: int, watch: Watch
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Cells per row by the standard library's strict reader, which knows the line at which a row began."""
    reader = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=separator, strict=True)
    names: list[str] = []
    lines: list[int] = []
    widths: list[int] = []
    begun = 1
    csv.field_size_limit(MAX_CELL)
    try:
        for row in reader:
            if begun == 1:
                names = row
            else:
                lines.append(begun + before)
                widths.append(len(row))
                if len(widths) % 10_000 == 0:
                    watch.check()
            begun = reader.line_num + 1
    except csv.Error as error:
        unclosed = "end of data" in str(error) or "field limit" in str(error)
        what = "opens a quote that is never closed" if unclosed else "has a quote in the wrong place"
        raise _refuse(path, f"line {begun + before} {what}", "Close it, or double a quote that is meant.") from None
    return names, np.asarray(lines, np.int64), np.asarray(widths, np.int64)


def _check_names(path: Path, names: list[str]) -> None:
    names[:] = [name.strip() for name in names]
    if len(names) > MAX_COLUMNS:
        raise _refuse(path, f"it has {count_of(len(names), 'column')}, at most {MAX_COLUMNS:,} are read", "Use fewer.")
    if all(_is_number(name) for name in names):
        raise _refuse(path, "its first line holds only numbers", "Put a first line above it that names the columns.")
    for index, name in enumerate(names):
        if not name:
            raise _refuse(path, f"column {index + 1} has no name", "Name it, or remove it if it only numbers the rows.")
        if name in names[:index]:
            raise _refuse(path, f'two columns are named "{name}"', "Rename one of them.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _line(content: bytes, place: int) -> int:
    return content.count(b"\n", 0, place) + 1


def _refuse(path: Path, reason: str, hint: str) -> UserError:
    return UserError(f"{path.name} cannot be read as a table: {reason}.", hint)
