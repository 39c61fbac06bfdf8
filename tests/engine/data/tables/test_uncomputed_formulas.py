"""Formulas of a sheet that no program computed yet: their columns are not simply said to be empty."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import read_cells
from dnnstudio.engine.data.tables.judge import judge, judge_columns
from dnnstudio.engine.data.tables.text.cells import Cells

from .test_sheets import cell_of, ods
from .test_table_reader import xlsx

BOOK, LINKS, SHEET = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"
UNCOMPUTED = [
    "<f>B3*2</f>",
    "<f>B3*2</f><v/>",
    "<f>B3*2</f><v></v>",
    '<f t="shared" si="0"/>',
    "<f>B3*2</f >",
    "<f>B3*2</f><!-- none --><v/>",
    "<f>B3*2</f><?writer none?>",
    '<f>B3*2</f><v xml:space="preserve"/>',
    "<f>B3*2</f><v><![CDATA[]]></v>",
    "<f>B3*2</f><v> </v>",
    '<f ca="a>b">B3*2</f>',
    '<f t="shared" si="0" ref="a>b"/>',
    f'<f ca="{"x" * 2**20}"/>',
]
"""As openpyxl, XlsxWriter without a value, and other writers leave a formula, and as XML allows it."""


def sheet(path: Path, rows: list[list[str]], *, begin: str = "A", before: str = "") -> Path:
    """A file whose cells are the XML within `<c>`, or a text, from the column `begin` on and from the second row on."""
    xlsx(path, [["a"]])
    lines = []
    for number, row in enumerate(rows, 2):
        cells = [f'<c r="{chr(ord(begin) + place)}{number}"{_inner(cell)}</c>' for place, cell in enumerate(row)]
        lines.append(f'<row r="{number}">{before.format(number)}{"".join(cells)}</row>')
    change(path, SHEET, lambda text: f"{text.split('<row>')[0]}{''.join(lines)}</sheetData></worksheet>")
    return path


def _inner(cell: str) -> str:
    return f">{cell}" if cell.startswith("<") or not cell else f' t="inlineStr"><is><t>{cell}</t></is>'


def change(path: Path, part: str, how: Callable[[str], str]) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts[part] = how(parts[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)


def read(path: Path) -> Cells:
    return read_cells(Table(path=str(path)), path, Watch())


def table(formula: str, *, computed: int = 0, target: str = "") -> list[list[str]]:
    """Three columns, of which the second has formulas; the last `computed` of ten have a value."""
    rows = [["size", "double", "y"]]
    for row in range(10):
        cell = formula if row < 10 - computed else f"<f>B3*2</f><v>{row + 0.5}</v>"
        rows.append([f"<v>{row + 0.25}</v>", cell, target or "ab"[row % 2]])
    return rows


@pytest.mark.parametrize("formula", UNCOMPUTED, ids=range(len(UNCOMPUTED)))
@pytest.mark.parametrize("before", ["", '<c r="A{0}"><f>1+1</f></c>', '<c r="A{0}"/>'])
def test_a_column_of_formulas_without_values_is_said_to_have_them(tmp_path: Path, formula: str, before: str) -> None:
    path = sheet(tmp_path / "t.xlsx", table(formula), begin="C" if before else "A", before=before)
    cells = read(path)
    _, columns = judge_columns(cells, Table(path=str(path)))
    assert [(item.column.name, item.column.role, item.reason) for item in columns][1] == (
        "double",
        "ignored",
        "Its formulas were never computed.",
    )
    assert cells.uncomputed == {"double"}
    assert cells.notes == (
        'Column "double" has formulas whose values were never computed: they count as empty cells. Open the file in '
        "its spreadsheet program and save it there.",
    )
    with pytest.raises(UserError, match="were never computed") as refused:
        judge(cells, Table(path=str(path)), predict="double")
    assert refused.value.hint.startswith("Open the file in its spreadsheet program")


def test_a_column_with_some_values_says_that_the_others_are_missing(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>", computed=8))
    cells = read(path)
    assert 'Column "double" has formulas whose values were never computed' in cells.notes[0]
    _, columns = judge_columns(cells, Table(path=str(path)))
    assert columns[1].column.kind == "number"
    assert columns[1].empty == 2


@pytest.mark.parametrize("cell", ["<f>B3*2</f><v>1.5</v>", "<f>B3*2</f><!-- here --><v >1.5</v >", ""])
def test_computed_formulas_and_empty_cells_are_what_they_were(tmp_path: Path, cell: str) -> None:
    path = sheet(tmp_path / "t.xlsx", table(cell))
    cells = read(path)
    assert not cells.uncomputed
    assert not cells.notes
    _, columns = judge_columns(cells, Table(path=str(path)))
    assert columns[1].reason == ("It is always the same." if cell else "It is empty.")


def test_a_formula_that_gives_an_empty_text_is_computed(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>"))
    change(path, SHEET, lambda text: text.replace("><f>B3*2</f>", ' t="str"><f>IF(1,"")</f><v></v>'))
    assert not read(path).uncomputed


def test_a_sheet_of_nothing_but_such_formulas_says_so(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", [["size", "y"], *[["<f>1+1</f>", "<f>2+2</f>"]] * 5])
    with pytest.raises(UserError, match=r'In t\.xlsx, formulas of the sheet "Data" were never computed'):
        read(path)


def test_only_the_formulas_of_the_sheet_that_is_read_count(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/other.xml", archive.read(SHEET).replace(b"<f>B3*2</f>", b"<v>3</v>"))
    entry = '<sheet name="Data" sheetId="1" r:id="r1"/>'
    change(path, BOOK, lambda text: text.replace(entry, f'<sheet name="Other" sheetId="2" r:id="r2"/>{entry}'))
    change(path, LINKS, lambda text: text.replace("</Relationships>", _link(text)))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
    override = f'<Override PartName="/xl/worksheets/other.xml" ContentType="{kind}"/></Types>'
    change(path, "[Content_Types].xml", lambda text: text.replace("</Types>", override))
    assert not read(path).uncomputed
    cells = read_cells(Table(path=str(path), sheet="Data"), path, Watch())
    assert cells.uncomputed == {"double"}


def _link(text: str) -> str:
    """A link to the other sheet from the root of the archive, as openpyxl writes them."""
    own = text[text.index("<Relationship ") : text.index("</Relationships>")]
    return own.replace('"r1"', '"r2"').replace("worksheets/sheet1", "/xl/worksheets/other") + "</Relationships>"


def test_elements_of_any_prefix_are_those_of_a_sheet(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>"))
    change(
        path, SHEET, lambda text: re.sub(r"<(/?)(?=[a-z])", r"<\1odd-1.2:", text).replace("xmlns=", "xmlns:odd-1.2=")
    )
    assert read(path).uncomputed == {"double"}


@pytest.mark.parametrize(
    ("part", "target"),
    [
        ("xl/sheets/one.xml", "sheets/one.xml"),
        ("one.xml", "/one.xml"),
        ("xl/one.dat", "one.dat"),
        ("xl/One.XML", "one.xml"),
        ("xl\\one.xml", "one.xml"),
    ],
)
def test_a_sheet_may_lie_where_the_workbook_says(tmp_path: Path, part: str, target: str) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>"))
    moved = tmp_path / "moved.xlsx"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(moved, "w") as made:
        for name in archive.namelist():
            content = archive.read(name).replace(b"worksheets/sheet1.xml", target.encode())
            made.writestr(part if name == SHEET else name, content)
    assert read(moved).uncomputed == {"double"}


def test_a_sheet_of_another_suffix_is_looked_through_too(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<f>B3*2</f>"))
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    parts["xl/one.dat"] = parts.pop(SHEET).replace("</sheetData>", "<oops")
    parts[LINKS] = parts[LINKS].replace("worksheets/sheet1.xml", "one.dat")
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    with pytest.raises(UserError, match="it is damaged"):
        read(path)


def test_a_sheet_where_nothing_has_a_value_says_so(tmp_path: Path) -> None:
    path = sheet(tmp_path / "t.xlsx", [["<f>1+1</f>", "<f>2+2</f>"]] * 5)
    with pytest.raises(UserError, match=r'In t\.xlsx, formulas of the sheet "Data" were never computed'):
        read(path)


@pytest.mark.parametrize("long", ["<!--{}-->", '<row ca="{}"/>', "<?long {}?>"])
def test_a_comment_or_a_tag_of_many_megabytes_is_refused(tmp_path: Path, long: str) -> None:
    path = sheet(tmp_path / "t.xlsx", table("<v>1</v>"))
    change(path, SHEET, lambda text: text.replace("</sheetData>", f"{long.format('x' * 2**20) * 3}</sheetData>"))
    read(path)
    change(path, SHEET, lambda text: text.replace("</sheetData>", f"{long.format('x' * 20 * 2**20)}</sheetData>"))
    with pytest.raises(UserError, match="it is damaged"):
        read(path)


FORMULA = '<table:table-cell table:formula="of:=[.B1]*2"'
OF_ODS = [
    f"{FORMULA}/>",
    f'{FORMULA} office:value-type="float"/>',
    f'{FORMULA} office:value-type="float"><text:p>5</text:p></table:table-cell>',
    f"{FORMULA}><text:p>5</text:p></table:table-cell>",
]


def open_document(path: Path, formula: str) -> Path:
    """A cover, and a sheet whose first column is empty and whose third one has the formula ten times."""
    rows = [["", "size", "double", "y"], *(["", f"{row / 4}", "FORMULA", "ab"[row % 2]] for row in range(10))]
    ods(path, {"Cover": [["hello"]], "Data": rows})
    change(path, "content.xml", lambda text: text.replace(cell_of(""), "<table:table-cell/>"))
    change(path, "content.xml", lambda text: text.replace(cell_of("FORMULA"), formula))
    return path


@pytest.mark.parametrize("formula", OF_ODS)
def test_formulas_without_values_of_an_open_document_are_told(tmp_path: Path, formula: str) -> None:
    cells = read(open_document(tmp_path / "t.ods", formula))
    assert cells.sheet == "Data"
    assert cells.uncomputed == {"double"}


@pytest.mark.parametrize(
    "value",
    ['float" office:value="1.5', 'string" office:string-value="', "string", 'date" office:date-value="2020-01-01'],
)
def test_computed_formulas_of_an_open_document_are_none_of_them(tmp_path: Path, value: str) -> None:
    path = open_document(tmp_path / "t.ods", f'{FORMULA} office:value-type="{value}"/>')
    assert not read(path).uncomputed


def test_a_formula_that_is_repeated_counts_in_each_of_its_columns(tmp_path: Path) -> None:
    path = open_document(tmp_path / "t.ods", f'{FORMULA} table:number-columns-repeated="2"/>')
    change(path, "content.xml", lambda text: text.replace(cell_of("double"), cell_of("double") + cell_of("treble")))
    assert read(path).uncomputed == {"double", "treble"}
