"""Sheets of Excel and ODS: which one is read, and files that would keep the reader of sheets busy for ever."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xlwt

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, Table
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import read_cells, sheets_of
from dnnstudio.engine.data.tables.new_rows import read_new_rows

OPEN_DOCUMENT = "urn:oasis:names:tc:opendocument"
ROWS = [["a", "b", "y"], *([f"{row / 8}", f"{row % 7}", "pq"[row % 2]] for row in range(40))]
Rows = Sequence[Sequence[str]]


def cell_of(text: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def ods(path: Path, sheets: dict[str, Rows], *, tail: str = "", doctype: str = "") -> Path:
    """An ODS file of texts; `tail` is written into the last sheet as it is."""
    tables = ""
    for name, rows in sheets.items():
        cells = "".join(f"<table:table-row>{''.join(map(cell_of, row))}</table:table-row>" for row in rows)
        tables += f'<table:table table:name="{name}">{cells}{tail if name == list(sheets)[-1] else ""}</table:table>'
    names = "".join(f' xmlns:{name}="{OPEN_DOCUMENT}:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<m:manifest xmlns:m="{OPEN_DOCUMENT}:xmlns:manifest:1.0"><m:file-entry m:full-path="content.xml" '
            'm:media-type="text/xml"/></m:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<office:document-content{names}><office:body>'
            f"<office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        )
    return path


@pytest.mark.parametrize("tail", ["<oops", "</table:table>", "<table:table-row>", "&nothing;"])
def test_broken_xml_is_refused_and_does_not_keep_the_reader_for_ever(tmp_path: Path, tail: str) -> None:
    path = ods(tmp_path / "broken.ods", {"one": ROWS}, tail=tail)
    with pytest.raises(UserError, match=r"broken\.ods cannot be read as a sheet: it is damaged"):
        read_cells(Table(path=str(path)), path, Watch())


def test_an_encoding_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    whole, path = ods(tmp_path / "whole.ods", {"one": ROWS}), tmp_path / "odd.ods"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w") as made:
        for name in archive.namelist():
            made.writestr(name, archive.read(name).replace(b'encoding="UTF-8"', b'encoding="UTN-8"'))
    with pytest.raises(UserError, match="it is damaged"):
        read_cells(Table(path=str(path)), path, Watch())


def test_xml_with_entities_of_its_own_is_refused(tmp_path: Path) -> None:
    path = ods(tmp_path / "own.ods", {"one": ROWS}, doctype='<!DOCTYPE x [<!ENTITY a "aaaa">]>')
    with pytest.raises(UserError, match="it is damaged"):
        read_cells(Table(path=str(path)), path, Watch())


def test_a_stop_is_heard_while_a_sheet_is_looked_through(tmp_path: Path) -> None:
    path = ods(tmp_path / "sheet.ods", {"one": ROWS})
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        sheets_of(path, Watch(control))


def test_an_old_sheet_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Numbers to their last digit, dates, truth, and texts as they are; a formula that was never computed is blank."""
    form = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM:SS")
    values = [1 / 3, 7, 1e-7, -2.5, True, " 007", datetime(2024, 3, 1, 13, 5, 6), "Köln", xlwt.Formula("1/0")]
    book = xlwt.Workbook()
    book.add_sheet("cover").write(0, 0, "About")
    sheet = book.add_sheet("rows")
    for column, value in enumerate(values):
        sheet.write(0, column, f"c{column}")
        for row in range(1, 4):
            sheet.write(row, column, value, *([form] if isinstance(value, datetime) else []))
    book.save(str(tmp_path / "old.xls"))
    cells = read_cells(Table(path=""), tmp_path / "old.xls", Watch())
    assert (cells.sheet, sheets_of(tmp_path / "old.xls", Watch())) == ("rows", ("cover", "rows"))
    wanted = ("0.3333333333333333", "7", "1e-07", "-2.5", "true", " 007", "2024-03-01 13:05:06", "Köln", None)
    assert cells.frame.rows() == [wanted] * 3


@pytest.mark.parametrize("cover", [[], [["Report of 2021"]], [["a", "b", "y"]]])
def test_the_first_sheet_that_holds_a_table_is_read_and_named(tmp_path: Path, cover: Rows) -> None:
    path = ods(tmp_path / "book.ods", {"cover": cover, "data": ROWS, "more": ROWS})
    cells = read_cells(Table(path=str(path)), path, Watch())
    assert (cells.sheet, cells.sheets, cells.frame.height) == ("data", ("cover", "data", "more"), 40)
    assert cells.notes == ('book.ods has 3 sheets; "data" is read.',)


def test_a_sheet_that_was_asked_for_is_not_replaced_by_another(tmp_path: Path) -> None:
    path = ods(tmp_path / "book.ods", {"cover": [], "data": ROWS})
    with pytest.raises(UserError, match="holds no table"):
        read_cells(Table(path=str(path), sheet="cover"), path, Watch())


def test_new_rows_are_read_from_the_sheet_of_the_training_where_the_file_has_it(tmp_path: Path) -> None:
    other = [["a", "b", "y"], *(["99", "99", "p"] for _ in range(5))]
    path = ods(tmp_path / "book.ods", {"other": other, "data": ROWS})
    source = Table(path=str(path), sheet="data")
    prepared = load_dataset(Data(source=source), seed=1).scaler
    assert isinstance(prepared, Preparation)
    assert len(read_new_rows(source, prepared, path, Watch()).x) == 40
    renamed = ods(tmp_path / "renamed.ods", {"new": ROWS[:6]})
    assert len(read_new_rows(source, prepared, renamed, Watch()).x) == 5
