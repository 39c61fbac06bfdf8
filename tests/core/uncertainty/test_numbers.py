"""Uncertainty of predicted numbers, against numpy by hand, scikit-learn, SciPy and known answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn import metrics

from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.numbers import (
    PROMISES,
    Intervals,
    central_intervals,
    error_coverage,
    error_oracle,
    gaussian_intervals,
    gaussian_nll,
    interval_reliability,
    number_scores,
    summarize,
)


def drawn(passes: int, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples [passes, rows] whose spread differs from row to row, and true values [rows] of the same spread."""
    rng = np.random.default_rng(seed)
    middle, spread = rng.uniform(-50, 200, rows), rng.uniform(0.5, 20, rows)
    return middle + spread * rng.normal(size=(passes, rows)), middle + spread * rng.normal(size=rows)


def test_mean_spread_and_standard_error_equal_a_loop_by_hand() -> None:
    samples, _ = drawn(25, 12)
    summary = summarize(samples)
    assert summary.passes == 25
    for row in range(12):
        told = samples[:, row].tolist()
        mean = math.fsum(told) / 25
        squares = math.fsum((value - mean) ** 2 for value in told)
        assert summary.mean[row] == pytest.approx(mean, rel=1e-9)
        assert summary.std[row] == pytest.approx(math.sqrt(squares / 25), rel=1e-9)
        assert summary.standard_error[row] == pytest.approx(math.sqrt(squares / 24) / 5, rel=1e-9)


def test_float32_samples_of_large_numbers_keep_their_small_spread() -> None:
    samples = np.array([[100_000.0], [100_001.0]], dtype=np.float32)
    assert summarize(samples).std[0] == pytest.approx(0.5, rel=1e-12)
    assert summarize(samples[:, :, None]).mean.tolist() == [100_000.5]


def test_one_pass_has_no_spread_and_an_unknown_error() -> None:
    summary = summarize(np.array([[3.0, 4.0]]))
    assert summary.std.tolist() == [0, 0]
    assert np.isinf(summary.standard_error).all()


def test_central_intervals_leave_equal_parts_out_on_either_side() -> None:
    """Of 0, 1, …, 100 the middle 90 % go from 5 to 95, and the middle half from 25 to 75."""
    samples = np.random.default_rng(1).permutation(101)[:, None] * np.array([1.0, 2.0])
    intervals = central_intervals(samples, [0.9, 0.5])
    np.testing.assert_allclose(intervals.low, [[5, 10], [25, 50]], atol=1e-9)
    np.testing.assert_allclose(intervals.high, [[95, 190], [75, 150]], atol=1e-9)
    one = central_intervals(samples, 0.9)
    np.testing.assert_allclose((one.low, one.high), ([5, 10], [95, 190]), atol=1e-9)


def test_gaussian_intervals_equal_scipy() -> None:
    mean, std = np.array([0.0, 10.0, -3.0]), np.array([1.0, 0.1, 7.0])
    for noise in (0.0, 2.0):
        both = np.sqrt(std**2 + noise**2)
        intervals = gaussian_intervals(mean, std, PROMISES, noise=noise)
        for index, share in enumerate(PROMISES):
            low, high = norm.interval(share, loc=mean, scale=both)
            np.testing.assert_allclose(intervals.low[index], low, rtol=1e-9)
            np.testing.assert_allclose(intervals.high[index], high, rtol=1e-9)
        one = gaussian_intervals(mean, std, 0.95, noise=noise)
        np.testing.assert_allclose(one.widths, 2 * 1.959963984540054 * both, rtol=1e-9)


def test_the_scores_equal_scikit_learn_and_scipy() -> None:
    samples, values = drawn(40, 300, seed=2)
    summary = summarize(samples)
    for noise in (0.0, 3.0):
        scores = number_scores(values, summary.mean, summary.std, noise=noise)
        assert scores.rows == 300
        assert scores.mae == pytest.approx(metrics.mean_absolute_error(values, summary.mean), rel=1e-9)
        assert scores.rmse == pytest.approx(metrics.root_mean_squared_error(values, summary.mean), rel=1e-9)
        assert scores.r2 == pytest.approx(metrics.r2_score(values, summary.mean), rel=1e-9)
        both = np.sqrt(summary.std**2 + noise**2)
        wanted = -norm.logpdf(values, loc=summary.mean, scale=both).mean()
        assert scores.nll == pytest.approx(wanted, rel=1e-9)


def test_what_cannot_be_said_is_not_a_number() -> None:
    same, mean = np.full(4, 7.0), np.array([7.0, 8.0, 7.0, 6.0])
    scores = number_scores(same, mean, np.array([1.0, 0.0, 1.0, 1.0]))
    assert math.isnan(scores.r2)
    assert math.isnan(scores.nll)
    assert (scores.mae, scores.rmse) == (0.5, math.sqrt(0.5))
    assert gaussian_nll(same, mean, np.zeros(4), noise=1.0) == pytest.approx(0.5 * math.log(2 * math.pi) + 0.25)


def test_the_right_spread_has_the_best_likelihood() -> None:
    rng = np.random.default_rng(3)
    values, ones = rng.normal(size=20_000) * 4, np.ones(20_000)
    losses = {spread: gaussian_nll(values, 0 * ones, spread * ones) for spread in (2.0, 3.8, 4.0, 4.2, 8.0)}
    assert min(losses, key=lambda spread: losses[spread]) == 4.0


def test_coverage_against_promise_of_a_case_worked_out_by_hand() -> None:
    intervals = Intervals(np.array([[0.0, 0, 0, 0], [-1, -1, -1, -1]]), np.array([[1.0, 1, 1, 1], [3, 3, 3, 3]]))
    reliability = interval_reliability(np.array([0.0, 1.0, 2.0, 5.0]), intervals, [0.6, 0.9])
    assert [(share.hits, share.total) for share in reliability.reached] == [(2, 4), (3, 4)]
    assert reliability.width.tolist() == [1, 4]
    np.testing.assert_allclose(reliability.gap, [-0.1, -0.15], rtol=1e-9)
    assert reliability.miscalibration == pytest.approx(0.125, rel=1e-9)


def test_the_right_spread_reaches_every_promise_and_half_of_it_a_known_share() -> None:
    rng = np.random.default_rng(4)
    spread = rng.uniform(1, 9, 50_000)
    values, mean = rng.normal(size=50_000) * spread, np.zeros(50_000)
    right = interval_reliability(values, gaussian_intervals(mean, spread, PROMISES), PROMISES)
    assert right.miscalibration < 0.005
    assert not any(share.misses(wanted, level=0.999) for share, wanted in zip(right.reached, PROMISES, strict=True))
    narrow = interval_reliability(values, gaussian_intervals(mean, spread / 2, PROMISES), PROMISES)
    known = [2 * norm.cdf(norm.ppf((1 + share) / 2) / 2) - 1 for share in PROMISES]
    np.testing.assert_allclose([share.value for share in narrow.reached], known, atol=0.01)
    np.testing.assert_allclose(narrow.width, right.width / 2, rtol=1e-9)
    assert (narrow.gap < 0).all()


def test_error_coverage_of_a_case_worked_out_by_hand_does_not_depend_on_order() -> None:
    values, mean, std = np.zeros(4), np.array([3.0, -1.0, 4.0, 2.0]), np.array([0.5, 0.2, 0.5, 0.9])
    for order in ([0, 1, 2, 3], [2, 3, 1, 0], [3, 0, 2, 1]):
        curve = error_coverage(values, mean[order], std[order])
        np.testing.assert_allclose(curve.coverage, [0.25, 0.5, 0.75, 1], rtol=1e-12)
        # Rows 0 and 2 are equally sure, so each counts (3 + 4) / 2, and (9 + 16) / 2 when squared.
        np.testing.assert_allclose(curve.mae, [1, 4.5 / 2, 8 / 3, 10 / 4], rtol=1e-9)
        np.testing.assert_allclose(curve.rmse**2, [1, 13.5 / 2, 26 / 3, 30 / 4], rtol=1e-9)
        np.testing.assert_allclose(curve.threshold, [0.2, 0.5, 0.5, 0.9], rtol=1e-12)
        assert curve.area == pytest.approx((1 + 2.25 + 8 / 3 + 2.5) / 4, rel=1e-9)


@given(st.integers(0, 1000), st.integers(1, 60))
def test_error_coverage_ends_at_all_rows_and_never_beats_the_oracle(seed: int, rows: int) -> None:
    samples, values = drawn(5, rows, seed)
    summary = summarize(samples)
    curve, best = error_coverage(values, summary.mean, summary.std), error_oracle(values, summary.mean)
    for either in (curve, best):
        assert either.mae[-1] == pytest.approx(metrics.mean_absolute_error(values, summary.mean), rel=1e-9)
        assert either.rmse[-1] == pytest.approx(metrics.root_mean_squared_error(values, summary.mean), rel=1e-9)
    assert (best.mae <= curve.mae + 1e-9).all()
    assert (np.diff(best.mae) >= -1e-9).all()
    surest = np.argsort(summary.std)
    by_hand = np.cumsum(np.abs(summary.mean - values)[surest]) / np.arange(1, rows + 1)
    np.testing.assert_allclose(curve.mae, by_hand, rtol=1e-9)


@given(st.integers(0, 1000), st.lists(st.integers(1, 99), min_size=2, max_size=2))
def test_intervals_only_grow_with_the_promise(seed: int, percents: list[int]) -> None:
    samples, _ = drawn(20, 8, seed)
    summary, shares = summarize(samples), [percent / 100 for percent in sorted(percents)]
    for made in (central_intervals(samples, shares), gaussian_intervals(summary.mean, summary.std, shares)):
        assert (made.low[1] <= made.low[0] + 1e-9).all()
        assert (made.high[0] <= made.high[1] + 1e-9).all()
        assert (made.widths >= 0).all()


def test_what_does_not_fit_is_refused() -> None:
    samples, values = drawn(3, 4)
    with pytest.raises(UserError, match="at least one pass"):
        summarize(samples[:0])
    with pytest.raises(UserError, match="must be \\[passes, rows\\]"):
        summarize(np.zeros((3, 4, 2)))
    with pytest.raises(UserError, match="not finite"):
        central_intervals(samples * np.nan, 0.9)
    with pytest.raises(UserError, match="must lie between 0 and 1"):
        central_intervals(samples, [0.5, 1.0])
    with pytest.raises(UserError, match="as long as one another"):
        number_scores(values, samples[0, 1:], samples[1])
    with pytest.raises(UserError, match="at least one row"):
        error_coverage(values[:0], values[:0], values[:0])
    with pytest.raises(UserError, match="2 promises for 4 rows"):
        interval_reliability(values, central_intervals(samples, 0.9), [0.5, 0.9])
