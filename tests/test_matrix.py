"""Each of the 78 rows of the matrix is shown by tests that are there, or says why it cannot be."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.promises.matrix.row import REASONS, Row
from tests.promises.matrix.rows import PARTS, ROWS, shown_by

HERE = Path(__file__).parent


@cache
def functions_in(file: str) -> frozenset[str]:
    """The names of the tests in a file below this folder; none where there is no such file."""
    path = HERE / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(item.name for item in tree.body if isinstance(item, ast.FunctionDef))


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    return Path(file).name.startswith("test_") and name.startswith("test_") and name in functions_in(file)


def test_the_rows_are_numbered_from_1_to_78() -> None:
    assert [row.number for row in ROWS] == list(range(1, 79))
    assert all(row.fault for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.number))
def test_a_row_is_shown_by_tests_that_are_there(row: Row) -> None:
    assert row.tests
    assert [test for test in row.tests if not is_there(test)] == []
    assert len(set(row.tests)) == len(row.tests)


def test_a_reason_is_one_of_what_cannot_be_made_here() -> None:
    assert {row.reason for row in ROWS} - {""} == set(REASONS)


def test_each_part_has_its_rows() -> None:
    lengths = {part: len(rows) for part, rows in PARTS.items()}
    assert lengths == {"A": 29, "B": 16, "C": 19, "D": 14}
    assert set().union(*map(shown_by, PARTS)) == {test for row in ROWS for test in row.tests}


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert is_there("test_matrix.py::test_a_test_that_is_not_there_is_noticed")
    assert not is_there("test_matrix.py::test_that_nobody_wrote")
    assert not is_there("test_nowhere.py::test_the_rows_are_numbered_from_1_to_78")
