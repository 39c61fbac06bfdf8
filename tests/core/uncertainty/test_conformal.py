"""Conformal sets against published reference values, rules in whole numbers, and thousands of random splits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.conformal import (
    Promise,
    SetCalibration,
    SetMethod,
    calibrate_sets,
    calibration_split,
    score_classes,
)

LAC, APS = SetMethod.LAC, SetMethod.APS
NINE_TENTHS = Promise.of(0.9)


@dataclass(frozen=True)
class Digits:
    """Probabilities of a linear classifier on rows that it was not trained on."""

    calibration: np.ndarray
    calibration_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


@pytest.fixture(scope="module")
def digits() -> Digits:
    pixels, labels = load_digits(return_X_y=True)
    part = np.arange(len(labels)) % 3
    model = LogisticRegression(C=0.02, max_iter=5000, tol=1e-10).fit(pixels[part == 0] / 16, labels[part == 0])
    one, two = (model.predict_proba(pixels[part == number] / 16) for number in (1, 2))
    return Digits(one, labels[part == 1], two, labels[part == 2])


def calibrated(
    p: np.ndarray, labels: np.ndarray, *, promise: Promise, method: SetMethod = LAC, by_class: bool = False
) -> SetCalibration:
    return calibrate_sets(score_classes(p, method=method), labels, promise=promise, by_class=by_class)


def drawn(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and labels that were drawn from them."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, classes)) * 1.5
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return p, (rng.uniform(size=(rows, 1)) > np.cumsum(p, axis=1)[:, :-1]).sum(axis=1)


@pytest.mark.parametrize(
    ("method", "alpha", "quantile", "coverage", "size", "empty"),
    [
        (LAC, "0.1", 0.812089, 0.884808, 1.045075, 35),
        (LAC, "0.05", 0.848705, 0.953255, 1.365609, 1),
        (LAC, "0.01", 0.894631, 0.989983, 2.579299, 0),
        (APS, "0.1", 0.487768, 0.898164, 1.619366, 40),
        (APS, "0.05", 0.521916, 0.953255, 1.893155, 16),
        (APS, "0.01", 0.653968, 0.989983, 3.243740, 0),
    ],
)
def test_digits_give_the_reference_values(
    digits: Digits, method: SetMethod, alpha: str, quantile: float, coverage: float, size: float, empty: int
) -> None:
    """LAC's are those of MAPIE 1.6.0, cell by cell."""
    promise = Promise.failing(alpha)
    calibration = calibrated(digits.calibration, digits.calibration_labels, promise=promise, method=method)
    sets = calibration.sets_of(digits.test)
    assert calibration.quantiles[0] == pytest.approx(quantile, abs=6e-7)
    assert sets.coverage(digits.test_labels).overall.value == pytest.approx(coverage, abs=6e-7)
    assert sets.mean_size == pytest.approx(size, abs=6e-7)
    assert sets.empty == empty == sets.size_counts[0]
    assert not calibration.by_class
    assert calibration.counts.tolist() == [599]


def test_each_class_keeps_the_promise_that_one_quantile_for_all_breaks(digits: Digits) -> None:
    """The reference values of class-conditional LAC are those of crepes 0.9.1 without smoothing."""
    known = digits.calibration, digits.calibration_labels
    by_class = calibrated(*known, promise=NINE_TENTHS, by_class=True)
    reached = by_class.sets_of(digits.test).coverage(digits.test_labels)
    assert reached.overall.value == pytest.approx(0.916528, abs=6e-7)
    assert by_class.sets_of(digits.test).mean_size == pytest.approx(1.171953, abs=6e-7)
    assert min(share.value for share in reached.classes) == pytest.approx(0.8448, abs=6e-5)
    assert reached.missed(NINE_TENTHS) == ()
    marginal = calibrated(*known, promise=NINE_TENTHS).sets_of(digits.test).coverage(digits.test_labels)
    worst = marginal.worst
    assert worst is not None
    assert marginal.classes[worst].value == pytest.approx(0.4762, abs=6e-5)
    assert worst in marginal.missed(NINE_TENTHS)


def test_aps_takes_the_mass_down_to_the_class_and_the_first_of_equals_first() -> None:
    p = [[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]
    np.testing.assert_allclose(score_classes(p, method=APS).values, [[1, 0.5, 0.8], [0.4, 1, 0.8]], rtol=1e-12)
    np.testing.assert_allclose(score_classes(p, method=LAC).values, [[0.8, 0.5, 0.7], [0.6, 0.8, 0.6]], rtol=1e-12)


def test_a_mass_that_rounding_brings_above_1_counts_as_1() -> None:
    p, _ = drawn(200, 10, seed=8)
    assert np.cumsum(-np.sort(-p, axis=1), axis=1).max() > 1
    assert score_classes(p, method=APS).values.max() == 1


@pytest.mark.parametrize("method", [LAC, APS])
@pytest.mark.parametrize("by_class", [False, True])
def test_a_class_that_fits_as_little_as_the_last_that_is_kept_is_kept(method: SetMethod, by_class: bool) -> None:
    """k is 18 of the 19 equal rows of a class and 36 of all 38, so that each quantile is the score of some label."""
    p, labels = np.tile([0.25, 0.75], (38, 1)), np.repeat([0, 1], 19)
    sets = calibrated(p, labels, promise=NINE_TENTHS, method=method, by_class=by_class).sets_of(p)
    assert sets.members.all()


def test_one_scoring_serves_every_promise_and_both_kinds(digits: Digits) -> None:
    known, fresh = score_classes(digits.calibration), score_classes(digits.test)
    for coverage, by_class in ((0.5, True), (0.9, False), (0.9, True)):
        promise = Promise.of(coverage)
        sets = calibrate_sets(known, digits.calibration_labels, promise=promise, by_class=by_class).sets(fresh)
        again = calibrated(digits.calibration, digits.calibration_labels, promise=promise, by_class=by_class)
        assert (sets.members == again.sets_of(digits.test).members).all()
    with pytest.raises(ValueError, match="calibrated by lac, and these rows are scored by aps"):
        again.sets(score_classes(digits.test, method=APS))


def test_a_case_worked_out_by_hand() -> None:
    """Nine rows and 90 %: k = 9, the largest of the scores 0.1, …, 0.9 of the labels."""
    of_label = np.arange(1, 10) / 10
    p = np.stack([of_label, 1 - of_label], axis=1)
    calibration = calibrated(p, np.zeros(9, int), promise=NINE_TENTHS)
    assert calibration.quantiles.tolist() == [pytest.approx(0.9, rel=1e-12)]
    sets = calibration.sets_of([[0.95, 0.05], [0.5, 0.5], [0.05, 0.95]])
    assert sets.members.tolist() == [[True, False], [True, True], [False, True]]
    assert sets.size_counts.tolist() == [0, 2, 1]
    assert sets.covered([1, 0, 1]).tolist() == [False, True, True]
    reached = sets.coverage([1, 0, 1])
    assert [(share.hits, share.total) for share in (reached.overall, *reached.classes)] == [(2, 3), (1, 1), (1, 2)]


@given(st.integers(1, 3000), st.integers(1, 999))
def test_the_rank_is_that_of_whole_numbers(rows: int, thousandths: int) -> None:
    promise = Promise.of(thousandths / 1000)
    assert promise.coverage == Fraction(thousandths, 1000)
    by_counting = -((-(rows + 1) * thousandths) // 1000)
    assert promise.rank(rows) == by_counting
    assert (promise.rank(rows) <= rows) == (rows >= promise.rows_needed)
    assert promise.coverage <= promise.expected(rows) <= promise.coverage + Fraction(1, rows + 1)


def test_floating_point_decides_nothing_where_the_rank_is_whole() -> None:
    assert Promise.failing(0.1).rank(599) == NINE_TENTHS.rank(599) == 540
    assert 600 - int(600 * (1 - 0.9)) == 541  # what floating point would have said
    assert Promise.of(np.float32(0.9)) == Promise.of(np.float64(0.9)) == Promise.of("0.9") == NINE_TENTHS


@pytest.mark.parametrize(("coverage", "needed"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999)])
def test_the_rows_needed_are_named_and_one_fewer_keeps_everything(coverage: float, needed: int) -> None:
    promise = Promise.of(coverage)
    assert promise.rows_needed == needed
    p, labels = drawn(needed, 4, seed=needed)
    assert calibrated(p, labels, promise=promise).missing.tolist() == [0]
    assert calibrated(p, labels, promise=promise).quantiles[0] < 1
    short = calibrated(p[1:], labels[1:], promise=promise)
    assert short.missing.tolist() == [1]
    assert short.quantiles.tolist() == [inf]
    assert short.sets_of(p).members.all()


@pytest.mark.parametrize("method", [LAC, APS])
def test_a_class_of_too_few_rows_is_in_every_set_and_says_what_it_lacks(method: SetMethod) -> None:
    p, _ = drawn(60, 3, seed=1)
    labels = np.repeat([0, 1], [50, 10])
    class_0_first = -np.sort(-p, axis=1)
    calibration = calibrated(class_0_first, labels, promise=Promise.of(0.95), method=method, by_class=True)
    assert calibration.by_class
    assert calibration.counts.tolist() == [50, 10, 0]
    assert calibration.missing.tolist() == [0, 9, 19]
    sets = calibration.sets_of(p)
    assert sets.members[:, 1:].all()
    assert not sets.members[:, 0].all()


def test_empty_sets_are_allowed_and_can_be_given_the_most_probable_class() -> None:
    sure = np.tile([0.98, 0.01, 0.01], (19, 1))
    calibration = calibrated(sure, np.zeros(19, int), promise=NINE_TENTHS)
    rows = [[0.99, 0.005, 0.005], [0.3, 0.4, 0.3]]
    empty = calibration.sets_of(rows)
    assert empty.sizes.tolist() == [1, 0]
    assert empty.strange.tolist() == [False, True]
    filled = calibration.sets_of(rows, at_least_one=True)
    assert filled.members.tolist() == [[True, False, False], [False, True, False]]
    assert filled.strange.tolist() == [False, True]
    assert filled.empty == 0


@given(
    st.integers(0, 1000),
    st.integers(2, 6),
    st.sampled_from(SetMethod),
    st.booleans(),
    st.lists(st.integers(1, 99), min_size=2, max_size=2),
)
def test_sets_only_grow_with_the_promise_and_with_at_least_one(
    seed: int, classes: int, method: SetMethod, by_class: bool, percents: list[int]
) -> None:
    p, labels = drawn(80, classes, seed)
    fresh, _ = drawn(40, classes, seed + 1)
    less, more = (
        calibrated(p, labels, promise=Promise.of(percent / 100), method=method, by_class=by_class)
        for percent in sorted(percents)
    )
    assert (less.quantiles <= more.quantiles).all()
    small, large = less.sets_of(fresh), more.sets_of(fresh)
    assert (small.members <= large.members).all()
    filled = less.sets_of(fresh, at_least_one=True)
    assert (small.members <= filled.members).all()
    assert (filled.sizes == np.maximum(small.sizes, 1)).all()
    if not by_class:  # what is in a set is at least as probable as what is not
        inside = np.where(small.members, fresh, inf).min(axis=1)
        outside = np.where(small.members, -inf, fresh).max(axis=1)
        assert (inside >= outside).all()


@pytest.mark.parametrize(("method", "coverage"), [(LAC, 0.9), (APS, 0.9), (LAC, 0.95)])
def test_over_random_splits_the_mean_coverage_is_the_exact_expectation(
    digits: Digits, method: SetMethod, coverage: float
) -> None:
    p = np.concatenate([digits.calibration, digits.test])
    labels = np.concatenate([digits.calibration_labels, digits.test_labels])
    promise, rng, reached = Promise.of(coverage), np.random.default_rng(5), []
    for _ in range(1000):
        order = rng.permutation(len(p))[:300]
        one, two = order[:150], order[150:]
        sets = calibrated(p[one], labels[one], promise=promise, method=method).sets_of(p[two])
        reached.append(sets.coverage(labels[two]).overall.value)
    expected = float(promise.expected(150))
    assert coverage <= expected <= coverage + 1 / 151
    assert abs(np.mean(reached) - expected) < 3 * np.std(reached, ddof=1) / np.sqrt(1000)


def test_over_random_splits_each_class_keeps_its_own_expectation() -> None:
    """Every class has 40 calibration rows: k = 37, so 37/41 of its new rows are to be covered."""
    p, labels = drawn(1500, 3, seed=2)
    of_class = [np.flatnonzero(labels == index) for index in range(3)]
    assert min(len(rows) for rows in of_class) > 100
    rng, reached = np.random.default_rng(6), np.empty((1000, 3))
    for number in range(1000):
        shuffled = [rng.permutation(rows)[:100] for rows in of_class]
        one, two = (np.concatenate(parts) for parts in zip(*((rows[:40], rows[40:]) for rows in shuffled), strict=True))
        sets = calibrated(p[one], labels[one], promise=NINE_TENTHS, by_class=True).sets_of(p[two])
        reached[number] = [share.value for share in sets.coverage(labels[two]).classes]
    error = reached.std(axis=0, ddof=1) / np.sqrt(1000)
    assert (np.abs(reached.mean(axis=0) - 37 / 41) < 3 * error).all()


def test_one_sigmoid_unit_is_as_two_classes() -> None:
    p, labels = drawn(100, 2, seed=3)
    both = calibrated(p, labels, promise=NINE_TENTHS, by_class=True)
    for one in (p[:, 1], p[:, 1:]):
        same = calibrated(one, labels, promise=NINE_TENTHS, by_class=True)
        np.testing.assert_allclose(same.quantiles, both.quantiles, atol=1e-12)
        assert same.sets_of(p[:7, 1]).members.shape == (7, 2)


@given(st.integers(0, 200), st.integers(0, 60), st.booleans())
def test_the_split_halves_the_rows_and_each_class(seed: int, rows: int, stratified: bool) -> None:
    labels = np.random.default_rng(seed).choice(4, size=rows, p=[0.6, 0.2, 0.15, 0.05]) if stratified else None
    split = calibration_split(rows, seed=seed, labels=labels)
    assert sorted([*split.calibration, *split.rest]) == list(range(rows))
    assert 0 <= len(split.calibration) - len(split.rest) <= 1
    again = calibration_split(rows, seed=seed, labels=labels)
    assert again.calibration.tolist() == split.calibration.tolist() == sorted(split.calibration)
    if labels is not None:
        halves = [np.bincount(labels[part], minlength=4) for part in (split.calibration, split.rest)]
        assert np.abs(halves[0] - halves[1]).max() <= 1


def test_another_seed_splits_otherwise() -> None:
    one, two = (calibration_split(100, seed=seed).calibration.tolist() for seed in (1, 2))
    assert one != two


@pytest.mark.parametrize("coverage", [0, 1, 1.5, -0.1, "ninety", "nan", float("inf"), "1/0"])
def test_a_promise_that_none_can_keep_is_refused(coverage: float | str) -> None:
    with pytest.raises(UserError, match="must lie between 0 and 1"):
        Promise.of(coverage)


def test_rows_that_do_not_fit_are_refused() -> None:
    p, labels = drawn(30, 3, seed=4)
    calibration = calibrated(p, labels, promise=NINE_TENTHS)
    with pytest.raises(UserError, match="calibrated for 3 classes, but these rows have 2"):
        calibration.sets_of(p[:, 1])
    with pytest.raises(UserError, match="no probabilities"):
        calibrated(np.log(p), labels, promise=NINE_TENTHS)
    with pytest.raises(UserError, match="labels must lie between 0 and 2"):
        calibrated(p, labels + 1, promise=NINE_TENTHS)
    with pytest.raises(UserError, match="30 rows of probabilities"):
        calibrated(p, labels[1:], promise=NINE_TENTHS)
