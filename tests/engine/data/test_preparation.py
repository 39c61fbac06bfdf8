"""A table's preparation against scikit-learn's ColumnTransformer, and as a file that is checked when it is read."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Scaling
from dnnstudio.core.experiment.data.sources.table import Column
from dnnstudio.engine.data.columns import StoredColumn
from dnnstudio.engine.data.preparation import Preparation, date_parts, fit_preparation
from dnnstudio.engine.data.reading import Watch

TARGET = Column(name="kind", role="target", kind="category")
COLORS = ("blue", "green", "grey", "red")
ROWS = 400


def stored_rows(seed: int) -> Any:
    """Two numbers (one with holes), a colour with holes, and a yes/no: float64 [rows, 4]."""
    random = np.random.default_rng(seed)
    x = np.column_stack(
        [
            random.normal(1_000.0, 3.0, ROWS),
            random.exponential(5.0, ROWS),
            random.choice(4, ROWS, p=(0.5, 0.3, 0.01, 0.19)).astype(float),
            random.integers(0, 2, ROWS).astype(float),
        ]
    )
    x[random.random(ROWS) < 0.1, 1] = np.nan
    x[random.random(ROWS) < 0.1, 2] = np.nan
    return x


def columns_of(*, min_frequency: int = 1, indicator: bool = False) -> tuple[StoredColumn, ...]:
    return (
        StoredColumn(Column(name="mass", kind="number", missing="median")),
        StoredColumn(Column(name="length", kind="number", missing="median", indicator=indicator)),
        StoredColumn(
            Column(name="color", kind="category", missing="most_frequent", min_frequency=min_frequency), COLORS
        ),
        StoredColumn(Column(name="ill", kind="yes_no")),
    )


def fitted(x: Any, rows: Any, scaling: Scaling, **fields: Any) -> Preparation:
    return fit_preparation(columns_of(**fields), x, rows, scaling=scaling, target=TARGET, watch=Watch())


@pytest.mark.parametrize(("scaling", "scaler"), [("standardize", StandardScaler), ("unit", MinMaxScaler)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_inputs_equal_scikit_learns_fitted_on_the_training_rows(scaling: Scaling, scaler: Any, seed: int) -> None:
    x = stored_rows(seed)
    rows = np.sort(np.random.default_rng(seed + 100).permutation(ROWS)[:250])
    names = np.append(np.asarray(COLORS, object), np.nan)
    frame = x.astype(object)
    frame[:, 2] = names[np.where(np.isnan(x[:, 2]), 4, x[:, 2]).astype(int)]
    reference = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), scaler()), [0, 1]),
            (
                "color",
                make_pipeline(
                    SimpleImputer(strategy="most_frequent"),
                    OneHotEncoder(handle_unknown="ignore", min_frequency=5, sparse_output=False),
                ),
                [2],
            ),
            ("ill", "passthrough", [3]),
        ]
    ).fit(frame[rows])
    ours = fitted(x, rows, scaling, min_frequency=5)
    np.testing.assert_allclose(ours.transform(x), reference.transform(frame).astype(float), rtol=0, atol=1e-9)
    assert ours.apply(x).dtype == np.float32


def test_rare_categories_share_an_input_and_one_never_trained_on_gives_zeros() -> None:
    codes = np.asarray([0, 0, 0, 1, 3, 2, np.nan])[:, None]
    column = StoredColumn(Column(name="color", kind="category", min_frequency=2, missing="most_frequent"), COLORS)
    made = fit_preparation([column], codes, np.arange(5), scaling="standardize", target=TARGET, watch=Watch())
    assert made.inputs == ("color = blue", "color = other")
    assert made.columns[0].unseen == ("grey",)
    expected = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0], [1, 0]]
    np.testing.assert_array_equal(made.transform(codes), expected)
    np.testing.assert_array_equal(made.transform(np.asarray([[-1.0]])), [[0, 0]])


def test_an_indicator_says_where_a_cell_was_empty() -> None:
    x = stored_rows(3)
    made = fitted(x, np.arange(ROWS), "standardize", indicator=True)
    place = made.inputs.index("length is empty")
    np.testing.assert_array_equal(made.transform(x)[:, place], np.isnan(x[:, 1]))


def test_dates_become_year_month_weekday_and_days_since_the_first() -> None:
    first = datetime.date(2019, 12, 30)
    dates = [first + datetime.timedelta(days=40 * step) for step in range(30)]
    days = np.asarray([(date - datetime.date(1970, 1, 1)).days for date in dates], float)
    expected = [[date.year, date.month, date.weekday(), (date - first).days] for date in dates]
    np.testing.assert_array_equal(date_parts(days, days[0]), expected)
    made = fit_preparation(
        [StoredColumn(Column(name="day", kind="date"))],
        days[:, None],
        np.arange(20),
        scaling="standardize",
        target=TARGET,
        watch=Watch(),
    )
    reference = StandardScaler().fit(expected[:20]).transform(expected)
    np.testing.assert_allclose(made.transform(days[:, None]), reference, rtol=0, atol=1e-9)


def test_a_column_of_one_value_becomes_zero_and_nothing_is_divided_by_zero() -> None:
    x = np.full((5, 1), 3.0)
    made = fit_preparation(
        [StoredColumn(Column(name="same"))], x, np.arange(5), scaling="standardize", target=TARGET, watch=Watch()
    )
    np.testing.assert_array_equal(made.apply(x), np.zeros((5, 1), np.float32))


def test_inverted_inputs_are_in_the_units_of_the_table() -> None:
    x = stored_rows(4)
    x[np.isnan(x)] = 0.0
    made = fitted(x, np.arange(ROWS), "standardize")
    back = made.invert(made.apply(x))
    np.testing.assert_allclose(back[:, 0], x[:, 0], rtol=1e-5)
    np.testing.assert_array_equal(back[:, -1], x[:, 3])


def test_a_preparation_survives_its_file(tmp_path: Path) -> None:
    x = stored_rows(5)
    made = fitted(x, np.arange(300), "standardize", min_frequency=5, indicator=True)
    made.save(tmp_path / "preparation.json")
    again = Preparation.load(tmp_path / "preparation.json")
    assert again == made
    np.testing.assert_array_equal(again.transform(x), made.transform(x))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plain: plain["columns"][0].update(scale=[0.0]), "scales other than 0"),
        (lambda plain: plain["columns"][0].update(offset=[1.0, 2.0]), "needs 1 offsets"),
        (lambda plain: plain["columns"][2].update(places=[0, 1, 7, 2]), "do not fit its vocabulary"),
        (lambda plain: plain["columns"][2].update(fill=9.0), "fills in a category that is not there"),
        (lambda plain: plain["columns"][0]["column"].update(kind="text"), "needs 0 offsets"),
        (lambda plain: plain.update(scaling="twice"), "scaling"),
        (lambda plain: plain.update(code="import os"), "code"),
    ],
)
def test_a_preparation_that_was_tampered_with_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    path = tmp_path / "preparation.json"
    fitted(stored_rows(6), np.arange(ROWS), "standardize").save(path)
    plain = json.loads(path.read_text())
    change(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(UserError, match=said):
        Preparation.load(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', "NaN"])
def test_what_is_no_preparation_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "preparation.json").write_text(text)
    with pytest.raises(UserError, match="preparation"):
        Preparation.load(tmp_path / "preparation.json")


def test_columns_of_whole_numbers_are_known_whatever_is_empty() -> None:
    x = stored_rows(1)
    x[:, 0] = np.rint(x[:, 0])
    x[5:9, 0] = np.nan
    x[:, 1] = 3.0
    x[ROWS - 1, 1] = 3.5
    found = fitted(x, np.arange(ROWS), "standardize")
    assert [column.whole for column in found.columns] == [True, False, False, False]
    assert fitted(x, np.arange(ROWS - 1), "standardize").columns[1].whole
