"""Tables of numbers read a block at a time: the same rows, to the bit, as the whole text gives, or none at all."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables import number_rows, reader
from dnnstudio.engine.data.tables.number_rows import plain_numbers
from dnnstudio.engine.data.tables.reader import read_table

SMALL = {"block_bytes": 40, "block_rows": 1}
"""A few lines, so that small tables have many blocks."""
ODD = [
    "", " ", "NA", "nan", "NaN", "null", ".", "?", "inf", "-inf", "1e400", "5 %", "$3", " 2", "2 ", "+1", "-0", ".5",
    "1.", "1e5", "0x1", "1_0", "--1", "é", '"', '"1"', '"a,b"', '"a\nb"', '""', "1,2", "\t", "\r", "\0", "-999", "x",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "number_rows", partial(number_rows.number_rows, **SMALL))


def source(path: Path, *, target: str = "classes", **fields: object) -> Table:
    columns = (
        Column(name="a", kind="number", missing="median"),
        Column(name="b", kind="number", missing="drop_rows"),
        Column(name="c", kind="category", missing="most_frequent"),
        Column(name="y", kind="number" if target == "number" else "category", role="target", missing="drop_rows"),
    )
    plain = {"decimal": "point", "thousands": "none", "columns": columns, "target": target}
    return Table.model_validate({"path": str(path), **plain, **fields})


def outcome(table: Table) -> tuple[object, ...]:
    """All that a reading gives, or what it is refused by."""
    try:
        raw = read_table(table, Watch())
    except UserError as error:
        return (error.message, error.hint)
    return facts(raw)


def facts(raw: Raw) -> tuple[object, ...]:
    return (
        raw.train.x.tobytes(), raw.train.x.shape, raw.train.y.tobytes(), raw.train.y.dtype, raw.names, raw.notes,
        raw.digest, raw.stored, raw.origin,
    )  # fmt: skip


def in_general(table: Table, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """The outcome where the file is read whole, all its columns as texts."""
    with monkeypatch.context() as patch:
        patch.setattr(reader, "number_rows", lambda *_: None)
        patch.setattr(reader, "plain_numbers", lambda _: frozenset())
        return outcome(table)


def number() -> st.SearchStrategy[str]:
    return st.one_of(st.integers(-99, 99).map(str), st.floats(allow_nan=False, allow_infinity=False).map(repr))


@st.composite
def tables(draw: st.DrawFn) -> str:
    """A table's text: mostly plain, with odd cells, ragged and blank lines, and line ends of any kind."""
    hostile = draw(st.sampled_from([0, 0, 1, 4]))
    rows = []
    for _ in range(draw(st.integers(1, 30))):
        rows.append(
            [draw(number()), draw(number()), draw(st.sampled_from(["u", "v", "é w"])), draw(st.sampled_from("pq"))]
        )
    for _ in range(hostile):
        draw(st.sampled_from(rows))[draw(st.integers(0, 3))] = draw(st.sampled_from(ODD))
    if hostile == 4:
        row = draw(st.sampled_from(rows))
        draw(st.sampled_from([row.pop, lambda: row.append("9"), row.clear]))()
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    head = draw(st.sampled_from(["a,b,c,y", '"a","b","c","y"', "sep=,\na,b,c,y", "\ufeffa,b,c,y", "A title\na,b,c,y"]))
    last = draw(st.sampled_from(["", "\n", "\n\n", "\n  \n", " "]))
    return (head + "\n" + "\n".join(",".join(row) for row in rows) + last).replace("\n", end)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=tables(), target=st.sampled_from(["classes", "number"]), sign=st.sampled_from([None, ("-999",), ("x", "NA")])
)
def test_blocks_give_what_the_whole_text_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, target: str, sign: tuple[str, ...] | None
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    table = source(path, target=target, missing_values=sign)
    assert outcome(table) == in_general(table, monkeypatch)


def plain(path: Path, rows: int = 200) -> None:
    random = np.random.default_rng(1)
    path.write_text(
        "a,b,c,y\n"
        + "".join(f"{random.normal():.6f},{row},{'uv'[row % 2]},{'pq'[row % 3 % 2]}\n" for row in range(rows))
    )


def test_a_plain_table_is_read_in_blocks_and_keeps_the_lines(tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    cells = number_rows.number_rows(source(tmp_path / "t.csv"), tmp_path / "t.csv", Watch(), **SMALL)
    assert cells is not None and cells.numbers is not None
    np.testing.assert_array_equal(cells.numbers.rows[:, 1], np.arange(200.0))
    np.testing.assert_array_equal(cells.lines, np.arange(2, 202))
    assert cells.frame.columns == ["c", "y"]


def test_more_rows_than_the_first_lines_let_expect_find_room(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    long = "".join(f"{0.1:.60f},{row},u,{'pq'[row % 2]}\n" for row in range(6_000))
    path.write_text("a,b,c,y\n" + long + "".join(f"1,{row},u,p\n" for row in range(60_000)))
    cells = number_rows.number_rows(source(path), path, Watch())
    assert cells is not None and cells.numbers is not None
    np.testing.assert_array_equal(cells.numbers.rows[:, 1], np.concatenate([np.arange(6e3), np.arange(6e4)]))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("50,u", "5o,u", 'line 52, column "b" holds "5o", which is not a number'),
        ("50,u", "1e999,u", 'line 52, column "b" holds "1e999", which is not a number'),
    ],
)
def test_a_cell_that_is_no_number_is_named_by_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "t.csv"
    plain(path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=said):
        read_table(source(path), Watch())


def test_a_line_that_is_too_long_and_one_that_is_too_short_do_not_make_up_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n" + "1,2,u,p\n3,4,v,q\n" * 20 + "1,2,u,p,9\n1,2,u\n" + "5,6,u,p\n" * 20)
    raw = read_table(source(path), Watch())
    assert len(raw.train.x) == 60
    assert "Lines 42, 43 have not 4 cells as the others and are left out." in raw.notes


def test_a_number_may_be_a_sign_of_an_empty_cell(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n" + "-999,2,u,p\n3, -999,v,q\n4,5,u,q\n" * 20)
    table = source(path, missing_values=("-999",))
    assert not plain_numbers(table)
    x = read_table(table, Watch()).train.x
    assert x.shape == (40, 3) and np.count_nonzero(np.isnan(x[:, 0])) == 20 and not (x == -999).any()


def test_a_stop_is_heard_between_blocks(tmp_path: Path) -> None:
    plain(tmp_path / "t.csv")
    control, told = Control(), iter(range(3))

    def progress(done: int, total: int, text: str) -> None:
        if next(told, None) is None:
            control.stop()

    with pytest.raises(Cancelled):
        number_rows.number_rows(source(tmp_path / "t.csv"), tmp_path / "t.csv", Watch(control, progress), **SMALL)


def test_a_file_that_grows_meanwhile_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    plain(path)

    def progress(done: int, total: int, text: str) -> None:
        with path.open("a") as file:
            file.write("1,2,u,p\n")

    assert number_rows.number_rows(source(path), path, Watch(None, progress), **SMALL) is None


def test_a_class_named_like_a_sign_is_told_of_also_where_numbers_have_that_sign(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,c,y\n" + "NA,2,u,NA\n3,4,v,q\n4,5,u,p\n" * 20)
    notes = read_table(source(path), Watch()).notes
    assert 'Column "y" holds "NA", taken for an empty cell and for no class.' in notes
