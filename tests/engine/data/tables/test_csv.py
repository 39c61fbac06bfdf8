from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Csv, Data
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data import describe, load_dataset
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.csv import read_csv

ROWS = [f"{i},{i * i},{i % 2}" for i in range(20)]
BASE = "\n".join(["a,b,y", *ROWS]) + "\n"


def read(path: Path, content: str | bytes, **fields: str) -> Raw:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(Csv(path=str(path), **fields), Watch())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.csv"


def test_iris_is_read_as_scikit_learn_has_it(path: Path) -> None:
    iris = load_iris()
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow([*iris.feature_names, "species"])
    writer.writerows([*row, iris.target_names[label]] for row, label in zip(iris.data, iris.target, strict=True))
    raw = read(path, stream.getvalue())
    np.testing.assert_array_equal(raw.train.x, iris.data)
    np.testing.assert_array_equal(raw.train.y, iris.target)
    assert raw.names == tuple(iris.target_names)
    assert raw.columns == tuple(iris.feature_names)
    data = load_dataset(Data(source=Csv(path=str(path)), scaling="standardize"), seed=1)
    assert data.summary.counts == (96, 24, 30)
    assert data.summary.class_counts == (32, 32, 32)
    assert describe(Data(source=Csv(path=str(path))), seed=1).thumbnails is None
    assert "a fifth of each class kept for the test" in data.summary.origin


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5), (" 1.5", 1.5), ("1.5 ", 1.5), ("+5", 5), ("-0.5e-3", -0.0005), ("1E5", 1e5), (".5", 0.5),
        ("7.", 7), ('"2.5"', 2.5), ("1e-400", 0), ("99999999999999999999", 1e20), ("0.1", 0.1), ("1e308", 1e308),
    ],
)  # fmt: skip
def test_numbers_are_read_as_python_reads_them(path: Path, text: str, value: float) -> None:
    assert read(path, BASE + f"{text},2,1\n").train.x[-1, 0] == value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("abc", "abc"), ("inf", "inf"), ("-Infinity", "-Infinity"), ("1e999", "1e999"), ("1_000", "1_000"), ("#", "#"),
        ("# 5", "# 5"), ("1 5", "1 5"), ("0x10", "0x10"), ("TRUE", "TRUE"), ('"1,5"', "1,5"), ("1.2.3", "1.2.3"),
        ("5%", "5%"), ("$5", "$5"), ("--1", "--1"), ("٣", "٣"), ("1e", "1e"), ("2024-01-01", "2024-01-01"),
        ("x" * 99, "x" * 39 + "…"),
    ],
)  # fmt: skip
def test_a_text_among_numbers_is_named_by_line_column_and_text(path: Path, text: str, shown: str) -> None:
    with pytest.raises(UserError) as caught:
        read(path, BASE + f"1,{text},1\n1,2,1\n")
    assert f't.csv: line 22, column "b" holds "{shown}", not a finite number.' in str(caught.value)


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "NaN", "null", "None", "?", "-", '""'])
def test_an_empty_cell_is_refused_left_out_or_filled_as_chosen(path: Path, text: str) -> None:
    content = BASE + f"{text},3,1\n4,4,0\n"
    with pytest.raises(UserError) as caught:
        read(path, content)
    assert '1 cell is empty in 1 column; the first is line 22, column "a"' in str(caught.value)
    dropped = read(path, content, empty_cells="drop_rows")
    assert (len(dropped.train.x), dropped.notes) == (21, ("1 row with an empty cell left out.",))
    assert dropped.train.x[-1].tolist() == [4, 4]
    filled = read(path, content, empty_cells="median")
    assert (len(filled.train.x), filled.fill) == (22, True)
    data = load_dataset(Data(source=Csv(path=str(path), empty_cells="median")), seed=1)
    for part in (data.train, data.validation, data.test):
        assert np.isfinite(part.x).all()
    assert data.summary.notes == ("1 empty cell filled with the median of the training rows.",)


def test_all_empty_cells_are_counted(path: Path) -> None:
    with pytest.raises(UserError, match=r'4 cells are empty in 2 columns; the first is line 22, column "b"'):
        read(path, BASE + "1,,1\n,,0\nNA,1,1\n")
    with pytest.raises(UserError, match="every row has an empty cell"):
        read(path, "a,y\n,1\n,0\n", empty_cells="drop_rows")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BASE + "1,2\n", "line 22 has 2 cells, the first line 3"),
        (BASE + "1,2,3,4\n1,2,3,4\n", "line 22 has 4 cells, the first line 3 (2 such lines)"),
        (BASE + '"1,2,0\n3,4,1\n', "line 22 opens a quote that is never closed"),
        (BASE + '1,2,"a"b\n', "line 22 has a quote in the wrong place"),
        ("a,b,a\n1,2,3\n", 'two columns are named "a"'),
        ("a,,y\n1,2,3\n", "column 2 has no name"),
        ("1,2,3\n4,5,6\n", "its first line holds only numbers"),
        ("a\n1\n", "one column only"),
        ("", "it is empty"),
        ("\n\n \n", "it is empty"),
        ("a,b\n", "no rows"),
        (BASE.encode("utf-16"), "UTF-16"),
        (BASE.encode("utf-16-be"), "zero byte"),
        (BASE.encode() + b"1,2,\xe9\n", "line 22 is not UTF-8 text"),
        (BASE + "1,2,\0\n", "line 22 holds a zero byte"),
        (b"PK\x03\x04rest", "an Excel or zip file"),
        (",".join(f"c{i}" for i in range(10_001)) + "\n", "10,001 columns"),
        ("a,y\n" + "x" * 200_000 + ",1\n", '"xxx'),
        ("y\tz\n1\t2", "there must be at least two classes"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_line(path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(UserError) as caught:
        read(path, content)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        BASE.replace(",", ";"),
        BASE.replace(",", "\t"),
        BASE.replace("\n", "\r\n"),
        BASE.replace("\n", "\r"),
        b"\xef\xbb\xbf" + BASE.encode(),
        "\n\n" + BASE.replace("\n", "\n\n"),
        BASE.rstrip("\n"),
        BASE.replace("5,25,1", '"5","25",1'),
        BASE.replace("a,b,y", ' a ,"b",y'),
    ],
)
def test_other_ways_to_write_the_same_table(path: Path, content: str | bytes) -> None:
    raw, plain = read(path, content), read(path, BASE)
    np.testing.assert_array_equal(raw.train.x, plain.train.x)
    assert (raw.columns, raw.digest) == (plain.columns, plain.digest)


def test_line_numbers_count_blank_lines_and_lines_inside_quotes(path: Path) -> None:
    with pytest.raises(UserError, match='line 7, column "a" holds "oops"'):
        read(path, '\na,y\n1,0\n\n2,"two\nlines"\noops,1\n')


def test_label_columns(path: Path) -> None:
    assert read(path, BASE, label_column="a", target="number").train.y.dtype == np.float64
    assert read(path, BASE).labels == (0, 1)
    table = "y,a\n" + "".join(f"{label},{i}\n" for i, label in enumerate(["7", "0", "2.0", "-3"] * 5))
    raw = read(path, table, label_column="y")
    assert (raw.labels, raw.names) == ((-3, 0, 2, 7), ("-3", "0", "2", "7"))
    words = "y,a\n" + "".join(f"{label},{i}\n" for i, label in enumerate(["none", "Zebra", "apfel", "7"] * 5))
    assert read(path, words, label_column="y").names == ("7", "Zebra", "apfel", "none")
    for fields, said in (
        ({"label_column": "label"}, 'no column "label"'),
        ({"label_column": "yy"}, 'Did you mean "y"'),
    ):
        with pytest.raises(UserError, match=said):
            read(path, BASE, **fields)
    for line, said in (("1,2,0.5", 'holds "0.5", not the number of a class'), ("1,2,", "line 22 has no label")):
        with pytest.raises(UserError, match=said):
            read(path, BASE + line + "\n")
    with pytest.raises(UserError, match='line 22, column "y" holds "x"'):
        read(path, BASE + "1,2,x\n", target="number")
    with pytest.raises(UserError, match="2,000 different labels"):
        read(path, "a,y\n" + "".join(f"1,{i}\n" for i in range(2000)))


def test_a_number_is_predicted(path: Path) -> None:
    read(path, BASE)
    data = load_dataset(Data(source=Csv(path=str(path), target="number", label_column="b")), seed=1)
    assert (data.summary.class_names, data.summary.outputs, data.train.y.dtype) == ((), 1, np.float64)
    assert sorted(np.concatenate([data.train.y, data.validation.y, data.test.y])) == [i * i for i in range(20)]


def test_a_text_column_and_a_constant_column(path: Path) -> None:
    with pytest.raises(UserError, match='column "sex" holds "male", a text'):
        read(path, "age,sex,y\n" + "3,male,1\n4,female,0\n" * 9)
    read(path, "a,same,y\n" + "".join(f"{i},5,{i % 2}\n" for i in range(20)))
    data = load_dataset(Data(source=Csv(path=str(path)), scaling="standardize"), seed=1)
    assert data.summary.notes == ('Without any variation in the training rows: "same". Scaled to 0.',)
    assert not data.train.x[:, 1].any()


@given(
    st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2)), min_size=2, max_size=30)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_float_comes_back_bit_for_bit(path: Path, rows: list[tuple[float, int]]) -> None:
    rows = [*rows, (0.0, 0), (1.0, 1)]
    raw = read(path, "x,y\n" + "".join(f"{value!r},{label}\n" for value, label in rows))
    assert raw.train.x[:, 0].tolist() == [value for value, _ in rows]
    assert raw.train.y.tolist() == [label for _, label in rows]


@given(st.text(alphabet='ab1.,;"\n\r\t #-e\u00e9\0', max_size=60), st.sampled_from(["refuse", "drop_rows", "median"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_a_finite_table_or_a_user_error(path: Path, text: str, empty_cells: str) -> None:
    try:
        raw = read(path, "a,b\n" + text, empty_cells=empty_cells)
    except UserError as error:
        assert str(error).startswith("t.csv")
        return
    expected = [row for row in csv.reader(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n"))) if row]
    if empty_cells != "drop_rows":
        assert len(raw.train.x) == len(expected)
    assert raw.fill or np.isfinite(raw.train.x).all()


def test_a_large_table_is_cancelled_and_memory_is_estimated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()
    control.stop()
    path.write_text(BASE)
    with pytest.raises(Cancelled):
        read_csv(Csv(path=str(path)), Watch(control))
    monkeypatch.setattr("dnnstudio.engine.backend.memory.MEMORY_SHARE", 1e-9)
    with pytest.raises(UserError, match=r"t\.csv would need .* of memory"):
        read_csv(Csv(path=str(path)), Watch())
