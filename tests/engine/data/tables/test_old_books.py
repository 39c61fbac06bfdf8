"""Of an .xls file no more is read than its cells: links, names and drawings neither cost anything nor refuse it."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
import xlrd
import xlwt

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Table
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import read_cells

MB = 2**20
LINK = b"\xd0\xc9\xea\x79\xf9\xba\xce\x11\x8c\x82\x00\xaa\x00\x4b\xa9\x0b"
"""By which a record of links begins, [MS-OSHARED] 2.3.7.1."""


def record(code: int, content: bytes) -> bytes:
    return struct.pack("<HH", code, len(content)) + content


def link(*, rows: int, columns: int, kind: bytes = LINK) -> bytes:
    """A link in all cells of the first rows and columns. [MS-XLS] 2.4.140."""
    return record(0x1B8, struct.pack("<HHHH", 0, rows - 1, 0, columns - 1) + kind + b"\2\0\0\0" + bytes(4))


def name(text: str, formula: bytes) -> bytes:
    """A defined name. [MS-XLS] 2.4.150."""
    head = struct.pack("<HBBHHH4B", 0, 0, len(text), len(formula), 0, 0, 0, 0, 0, 0)
    return record(0x18, head + b"\0" + text.encode() + formula)


def named(number: int) -> bytes:
    """In a formula, the name of this number, from 1."""
    return b"\x23" + struct.pack("<HH", number, 0)


def doubling(times: int) -> bytes:
    """Names of which each is the text of the one before, twice."""
    first = name("n0", b"\x17" + bytes([200, 0]) + b"x" * 200)
    return first + b"".join(name(f"n{n}", named(n) * 2 + b"\x08") for n in range(1, times + 1))


def write(path: Path, *, of_book: bytes = b"", of_sheet: bytes = b"") -> Path:
    """A book of 29 rows and three columns, with other records among its own."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("cells")
    for column, text in enumerate("aby"):
        sheet.write(0, column, text)
        for row in range(1, 30):
            sheet.write(row, column, row % (column + 2))
    plain, first = sheet.get_biff_data, book._Workbook__useselfs_rec
    sheet.get_biff_data = lambda: plain()[:-4] + of_sheet + plain()[-4:]
    book._Workbook__useselfs_rec = lambda: first() + of_book
    book.save(str(path))
    return path


def shape(path: Path, watch: Watch | None = None) -> tuple[int, int]:
    return read_cells(Table(path=""), path, watch or Watch()).frame.shape


@pytest.mark.parametrize(
    ("of_book", "of_sheet"),
    [(b"", link(rows=65_536, columns=8)), (doubling(18), b"")],
    ids=["a link in whole columns", "names that double"],
)
def test_what_no_cell_holds_costs_nothing(tmp_path: Path, of_book: bytes, of_sheet: bytes) -> None:
    path = write(tmp_path / "old.xls", of_book=of_book, of_sheet=of_sheet)
    shape(write(tmp_path / "plain.xls"))  # what is imported is not of the file
    tracemalloc.start()
    try:
        assert shape(path) == (29, 3)
        assert tracemalloc.get_traced_memory()[1] < 5 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("of_book", "of_sheet"),
    [
        (b"", link(rows=1, columns=1, kind=bytes(16))),
        (name("around", named(1)), b""),
        (record(0x18, b"cut"), b""),
        (b"", record(0x1C, b"cut")),
    ],
    ids=["a link of another kind", "a name of itself", "a name that is cut", "a note that is cut"],
)
def test_what_no_cell_holds_refuses_no_book(tmp_path: Path, of_book: bytes, of_sheet: bytes) -> None:
    assert shape(write(tmp_path / "old.xls", of_book=of_book, of_sheet=of_sheet)) == (29, 3)


def test_a_chart_within_a_sheet_is_no_part_of_its_cells(tmp_path: Path) -> None:
    cell = record(0x203, struct.pack("<HHHd", 60, 5, 0, 1.5))
    chart = record(0x809, struct.pack("<HHHHII", 0x600, 0x20, 0, 0, 0, 0)) + cell + record(0x0A, b"")
    assert shape(write(tmp_path / "old.xls", of_sheet=chart)) == (29, 3)


def test_a_stop_is_heard_while_the_cells_of_an_old_book_are_read(tmp_path: Path) -> None:
    class Stopping(Control):
        checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 40:
                raise Cancelled

    with pytest.raises(Cancelled):
        shape(write(tmp_path / "old.xls"), Watch(control=Stopping()))


def test_a_password_is_named_and_a_lack_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="locked by a password"):
        shape(write(tmp_path / "old.xls", of_book=record(0x2F, bytes(54))))

    def full(_: object, content: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(xlrd.book.Book, "handle_sst", full)
    with pytest.raises(MemoryError):
        shape(write(tmp_path / "old.xls"))


def test_an_old_book_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "old.xls")
    with path.open("r+b") as file:
        file.truncate(2**30 + 1)  # without a byte on the disk
    with pytest.raises(UserError, match="sheets of at most"):
        shape(path)
