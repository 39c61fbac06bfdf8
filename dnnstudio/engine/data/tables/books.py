"""Books of sheets: Excel and ODS through fastexcel, Excel 97 to 2003 (.xls) through xlrd.

fastexcel makes room for what an .xls file says of itself: one of 5 kB cost a gigabyte, a damaged one 18. xlrd takes
what the cells take, of which a sheet has at most 65,536 × 256, and keeps numbers to their last digit.
"""

from __future__ import annotations

import io
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import polars as pl

from dnnstudio.core.errors import UserError
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.panics import refused_as
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.archives import CELL_BYTES, check_archive

if TYPE_CHECKING:
    import xlrd

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a compound file begins: of the .xls files, those that are no other file under a wrong name."""
_TRUTH = {0: "false", 1: "true"}


class Book(Protocol):
    """A file of sheets."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        """The cells of a sheet as texts, and the number of its last row, from 1. Raises `UserError` or `Cancelled`."""
        ...


def open_book(path: Path, file: BinaryIO, watch: Watch, *, size: int) -> Book:
    """Raises `UserError`, or `Cancelled` by the watch."""
    begins = file.read(len(OLD))
    file.seek(0)
    if begins == OLD and path.suffix.lower() == ".xls":
        return _OldBook(path, file, watch, size)
    check_archive(path, file, size, watch)
    return _Book(path, watch)


def _refusal(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be read as a sheet.", "Open it in its program and save it again.")


class _Book:
    def __init__(self, path: Path, watch: Watch) -> None:
        import fastexcel

        self._path, self._watch, self._fault = path, watch, fastexcel.FastExcelError
        with refused_as(_refusal(path), self._fault):
            self._book = fastexcel.read_excel(path)
            self.names = tuple(self._book.sheet_names)

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        self._watch.check()
        with refused_as(_refusal(self._path), self._fault):
            sheet = self._book.load_sheet(name, header_row=None, dtypes="string")
            return sheet.to_polars(), sheet.total_height


class _OldBook:
    def __init__(self, path: Path, file: BinaryIO, watch: Watch, size: int) -> None:
        import xlrd

        self._path, self._watch, self._size = path, watch, size
        with refused_as(_refusal(path), Exception):  # a damaged file breaks what xlrd takes for granted
            self._book = xlrd.open_workbook(file_contents=file.read(), logfile=io.StringIO(), on_demand=True)
            self.names = tuple(self._book.sheet_names())

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        self._watch.check()
        with refused_as(_refusal(self._path), Exception):
            sheet = self._book.sheet_by_name(name)
        try:
            need_memory(sheet.nrows * sheet.ncols * CELL_BYTES, what=self._path.name, packed=self._size)
            columns = {}
            for place in range(sheet.ncols):
                self._watch.check()
                columns[str(place)] = pl.Series(map(self._text, sheet.col(place)), dtype=pl.String)
            return pl.DataFrame(columns), sheet.nrows
        finally:
            self._book.unload_sheet(name)

    def _text(self, cell: xlrd.sheet.Cell) -> str | None:
        """A cell as fastexcel writes it; a date that the calendar does not have stays its number."""
        import xlrd

        kind, value = cell.ctype, cell.value
        if kind == xlrd.XL_CELL_DATE:
            with suppress(xlrd.xldate.XLDateError, OverflowError, ValueError):
                moment: datetime = xlrd.xldate.xldate_as_datetime(value, self._book.datemode)
                return moment.isoformat(" ", "seconds")
        if kind in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE):
            return str(int(value)) if value == value // 1 else repr(value)
        if kind == xlrd.XL_CELL_BOOLEAN:
            return _TRUTH.get(value, "true")
        return value or None if kind == xlrd.XL_CELL_TEXT else None
