"""Calibration, referral and detection against scikit-learn, loops by hand and cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from dnnstudio.core.uncertainty import accuracy, calibration, decision
from dnnstudio.core.uncertainty.detection import detect


def classifier(images: int, classes: int, seed: int = 0, temperature: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right by construction (labels are drawn from them), then sharpened or softened."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes)) * 2
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in p])
    powers = np.exp(np.log(p) * temperature)
    return powers / powers.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_brier_and_nll_equal_scikit_learn(classes: int) -> None:
    p, labels = classifier(300, classes, seed=classes)
    names = np.arange(classes)
    one_hot = (labels[:, None] == names).astype(float)
    assert calibration.brier(p, labels) == pytest.approx(((p - one_hot) ** 2).sum(axis=1).mean(), rel=1e-9)
    if classes == 2:
        assert calibration.brier(p, labels) / 2 == pytest.approx(metrics.brier_score_loss(labels, p[:, 1]), rel=1e-9)
    assert calibration.nll(p, labels) == pytest.approx(metrics.log_loss(labels, p, labels=names), rel=1e-9)


def test_ece_of_a_case_worked_out_by_hand() -> None:
    confidence = np.array([0.95, 0.92, 0.55, 0.58, 0.6])
    correct = np.array([True, False, True, True, False])
    bins = calibration.reliability(confidence, correct, bins=10)
    assert bins.counts.tolist() == [3, 2]
    np.testing.assert_allclose(bins.confidence, [(0.55 + 0.58 + 0.6) / 3, 0.935])
    np.testing.assert_allclose(bins.accuracy, [2 / 3, 0.5])
    gaps = [abs(2 / 3 - (0.55 + 0.58 + 0.6) / 3), abs(0.5 - 0.935)]
    assert bins.ece == pytest.approx((3 * gaps[0] + 2 * gaps[1]) / 5, rel=1e-12)
    assert bins.mce == pytest.approx(max(gaps), rel=1e-12)


def test_a_calibrated_classifier_has_next_to_no_ece_and_a_sharpened_one_has_a_known_one() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 200_000)
    right = rng.uniform(size=confidence.size) < confidence
    assert calibration.reliability(confidence, right).ece < 0.01
    boastful = np.full(100_000, 0.95)
    right = rng.uniform(size=boastful.size) < 0.75
    assert calibration.reliability(boastful, right).ece == pytest.approx(0.95 - right.mean(), rel=1e-9)


def test_bins_of_equal_mass_hold_equally_many_and_average_to_the_same_totals() -> None:
    p, labels = classifier(1000, 5)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == labels
    bins = calibration.reliability(confidence, correct, bins=8, binning="mass")
    assert bins.counts.tolist() == [125] * 8
    assert np.average(bins.accuracy, weights=bins.counts) == pytest.approx(correct.mean(), rel=1e-12)
    groups = np.array_split(np.argsort(confidence, kind="stable"), 8)
    by_hand = sum(len(g) * abs(correct[g].mean() - confidence[g].mean()) for g in groups) / 1000
    assert calibration.adaptive_ece(confidence, correct, bins=8) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("sharpening", [0.5, 1.0, 2.0, 3.0])
def test_the_fitted_temperature_undoes_a_known_sharpening(sharpening: float) -> None:
    p, labels = classifier(20_000, 6, temperature=sharpening)
    found = calibration.fit_temperature(p, labels)
    assert found == pytest.approx(sharpening, rel=0.05)
    losses = [calibration.nll(calibration.tempered(p, found * factor), labels) for factor in (0.99, 1.0, 1.01)]
    assert losses[1] == min(losses)


@given(st.integers(0, 300))
def test_risk_and_coverage_equal_a_loop_over_the_surest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    uncertainty, correct = rng.permutation(40) / 40, rng.uniform(size=40) < 0.7
    curve = decision.risk_coverage(uncertainty, correct)
    order = sorted(range(40), key=lambda i: uncertainty[i])
    for k in range(1, 41):
        assert curve.risk[k - 1] == pytest.approx(sum(not correct[i] for i in order[:k]) / k)
    assert curve.area == pytest.approx(np.mean(curve.risk))
    assert decision.oracle(correct).area <= curve.area + 1e-12


def test_ties_do_not_depend_on_the_order_of_images() -> None:
    correct = np.array([True, False, True, False])
    one = decision.risk_coverage(np.zeros(4), correct)
    other = decision.risk_coverage(np.zeros(4), correct[::-1])
    np.testing.assert_allclose(one.risk, other.risk)
    np.testing.assert_allclose(one.risk, 0.5)


def test_the_oracle_answers_every_right_one_first() -> None:
    curve = decision.oracle(np.array([False, True, True, False]))
    np.testing.assert_allclose(curve.risk, [0, 0, 1 / 3, 0.5])
    assert decision.coverage_at_risk(curve, 0.0) == 0.5
    assert decision.risk_at_coverage(curve, 0.75) == pytest.approx(1 / 3)
    assert decision.coverage_at_risk(decision.oracle(np.array([False])), 0.5) == 0.0


def test_a_threshold_splits_images_four_ways() -> None:
    uncertainty = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    correct = np.array([True, False, True, True, False])
    found = decision.refer(uncertainty, correct, 0.3)
    assert (found.answered_right, found.answered_wrong, found.referred_right, found.referred_wrong) == (2, 1, 1, 1)
    assert found.risk == pytest.approx(1 / 3)
    assert found.cost(10, 1.5) == pytest.approx(10 + 3)


@given(st.integers(0, 200), st.floats(0.5, 20), st.floats(0.1, 5))
def test_no_threshold_is_cheaper_than_the_cheapest(seed: int, wrong: float, referral: float) -> None:
    rng = np.random.default_rng(seed)
    uncertainty, correct = rng.integers(0, 12, 40) / 12, rng.uniform(size=40) < 0.6
    best = decision.cheapest_threshold(uncertainty, correct, wrong=wrong, referral=referral)
    cost = decision.refer(uncertainty, correct, best).cost(wrong, referral)
    for threshold in [-1.0, *np.unique(uncertainty)]:
        assert cost <= decision.refer(uncertainty, correct, threshold).cost(wrong, referral) + 1e-9


def test_nobody_is_referred_beyond_rows_that_were_all_worth_an_answer() -> None:
    uncertainty, correct = np.array([0.1, 0.2, 0.3]), np.array([True, True, True])
    threshold = decision.cheapest_threshold(uncertainty, correct, wrong=10, referral=1.5)
    others = decision.refer(np.array([0.1, 0.9]), np.array([True, True]), threshold)
    assert (others.referred, others.cost(10, 1.5)) == (0, 0)
    nothing_right = decision.cheapest_threshold(uncertainty, ~correct, wrong=10, referral=1.5)
    assert decision.refer(uncertainty, ~correct, nothing_right).referred == 3


def test_the_cheapest_threshold_keeps_to_what_a_person_can_look_at() -> None:
    uncertainty, correct = np.linspace(0, 1, 100), np.zeros(100, bool)
    threshold = decision.cheapest_threshold(uncertainty, correct, wrong=10, referral=1, most_referred=0.2)
    assert decision.refer(uncertainty, correct, threshold).referred == 20


def test_a_threshold_for_a_risk_keeps_it_and_answers_as_many_as_possible() -> None:
    p, labels = classifier(500, 4)
    uncertainty, correct = 1 - p.max(axis=1), p.argmax(axis=1) == labels
    threshold = decision.threshold_for_risk(uncertainty, correct, 0.2)
    assert decision.refer(uncertainty, correct, threshold).risk <= 0.2
    larger = uncertainty[uncertainty > threshold]
    assert all(decision.refer(uncertainty, correct, t).risk > 0.2 for t in larger)


def test_the_bootstrap_interval_holds_the_risk_and_has_the_width_of_a_binomial() -> None:
    rng = np.random.default_rng(0)
    uncertainty, correct = rng.uniform(size=4000), rng.uniform(size=4000) < 0.9
    low, high = decision.bootstrap_risk(uncertainty, correct, 2.0, seed=1, draws=4000)
    risk = 1 - correct.mean()
    assert low < risk < high
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(risk * (1 - risk) / 4000), rel=0.1)


@given(st.integers(0, 300))
def test_detection_equals_scikit_learn_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    usual, strange = rng.integers(0, 30, 60) / 30, rng.integers(5, 35, 40) / 30
    truth, scores = np.r_[np.zeros(60), np.ones(40)], np.r_[usual, strange]
    found = detect(usual, strange)
    assert found.auroc == pytest.approx(metrics.roc_auc_score(truth, scores), rel=1e-9)
    assert found.aupr == pytest.approx(metrics.average_precision_score(truth, scores), rel=1e-9)
    fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False)
    assert found.fpr95 == pytest.approx(fpr[np.argmax(tpr >= 0.95)], rel=1e-9)


def test_confusion_and_class_figures_equal_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    labels, said = rng.integers(0, 5, 400), rng.integers(0, 5, 400)
    matrix = accuracy.confusion_matrix(labels, said, 5)
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(labels, said))
    figures = accuracy.class_figures(matrix)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(labels, said)
    for found, expected in zip((figures.precision, figures.recall, figures.f1), (precision, recall, f1), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_array_equal(figures.support, support)


def test_lists_worth_a_look_are_in_order() -> None:
    uncertainty, correct = np.array([0.3, 0.1, 0.9, 0.5]), np.array([False, False, True, True])
    assert accuracy.confident_errors(uncertainty, correct).tolist() == [1, 0]
    assert accuracy.uncertain_hits(uncertainty, correct).tolist() == [2, 3]


def test_neighbours_in_doubt_are_the_closest_by_all_scores() -> None:
    scores = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [0.2, 0.1]])
    assert accuracy.nearest_in_uncertainty(scores, 0, 2).tolist() == [1, 3]
