"""Bytes to cells: encodings, separators, heads, quotes, and lines that do not fit."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Table
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.text.cells import Cells, text_cells
from dnnstudio.engine.data.tables.text.decode import SIGNS, decode, has_header
from dnnstudio.engine.data.tables.text.scan import scan

PATH = Path("table.csv")
ROWS = "name,größe\nÄpfel,1\nBirnen,2\n"


def cells_of(text: str | bytes, **fields: Any) -> Cells:
    content = text if isinstance(text, bytes) else text.encode()
    return text_cells(content, PATH, Table(path="table.csv", **fields), Watch())


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (ROWS.encode(), "utf-8"),
        (ROWS.encode("utf-8-sig"), "utf-8"),
        (ROWS.encode("utf-16"), "utf-16"),
        (ROWS.encode("utf-16-le"), "utf-16"),
        (ROWS.encode("utf-16-be"), "utf-16"),
        (ROWS.encode("cp1252"), "windows-1252"),
        (ROWS.encode("latin-1") + b"\x81,3\n", "windows-1252"),
        (ROWS.replace("\n", "\r\n").encode(), "utf-8"),
        (ROWS.replace("\n", "\r").encode(), "utf-8"),
    ],
)
def test_every_usual_encoding_and_line_end_gives_the_same_table(content: bytes, encoding: str) -> None:
    cells = cells_of(content)
    assert cells.frame.columns == ["name", "größe"]
    assert cells.frame.rows()[:2] == [("Äpfel", "1"), ("Birnen", "2")]
    assert cells.encoding == encoding


@pytest.mark.parametrize("content", [b"", b" \n\n", b"PK\x03\x04abc", b"a,b\n1,\x00\n"])
def test_what_is_no_text_table_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match=r"table\.csv"):
        decode(content, PATH)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n3,4\n", "comma"),
        ("a;b\n1,5;2,5\n3,5;4,5\n", "semicolon"),
        ("1,5;2,5\n3,5;4,5\n", "semicolon"),
        ("first;y\n0,14;a\n0,29;b\n0,43;a\n", "semicolon"),
        ("a\tb\n1,5\t2\n3,5\t4\n", "tab"),
        ("a|b|c\n1|x, y|3\n3|z, w|4\n", "pipe"),
        ("a b\n1,5 2,5\n3,5 4,5\n", "blanks"),
        ("  a   b\n  1   2\n 30  40\n", "blanks"),
        ("sep=;\na,b;c\n1,5;2\n", "semicolon"),
        ("day,price\nJan 1 2000,3.5\nFeb 1 2000,4.5\n", "comma"),
        ('text,y\n"a; b; c",1\n"d; e; f",2\n', "comma"),
    ],
)
def test_the_separator_is_found_by_many_lines_outside_of_quotes(text: str, separator: str) -> None:
    assert cells_of(text).separator == separator


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        (["a,b", "1,2", "3,4"], True),
        (["1,2", "3,4", "5,6"], False),
        (["red,1", "green,2", "red,3"], False),
        (["color,size", "red,1", "green,2"], True),
        (["country,1990,1991,1992", "Peru,1,2,3", "Chile,4,5,6"], True),
        (["color,shape", "red,round", "red,square", "green,round"], True),
        (["red,round", "red,square", "green,round"], False),
        (["NA,1", "2,3", "4,5"], False),
    ],
)
def test_a_first_line_of_values_is_a_row(lines: list[str], head: bool) -> None:
    assert has_header([line.split(",") for line in lines]) is head


def test_made_and_doubled_names_are_told() -> None:
    cells = cells_of("a,,a\n1,2,3\n4,5,6\n")
    assert cells.frame.columns == ["a", "column_2", "a_2"]
    assert cells.unnamed == ("column_2",)
    assert cells.notes == ('Two columns are named "a"; the later one is called "a_2".',)


def test_a_head_that_lacks_the_name_of_the_row_names_is_understood() -> None:
    cells = cells_of('"mpg" "cyl"\n"Mazda RX4" 21 6\n"Fiat 128" 32 4\n')
    assert cells.frame.columns == ["column_1", "mpg", "cyl"]
    assert cells.frame.rows() == [("Mazda RX4", "21", "6"), ("Fiat 128", "32", "4")]


def test_lines_of_another_width_are_left_out_and_named_by_number() -> None:
    cells = cells_of("a,b\n1,2\n3\n\n4,5\n6,7,8\n9,10\n")
    assert cells.frame.rows() == [("1", "2"), ("4", "5"), ("9", "10")]
    assert cells.lines.tolist() == [2, 5, 7]
    assert cells.notes == ("Lines 3, 6 have not 2 cells as the others and are left out.",)


def test_lines_above_the_table_are_left_out() -> None:
    cells = cells_of("Report of 2020\n\na;b\n1;2\n3;4\n")
    assert cells.frame.columns == ["a", "b"]
    assert cells.lines.tolist() == [4, 5]
    assert cells.notes == ("2 lines above the table left out.",)


def test_an_unclosed_quote_costs_its_own_line_at_most() -> None:
    cells = cells_of('a,b\n1,2\n"3,4\n5,6\n7,8\n')
    assert ("5", "6") in cells.frame.rows() and ("7", "8") in cells.frame.rows()
    assert cells.notes == ("Line 3 has not 2 cells as the others and is left out.",)


def test_quotes_may_have_blanks_around_them() -> None:
    cells = cells_of('a, b\n1, "x, y"\n2, "z"\n')
    assert cells.frame.rows() == [("1", "x, y"), ("2", "z")]


def test_a_quoted_cell_may_hold_line_ends_and_later_lines_keep_their_number() -> None:
    cells = cells_of('a,b\n1,"x\ny"\n2,z\n')
    assert cells.frame.rows() == [("1", "x\ny"), ("2", "z")]
    assert cells.lines.tolist() == [2, 4]


def test_one_column_alone_is_refused() -> None:
    with pytest.raises(UserError, match="one column only"):
        cells_of("a\n1\n2\n")


cell_texts = st.text(st.sampled_from('ab1 ,;"\n'), max_size=6)


@given(st.lists(st.lists(cell_texts, min_size=3, max_size=3), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_the_scan_counts_cells_as_the_standard_librarys_reader(rows: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    records = scan(text.getvalue().encode(), ",", Watch(), what="a table")
    assert records.regular
    assert records.widths.tolist() == [3] * len(rows)
    begins = [1]
    for row in rows:
        begins.append(begins[-1] + 1 + sum(cell.count("\n") for cell in row))
    assert records.lines.tolist() == begins[:-1]


@given(st.text(st.sampled_from('ab1 ,;\t|"\n.-é'), max_size=60))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_the_reader_stumble(text: str) -> None:
    try:
        cells = cells_of(text)
    except UserError as error:
        assert error.message.endswith(".")
    else:
        assert cells.frame.height == len(cells.lines) and len(SIGNS) == 5
