"""The scores against references by hand, number by number, and the rules that they must keep."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.errors import UserError
from dnnstudio.core.uncertainty.convergence import passes_for, running, steady_since
from dnnstudio.core.uncertainty.scores import (
    PRIMARY,
    SCORES,
    Accumulator,
    Unit,
    ranked_scores,
    score,
    with_both_classes,
)


def samples(passes: int, images: int, classes: int, seed: int = 0, sharpness: float = 2.0) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(passes, images, classes)) * sharpness
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def by_hand(p: np.ndarray) -> dict[str, list[float]]:
    """Everything again with plain Python loops."""
    passes, images, classes = p.shape
    found: dict[str, list[float]] = {
        name: []
        for name in [
            "predictive_entropy",
            "expected_entropy",
            "mutual_information",
            "variation_ratio",
            "winner_std",
            "margin",
            "max_probability",
        ]
    }
    for i in range(images):
        mean = [math.fsum(p[t, i, c] for t in range(passes)) / passes for c in range(classes)]
        total = -math.fsum(m * math.log(m) for m in mean if m > 0)
        inner = (
            math.fsum(-math.fsum(v * math.log(v) for v in p[t, i].tolist() if v > 0) for t in range(passes)) / passes
        )
        ranked = sorted(mean, reverse=True)
        winner = mean.index(ranked[0])
        votes = [0] * classes
        for t in range(passes):
            row = p[t, i].tolist()
            votes[row.index(max(row))] += 1
        found["predictive_entropy"].append(total)
        found["expected_entropy"].append(inner)
        found["mutual_information"].append(max(total - inner, 0.0))
        found["variation_ratio"].append(1 - max(votes) / passes)
        found["winner_std"].append(
            math.sqrt(math.fsum((p[t, i, winner] - mean[winner]) ** 2 for t in range(passes)) / passes)
        )
        found["margin"].append(ranked[0] - ranked[1])
        found["max_probability"].append(ranked[0])
    return found


@pytest.mark.parametrize("classes", [2, 3, 10, 100])
def test_every_score_equals_the_sum_written_out_by_hand(classes: int) -> None:
    p = samples(13, 17, classes, seed=classes)
    scores, expected = score(p), by_hand(p)
    assert list(scores.values) == list(expected) == list(SCORES)
    for name, values in expected.items():
        np.testing.assert_allclose(scores.values[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(scores.mean, p.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scores.std, p.std(axis=0), rtol=1e-9, atol=1e-14)


def test_the_uncertainty_of_a_certainty_is_what_is_left_of_one() -> None:
    scores = score(samples(9, 5, 4))
    expected = by_hand(samples(9, 5, 4))
    np.testing.assert_allclose(scores.uncertainty("margin"), 1 - np.array(expected["margin"]), atol=1e-12)
    np.testing.assert_allclose(scores.uncertainty("winner_std"), expected["winner_std"], atol=1e-12)
    np.testing.assert_allclose(scores.normalized("margin"), expected["margin"], atol=1e-12)


def test_the_rows_of_the_table_fit_together() -> None:
    assert [one.name for one in ranked_scores()][:2] == [PRIMARY, "predictive_entropy"]
    assert len({one.file_key for one in SCORES.values()}) == len({one.title for one in SCORES.values()}) == len(SCORES)
    scores = score(samples(9, 5, 4))
    for one in SCORES.values():
        assert scores.values[one.name].max() <= one.unit.maximum(4)
        if one.parts:
            np.testing.assert_allclose(sum(scores.values[name] for name in one.parts), scores.values[one.name])
    assert Unit.NATS.maximum(4) == pytest.approx(math.log(4))


def test_zero_times_log_zero_is_zero() -> None:
    p = np.zeros((4, 1, 3))
    p[:, 0, 1] = 1.0
    scores = score(p)
    assert scores.predictive_entropy[0] == 0.0
    assert scores.mutual_information[0] == 0.0
    assert scores.variation_ratio[0] == 0.0


def test_passes_that_agree_have_no_mutual_information_and_no_spread() -> None:
    p = np.broadcast_to(np.array([0.7, 0.2, 0.1]), (50, 6, 3))
    scores = score(np.ascontiguousarray(p))
    np.testing.assert_allclose(scores.mutual_information, 0.0, atol=1e-14)
    np.testing.assert_allclose(scores.std, 0.0, atol=1e-15)
    np.testing.assert_allclose(scores.expected_entropy, scores.predictive_entropy, rtol=1e-12)


def test_certain_passes_that_contradict_each_other_are_all_mutual_information() -> None:
    p = np.zeros((4, 1, 2))
    p[:2, 0, 0] = p[2:, 0, 1] = 1.0
    scores = score(p)
    assert scores.predictive_entropy[0] == pytest.approx(math.log(2))
    assert scores.expected_entropy[0] == 0.0
    assert scores.mutual_information[0] == pytest.approx(math.log(2))
    assert scores.normalized("mutual_information")[0] == pytest.approx(1.0)
    assert scores.variation_ratio[0] == 0.5


@given(st.integers(2, 20), st.integers(1, 5), st.integers(2, 6), st.integers(0, 1000))
def test_scores_do_not_depend_on_the_order_of_passes(passes: int, images: int, classes: int, seed: int) -> None:
    p = samples(passes, images, classes, seed)
    shuffled = p[np.random.default_rng(seed).permutation(passes)]
    one, other = score(p), score(shuffled)
    for name in ("mean", "std", "predictive_entropy", "expected_entropy", "mutual_information", "variation_ratio"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(one.votes, other.votes)


@given(st.integers(0, 1000), st.integers(2, 10))
def test_mutual_information_lies_between_zero_and_the_entropy(seed: int, classes: int) -> None:
    scores = score(samples(7, 9, classes, seed))
    assert (scores.mutual_information >= 0).all()
    assert (scores.mutual_information <= scores.predictive_entropy + 1e-12).all()
    assert (scores.predictive_entropy <= math.log(classes) + 1e-12).all()


def test_adding_passes_in_portions_equals_all_at_once_bit_for_bit() -> None:
    p = samples(20, 8, 5).astype(np.float32)
    at_once = score(p)
    accumulator = Accumulator(8, 5)
    for portion in (p[:3], p[3:4], p[4:20]):
        accumulator.add(portion)
    in_portions = accumulator.scores()
    np.testing.assert_array_equal(at_once.mean, in_portions.mean)
    np.testing.assert_array_equal(at_once.std, in_portions.std)
    np.testing.assert_array_equal(at_once.mutual_information, in_portions.mutual_information)


def test_one_sigmoid_unit_counts_as_two_classes() -> None:
    both = with_both_classes(np.array([[[0.3], [0.9]]]))
    np.testing.assert_allclose(both, [[[0.7, 0.3], [0.1, 0.9]]])
    assert score(both).winner.tolist() == [0, 1]


def test_a_network_that_predicts_a_number_is_refused_with_a_sentence() -> None:
    with pytest.raises(UserError, match="predicts a number"):
        Accumulator(10, 1)


def test_the_standard_error_falls_as_one_over_the_square_root_of_the_passes() -> None:
    """Over 400 images the real error of the mean after t passes shrinks by √(t₂/t₁), as the estimate says."""
    rng = np.random.default_rng(5)
    p = rng.beta(4, 2, size=(1600, 400))
    both = np.stack([p, 1 - p], axis=-1)
    truth = 4 / 6
    errors = {t: np.sqrt(np.mean((p[:t].mean(axis=0) - truth) ** 2)) for t in (16, 100, 1600)}
    estimates = {t: np.mean([running(both[:t, i], 0).standard_error[-1] for i in range(50)]) for t in errors}
    for t in errors:
        assert estimates[t] == pytest.approx(errors[t], rel=0.1)
    assert errors[16] / errors[1600] == pytest.approx(10, rel=0.15)


def test_running_figures_equal_those_of_the_first_passes_alone() -> None:
    p = samples(30, 1, 4, seed=3)[:, 0]
    figures = running(p)
    winner = int(p.mean(axis=0).argmax())
    for t in (2, 7, 30):
        part = score(p[:t, None])
        assert figures.mean[t - 1] == pytest.approx(part.mean[0, winner], rel=1e-12)
        assert figures.standard_error[t - 1] == pytest.approx(p[:t, winner].std(ddof=1) / math.sqrt(t), rel=1e-9)
        for name, values in part.values.items():
            assert figures.score(name)[t - 1] == pytest.approx(values[0], rel=1e-9, abs=1e-12), name
    assert math.isnan(figures.standard_error[0])


@pytest.mark.parametrize(("std", "precision", "passes"), [(0.17, 0.017, 100), (0.1, 0.05, 4), (0.0, 0.01, 1)])
def test_passes_needed_for_a_precision(std: float, precision: float, passes: int) -> None:
    assert passes_for(std, precision) == passes


def test_steady_since_names_the_first_pass_after_the_last_large_deviation() -> None:
    assert steady_since(np.array([0.1, 0.9, 0.5, 0.52, 0.51]), 0.02) == 3
    assert steady_since(np.array([0.5, 0.5]), 0.0) == 1
