"""Epochs into steps and back, and what clipping does to the chapter's gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.experiment.gradient_clipping import (
    EXAMPLE,
    clipped_by_norm,
    clipped_by_value,
    clipping_of,
    turned,
    with_clipping,
)
from dnnstudio.core.experiment.optimizers import CLIPPINGS, OPTIMIZER_KINDS, SGD
from dnnstudio.core.experiment.schedules import CosineRestarts, Exponential, Piecewise, Plan, Power, Schedule, Warmup
from dnnstudio.core.experiment.schedules.units import converted, in_the_other_unit

COUNTED: tuple[Schedule, ...] = (
    Power(s=7.0),
    Exponential(s=3.5),
    Piecewise(boundaries=(2.0, 5.5), rates_between=(0.1, 0.05, 0.01)),
    CosineRestarts(first_period=4.0),
)


@pytest.mark.parametrize("schedule", COUNTED, ids=lambda schedule: schedule.kind)
def test_counted_in_steps_a_schedule_gives_the_same_rates(schedule: Schedule) -> None:
    plan, steps = Plan(0.02, 36, 20), np.arange(720)
    in_steps = converted(schedule, "steps", 36)
    assert in_steps != schedule
    np.testing.assert_allclose(in_steps.rates(steps, plan), schedule.rates(steps, plan), rtol=1e-9)
    assert converted(in_steps, "epochs", 36) == schedule


def test_boundaries_become_whole_steps() -> None:
    assert converted(Piecewise(), "steps", 1719).boundaries == (5 * 1719.0, 15 * 1719.0)
    assert converted(Warmup(duration=1.5), "steps", 36).duration == 54.0


@given(st.floats(1e-3, 1e5), st.integers(1, 100_000))
def test_there_and_back_is_the_same_duration(duration: float, steps_per_epoch: int) -> None:
    start = Power(s=float(f"{duration:.10g}"))
    assert converted(converted(start, "steps", steps_per_epoch), "epochs", steps_per_epoch).s == pytest.approx(
        start.s, rel=1e-11
    )


def test_counting_in_the_same_unit_changes_nothing() -> None:
    schedule = Power(s=3.0)
    assert converted(schedule, "epochs", 36) is schedule


@pytest.mark.parametrize(
    ("duration", "unit", "words"),
    [
        (10.0, "epochs", "17,190 steps"),
        (500.0, "steps", "0.291 epochs"),
        (1719.0, "steps", "1 epoch"),
        (1 / 1719, "epochs", "1 step"),
    ],
)
def test_a_duration_in_words_of_the_other_unit(duration: float, unit: str, words: str) -> None:
    assert in_the_other_unit(duration, unit, 1719) == words


# ------------------------------------------------------------------------------------------------ clipping


def test_the_chapters_gradient_is_turned_by_value_and_kept_by_norm() -> None:
    gradient = np.array(EXAMPLE)
    np.testing.assert_array_equal(clipped_by_value(gradient, 1.0), [0.9, 1.0])
    np.testing.assert_allclose(clipped_by_norm(gradient, 1.0), [0.00899964, 0.9999595], atol=5e-9)
    assert turned(gradient, clipped_by_value(gradient, 1.0)) == pytest.approx(41.47, abs=0.01)
    assert turned(gradient, clipped_by_norm(gradient, 1.0)) == pytest.approx(0, abs=1e-4)


def test_a_gradient_within_the_limit_stays_as_it_is() -> None:
    gradient = np.array([0.3, -0.4])
    np.testing.assert_array_equal(clipped_by_value(gradient, 0.5), gradient)
    np.testing.assert_array_equal(clipped_by_norm(gradient, 0.5), gradient)


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_one_clipping_takes_the_place_of_another(kind: str) -> None:
    optimizer = OPTIMIZER_KINDS[kind].new(learning_rate=0.02, clipnorm=3.0)
    for name in CLIPPINGS:
        optimizer = with_clipping(optimizer, name, 0.5)
        assert clipping_of(optimizer) == (name, 0.5)
        assert sum(getattr(optimizer, other) is not None for other in CLIPPINGS) == 1
    assert optimizer.learning_rate == 0.02
    assert clipping_of(with_clipping(optimizer, "clipnorm", None)) is None
    assert clipping_of(SGD()) is None
