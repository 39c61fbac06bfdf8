"""Books of sheets: Excel and ODS through fastexcel, Excel 97 to 2003 (.xls) through xlrd.

fastexcel makes room for what an .xls file says of itself: one of 5 kB cost a gigabyte, a damaged one 18.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl

from dnnstudio.engine.data.panics import refused_as
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.sheets.archives import check_archive, check_size, not_a_sheet
from dnnstudio.engine.data.tables.sheets.formulas import Formulas

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How a compound file begins: of the .xls files, those that are no other file under a wrong name."""


class Book(Protocol):
    """A file of sheets."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def formulas(self) -> Formulas:
        """The formulas whose values were never computed."""
        ...

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        """The cells of a sheet as texts, and the number of its last row, from 1. Raises `UserError` or `Cancelled`."""
        ...


def open_book(path: Path, file: BinaryIO, watch: Watch, *, size: int) -> Book:
    """Raises `UserError`, or `Cancelled` by the watch."""
    begins = file.read(len(OLD))
    file.seek(0)
    if begins == OLD and path.suffix.lower() == ".xls":
        from dnnstudio.engine.data.tables.sheets.old_books import OldBook

        check_size(path, size)
        return OldBook(path, file, watch, size)
    return _Book(path, watch, check_archive(path, file, size, watch))


class _Book:
    def __init__(self, path: Path, watch: Watch, formulas: Formulas) -> None:
        import fastexcel

        self.formulas = formulas
        self._path, self._watch, self._fault = path, watch, fastexcel.FastExcelError
        with refused_as(not_a_sheet(path), self._fault):
            self._book = fastexcel.read_excel(path)
            self.names = tuple(self._book.sheet_names)

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        self._watch.check()
        with refused_as(not_a_sheet(self._path), self._fault):
            sheet = self._book.load_sheet(name, header_row=None, dtypes="string")
            return sheet.to_polars(), sheet.total_height
