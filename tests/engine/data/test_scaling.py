from __future__ import annotations

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.raw import Raw, Rows
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.scaling import Scaler, fit_scaler, gather, take

RANDOM = np.random.default_rng(5)


def raw_of(x: np.ndarray, **more: object) -> Raw:
    return Raw(Rows(x, np.zeros(len(x), np.int64)), None, (0, 1), ("0", "1"), "here", **more)


def test_standardize_agrees_with_scikit_learn_on_training_rows_alone() -> None:
    x = RANDOM.normal(50, 9, (400, 6)) * [1, 1e-6, 1e6, 1, 1, 1]
    rows = RANDOM.permutation(400)[:250]
    scaler = fit_scaler(raw_of(x), rows, "standardize", Watch())
    reference = StandardScaler().fit(x[rows])
    np.testing.assert_allclose(scaler.mean, reference.mean_, rtol=1e-12)
    np.testing.assert_allclose(scaler.std, reference.scale_, rtol=1e-10)
    np.testing.assert_allclose(scaler.apply(x), reference.transform(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(scaler.invert(scaler.apply(x)), x, rtol=1e-5)


def test_standardized_pictures_are_those_of_the_chapter() -> None:
    x = RANDOM.integers(0, 256, (300, 5, 5), dtype=np.uint8)
    x[:, 0, 0] = 7
    train = np.arange(40, 300)
    scaler = fit_scaler(raw_of(x, full_scale=255.0), train, "standardize", Watch())
    means, deviations = x[train].mean(axis=0, keepdims=True), x[train].std(axis=0, keepdims=True)
    deviations[deviations == 0] = 1
    np.testing.assert_allclose(gather(x, train, scaler, Watch()), (x[train] - means) / deviations, atol=2e-6)


def test_unit_brings_tables_by_column_and_pictures_as_a_whole_into_0_to_1() -> None:
    table = RANDOM.normal(0, 100, (90, 4))
    rows = np.arange(10, 80)
    scaler = fit_scaler(raw_of(table), rows, "unit", Watch())
    np.testing.assert_allclose(scaler.apply(table), MinMaxScaler().fit(table[rows]).transform(table), atol=1e-6)
    pictures = RANDOM.normal(0, 100, (90, 3, 3))
    found = fit_scaler(raw_of(pictures), rows, "unit", Watch()).apply(pictures)
    low, high = pictures[rows].min(), pictures[rows].max()
    np.testing.assert_allclose(found, (pictures - low) / (high - low), atol=1e-6)


def test_eight_bit_pictures_are_divided_exactly() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(64, 2, 2)
    found = fit_scaler(raw_of(every, full_scale=255.0), np.arange(64), "unit", Watch()).apply(every)
    np.testing.assert_array_equal(found, (every / 255).astype(np.float32))


def test_none_leaves_the_numbers_alone() -> None:
    x = RANDOM.normal(size=(20, 3))
    found = fit_scaler(raw_of(x), np.arange(20), "none", Watch()).apply(x)
    np.testing.assert_array_equal(found, x.astype(np.float32))


@pytest.mark.parametrize("kind", ["unit", "standardize"])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e-300, 1e300, -7.0, 1e15 + 0.1])
def test_a_constant_column_becomes_zero_and_never_nan(kind: str, value: float) -> None:
    x = np.column_stack([np.full(99, value), RANDOM.normal(size=99)])
    scaler = fit_scaler(raw_of(x), np.arange(99), kind, Watch())
    found = scaler.apply(x)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, 0], 0)


@pytest.mark.parametrize("scale", [1e-310, 1e-200, 1e200, 1e307])
def test_huge_and_tiny_columns_are_standardized(scale: float) -> None:
    x = RANDOM.normal(size=(200, 1)) * scale
    found = fit_scaler(raw_of(x), np.arange(200), "standardize", Watch()).apply(x)
    assert found.mean() == pytest.approx(0, abs=1e-3)
    assert found.std() == pytest.approx(1, abs=1e-3)


def test_a_value_that_float32_cannot_hold_is_refused_by_column() -> None:
    x = np.ones((50, 2))
    x[30, 1] = 1e39
    scaler = fit_scaler(raw_of(x), np.arange(50), "none", Watch())
    with pytest.raises(UserError, match=r'column "b" is beyond 3\.4e'):
        gather(x, np.arange(50), scaler, Watch(), columns=("a", "b"))


def test_empty_cells_become_the_median_of_the_training_rows() -> None:
    x = RANDOM.normal(size=(60, 3))
    x[::7, 0] = np.nan
    x[:, 2] = np.nan
    rows = np.arange(20, 60)
    scaler = fit_scaler(raw_of(x, fill=True), rows, "standardize", Watch())
    filled = np.where(np.isnan(x), [np.nanmedian(x[rows, 0]), 0, 0], x)
    np.testing.assert_allclose(
        scaler.apply(x)[:, :2], StandardScaler().fit(filled[rows]).transform(filled)[:, :2], atol=1e-6
    )
    assert np.isfinite(scaler.apply(x)).all()


@pytest.mark.parametrize("rows", [[3, 4, 5], [5, 3, 4], [0, 2, 3], [7], [2, 2, 4]])
def test_take_is_indexing(rows: list[int]) -> None:
    x = RANDOM.normal(size=(9, 2))
    np.testing.assert_array_equal(take(x, np.asarray(rows)), x[rows])


def test_gather_copies_in_blocks_and_is_read_only() -> None:
    x = RANDOM.integers(0, 256, (5000, 40, 40), dtype=np.uint8)
    rows = np.sort(RANDOM.permutation(5000)[:4000])
    scaler = Scaler("unit", np.float64(0), np.float64(255))
    told: list[int] = []
    found = gather(x, rows, scaler, Watch(None, lambda done, total, text: told.append(done)))
    np.testing.assert_array_equal(found, (x[rows] / 255).astype(np.float32))
    assert len(told) > 2
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 0


def test_gather_stops_when_asked() -> None:
    control = Control()
    control.stop()
    scaler = Scaler("unit", np.float64(0), np.float64(255))
    with pytest.raises(Cancelled):
        gather(np.zeros((10, 2), np.uint8), np.arange(10), scaler, Watch(control))
