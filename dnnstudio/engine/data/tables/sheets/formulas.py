"""Formulas of an Excel or ODS file whose values were never computed: their cells read as empty.

Which they are tells `Extent`, part by part; here is which part is which sheet.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Mapping
from xml.parsers import expat

from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.sheets.xml_pieces import parse

COMPUTE = "Open the file in its spreadsheet program and save it there."
CONTENT = "content.xml"
"""The part of an ODS file that holds its sheets."""
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
Formulas = Mapping[str, int]
"""Sheet → the columns that have formulas without values: a bit each, from the first column that has a value on."""


def sheets_of(archive: zipfile.ZipFile, watch: Watch) -> Mapping[str, tuple[str, ...]]:
    """The parts of an Excel file that are sheets, wherever they lie, with their names.

    Raises `NotPlainError`, `Cancelled` by the watch, and what `zipfile` and expat do.
    """
    parts = {_plain(name): name for name in archive.namelist()}
    if not {_BOOK, _LINKS} <= parts.keys():
        return {}
    links, sheets = dict[str, str](), dict[str, tuple[str, ...]]()

    def see_link(tag: str, about: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            links[about.get("Id", "")] = about.get("Target", "")

    def see_sheet(tag: str, about: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            ids = (value for key, value in about.items() if key.endswith(":id"))
            part = parts.get(_plain(posixpath.normpath(posixpath.join("/xl", links.get(next(ids, ""), "")))[1:]))
            if part is not None:
                sheets[part] = (*sheets.get(part, ()), about.get("name", ""))

    for part, see in ((_LINKS, see_link), (_BOOK, see_sheet)):
        parser = expat.ParserCreate()
        parser.StartElementHandler = see
        with archive.open(parts[part]) as file:
            parse(parser, file, watch)
    return sheets


def places(formulas: Formulas, name: str) -> frozenset[int]:
    """The places of such columns of a sheet, from 0 at the first one that has a value."""
    return frozenset(place for place, bit in enumerate(bin(formulas.get(name, 0))[:1:-1]) if bit == "1")


def _plain(part: str) -> str:
    """The name of a part as readers compare them."""
    return part.replace("\\", "/").lower()
