"""What follows from a table is said before training: leaks, copies, classes too small, columns without variation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from dnnstudio.core.experiment.data import Data, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.engine.data.loading import find_consequences

ROWS = 200


def found(tmp_path: Path, frame: pl.DataFrame, *columns: Column, **fields: Any) -> dict[str, str]:
    """The warnings of a table by their code. The last column is the target unless one is given."""
    (tmp_path / "t.csv").write_text(frame.write_csv())
    source = Table(path=str(tmp_path / "t.csv"), columns=columns, **fields)
    warnings = find_consequences(Data(source=source, scaling="standardize"), seed=1)
    return {warning.code: warning.text for warning in warnings}


def clean() -> pl.DataFrame:
    random = np.random.default_rng(8)
    return pl.DataFrame(
        {
            "a": random.normal(size=ROWS),
            "b": random.choice(["u", "v", "w"], ROWS),
            "y": random.choice(["p", "q", "r"], ROWS),
        }
    )


A, B = Column(name="a"), Column(name="b", kind="category")
Y = Column(name="y", kind="category", role="target")


def test_a_table_without_trouble_has_no_warnings(tmp_path: Path) -> None:
    assert found(tmp_path, clean(), A, B, Y) == {}


@pytest.mark.parametrize("words", [{"p": "P!", "q": "Q!", "r": "R!"}, {"p": "first", "q": "other", "r": "other"}])
def test_the_label_in_other_words_is_named(tmp_path: Path, words: dict[str, str]) -> None:
    frame = clean().with_columns(pl.col("y").replace_strict(words).alias("copy"))
    text = found(tmp_path, frame, A, B, Column(name="copy", kind="category"), Y)["label_in_other_words"]
    assert text.startswith('Column "copy" tells "y" in other words')


def test_the_target_in_other_units_is_named(tmp_path: Path) -> None:
    frame = clean().with_columns((pl.col("a") * -2.54 + 7).alias("inches"))
    text = found(
        tmp_path, frame, A, B, Column(name="inches", role="target"), Column(name="y", role="ignored"), target="number"
    )
    assert list(text) == ["same_as_target"] and '"a" is "inches" in other units' in text["same_as_target"]


def test_a_row_counter_in_a_sorted_file_gives_the_class_away(tmp_path: Path) -> None:
    frame = clean().sort("y").with_columns(pl.int_range(ROWS).alias("n"))
    assert '"n" counts the rows' in found(tmp_path, frame, A, B, Column(name="n"), Y)["id_gives_away"]
    mixed = clean().with_columns(pl.int_range(ROWS).alias("n"))
    assert "id_gives_away" not in found(tmp_path, mixed, A, B, Column(name="n"), Y)


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_copies_across_the_split_are_counted(tmp_path: Path, noise: float) -> None:
    frame = clean().with_columns(pl.Series("c", np.random.default_rng(9).normal(size=ROWS)))
    twice = pl.concat([frame, frame.with_columns(pl.col("a") + noise)])
    text = found(tmp_path, twice, A, B, Column(name="c"), Y)["copies"]
    copies, rows = int(text.split()[0]), int(text.split()[2])
    assert rows in (64, 80) and copies > rows / 3


def test_few_categories_alone_are_no_copies(tmp_path: Path) -> None:
    assert "copies" not in found(tmp_path, clean(), B, Y, Column(name="a", role="ignored"))


def test_a_class_too_small_for_every_part_is_named(tmp_path: Path) -> None:
    frame = clean().with_columns(pl.Series("y", ["rare", "rare", *clean()["y"][2:]]))
    assert (
        found(tmp_path, frame, A, B, Y)["small_class"]
        == 'Class "rare" has too few rows to stand in every part of the split.'
    )


def test_a_validation_part_of_one_class_is_named(tmp_path: Path) -> None:
    parts = ["validation" if label == "p" else "train" for label in clean()["y"]]
    frame = clean().with_columns(pl.Series("part", parts))
    text = found(tmp_path, frame, A, B, Column(name="part", kind="category", role="split"), Y)
    assert text["one_class_validates"].startswith('All validation rows are of one class, "p"')


def test_hundreds_of_different_numbers_are_rather_a_number(tmp_path: Path) -> None:
    frame = clean().with_columns(pl.Series("y", [row % 100 for row in range(ROWS)]))
    text = found(tmp_path, frame, A, B, Column(name="y", role="target"))["many_numbers"]
    assert text == "The target holds 100 different numbers. Predict a number instead of classes?"


def test_a_column_of_one_value_is_named(tmp_path: Path) -> None:
    frame = clean().with_columns(pl.lit(3).alias("same"))
    text = found(tmp_path, frame, A, B, Column(name="same"), Y)["constant"]
    assert text == 'Column "same" has one value alone in the training rows.'


def test_a_category_that_no_training_row_has_is_named(tmp_path: Path) -> None:
    parts = ["test" if row < 20 else "train" for row in range(ROWS)]
    frame = clean().with_columns(pl.Series("b", ["new"] * 5 + clean()["b"][5:].to_list()), pl.Series("part", parts))
    text = found(tmp_path, frame, A, B, Column(name="part", kind="category", role="split"), Y)["unseen"]
    assert text == 'No training row has "new" in column "b": all its inputs are 0 in such rows.'
