"""Going on with earlier passes, how a set settles, prices of mistakes, and what a file of samples holds."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.decision import cheapest_threshold, cost_at, mistake_prices
from dnnstudio.core.uncertainty.samples import SampledRows, Samples
from dnnstudio.core.uncertainty.scores import Accumulator, score

RANDOM = np.random.default_rng(3)
PASSES = RANDOM.dirichlet(np.full(4, 0.7), (30, 50)).astype(np.float32)


def sampled(*blocks: np.ndarray) -> Samples:
    accumulator = Accumulator(50, 4)
    steps = []
    for block in blocks:
        for one in block:
            accumulator.add(one[None])
            steps.append(accumulator.means())
    winners, entropies, gaps = (np.array(column) for column in zip(*steps, strict=True))
    rows = SampledRows(np.arange(50) % 4, PASSES[0], ("a", "b", "c", "d"), title="test part")
    return Samples(rows, blocks, accumulator.scores(), Course(winners, entropies, gaps), seed=1)


def test_going_on_from_scores_equals_adding_all_at_once() -> None:
    whole, first = score(PASSES), score(PASSES[:11])
    later = Accumulator.after(first)
    later.add(PASSES[11:])
    for name in ("mean", "std", "expected_entropy", "mutual_information", "variation_ratio"):
        np.testing.assert_allclose(getattr(later.scores(), name), getattr(whole, name), atol=1e-12)
    assert later.scores().passes == 30
    assert np.array_equal(later.scores().votes, whole.votes)


def test_means_over_the_set_and_standard_errors_are_those_of_numpy() -> None:
    accumulator = Accumulator(50, 4)
    accumulator.add(PASSES[:1])
    assert np.isinf(accumulator.standard_errors()).all()
    accumulator.add(PASSES[1:])
    p = PASSES.astype(np.float64)
    mean = p.mean(axis=0)
    predictive = -(mean * np.log(mean)).sum(axis=1)
    expected = -np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0).sum(axis=2).mean(axis=0)
    winners, entropy, gap = accumulator.means()
    assert np.array_equal(winners, mean.argmax(axis=1))
    assert entropy == pytest.approx(predictive.mean(), abs=1e-12)
    assert gap == pytest.approx((predictive - expected).mean(), abs=1e-12)
    rows = np.arange(50)
    errors = p[:, rows, winners].std(axis=0, ddof=1) / np.sqrt(30)
    np.testing.assert_allclose(accumulator.standard_errors(), errors, atol=1e-12)


def test_standard_errors_fall_as_one_over_the_root_of_the_passes() -> None:
    many = RANDOM.dirichlet(np.ones(3), (1600, 40))

    def mean_error(passes: int) -> float:
        accumulator = Accumulator(40, 3)
        accumulator.add(many[:passes])
        return float(accumulator.standard_errors().mean())

    assert mean_error(100) / mean_error(1600) == pytest.approx(4.0, rel=0.05)


def test_labels_that_still_flip_are_counted_after_each_pass() -> None:
    winners = [PASSES[: count + 1].sum(axis=0).argmax(axis=1) for count in range(len(PASSES))]
    expected = [int((now != winners[-1]).sum()) for now in winners]
    assert sampled(PASSES).course.flips().tolist() == expected
    assert len(Course.empty(5).flips()) == 0


def test_blocks_are_one_array_to_whoever_looks() -> None:
    samples = sampled(PASSES[:10], PASSES[10:])
    assert np.array_equal(samples.array(), PASSES)
    assert np.array_equal(samples.of_row(7), PASSES[:, 7])
    assert samples.has_spread
    arrays = samples.arrays()
    assert list(arrays) == [
        "probabilities", "mean", "std", "entropy", "expected_entropy", "mutual_information", "variation_ratio",
        "labels", "deterministic", "class_names", "seed",
    ]  # fmt: skip
    assert np.array_equal(arrays["labels"], np.arange(50) % 4)
    assert not sampled(np.repeat(PASSES[:1], 3, axis=0)).has_spread


def test_each_mistake_has_its_price() -> None:
    labels, said = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    prices = mistake_prices(labels, said, np.array([[5.0, 2.0], [30.0, 5.0]]))
    assert prices.tolist() == [0, 2, 30, 0]
    uncertainty, correct = np.array([0.1, 0.2, 0.3, 0.4]), labels == said
    assert cost_at(uncertainty, correct, 0.25, wrong=prices, referral=4) == 2 + 2 * 4
    assert cost_at(uncertainty, correct, 1.0, wrong=10, referral=4) == 20
    # Answering the cheap mistake and referring the dear one and what is above it: 2 + 4 + 4.
    assert cheapest_threshold(uncertainty, correct, wrong=prices, referral=4) == 0.2
    every = [cost_at(uncertainty, correct, line, wrong=prices, referral=4) for line in (-np.inf, 0.1, 0.2, 0.3, 0.4)]
    assert min(every) == every[2]
