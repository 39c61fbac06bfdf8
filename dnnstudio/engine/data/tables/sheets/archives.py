"""Whether an Excel or ODS file can be given to the reader of sheets at all: not too large, whole, and plain XML.

The reader goes round for ever in an ODS file whose XML breaks off, out of reach of any stop. So the XML is looked
through first, by the standard library's parser and in pieces, between which a stop is heard.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.sheets.extent import Extent
from dnnstudio.engine.data.tables.sheets.formulas import CONTENT, Formulas, sheets_of
from dnnstudio.engine.data.tables.sheets.xml_pieces import NotPlainError, parse

MAX_SHEET_BYTES = 2**30
"""Of an unpacked Excel or ODS file: a small archive may unpack to any size."""
XML = (".xml", ".rels")
BINARY = ".bin"
CELL_BYTES = 64
"""Of each cell of the rectangle, empty ones too, until it is in its column."""
LAST_CELL = 11
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError)
"""What the standard library raises for an archive that is cut, changed, encrypted or of another kind."""

_NO_XML = (expat.ExpatError, LookupError)
"""A name of an encoding that Python does not know is a `LookupError`."""


def check_archive(path: Path, file: BinaryIO, size: int, watch: Watch) -> Formulas:
    """Refuse an archive that is too large, damaged, or not made of whole XML files; which formulas have no value.

    Raises `UserError`, or `Cancelled` by the watch.
    """
    total = size * 2
    formulas = dict[str, int]()
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                total = sum(entry.file_size for entry in archive.infolist())
                _check_size(path, total)
                need_memory(total * 4, what=path.name, packed=size)
                sheets = sheets_of(archive, watch)
                for entry in archive.infolist():
                    names = sheets.get(entry.filename, ())
                    if entry.filename.lower().endswith(BINARY):
                        _check_binary(path, archive, entry, size, watch)
                    if names or entry.filename.lower().endswith(XML):
                        found = _check_xml(path, archive, entry, size, watch)
                        formulas |= found.tables if entry.filename == CONTENT else dict.fromkeys(names, found.without)
    except (*_DAMAGES, *_NO_XML, NotPlainError):
        raise _damaged(path) from None
    check_size(path, total)
    return formulas


def check_size(path: Path, total: int) -> None:
    """Refuse a file that unpacks to more bytes than are read, or than the memory holds. Raises `UserError`."""
    _check_size(path, total)
    need_memory(total * 4, what=path.name)


def _check_size(path: Path, total: int) -> None:
    if total > MAX_SHEET_BYTES:
        raise UserError(
            f"{path.name} unpacks to {byte_size(total)}; sheets of at most {byte_size(MAX_SHEET_BYTES)} are read.",
            "Save it as CSV or Parquet.",
        )


def not_a_sheet(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be read as a sheet.", "Open it in its program and save it again.")


def _damaged(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be read as a sheet: it is damaged.", "Copy or save it again.")


def _check_xml(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int, watch: Watch) -> Extent:
    """Read one XML file of the archive to its end, and count the cells of the sheet that it may be.

    Raises `ExpatError` where it is no whole XML.
    """
    parser = expat.ParserCreate()
    extent = Extent(parser)

    def need_room() -> None:
        need_memory(extent.cells * CELL_BYTES, what=path.name, packed=size)

    with archive.open(entry) as file:
        parse(parser, file, watch, need_room)
    return extent


def _check_binary(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int, watch: Watch) -> None:
    """Count the cells of a sheet of an .xlsb file: records of a type, a length, and so many bytes ([MS-XLSB] 2.1.4).

    Those of type 0 begin a row and those of types 1 to 11 are cells; both begin with their number from 0.
    """
    content, at, rows, columns = archive.read(entry), 0, 0, 0
    while at < len(content):
        kind, at = _varied(content, at, 2)
        length, at = _varied(content, at, 4)
        if kind <= LAST_CELL and length >= 4:
            number = 1 + int.from_bytes(content[at : at + 4], "little")
            rows, columns = (max(rows, number), columns) if kind == 0 else (rows, max(columns, number))
        at += length
        watch.check()
    if "sheet" in entry.filename.lower():
        need_memory(rows * columns * CELL_BYTES, what=path.name, packed=size)


def _varied(content: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of up to `most` bytes, seven bits in each as long as the eighth is set, and the place behind it."""
    number = 0
    for place in range(most):
        byte = content[at + place] if at + place < len(content) else 0
        number |= (byte & 127) << 7 * place
        if byte < 128:
            break
    return number, at + place + 1
