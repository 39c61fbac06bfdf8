"""Which text on the clipboard is a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnnstudio.gui.base.table_text import save_pasted, separator_of


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("a\tb\n1\t2\n3\t4\n", "\t"),
        ("a;b;c\n1,5;2;3\n1;2,5;3", ";"),
        ("a,b\n1,2", ","),
        ("a,b\n1,2,3", None),
        ("one line, of words", None),
        ('{"format": 1,\n"layers": 2,\n}', None),
        ("two lines\nof words", None),
        ("", None),
    ],
)
def test_a_table_is_told_by_lines_of_the_same_number_of_cells(text: str, sign: str | None) -> None:
    assert separator_of(text) == sign


def test_pasted_tables_never_overwrite_each_other(tmp_path: Path) -> None:
    paths = [save_pasted(f"a\tb\n{number}\t2\n", tmp_path) for number in range(3)]
    assert len(set(paths)) == 3
    assert all(path.parent == tmp_path / "data" and path.suffix == ".tsv" for path in paths)
    assert [path.read_text(encoding="utf-8")[4] for path in paths] == ["0", "1", "2"]
