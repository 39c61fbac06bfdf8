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
from dnnstudio.engine.data.reading import Watch, need_memory

MAX_SHEET_BYTES = 2**30
"""Of an unpacked Excel or ODS file: a small archive may unpack to any size."""
CHUNK = 2**20
XML = (".xml", ".rels")


_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError)
"""What the standard library raises for an archive that is cut, changed, encrypted or of another kind."""


class _NotPlainError(Exception):
    """The XML declares types or entities of its own, which no sheet needs."""


def check_archive(path: Path, file: BinaryIO, size: int, watch: Watch) -> None:
    """Refuse an archive that is too large, damaged, or not made of whole XML files.

    Raises `UserError`, or `Cancelled` by the watch.
    """
    total = size * 2
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                total = sum(entry.file_size for entry in archive.infolist())
                _check_size(path, total)
                for entry in archive.infolist():
                    if entry.filename.lower().endswith(XML):
                        _check_xml(archive, entry, watch)
    except (*_DAMAGES, expat.ExpatError, _NotPlainError):
        raise _damaged(path) from None
    _check_size(path, total)
    need_memory(total * 2, what=path.name)


def _check_size(path: Path, total: int) -> None:
    if total > MAX_SHEET_BYTES:
        raise UserError(
            f"{path.name} unpacks to {byte_size(total)}; sheets of at most {byte_size(MAX_SHEET_BYTES)} are read.",
            "Save it as CSV or Parquet.",
        )


def _damaged(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be read as a sheet: it is damaged.", "Copy or save it again.")


def _check_xml(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, watch: Watch) -> None:
    """Read one XML file of the archive to its end. Raises `ExpatError` where it is no whole XML."""
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse
    with archive.open(entry) as file:
        while piece := file.read(CHUNK):
            watch.check()
            parser.Parse(piece, False)
    parser.Parse(b"", True)


def _refuse(*declared: object) -> None:
    raise _NotPlainError
