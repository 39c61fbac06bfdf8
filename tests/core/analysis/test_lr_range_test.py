"""What a learning-rate test says, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from dnnstudio.core.analysis.lr_range_test import (
    explosion,
    growing_rates,
    rounded,
    smoothed,
    suggest,
    with_constant,
    with_one_cycle,
)
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import Constant, OneCycle, Power

RATES = growing_rates(1e-6, 10, 500)


def curve(fall_at: float = 1e-2, climb_at: float = 1.0) -> np.ndarray:
    """A loss that falls from 2.3 around `fall_at`, steepest there, and climbs without end from `climb_at` on."""
    log = np.log10(RATES)
    fall = 2.3 - 1.8 / (1 + np.exp(-6 * (log - np.log10(fall_at))))
    return fall + np.exp(np.maximum(12 * (log - np.log10(climb_at)), -40))


def test_rates_grow_by_one_factor() -> None:
    assert RATES[0] == pytest.approx(1e-6)
    assert RATES[-1] == pytest.approx(10)
    np.testing.assert_allclose(RATES[1:] / RATES[:-1], 10 ** (7 / 499))


def test_the_suggestions_of_a_clean_curve() -> None:
    losses = curve()
    lowest = RATES[np.argmin(losses)]
    found = suggest(RATES, smoothed(losses, 500))
    assert found.steepest == pytest.approx(1e-2, rel=0.2)
    assert found.tenth_of_lowest == pytest.approx(lowest / 10, rel=0.5)


def test_noise_moves_the_suggestions_little() -> None:
    noisy = curve() + np.random.default_rng(3).normal(0, 0.1, 500)
    found = suggest(RATES, smoothed(noisy, 500))
    assert found.steepest is not None
    assert 3e-3 < found.steepest < 3e-2
    assert found.tenth_of_lowest is not None
    assert 3e-3 < found.tenth_of_lowest < 1e-1


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    flat = 2.3 + np.random.default_rng(1).normal(0, 0.01, 500)
    assert suggest(RATES, smoothed(flat, 500)).steepest is None
    rising = np.linspace(2.3, 5, 500)
    assert suggest(RATES, smoothed(rising, 500)).tenth_of_lowest is None
    assert suggest(RATES[:4], np.ones(4)).steepest is None


def test_the_explosion_is_where_the_average_is_four_times_its_lowest() -> None:
    losses = curve()
    step = explosion(losses)
    assert step is not None
    average, lowest = losses[0], losses[0]
    for number, loss in enumerate(losses):  # noqa: B007 - used below; the same average without the correction of its start
        average = 0.9 * average + 0.1 * loss
        lowest = min(lowest, average)
        if average > 4 * lowest:
            break
    assert abs(step - number) <= 1
    assert explosion(losses[: step - 1]) is None


def test_a_loss_that_is_no_number_is_an_explosion() -> None:
    assert explosion(np.array([2.3, 2.2, np.nan, 2.0])) == 2
    assert explosion(np.array([np.inf])) == 0


def test_one_bad_batch_at_the_start_is_no_explosion() -> None:
    assert explosion(np.array([2.3, 30.0, *[2.2] * 60])) is None


def test_smoothing_is_not_late() -> None:
    """A curve and its mirror image have mirrored smoothings: a moving average of the past would lag."""
    falling = 2.0 - 1.5 / (1 + np.exp(-np.linspace(-20, 20, 401)))
    smooth = smoothed(falling, 401)
    assert abs(int(np.argmin(np.gradient(smooth))) - 200) <= 1
    assert len(smoothed(np.empty(0), 100)) == 0


def test_the_explosion_does_not_smear_into_the_rest() -> None:
    losses = np.full(200, 2.0)
    losses[190:] = 1e12
    assert smoothed(losses, 200)[170] == pytest.approx(2.0, rel=1e-3)


def test_using_a_rate_as_the_maximum_of_one_cycle() -> None:
    fresh = with_one_cycle(Experiment(schedule=Power()), 0.3)
    assert fresh.schedule == OneCycle(max_rate=0.3)
    kept = OneCycle(max_rate=0.9, start_rate=0.2, last_rate=1e-5, momentum_low=0.85, momentum_high=0.95)
    assert with_one_cycle(Experiment(schedule=kept), 0.3).schedule == kept.replaced(max_rate=0.3)
    lower = with_one_cycle(Experiment(schedule=kept), 0.1).schedule
    assert lower == kept.replaced(max_rate=0.1, start_rate=None)


def test_using_a_rate_as_constant() -> None:
    after = with_constant(Experiment(optimizer=Adam(beta_1=0.8), schedule=Power()), 0.004)
    assert after.optimizer == Adam(beta_1=0.8, learning_rate=0.004)
    assert after.schedule == Constant()


def test_rates_are_rounded_to_two_digits() -> None:
    assert rounded(0.031274) == 0.031
    assert rounded(2.57e-5) == 2.6e-5
