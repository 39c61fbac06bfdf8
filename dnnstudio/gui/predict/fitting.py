"""Whether dropped files look like what a run can answer, from their names and what they begin with. No Qt."""

from __future__ import annotations

import csv
import gzip
import html
import os
import re
import zipfile
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.stored_arrays import array_header
from dnnstudio.core.workspace.run_rows import RunRows

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
TEXTS = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data")
PACKED = ".gz"
SHEETS = (".xlsx", ".xlsm", ".ods")
OTHER_TABLES = (".parquet", ".pq", ".xlsb", ".xls")
"""Not read without a library of tables; the names of their columns stand somewhere in them, whole."""
IDX = "-ubyte"
"""In the name of a file in the format of MNIST, which is data to learn from and no table, also as .gz."""
ARRAYS = ".npz"
_DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError)
HEAD_BYTES = 2**16
INSIDE_BYTES = 2**20
"""So much of each part of a packed file is looked at: all of this happens while files hang over the window."""
_TEXT = re.compile(r"<(?:t|text:p)(?:\s[^>]*)?>([^<]*)</(?:t|text:p)>")
"""A cell's text in the parts of Excel and ODS files."""
LOOKED_AT = 200


def fits(rows: RunRows, paths: Sequence[Path]) -> bool:
    """Whether a run with these rows could answer all of these files."""
    return bool(paths) and all(_fits(rows, path) for path in paths)


def _fits(rows: RunRows, path: Path) -> bool:
    if is_folder_there(path):
        return rows.takes_pictures and _holds_pictures(path)
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return rows.takes_pictures
    if suffix == ARRAYS:
        return bool(rows.shape) and rows.shape in _row_shapes(path)
    if not rows.columns:
        return False
    if suffix in SHEETS:
        return set(rows.columns) <= _sheet_texts(path)
    if suffix in OTHER_TABLES:
        return _names_all(path, rows.columns)
    packed = suffix == PACKED and IDX not in path.name.lower()
    return (packed or suffix in TEXTS) and set(rows.columns) <= first_cells(path)


def first_cells(path: Path) -> set[str]:
    """The cells of a text table's first line that is not blank, by any of the usual separators; also of a .gz."""
    try:
        with gzip.open(path) if path.suffix.lower() == PACKED else path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return set()
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = [line for line in head.decode(encoding, errors="replace").splitlines() if line.strip()]
    if not lines:
        return set()
    found: set[str] = set()
    for sign in ",;\t|":
        cells = next(csv.reader([lines[0]], delimiter=sign, skipinitialspace=True), [])
        found |= {cell.strip() for cell in cells}
    return found


def _sheet_texts(path: Path) -> set[str]:
    """The texts at the beginning of the parts of an Excel or ODS file."""
    found: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name in ("content.xml", "xl/sharedStrings.xml") or name.startswith("xl/worksheets/sheet"):
                    with archive.open(name) as part:
                        text = part.read(INSIDE_BYTES).decode("utf-8", errors="replace")
                    found |= {html.unescape(cell).strip() for cell in _TEXT.findall(text)}
    except _DAMAGED:
        return set()
    return found


def _names_all(path: Path, columns: Sequence[str]) -> bool:
    """Whether all names stand in the first or last bytes of a file, in one of the encodings of such files."""
    try:
        with path.open("rb") as file:
            known = file.read(INSIDE_BYTES)
            file.seek(max(0, path.stat().st_size - INSIDE_BYTES))
            known += file.read(INSIDE_BYTES)
    except OSError:
        return False
    return all(name.encode() in known or name.encode("utf-16-le") in known for name in columns)


def _row_shapes(path: Path) -> set[tuple[int, ...]]:
    """The shapes of a row of each array of an .npz file, by their headers alone."""
    found: set[tuple[int, ...]] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    found.add(array_header(member)[0][1:])
    except (*_DAMAGED, ValueError):
        return found
    return found


def _holds_pictures(folder: Path) -> bool:
    """Whether one of the first files below is a picture."""
    names = (name for _, _, files in os.walk(folder) for name in files)
    return any(name.lower().endswith(PICTURES) for name in islice(names, LOOKED_AT))
