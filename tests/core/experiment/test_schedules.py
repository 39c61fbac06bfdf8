"""Every schedule against a reference written here by hand, with numpy, from the formulas of its source."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from dnnstudio.core.experiment.schedules import (
    SCHEDULE_KINDS,
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Plan,
    Power,
    Warmup,
)

PLAN = Plan(learning_rate=0.01, steps_per_epoch=7, epochs=20)
STEPS = np.arange(140)


def test_power_is_the_rate_over_one_plus_t_over_s_to_the_c() -> None:
    expected = [0.01 / (1 + step / (4 * 7)) ** 2 for step in STEPS]
    np.testing.assert_allclose(Power(s=4.0, power=2.0).rates(STEPS, PLAN), expected, rtol=1e-12)


@pytest.mark.parametrize("unit", ["epochs", "steps"])
def test_exponential_by_step_falls_to_a_tenth_every_s(unit: str) -> None:
    period = 5 * 7 if unit == "epochs" else 5
    expected = [0.01 * 0.1 ** (step / period) for step in STEPS]
    schedule = Exponential(s=5.0, unit=unit)
    np.testing.assert_allclose(schedule.rates(STEPS, PLAN), expected, rtol=1e-12)


def test_exponential_by_epoch_changes_only_between_epochs() -> None:
    expected = [0.01 * 0.1 ** ((step // 7) / 20) for step in STEPS]
    np.testing.assert_allclose(Exponential(progress="epoch").rates(STEPS, PLAN), expected, rtol=1e-12)


def test_exponential_by_multiplication_multiplies_from_the_first_epoch_on() -> None:
    rate, expected = 0.01, []
    for _ in range(20):
        rate *= 0.1 ** (1 / 20)
        expected += [rate] * 7
    np.testing.assert_allclose(Exponential(progress="multiply").rates(STEPS, PLAN), expected, rtol=1e-12)


def test_piecewise_takes_the_next_rate_at_its_boundary() -> None:
    expected = [0.01 if step // 7 < 5 else 0.005 if step // 7 < 15 else 0.001 for step in STEPS]
    np.testing.assert_array_equal(Piecewise().rates(STEPS, PLAN), expected)


def one_cycle_by_hand(iterations: int, max_rate: float) -> list[float]:
    start, last_iterations = max_rate / 10, iterations // 10 + 1
    half, last = (iterations - last_iterations) // 2, max_rate / 10 / 1000
    found = []
    for i in range(iterations):
        if i < half:
            found.append(start + (max_rate - start) * i / half)
        elif i < 2 * half:
            found.append(max_rate + (start - max_rate) * (i - half) / half)
        else:
            found.append(start + (last - start) * (i - 2 * half) / (iterations - 2 * half))
    return found


def test_one_cycle_rises_falls_and_ends_almost_at_zero() -> None:
    rates = OneCycle(max_rate=0.05).rates(STEPS, PLAN)
    np.testing.assert_allclose(rates, one_cycle_by_hand(140, 0.05), rtol=1e-12)
    assert rates[0] == pytest.approx(0.005)
    assert rates.max() == pytest.approx(0.05)


def test_one_cycle_stays_at_its_last_rate_beyond_the_plan() -> None:
    np.testing.assert_allclose(OneCycle(max_rate=0.05).rates([140, 200], PLAN), 0.05 / 10 / 1000)


def test_one_cycle_momentum_mirrors_the_rate() -> None:
    schedule = OneCycle(momentum_low=0.85, momentum_high=0.95)
    rates, momentum = schedule.rates(STEPS, PLAN), schedule.momentum(STEPS.astype(float), PLAN, np)
    assert momentum is not None
    assert momentum[0] == pytest.approx(0.95)
    assert np.argmin(momentum) == np.argmax(rates)
    assert momentum.min() == pytest.approx(0.85)
    np.testing.assert_allclose(momentum[126:], 0.95)


def test_cosine_restarts_at_the_end_of_each_longer_period() -> None:
    schedule = CosineRestarts(first_period=2.0, t_mul=2.0, m_mul=0.5, alpha=0.1)
    expected = []
    for step in STEPS:
        start, length, height = 0, 14, 1.0
        while step >= start + length:
            start, length, height = start + length, length * 2, height * 0.5
        wave = 0.5 * height * (1 + np.cos(np.pi * (step - start) / length))
        expected.append(0.01 * (0.9 * wave + 0.1))
    np.testing.assert_allclose(schedule.rates(STEPS, PLAN), expected, rtol=1e-9)


@pytest.mark.parametrize("t_mul", [1.5, 2.0, 3.0])
def test_cosine_restarts_at_the_very_step(t_mul: float) -> None:
    """log(243) / log(3) is 4.999…: the fifth restart came a step late."""
    schedule = CosineRestarts(first_period=64, unit="steps", t_mul=t_mul)
    starts = [sum(64 * t_mul**k for k in range(n)) for n in range(7)]
    np.testing.assert_allclose(schedule.rates(starts, PLAN), 0.01, rtol=1e-9)


def test_cosine_with_equal_periods_repeats() -> None:
    rates = CosineRestarts(first_period=3.0, t_mul=1.0).rates(STEPS, PLAN)
    np.testing.assert_allclose(rates[:21], rates[21:42], rtol=1e-9)


@pytest.mark.parametrize("kind", SCHEDULE_KINDS.values(), ids=lambda kind: kind.__name__)
def test_warmup_rises_in_a_straight_line_to_the_first_rate_and_shifts_the_rest(kind: type) -> None:
    plain, warmed = kind(), kind(warmup=Warmup(duration=2.0, start_factor=0.25))
    shifted = Plan(PLAN.learning_rate, PLAN.steps_per_epoch, PLAN.epochs, warmup_steps=14)
    rest = plain.rates(np.arange(126), shifted)
    rates = warmed.rates(STEPS, PLAN)
    np.testing.assert_allclose(rates[:14], rest[0] * (0.25 + 0.75 * np.arange(14) / 14), rtol=1e-12)
    np.testing.assert_allclose(rates[14:], rest, rtol=1e-12)


@pytest.mark.parametrize("kind", SCHEDULE_KINDS.values(), ids=lambda kind: kind.__name__)
def test_every_rate_of_every_schedule_is_finite_and_above_zero(kind: type) -> None:
    for plan in (PLAN, Plan(0.01, 1, 1), Plan(0.01, 1, 2), Plan(0.01, 3, 1)):
        rates = kind().rates(np.arange(plan.steps), plan)
        assert rates.shape == (plan.steps,)
        assert np.isfinite(rates).all()
        assert (rates > 0).all()


def test_constant_and_performance_begin_with_the_optimizers_rate() -> None:
    for schedule in (Constant(), Performance()):
        np.testing.assert_array_equal(schedule.rates(STEPS, PLAN), 0.01)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"boundaries": (15.0, 5.0)}, "must be above 0 and rise"),
        ({"boundaries": (1.0, 2.0, 3.0)}, "3 boundaries and 3 rates"),
        ({"rates_between": (0.1, -0.1, 0.1)}, "each must be above 0"),
    ],
)
def test_piecewise_refuses_impossible_tables_in_a_sentence(given: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Piecewise(**given)
