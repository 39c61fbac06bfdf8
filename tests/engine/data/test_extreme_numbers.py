"""Numbers at the ends of what can be computed: refused or told in one sentence, never an inner error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Scaling, Table
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.engine.data import describe
from dnnstudio.engine.data.loading import plan_of
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.proposing import propose
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.encode import as_texts
from dnnstudio.engine.data.tables.new_rows import read_new_rows


def parquet(path: Path, **columns: list[float]) -> Path:
    pl.DataFrame({**columns, "y": ["pq"[row % 2] for row in range(60)]}).write_parquet(path)
    return path


def numbers(path: Path, targets: list[float]) -> Data:
    """A table whose last column is the number to predict."""
    random = np.random.default_rng(0)
    lines = ["a,y", *(f"{random.normal()},{target!r}" for target in targets)]
    path.write_text("\n".join(lines), encoding="utf-8")
    columns = (Column(name="a"), Column(name="y", role="target"))
    return Data(source=Table(path=str(path), target="number", columns=columns))


def test_an_infinite_cell_of_a_parquet_file_is_taken_for_empty_and_said(tmp_path: Path) -> None:
    values = [float(row % 13) for row in range(60)]
    values[4], values[9] = float("inf"), float("-inf")
    path = parquet(tmp_path / "t.parquet", a=values, b=[float(row % 7) for row in range(60)])
    found = propose(path)
    column = next(column for column in found.columns if column.name == "a")
    assert "2 cells (-inf, inf) are taken for empty" in column.reason
    plan = plan_of(found.experiment.data, seed=1)
    assert isinstance(plan.preparation, Preparation)
    everywhere = plan.preparation.apply(plan.raw.train.x)
    assert np.isfinite(everywhere).all() and np.isnan(plan.raw.train.x).sum() == 2
    assert isinstance(found.experiment.data.source, Table)
    new = read_new_rows(found.experiment.data.source, plan.preparation, path, Watch())
    assert set(new.errors) == {""}  # they are filled in, as in training


def test_an_infinite_cell_that_is_no_sign_of_an_empty_one_is_refused_by_row(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", a=[float("inf") if row == 30 else row / 8 for row in range(60)])
    columns = (Column(name="a"), Column(name="y", kind="category", role="target"))
    with pytest.raises(UserError, match=r't\.parquet: row 31, column "a" holds "inf", which is not a number'):
        describe(Data(source=Table(path=str(path), columns=columns)), seed=1)


@pytest.mark.parametrize("scaling", ["standardize", "unit"])
def test_a_column_whose_spread_cannot_be_computed_is_refused_by_name(tmp_path: Path, scaling: Scaling) -> None:
    path = parquet(tmp_path / "t.parquet", wide=[(-1.5e308, 1.5e308)[row % 3 == 0] for row in range(60)])
    columns = (Column(name="wide"), Column(name="y", kind="category", role="target"))
    with pytest.raises(UserError, match='Column "wide" spans more than'):
        describe(Data(source=Table(path=str(path), columns=columns), scaling=scaling), seed=1)


@pytest.mark.parametrize("outlier", [1e30, -1e300])
@pytest.mark.parametrize("place", range(0, 60, 20))
def test_a_target_beyond_computable_squares_is_refused_in_whatever_part_it_is(
    tmp_path: Path, outlier: float, place: int
) -> None:
    targets = [float(row) for row in range(60)]
    targets[place] = outlier
    with pytest.raises(UserError, match=r"A number to predict is as large as 1\.0e"):
        describe(numbers(tmp_path / "t.csv", targets), seed=1)


@pytest.mark.parametrize("unit", ["standard", "none"])
def test_targets_that_differ_too_little_to_be_squared_are_refused(tmp_path: Path, unit: str) -> None:
    data = numbers(tmp_path / "t.csv", [(1 + row / 100) * 1e-300 for row in range(60)])
    with pytest.raises(UserError, match=r"differ by .* only"):
        describe(data.replaced(target_scaling=unit), seed=1)


def test_targets_finer_than_the_steps_of_answers_are_told(tmp_path: Path) -> None:
    fine = describe(numbers(tmp_path / "fine.csv", [1e9 + row / 1000 for row in range(60)]), seed=1)
    assert any("steps of 64. Subtract a constant" in note for note in fine.summary.notes)
    assert np.spacing(np.float32(1e9)) == 64
    usual = describe(numbers(tmp_path / "usual.csv", [2000.0 + row for row in range(60)]), seed=1)
    assert usual.summary.notes == ()


def test_training_rows_with_one_and_the_same_target_are_told(tmp_path: Path) -> None:
    found = describe(numbers(tmp_path / "t.csv", [5.5] * 60), seed=1)
    assert found.summary.notes == (
        "All training rows have the same number to predict, 5.5: there is nothing to learn.",
    )


def test_each_number_is_spelt_by_itself_where_it_is_a_category() -> None:
    cells = pl.Series([1.0, 2.5, 1e300, float("inf"), None, -3.0])
    assert as_texts(cells).to_list() == ["1", "2.5", "1e+300", "inf", None, "-3"]
    assert as_texts(cells.head(1)).to_list() == ["1"]
