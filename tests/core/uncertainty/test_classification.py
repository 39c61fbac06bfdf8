"""Judging a classifier from plain probabilities, against scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.dummy import DummyClassifier

from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty import calibration, decision
from dnnstudio.core.uncertainty.classification import as_probabilities, judge, majority_baseline
from dnnstudio.core.uncertainty.scores import scores_of_single_pass


def drawn(rows: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a classifier that is often right, on classes of very different size."""
    rng = np.random.default_rng(seed)
    shares = 0.5 ** np.arange(1, classes + 1)
    labels = rng.choice(classes, size=rows, p=shares / shares.sum())
    logits = rng.normal(size=(rows, classes))
    logits[np.arange(rows), labels] += 1.5
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_the_figures_equal_scikit_learn(classes: int) -> None:
    p, labels = drawn(400, classes, seed=classes)
    said, judged = p.argmax(axis=1), judge(p, labels)
    names = np.arange(classes)
    assert judged.confusion.tolist() == metrics.confusion_matrix(labels, said, labels=names).tolist()
    assert judged.accuracy.value == pytest.approx(metrics.accuracy_score(labels, said), rel=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # answers that are no label, as intended here
        balanced = metrics.balanced_accuracy_score(labels, said)
    assert judged.balanced_accuracy == pytest.approx(balanced, rel=1e-12)
    given = metrics.precision_recall_fscore_support(labels, said, labels=names, zero_division=np.nan)
    ours = judged.figures.precision, judged.figures.recall, judged.figures.f1, judged.figures.support
    for values, wanted in zip(ours, given, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-12)
    macro = metrics.precision_recall_fscore_support(labels, said, average="macro", zero_division=0)[:3]
    assert (judged.macro_precision, judged.macro_recall, judged.macro_f1) == pytest.approx(macro, rel=1e-12)


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(2, 6))
def test_macro_averages_equal_scikit_learn_where_classes_are_missing(seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    p, labels = rng.dirichlet(np.ones(classes), size=rows), rng.integers(0, classes, size=rows)
    judged = judge(p, labels)
    macro = metrics.precision_recall_fscore_support(labels, p.argmax(axis=1), average="macro", zero_division=0)[:3]
    assert (judged.macro_precision, judged.macro_recall, judged.macro_f1) == pytest.approx(macro, rel=1e-12)


def test_a_case_worked_out_by_hand() -> None:
    p = [[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]]
    judged = judge(p, [0, 1, 1, 0])
    assert judged.accuracy.hits == 3
    assert judged.balanced_accuracy == (1 + 1 / 2) / 2  # class 2 has no labelled row
    assert judged.macro_precision == pytest.approx((2 / 3 + 1) / 2)
    assert math.isnan(judged.figures.recall[2])
    assert judged.errors().tolist() == [2]
    assert (judged.baseline.hits, judged.baseline.total) == (2, 4)


def test_the_most_confident_errors_come_first() -> None:
    p, labels = drawn(300, 4, seed=7)
    judged = judge(p, labels)
    by_hand = sorted((row for row in range(300) if p[row].argmax() != labels[row]), key=lambda row: -p[row].max())
    assert judged.errors().tolist() == by_hand
    assert judged.errors(5).tolist() == by_hand[:5]
    assert judged.correct.sum() == 300 - len(by_hand) == judged.accuracy.hits


def test_the_baseline_answers_the_most_frequent_class_of_training() -> None:
    rng = np.random.default_rng(1)
    training, labels = rng.choice(3, size=50, p=[0.2, 0.5, 0.3]), rng.choice(3, size=80, p=[0.6, 0.2, 0.2])
    for learnt in (training, labels, np.array([2, 0, 0, 2])):
        dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((len(learnt), 1)), learnt)
        wanted = dummy.score(np.zeros((80, 1)), labels)
        assert majority_baseline(labels, training_labels=learnt).value == pytest.approx(wanted, rel=1e-12)
    assert majority_baseline(labels) == majority_baseline(labels, training_labels=labels)
    p = rng.dirichlet(np.ones(3), size=80)
    assert judge(p, labels, training_labels=training).baseline == majority_baseline(labels, training_labels=training)


def test_one_sigmoid_unit_is_the_probability_of_the_second_class() -> None:
    p, labels = drawn(200, 2, seed=2)
    both = judge(p, labels)
    for one in (p[:, 1], p[:, 1:], p[:, 1].astype(np.float32)):
        judged = judge(one, labels)
        np.testing.assert_allclose(judged.probabilities, p, atol=1e-7)
        assert judged.confusion.tolist() == both.confusion.tolist()
    assert judge(p[:, 1], labels[:, None]).confusion.tolist() == both.confusion.tolist()


def test_calibration_and_decision_work_without_passes() -> None:
    """Their doubts are those of one pass: entropy, margin and highest probability by hand, and no disagreement."""
    p, labels = drawn(500, 5, seed=3)
    judged = judge(p, labels)
    ranked = np.sort(p, axis=1)
    by_hand = {
        "predictive_entropy": -(p * np.log(p)).sum(axis=1),
        "margin": 1 - (ranked[:, -1] - ranked[:, -2]),
        "max_probability": 1 - ranked[:, -1],
    }
    assert [one.name for one in scores_of_single_pass()] == list(by_hand)
    for name, wanted in by_hand.items():
        np.testing.assert_allclose(judged.scores.uncertainty(name), wanted, rtol=1e-9, atol=1e-12)
    for name in ("mutual_information", "variation_ratio", "winner_std"):
        np.testing.assert_allclose(judged.scores.uncertainty(name), 0, atol=1e-12)
    bins = calibration.reliability(judged.scores.max_probability, judged.correct)
    assert np.average(bins.accuracy, weights=bins.counts) == pytest.approx(judged.accuracy.value, rel=1e-12)
    assert calibration.nll(judged.probabilities, judged.labels) == pytest.approx(metrics.log_loss(labels, p), rel=1e-9)
    uncertainty = judged.scores.uncertainty("max_probability")
    threshold = decision.threshold_for_risk(uncertainty, judged.correct, 0.05)
    answered = uncertainty <= threshold
    assert (~judged.correct[answered]).mean() <= 0.05
    assert decision.refer(uncertainty, judged.correct, threshold).answered == answered.sum() > 0


@pytest.mark.parametrize(
    ("outputs", "wrong"),
    [
        ([[2.0, -1.0], [0.5, 0.5]], "do not lie between 0 and 1"),
        ([[3.1, -0.5, 0.2]], "do not lie between 0 and 1"),
        ([[0.9, 0.8, 0.1]], "does not add up to 1"),
        ([[0.5, 0.1]], "does not add up to 1"),
        ([1.2, 0.3], "do not lie between 0 and 1"),
        ([-3.0], "do not lie between 0 and 1"),
        ([[0.5, float("nan")]], "not finite"),
        ([[[0.5, 0.5]]], "must be \\[rows, classes\\]"),
        (0.5, "must be \\[rows, classes\\]"),
    ],
)
def test_outputs_that_are_no_probabilities_are_refused(outputs: object, wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        as_probabilities(outputs)


def test_half_precision_is_precise_enough() -> None:
    p, labels = drawn(50, 100, seed=4)
    assert judge(p.astype(np.float16), labels).accuracy.total == 50


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [
        ([0, 1], "3 rows of probabilities"),
        ([0, 1, 2], "labels must lie between 0 and 1"),
        ([0, -1, 1], "from -1 to 1"),
        ([0, 0.5, 1], "not whole numbers"),
        ([0, float("nan"), 1], "not whole numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: list[float], wrong: str) -> None:
    with pytest.raises(UserError, match=wrong):
        judge([[0.5, 0.5]] * 3, labels)


def test_no_rows_are_refused() -> None:
    with pytest.raises(UserError, match="no rows"):
        judge(np.empty((0, 3)), [])
