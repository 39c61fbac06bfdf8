"""The record of a person's own table: its rules, its file, and changes by a column's name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Column, Data, Table
from dnnstudio.core.experiment.edits import get_value, set_value
from dnnstudio.core.experiment.record import Experiment

COLUMNS = (Column(name="mass"), Column(name="town", kind="category"), Column(name="y", role="target"))
EXPERIMENT = Experiment(data=Data(source=Table(path="t.csv", columns=COLUMNS)))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((*COLUMNS, Column(name="mass")), '"mass" twice'),
        ((*COLUMNS, Column(name="z", role="target")), "the role target more than once"),
        ((*COLUMNS, Column(name="a", role="group"), Column(name="b", role="group")), "the role group more than once"),
        (COLUMNS[:2], "no target"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(columns: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Table(path="t.csv", columns=columns)


def test_what_is_left_open_is_left_out_of_the_file() -> None:
    assert codec.to_plain(Table(path="t.csv")) == {"kind": "table", "path": "t.csv", "target": "classes"}
    assert codec.to_plain(Data())["validation"] == {"kind": "fraction", "fraction": 0.2}
    assert "test_share" not in codec.to_plain(Data())
    assert codec.from_json(codec.to_json(EXPERIMENT)) == EXPERIMENT


def test_a_column_is_changed_by_its_name_or_its_place() -> None:
    after = set_value(EXPERIMENT, "data.source.columns.town.role", "ignored")
    assert get_value(after, "data.source.columns[1].role") == "ignored"
    after = set_value(after, "data.source.columns[0].kind", "date")
    assert get_value(after, "data.source.columns.mass.kind") == "date"
    with pytest.raises(UserError, match="kind"):
        set_value(EXPERIMENT, "data.source.columns[0].kind", "picture")


def test_the_roles_are_found_by_those_who_need_them() -> None:
    source = EXPERIMENT.data.source
    assert isinstance(source, Table)
    assert source.target_column == COLUMNS[2] and source.features == COLUMNS[:2]
    assert source.column("group") is None
