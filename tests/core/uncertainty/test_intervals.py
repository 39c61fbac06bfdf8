"""Conformal intervals of numbers: by hand, over random splits, and scaled by the spread of the passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.conformal import Promise, calibrate_intervals

NINE_TENTHS = Promise.of(0.9)


def measured(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True values, predictions, and spreads: the noise grows with what is predicted, and the spread knows it."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0, 10, rows)
    spread = 0.1 + predicted / 5
    return predicted + rng.normal(size=rows) * spread, predicted, spread


def test_plain_intervals_of_a_case_worked_out_by_hand() -> None:
    """Ten rows and 90 %: k = ⌈11 · 0.9⌉ = 10, the largest of the errors 1 … 10; 80 %: k = 9."""
    values, predicted = np.arange(1.0, 11), np.zeros(10)
    for coverage, quantile in ((0.9, 10.0), (0.8, 9.0)):
        calibration = calibrate_intervals(values, predicted, promise=Promise.of(coverage))
        assert calibration.quantile == quantile
        intervals = calibration.intervals(np.array([0.0, 100.0]))
        assert intervals.low.tolist() == [-quantile, 100 - quantile]
        assert intervals.high.tolist() == [quantile, 100 + quantile]
        assert intervals.mean_width == 2 * quantile
        assert intervals.coverage(np.array([quantile, 100 + quantile + 1e-9])).hits == 1


def test_scaled_intervals_of_a_case_worked_out_by_hand() -> None:
    """Errors 1 … 9 with spreads 0.5: scores 1 … 9 for an epsilon of 0.5, and k = 9 of 9."""
    values, predicted = np.arange(1.0, 10), np.zeros(9)
    calibration = calibrate_intervals(values, predicted, promise=NINE_TENTHS, spread=np.full(9, 0.5), epsilon=0.5)
    assert calibration.quantile == 9
    intervals = calibration.intervals(np.array([0.0, 1.0]), spread=np.array([0.0, 1.5]))
    np.testing.assert_allclose(intervals.low, [-4.5, 1 - 18], rtol=1e-12)
    np.testing.assert_allclose(intervals.high, [4.5, 1 + 18], rtol=1e-12)


def test_single_precision_of_large_numbers_loses_nothing() -> None:
    predicted = np.full(9, 16_777_216, dtype=np.float32)  # 2²⁴: the next float32 is 2 further
    intervals = calibrate_intervals(predicted + np.float64(1), predicted, promise=NINE_TENTHS).intervals(predicted)
    assert (intervals.low[0], intervals.high[0]) == (16_777_215, 16_777_217)


def test_equal_spreads_scale_to_plain_intervals() -> None:
    values, predicted, _ = measured(60, seed=1)
    spread = np.full(60, 0.7)
    plain = calibrate_intervals(values, predicted, promise=NINE_TENTHS).intervals(predicted)
    scaled = calibrate_intervals(values, predicted, promise=NINE_TENTHS, spread=spread, epsilon=0.1)
    np.testing.assert_allclose(scaled.intervals(predicted, spread=spread).low, plain.low, rtol=1e-9, atol=1e-9)


def test_too_few_rows_leave_everything_possible_and_say_how_many_are_missing() -> None:
    values, predicted, _ = measured(15, seed=2)
    calibration = calibrate_intervals(values, predicted, promise=Promise.of(0.95))
    assert calibration.missing == 4
    intervals = calibration.intervals(predicted)
    assert np.isinf(intervals.low).all()
    assert np.isinf(intervals.high).all()
    assert intervals.coverage(values).value == 1
    assert calibrate_intervals(values, predicted, promise=NINE_TENTHS).missing == 0


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("coverage", [0.9, 0.8])
def test_over_random_splits_the_mean_coverage_is_the_exact_expectation(scaled: bool, coverage: float) -> None:
    values, predicted, spreads = measured(900, seed=3)
    promise, rng, reached = Promise.of(coverage), np.random.default_rng(4), []
    for _ in range(1000):
        order = rng.permutation(900)[:300]
        one, two = order[:120], order[120:]
        calibration = calibrate_intervals(
            values[one],
            predicted[one],
            promise=promise,
            spread=spreads[one] if scaled else None,
            epsilon=0.05 if scaled else None,
        )
        intervals = calibration.intervals(predicted[two], spread=spreads[two] if scaled else None)
        reached.append(intervals.coverage(values[two]).value)
    expected = float(promise.expected(120))
    assert coverage <= expected <= coverage + 1 / 121
    assert abs(np.mean(reached) - expected) < 3 * np.std(reached, ddof=1) / np.sqrt(1000)


def test_a_spread_that_knows_the_noise_keeps_the_promise_everywhere_and_narrower() -> None:
    values, predicted, spreads = measured(20_000, seed=5)
    one, two = slice(0, 10_000), slice(10_000, None)
    plain = calibrate_intervals(values[one], predicted[one], promise=NINE_TENTHS).intervals(predicted[two])
    scaled = calibrate_intervals(
        values[one], predicted[one], promise=NINE_TENTHS, spread=spreads[one], epsilon=0.01
    ).intervals(predicted[two], spread=spreads[two])
    noisy = predicted[two] > 8
    assert scaled.mean_width < plain.mean_width
    assert plain.covered(values[two])[noisy].mean() < 0.8
    assert scaled.covered(values[two])[noisy].mean() == pytest.approx(0.9, abs=0.02)


@given(st.integers(0, 500), st.lists(st.integers(1, 99), min_size=2, max_size=2), st.booleans())
def test_intervals_only_grow_with_the_promise(seed: int, percents: list[int], scaled: bool) -> None:
    values, predicted, spreads = measured(50, seed)
    spread, epsilon = (spreads, 0.1) if scaled else (None, None)
    small, large = (
        calibrate_intervals(
            values, predicted, promise=Promise.of(percent / 100), spread=spread, epsilon=epsilon
        ).intervals(predicted, spread=spread)
        for percent in sorted(percents)
    )
    assert (large.low <= small.low).all()
    assert (small.high <= large.high).all()


def test_what_does_not_fit_is_refused() -> None:
    values, predicted, spreads = measured(20, seed=6)
    for spread, epsilon in ((spreads, None), (spreads, 0.0), (None, 0.1)):
        with pytest.raises(UserError, match="an epsilon above 0"):
            calibrate_intervals(values, predicted, promise=NINE_TENTHS, spread=spread, epsilon=epsilon)
    with pytest.raises(UserError, match="none may be below 0"):
        calibrate_intervals(values, predicted, promise=NINE_TENTHS, spread=-spreads, epsilon=0.1)
    with pytest.raises(UserError, match="equally many"):
        calibrate_intervals(values[1:], predicted, promise=NINE_TENTHS)
    with pytest.raises(UserError, match="not finite"):
        calibrate_intervals(np.full(20, np.nan), predicted, promise=NINE_TENTHS)
    plain = calibrate_intervals(values, predicted, promise=NINE_TENTHS)
    with pytest.raises(UserError, match="Give both, or neither"):
        plain.intervals(predicted, spread=spreads)
