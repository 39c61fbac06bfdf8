"""What columns are taken for: the kinds of cells that real tables have, each with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Table
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.proposing import propose
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables import judge as judging
from dnnstudio.engine.data.tables import values
from dnnstudio.engine.data.tables.judge import Judged, Judgement, judge, judge_columns
from dnnstudio.engine.data.tables.text.cells import Cells, text_cells
from dnnstudio.engine.data.tables.values import NumberSigns, find_date_format, find_number_signs, to_days, to_numbers

ROWS = 60


def judged(predict: str | None = None, **columns: Any) -> Judgement:
    """The judgement of a table, written with semicolons; each column is a function of the row's number."""
    lines = [";".join(columns)]
    lines += [";".join(str(make(row)) for make in columns.values()) for row in range(ROWS)]
    content = "\n".join(lines).encode()
    source = Table(path="t.csv")
    return judge(text_cells(content, Path("t.csv"), source, Watch()), source, predict=predict)


def one(judgement: Judgement, name: str) -> Judged:
    return next(item for item in judgement.columns if item.column.name == name)


def label(row: int) -> str:
    return "ab"[row % 2]


@pytest.mark.parametrize(
    ("make", "kind", "role"),
    [
        (lambda row: f"{row / 7:.3f}", "number", "feature"),
        (lambda row: f"{row / 7:.2f}".replace(".", ","), "number", "feature"),
        (lambda row: f"{row + 3} %", "number", "feature"),
        (lambda row: f"{row * 1_234:,}", "number", "feature"),
        (lambda row: ["red", "green", "blue"][row % 3], "category", "feature"),
        (lambda row: ["yes", "no"][row % 2], "yes_no", "feature"),
        (lambda row: row % 2, "yes_no", "feature"),
        (lambda row: f"{1 + row % 28:02d}.{1 + row % 12:02d}.2021", "date", "feature"),
        (lambda row: f"2021-{1 + row % 12:02d}-{1 + row % 28:02d} 10:30", "date", "feature"),
        (lambda row: f"{row % 12:02d}", "category", "feature"),
        (lambda row: row + 1, "id", "ignored"),
        (lambda row: f"customer-{row}", "id", "ignored"),
        (lambda row: f"the {row} th of some long sentences", "text", "ignored"),
        (lambda row: "", "text", "ignored"),
        (lambda row: "same", "category", "ignored"),
        (lambda row: 5, "number", "ignored"),
        (lambda row: 1900 + row, "number", "feature"),
    ],
)
def test_a_column_is_taken_for_what_its_cells_are(make: Any, kind: str, role: str) -> None:
    column = one(judged(first=make, other=lambda row: row * row % 17, y=label), "first").column
    assert (column.kind, column.role) == (kind, role)


def test_odd_texts_among_numbers_are_empty_cells_and_named() -> None:
    found = one(judged(size=lambda row: "unknown" if row == 7 else row / 3, y=label), "size")
    assert found.column.kind == "number"
    assert found.column.missing_values == ("unknown",)
    assert found.column.missing == "median"
    assert "1 cell (unknown) is taken for empty" in found.reason


def test_leading_zeros_are_codes_and_no_digit_is_lost() -> None:
    found = judged("code", size=lambda row: row / 3, code=lambda row: ("01", "1", "1")[row % 3])
    assert one(found, "code").column.kind == "category"
    assert found.predicts == "classes"
    assert one(found, "code").different == 2


def test_two_texts_that_differ_by_case_alone_are_no_yes_and_no() -> None:
    found = one(judged(size=lambda row: row / 3, word=lambda row: ("No", "no")[row % 2], y=label), "word")
    assert (found.column.kind, found.different) == ("category", 2)


def test_an_odd_text_of_control_letters_is_a_sign_of_an_empty_cell(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("size,y\n" + "".join(f"{chr(28) if row == 7 else row / 3},{label(row)}\n" for row in range(ROWS)))
    assert "1 empty cell filled in from the training rows." in propose(path).warnings


def test_empty_cells_get_a_rule_that_fits_the_kind() -> None:
    found = judged(
        size=lambda row: "NA" if row % 10 == 0 else row / 3,
        color=lambda row: "" if row == 3 else ["red", "green"][row % 2],
        mostly=lambda row: 1 if row < 9 else "",
        y=label,
    )
    assert (one(found, "size").column.missing, one(found, "size").column.indicator) == ("median", True)
    assert (one(found, "color").column.missing, one(found, "color").column.indicator) == ("most_frequent", False)
    assert one(found, "mostly").column.role == "ignored"
    assert found.missing_values == ("NA",)


def test_many_categories_share_an_input_where_they_are_rare() -> None:
    found = judged(town=lambda row: f"town {row % 25}", y=label)
    assert one(found, "town").column.min_frequency == 2


@pytest.mark.parametrize(
    ("columns", "target", "predicts"),
    [
        ({"a": lambda row: row / 3, "b": label}, "b", "classes"),
        ({"species": label, "a": lambda row: row / 3}, "species", "classes"),
        ({"a": lambda row: row / 3, "b": lambda row: row / 7}, "b", "number"),
        ({"a": lambda row: row / 3, "b": lambda row: row % 5}, "b", "classes"),
        ({"a": lambda row: row / 3, "b": label, "note": lambda row: f"a free text of {row}"}, "b", "classes"),
    ],
)
def test_the_target_is_a_usual_name_or_the_last_column_that_can_be_one(
    columns: Any, target: str, predicts: str
) -> None:
    found = judged(**columns)
    assert (found.target, found.predicts) == (target, predicts)
    assert one(found, target).column.role == "target"


def test_a_wish_for_a_target_wins_and_a_wrong_one_is_corrected() -> None:
    assert judged("a", a=lambda row: row / 3, y=label, z=label).target == "a"
    with pytest.raises(UserError, match='no column "lenght"') as refusal:
        judged("lenght", length=lambda row: row / 3, y=label)
    assert refusal.value.hint == 'Did you mean "length"?'


@pytest.mark.parametrize(
    ("columns", "predict", "said"),
    [
        ({"a": lambda row: row + 1, "b": lambda row: f"name-{row}"}, None, "no column that could be predicted"),
        ({"a": lambda row: row + 1, "b": label}, "b", 'no column to predict "b" from'),
        ({"a": lambda row: row / 3, "b": lambda row: "same"}, "b", "is always the same"),
        ({"a": lambda row: row / 3, "b": lambda row: f"name-{row}"}, "b", "too many classes"),
        ({"a": lambda row: row / 3, "b": lambda row: f"2020-01-{1 + row % 9:02d}"}, "b", "holds dates"),
    ],
)
def test_what_cannot_be_predicted_is_refused_with_the_reason(columns: Any, predict: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        judged(predict, **columns)


@pytest.mark.parametrize(
    ("cells", "separator", "signs"),
    [
        (["1.5", "2.25"], "comma", NumberSigns("point", "none")),
        (["1,5", "2,25"], "semicolon", NumberSigns("comma", "none")),
        (["1.234,5", "2,25"], "tab", NumberSigns("comma", "point")),
        (["1,234.5", "2.25"], "comma", NumberSigns("point", "comma")),
        (["1,234", "2,500"], "comma", NumberSigns("point", "comma")),
        (["1,234", "2,500"], "semicolon", NumberSigns("comma", "none")),
        (["1 234", "2 500"], "tab", NumberSigns("point", "space")),
        (["1'234.5", "2'500.25"], "tab", NumberSigns("point", "apostrophe")),
    ],
)
def test_decimal_and_thousands_signs_are_found(cells: list[str], separator: Any, signs: NumberSigns) -> None:
    assert find_number_signs([pl.Series(cells)], separator) == signs


@pytest.mark.parametrize(
    ("cell", "signs", "number"),
    [
        ("1.5", NumberSigns(), 1.5),
        ("-1e-3", NumberSigns(), -0.001),
        ("12 %", NumberSigns(), 0.12),
        ("$1,234.50", NumberSigns("point", "comma"), 1234.5),
        ("1.234,5 €", NumberSigns("comma", "point"), 1234.5),
        ("1.5", NumberSigns("comma", "none"), None),
        ("1,23", NumberSigns("point", "comma"), None),
        ("inf", NumberSigns(), None),
        ("nan", NumberSigns(), None),
        ("0x10", NumberSigns(), None),
        ("1_000", NumberSigns(), None),
    ],
)
def test_a_number_is_read_as_it_is_written_or_not_at_all(cell: str, signs: NumberSigns, number: float | None) -> None:
    assert to_numbers(pl.Series([cell]), signs).to_list() == [number]


@pytest.mark.parametrize(
    ("cells", "pattern", "days"),
    [
        (["1970-01-02"], "%Y-%m-%d", 1.0),
        (["13.02.1970"], "%d.%m.%Y", 43.0),
        (["02/13/1970"], "%m/%d/%Y", 43.0),
        (["13/02/1970"], "%d/%m/%Y", 43.0),
        (["1970-01-02 12:00"], "%Y-%m-%d %H:%M", 1.5),
        (["2 Jan 1970"], "%d %b %Y", 1.0),
        (["1970-02"], "%Y-%m", 31.0),
        (["Feb 1970"], "%b %Y", 31.0),
    ],
)
def test_dates_are_read_by_the_format_that_fits_them_all(cells: list[str], pattern: str, days: float) -> None:
    series = pl.Series(cells)
    assert find_date_format(series) == pattern
    assert to_days(series, pattern).to_list() == [days]


def test_what_is_a_date_in_part_alone_is_none() -> None:
    assert find_date_format(pl.Series(["2020-01-01", "soon"])) is None
    assert find_date_format(pl.Series(["31.12.2020", "12/31/2020"])) is None


CELL = st.one_of(
    st.integers(-3, 300).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.sampled_from(["007", "1.0", "1e3", " 5", "", "NA", "nan", "inf", "-999", "1,5", "5 %", "x", "1234567890123456"]),
)
COLUMN = st.one_of(
    st.lists(CELL, min_size=12, max_size=12),
    st.lists(st.integers(0, 4).map(str), min_size=12, max_size=12),
    st.lists(st.floats(-9, 9).map(repr), min_size=12, max_size=12),
    st.sampled_from([["1"] * 12, [str(row) for row in range(12)], ["0", "1"] * 6, ["01", "2", "3"] * 4]),
)


@settings(max_examples=100, deadline=None)
@given(columns=st.lists(COLUMN, min_size=2, max_size=6), signs=st.sampled_from([None, ("-999",)]), named=st.booleans())
def test_many_columns_at_once_are_taken_for_what_each_is_alone(
    columns: list[list[str]], signs: tuple[str, ...] | None, named: bool
) -> None:
    names = [f"c{place}" if named or place else "" for place in range(len(columns))]
    frame = pl.DataFrame({name or "column_1": column for name, column in zip(names, columns, strict=True)})
    cells = Cells(frame, np.arange(1, 13), header=True, unnamed=() if named else ("column_1",))
    source = Table(path="t.csv", missing_values=signs)
    together = judge_columns(cells, source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "_plain_numbers", lambda *_: {})
        assert judge_columns(cells, source) == together
    count = find_number_signs(frame.iter_columns(), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "CELLS_AT_ONCE", 1)
        assert find_number_signs(frame.iter_columns(), None) == count


def test_a_stop_is_heard_while_the_columns_are_looked_at() -> None:
    control = Control()
    control.stop()
    cells = Cells(pl.DataFrame({"a": ["1", "2"], "b": ["3", "4"]}), np.arange(2), header=True)
    with pytest.raises(Cancelled):
        judge(cells, Table(path="t.csv"), watch=Watch(control))


def test_a_wide_table_needs_few_calls_for_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    one_by_one: list[str] = []
    alone = judging._judge_column

    def counted(cells: pl.Series, name: str, *args: Any, **more: Any) -> Any:
        one_by_one.append(name)
        return alone(cells, name, *args, **more)

    monkeypatch.setattr(judging, "_judge_column", counted)
    numbers = {f"x{place}": [f"{place}.{row}5" for row in range(30)] for place in range(1_000)}
    cells = Cells(pl.DataFrame(numbers | {"y": ["a", "b", "c"] * 10}), np.arange(30), header=True)
    judge(cells, Table(path="t.csv"))
    assert one_by_one == ["y"]


def test_a_column_that_names_the_parts_is_the_split(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    parts = ["train", "Train", "val", "test", "train"]
    lines = [f"{row}.5,{parts[row % 5]},{'ab'[row % 3 % 2]}" for row in range(100)]
    path.write_text("\n".join(["x,Split,y", *lines]))
    made = propose(path)
    source = made.experiment.data.source
    assert isinstance(source, Table)
    split = source.column("split")
    assert split is not None and split.name == "Split" and [item.name for item in source.features] == ["x"]
    assert made.summary.counts == (60, 20, 20)


@pytest.mark.parametrize(
    ("name", "words"),
    [("split", ["train", "bus", "test"]), ("way", ["train", "test", "val"]), ("split", ["val", "test"])],
)
def test_other_columns_are_no_split(name: str, words: list[str]) -> None:
    found = judged(x=lambda row: row / 7, y=lambda row: "ab"[row % 2], **{name: lambda row: words[row % len(words)]})
    assert one(found, name).column.role != "split"


def test_a_split_that_is_asked_for_is_predicted() -> None:
    found = judged("split", x=lambda row: row / 7, split=lambda row: ["train", "test"][row % 2])
    assert found.target == "split" and one(found, "split").column.role == "target"
