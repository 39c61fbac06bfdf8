"""How many cells a sheet spans, told by its XML alone."""

from __future__ import annotations

import re

MOST_ROWS, MOST_COLUMNS = 2**20, 2**14
"""What a sheet can have."""
_CELL = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")


class NotPlainError(Exception):
    """An XML declares types or entities of its own, which no sheet needs, or names a cell that no sheet has."""


class Extent:
    """How large the rectangle is that the cells of a sheet span: its reader makes room for all of it.

    In Excel's XML a row and a cell may say where they stand; in ODS they say how often they are repeated.
    """

    def __init__(self) -> None:
        self._rows = self._columns = self._row = self._column = self._times = 0
        self._places = False

    @property
    def cells(self) -> int:
        """Rows × columns up to the last cell so far."""
        return self._rows * self._columns

    def begin(self, tag: str, about: dict[str, str]) -> None:
        match tag.rpartition(":")[2]:
            case "row":
                self._row, self._column = _number(about.get("r"), self._row + 1), 0
            case "c":
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
            case "table":
                self._row = 0
            case "table-row":
                self._times = _number(about.get("table:number-rows-repeated"), 1)
                self._column = 0
            case "table-cell" | "covered-table-cell":
                self._column += _number(about.get("table:number-columns-repeated"), 1)
                if any(name.startswith("office:") and name.endswith("value-type") for name in about):
                    self._see(self._row + self._times, self._column)

    def end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "table-row":
            self._row += self._times

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
