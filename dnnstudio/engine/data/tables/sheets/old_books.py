"""Books of Excel 5.0 to 2003 (.xls) through xlrd, of which no more is read than their cells.

xlrd takes what the cells take, of which a sheet has at most 65,536 × 256, and keeps numbers to their last digit. But it
would also enter a link in each cell that it spans, and reckon out the defined names, of which each may be twice as long
as the one before: a file of 5 kB took gigabytes. Records are those of [MS-XLS] 2.3,
https://learn.microsoft.com/openspecs/office_file_formats/ms-xls
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import polars as pl
import xlrd
from xlrd import biffh

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.sheets.archives import CELL_BYTES, not_a_sheet
from dnnstudio.engine.data.tables.sheets.formulas import Formulas

_OLDEST = 50
"""Excel 5.0: no older book lies in a compound file."""
_READ = frozenset(
    {
        *biffh.bofcodes,  # a chart within a sheet begins by one, and is passed over to its end
        biffh.XL_EOF,
        biffh.XL_CODEPAGE,
        biffh.XL_DATEMODE,
        biffh.XL_FILEPASS,
        biffh.XL_FORMAT,  # which numbers are dates
        biffh.XL_XF,
        biffh.XL_BOUNDSHEET,
        biffh.XL_SST,
        biffh.XL_DIMENSION,
        biffh.XL_NUMBER,
        biffh.XL_RK,
        biffh.XL_MULRK,
        biffh.XL_LABEL,
        biffh.XL_LABELSST,
        biffh.XL_RSTRING,
        biffh.XL_BOOLERR,
        *biffh.XL_FORMULA_OPCODES,
        biffh.XL_SHRFMLA,  # these three may stand between a formula and the text that it gives
        biffh.XL_ARRAY,
        biffh.XL_TABLEOP,
        biffh.XL_STRING,
    }
)
_TRUTH = {0: "false", 1: "true"}


class _Cells(xlrd.book.Book):  # type: ignore[misc]
    """What of a book its cells need. A stop is heard at each record."""

    def __init__(self, path: Path, contents: bytes, watch: Watch) -> None:
        super().__init__()
        self._path, self._watch = path, watch
        self.biff2_8_load(file_contents=contents, logfile=io.StringIO(), on_demand=True)
        self.biff_version = self.getbof(biffh.XL_WORKBOOK_GLOBALS)
        if self.biff_version < _OLDEST:
            raise not_a_sheet(path)
        self.parse_globals()
        self._sheet_list = [None] * len(self._sheet_names)
        self.nsheets = len(self._sheet_list)

    def get_record_parts(self) -> tuple[int, int, bytes]:
        while True:
            self._watch.check()
            code, length, content = super().get_record_parts()
            if code in _READ:
                return code, length, content

    def handle_filepass(self, content: bytes) -> None:
        del content
        raise UserError(f"{self._path.name} is locked by a password.", "Save it without one in its program.")


class OldBook:
    """A `Book`. Raises `UserError`, or `Cancelled` by the watch."""

    def __init__(self, path: Path, file: BinaryIO, watch: Watch, size: int) -> None:
        self._path, self._watch, self._size = path, watch, size
        self.formulas: Formulas = {}  # its cells have no other place for a formula than beside its value
        contents = file.read()
        with self._refused():
            self._book = _Cells(path, contents, watch)
            self.names = tuple(self._book.sheet_names())

    def load(self, name: str) -> tuple[pl.DataFrame, int]:
        self._watch.check()
        with self._refused():
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

    @contextmanager
    def _refused(self) -> Iterator[None]:
        """A damaged file breaks what xlrd takes for granted."""
        try:
            yield
        except (UserError, Cancelled, MemoryError):
            raise
        except Exception:
            raise not_a_sheet(self._path) from None
