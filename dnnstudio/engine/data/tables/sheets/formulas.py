"""Formulas of an Excel file whose values were never computed: their cells read as empty.

A program that writes a sheet leaves the values to the one that opens it (ECMA-376, part 1, 18.3.1.40: a cell has its
formula in `f` and the value that it last gave in `v`).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from xml.parsers import expat

from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.sheets.extent import MOST_COLUMNS, Extent

COMPUTE = "Open the file in its spreadsheet program and save it there."
SHEETS = "xl/worksheets/"
_BOOK, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
Formulas = Mapping[str, Mapping[int, int]]
"""Sheet → place of a column, from 0 at the first one that has a value → how many of its formulas have none."""


REACH = 256
"""Bytes that such a formula's end and the end of its cell take at most."""
CHUNK = 2**20
_NO_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*(?:</(?:\w+:)?c>|<(?:\w+:)?v\s*/>|<(?:\w+:)?v\s*></)"
)


def may_lack_values(piece: bytes) -> bool:
    """Whether a part of a sheet has a formula without a value; a quick look at bytes, before a careful one."""
    return (b"<f" in piece or b":f" in piece) and _NO_VALUE.search(piece) is not None


def without(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, watch: Watch) -> dict[int, int]:
    """The columns of a sheet that have formulas without a value, and how many. Raises what `zipfile` and expat do."""
    parser = expat.ParserCreate()
    cells = _FormulaCells(parser)
    parser.StartElementHandler = cells.begin
    parser.EndElementHandler = cells.end
    with archive.open(entry) as file:
        while piece := file.read(CHUNK):
            watch.check()
            parser.Parse(piece, False)
    parser.Parse(b"", True)
    return cells.without


class _FormulaCells(Extent):
    """Counts the formulas of each column that have no value."""

    def __init__(self, parser: expat.XMLParserType) -> None:
        super().__init__()
        self._parser = parser
        self._first = MOST_COLUMNS + 1
        self._without = Counter[int]()
        self._formula = self._value = self._is_text = False

    @property
    def without(self) -> dict[int, int]:
        """The place of a column among those from the first with a value on → how many formulas have none."""
        return {column - self._first: count for column, count in self._without.items() if column >= self._first}

    def begin(self, tag: str, about: dict[str, str]) -> None:
        super().begin(tag, about)
        match tag.rpartition(":")[2]:
            case "c":
                self._formula = self._value = False
                self._is_text = about.get("t") == "str"
            case "f":
                self._formula = True
            case "v" if self._is_text:
                self._value = True  # the empty text is a value of a formula
            case "v" if self._formula or self._column < self._first:
                self._parser.CharacterDataHandler = self._see_value
            case "is":
                self._value = True

    def end(self, tag: str) -> None:
        super().end(tag)
        match tag.rpartition(":")[2]:
            case "v":
                self._parser.CharacterDataHandler = None
            case "c" if self._value:
                self._first = min(self._first, self._column)
            case "c" if self._formula:
                self._without[self._column] += 1

    def _see_value(self, text: str) -> None:
        del text
        self._value = True


def by_name(archive: zipfile.ZipFile, found: Mapping[str, Mapping[int, int]]) -> Formulas:
    """What was found in the parts of the archive, by the names of the sheets. Raises what `zipfile` and expat do."""
    found = {part: columns for part, columns in found.items() if columns}
    if not found or not {_BOOK, _LINKS} <= set(archive.namelist()):
        return {}
    links, named = dict[str, str](), dict[str, Mapping[int, int]]()

    def see_link(tag: str, about: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "Relationship":
            links[about.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", about.get("Target", "")))[1:]

    def see_sheet(tag: str, about: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            ids = (value for key, value in about.items() if key.endswith(":id"))
            part = links.get(next(ids, ""), "")
            if part in found:
                named[about.get("name", "")] = found[part]

    for part, see in ((_LINKS, see_link), (_BOOK, see_sheet)):
        parser = expat.ParserCreate()
        parser.StartElementHandler = see
        parser.Parse(archive.read(part), True)
    return named
