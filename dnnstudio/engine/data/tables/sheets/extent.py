"""How many cells a sheet spans, and which columns have formulas without values, told by its XML alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.parsers import expat

from dnnstudio.engine.data.tables.sheets.xml_pieces import NotPlainError

MOST_ROWS, MOST_COLUMNS = 2**20, 2**14
"""What a sheet can have."""
MOST_SHEETS = 10_000
_CELL = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
_KINDS = ("c", "v", "f", "is", "row", "table", "table-row", "table-cell", "covered-table-cell")
_FORMULA = "table:formula"
_VALUES = tuple(f"office:{kind}value" for kind in ("", "date-", "time-", "boolean-", "string-"))


class Extent:
    """How large the rectangle is that the cells of a sheet span: its reader makes room for all of it.

    In Excel's XML a row and a cell may say where they stand; in ODS they say how often they are repeated. A cell has
    its formula in `f` and the value that it last gave in `v` (ECMA-376, part 1, 18.3.1.4), in ODS in attributes (ODF
    1.3, part 3, 19.690 and 19.387). A program that writes a sheet may leave the values to the one that opens it.

    `begin` is called for each of millions of elements; the parser's other handlers are set where they are needed.
    """

    def __init__(self, parser: expat.XMLParserType) -> None:
        self._parser = parser
        parser.StartElementHandler = self.begin
        parser.StartCdataSectionHandler = self._begin_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        self._rows = self._columns = self._row = self._column = self._times = 0
        self._places = False
        self._kinds = {kind: kind for kind in _KINDS}
        self._first = MOST_COLUMNS + 1
        self._without = 0
        self._formula = self._value = self._is_text = self._cdata = False
        self._name = ""
        self._tables = dict[str, int]()

    @property
    def cells(self) -> int:
        """Rows × columns up to the last cell so far."""
        return self._rows * self._columns

    @property
    def without(self) -> int:
        """The columns with formulas that have no value: a bit each, from the first column with a value on."""
        return self._without >> (self._first if self._first <= MOST_COLUMNS else 0)

    @property
    def tables(self) -> Mapping[str, int]:
        """The same of each sheet of an ODS file, once it is read."""
        return self._tables | {self._name: self.without}

    def begin(self, tag: str, about: dict[str, str]) -> None:
        kind = self._kinds.get(tag)
        if kind is None:
            kind = self._kind_of(tag)
        if kind == "c":
            self._places = True
            row = self._row
            if (named := about.get("r")) is not None:
                place = _CELL.fullmatch(named)
                if place is None:
                    raise NotPlainError
                row, self._column = int(place[2]), _column_of(place[1].upper())
            else:
                self._column += 1
            self._see(row, self._column)
            self._formula = self._value = False
            self._is_text = about.get("t") == "str"
            if self._column < self._first:
                self._parser.EndElementHandler = self.end
        elif kind == "v":
            if self._is_text:
                self._value = True  # the empty text is a value of a formula
            elif self._formula or self._column < self._first:
                self._parser.CharacterDataHandler = self._see_value
                self._parser.EndElementHandler = self.end
        elif kind:
            self._begin_other(kind, about)

    def _begin_other(self, kind: str, about: dict[str, str]) -> None:
        match kind:
            case "f":
                self._formula, self._value = True, False
                self._parser.EndElementHandler = self.end
            case "is":
                self._value = True
            case "row":
                self._row, self._column = _number(about.get("r"), self._row + 1), 0
            case "table":
                if self.without and len(self._tables) < MOST_SHEETS:
                    self._tables[self._name] = self.without
                self._name = about.get("table:name", "")
                self._row = self._times = self._without = 0
                self._first = MOST_COLUMNS + 1
            case "table-row":
                self._row += self._times
                self._times = _number(about.get("table:number-rows-repeated"), 1)
                self._column = 0
            case "table-cell" | "covered-table-cell":
                self._begin_table_cell(about)

    def _begin_table_cell(self, about: dict[str, str]) -> None:
        before, times = self._column, _number(about.get("table:number-columns-repeated"), 1)
        self._column += times
        kinds = [value for name, value in about.items() if name.startswith("office:") and name.endswith("value-type")]
        if kinds:
            self._see(self._row + self._times, self._column)
        if _FORMULA in about and "string" not in kinds and not any(name in about for name in _VALUES):
            if before < MOST_COLUMNS:
                self._without |= (1 << min(self._column, MOST_COLUMNS) + 1) - (1 << before + 1)
        elif kinds:
            self._first = min(self._first, before + 1)

    def end(self, tag: str) -> None:
        kind = self._kinds.get(tag)
        if kind == "v":
            self._parser.CharacterDataHandler = None
        elif kind == "c":
            if self._value:
                self._first = min(self._first, self._column)
            elif self._formula:
                self._without |= 1 << self._column
            self._parser.EndElementHandler = None

    def _see_value(self, text: str) -> None:
        # The reader takes what is marked as CDATA for nothing, and what is blank counts as an empty cell.
        if not self._cdata and not text.isspace():
            self._value = True
            self._parser.CharacterDataHandler = None

    def _begin_cdata(self) -> None:
        self._cdata = True

    def _end_cdata(self) -> None:
        self._cdata = False

    def _kind_of(self, tag: str) -> str:
        """What an element of any prefix is; "" for what tells nothing of cells."""
        local = tag.rpartition(":")[2]
        kind = local if local in _KINDS else ""
        if len(self._kinds) < 1000:
            self._kinds[tag] = kind
        return kind

    def _see(self, row: int, column: int) -> None:
        if self._places and (row > MOST_ROWS or column > MOST_COLUMNS):
            raise NotPlainError
        self._rows = max(self._rows, min(row, MOST_ROWS))
        self._columns = max(self._columns, min(column, MOST_COLUMNS))


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 12 else otherwise


def _column_of(letters: str) -> int:
    """The number of a column from 1: 3 for "C", 27 for "AA"."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
