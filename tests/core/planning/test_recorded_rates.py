"""The rates between those that a history tells: the plan's shape, ending at what was told."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import Constant, OneCycle, Performance, Warmup
from dnnstudio.core.experiment.transfer import Phase, Transfer
from dnnstudio.core.planning.recorded_rates import recorded_rates
from dnnstudio.core.planning.stages import planned_courses, planned_rates

STEPS = 100
BASE = Experiment(optimizer=SGD(learning_rate=0.1), training=Training(epochs=60))


def ends(epochs: int) -> np.ndarray:
    return np.arange(1, epochs + 1) * STEPS - 1


def test_a_long_training_is_told_by_few_points_that_stray_nowhere() -> None:
    """Phases, a cycle each, and a change by hand: a line through the points passes through every step."""
    phases = (Phase(epochs=20), Phase(epochs=40, learning_rate=0.2))
    experiment = BASE.replaced(
        schedule=OneCycle(max_rate=0.4),
        transfer=Transfer(source="x", phases=phases),
        rate_changes=(RateChange(phase=2, at=1234, factor=0.25),),
    )
    _, used = planned_rates(experiment, STEPS)
    steps, rates = recorded_rates(planned_courses(experiment, STEPS), ends(60), used[ends(60)], points=600)
    assert len(steps) < 600 + 2 * 60 + 10
    np.testing.assert_allclose(np.interp(np.arange(6000), steps, rates), used, atol=0.4 / 100)
    for jump in (2000, 2000 + 1234):  # drawn as a step, not as a slope
        assert {jump - 1, jump} <= set(steps.tolist())


def test_a_plateau_is_a_step_between_two_epochs() -> None:
    courses = planned_courses(BASE.replaced(schedule=Performance(), training=Training(epochs=3)), STEPS)
    steps, rates = recorded_rates(courses, ends(3), np.array([0.1, 0.05, 0.05]))
    np.testing.assert_array_equal(steps, np.arange(300))
    np.testing.assert_allclose(rates, np.repeat([0.1, 0.05], (100, 200)), rtol=1e-12)


def test_what_was_told_stands_where_the_plan_is_nothing() -> None:
    """Of a run that did not write down its steps an epoch, one is assumed; a warm-up from 0 then begins with none."""
    schedule = Constant(warmup=Warmup(start_factor=0.0))
    courses = planned_courses(BASE.replaced(schedule=schedule, training=Training(epochs=2)), 1)
    _, rates = recorded_rates(courses, np.arange(2), np.array([0.03, 0.1]))
    np.testing.assert_array_equal(rates, [0.03, 0.1])


def test_without_a_history_there_is_no_rate() -> None:
    steps, rates = recorded_rates(planned_courses(BASE, STEPS), np.empty(0, np.int64), np.empty(0))
    assert (len(steps), len(rates)) == (0, 0)


def test_a_moment_before_the_first_step_tells_nothing() -> None:
    courses = planned_courses(BASE, STEPS)
    steps, rates = recorded_rates(courses, np.array([-1, 99, 199]), np.array([7.0, 0.1, 0.05]))
    np.testing.assert_array_equal(steps, np.arange(200))
    np.testing.assert_allclose(rates, np.repeat([0.1, 0.05], 100), rtol=1e-12)
    assert [len(found) for found in recorded_rates(courses, np.array([-1, -1]), np.array([7.0, 7.0]))] == [0, 0]


@given(st.lists(st.tuples(st.integers(-5, 40), st.floats(allow_nan=False, allow_infinity=False)), max_size=5))
@example([(9, 1e308), (19, 1e-308)])
def test_any_rates_that_were_told_are_taken(told: list[tuple[int, float]]) -> None:
    at = np.array([moment for moment, _ in told], dtype=np.int64)
    steps, rates = recorded_rates(planned_courses(BASE, 10), at, np.array([rate for _, rate in told]))
    assert len(steps) == len(rates) and not (steps < 0).any()
