"""What a person decided about their data, as plain values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dnnstudio.core.experiment.data import Column, Csv, Data, Fraction, Table
from dnnstudio.core.jobs.proposals import ColumnChange, Reading
from dnnstudio.gui.data.door.choices import Choices
from dnnstudio.gui.data.door.words import SPLITS

CHOICES = Choices(paths=(Path("a.csv"),), seed=1)


def test_a_role_of_one_column_leaves_the_one_that_had_it() -> None:
    found = CHOICES.with_role("a", "target").with_role("b", "target")
    assert found.columns == (ColumnChange("a", role="feature"), ColumnChange("b", role="target"))


def test_role_and_kind_of_a_column_are_kept_together() -> None:
    found = CHOICES.with_role("a", "feature").with_kind("a", "number")
    assert found.columns == (ColumnChange("a", "feature", "number"),)


def test_what_becomes_of_empty_cells_is_forgotten_with_the_kind() -> None:
    found = CHOICES.with_missing("a", "median")
    assert found.with_role("a", "feature").columns == (ColumnChange("a", "feature", missing="median"),)
    assert found.with_kind("a", "category").columns == (ColumnChange("a", kind="category"),)


def test_another_separator_forgets_the_columns_and_another_decimal_sign_keeps_them() -> None:
    chosen = CHOICES.with_role("a", "target")
    assert chosen.with_reading(Reading(separator="tab")).columns == ()
    assert chosen.with_reading(Reading(decimal="comma")).columns == chosen.columns


def test_choices_of_data_lead_to_the_same_question() -> None:
    columns = (Column(name="a", kind="number"), Column(name="b", role="target", kind="yes_no"))
    source = Table(path="/d/train.csv", test_path="/d/test.csv", separator="tab", columns=columns)
    data = Data(source=source, validation=Fraction(fraction=0.3), test_share=0.1)
    found = Choices.of(data, 5)
    assert found is not None
    job = found.job()
    assert job.paths == (Path("/d/train.csv"), Path("/d/test.csv"))
    assert job.reading == Reading(separator="tab")
    assert job.columns == (
        ColumnChange("a", "feature", "number", "refuse"),
        ColumnChange("b", "target", "yes_no"),
    )
    assert (job.validation_share, job.test_share, job.seed) == (0.3, 0.1, 5)
    assert Choices.of(replace_source(data), 5) is None


def replace_source(data: Data) -> Data:
    return data.replaced(source=Csv(path="/d/train.csv"))


def test_every_split_adds_up() -> None:
    for choice in SPLITS:
        validation, test = choice.shares
        assert choice.train + choice.validation + choice.test == 100
        assert abs((1 - test) * validation * 100 - choice.validation) < 0.01
    assert replace(SPLITS[0]).shares == (0.2, 0.2)
