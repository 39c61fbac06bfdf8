"""Epochs added at the end of a training: the rates of those before stay, and the new ones get what is said."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, Constant, OneCycle, Performance, Plan
from dnnstudio.core.experiment.transfer import Phase, Transfer
from dnnstudio.core.planning.more_epochs import Way, added_sentence, differing_ways, lengthened, way_words, ways
from dnnstudio.core.planning.rates import course_of, led_by_hand, without_stale_changes
from dnnstudio.core.planning.stages import planned_rates

STEPS = 20
CYCLE = OneCycle(max_rate=0.4, start_rate=0.04, last_rate=4e-5, last_steps=40)
BASE = Experiment(optimizer=SGD(learning_rate=0.1), schedule=CYCLE, training=Training(epochs=10))


def rates(experiment: Experiment) -> np.ndarray:
    return planned_rates(experiment, STEPS)[1]


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("kind", SCHEDULE_KINDS)
def test_epochs_that_are_done_keep_their_rates_however_often_more_are_added(kind: str, way: Way) -> None:
    before = BASE.replaced(schedule=SCHEDULE_KINDS[kind].new())
    for count in (1, 3, 10):
        after = lengthened(before, count, way, STEPS)
        np.testing.assert_array_equal(rates(after)[: len(rates(before))], rates(before))
        assert len(rates(after)) == len(rates(before)) + count * STEPS
        before = after


def test_the_new_epochs_get_the_last_rate_that_was_of_use() -> None:
    """A hundredth of 0.4 is 0.004; on the way out from 0.04 the last rate above that is of step 196."""
    out = 0.04 + (4e-5 - 0.04) * np.arange(41) / 40
    added = rates(lengthened(BASE, 2, Way.CONSTANT, STEPS))[10 * STEPS :]
    np.testing.assert_allclose(added, out[out >= 0.004][-1], rtol=1e-12)


def test_a_new_cycle_is_the_schedule_over_the_new_epochs_alone() -> None:
    added = rates(lengthened(BASE, 6, Way.CYCLE, STEPS))[10 * STEPS :]
    np.testing.assert_array_equal(added, CYCLE.rates(np.arange(6 * STEPS), Plan(0.1, STEPS, 6)))


def test_the_stretched_plan_is_the_end_of_a_schedule_over_all_epochs() -> None:
    added = rates(lengthened(BASE, 10, Way.PLAN, STEPS))[10 * STEPS :]
    np.testing.assert_array_equal(added, CYCLE.rates(np.arange(10 * STEPS, 20 * STEPS), Plan(0.1, STEPS, 20)))


def test_the_stretched_plan_is_that_also_where_the_rate_has_stayed_constant_since() -> None:
    """One epoch at the last useful rate, then nine more of what 20 planned epochs would end with."""
    one_more = lengthened(BASE, 1, Way.CONSTANT, STEPS)
    added = rates(lengthened(one_more, 9, Way.PLAN, STEPS))[11 * STEPS :]
    np.testing.assert_array_equal(added, CYCLE.rates(np.arange(11 * STEPS, 20 * STEPS), Plan(0.1, STEPS, 20)))


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("kind", SCHEDULE_KINDS)
def test_what_is_offered_differs_and_is_called_what_it_does(kind: str, constant: bool) -> None:
    experiment = BASE.replaced(schedule=SCHEDULE_KINDS[kind].new())
    if constant:
        experiment = lengthened(experiment, 1, Way.CONSTANT, STEPS)
    offered = differing_ways(experiment, 9, STEPS)
    added = {way: rates(lengthened(experiment, 9, way, STEPS))[-9 * STEPS :] for way in offered}
    for one, other in combinations(offered, 2):
        assert not np.array_equal(added[one], added[other])
    words = {way: way_words(way, experiment) for way in offered}
    assert len(set(words.values())) == len(offered)
    assert ("stretched" in words[Way.PLAN]) is (kind == "one_cycle")
    if words[Way.PLAN] == "The rate stays as it is":
        assert set(added[Way.PLAN]) == {rates(experiment)[-1]}


def test_more_epochs_of_phases_are_of_the_last_phase() -> None:
    phased = BASE.replaced(transfer=Transfer(source="x", phases=(Phase(epochs=4), Phase(epochs=3, learning_rate=0.2))))
    longer = lengthened(phased, 2, Way.CONSTANT, STEPS)
    np.testing.assert_array_equal(rates(longer)[: 7 * STEPS], rates(phased))
    assert {change.phase for change in longer.rate_changes if change.rate is not None} == {2}


@pytest.mark.parametrize("schedule", [Constant(), Performance()])
def test_where_no_rate_differs_there_is_nothing_to_choose(schedule: object) -> None:
    assert ways(BASE.replaced(schedule=schedule)) == (Way.PLAN,)


def test_the_sentence_says_the_rates_of_the_added_epochs() -> None:
    constant = added_sentence(lengthened(BASE, 1, Way.CONSTANT, STEPS), 1, STEPS)
    cycle = added_sentence(lengthened(BASE, 10, Way.CYCLE, STEPS), 10, STEPS)
    assert constant == "Epoch 11 gets a rate of 0.00404."
    assert cycle == "Epochs 11 to 20 get rates from 0.04 up to 0.4 and down to 0.00104."


# ------------------------------------------------------------------------------------------------ changed by hand


@given(
    st.sampled_from(sorted(SCHEDULE_KINDS)),
    st.lists(st.tuples(st.integers(0, 199), st.floats(1e-6, 10.0)), max_size=4),
)
def test_a_rate_set_by_hand_holds_there_and_keeps_the_shape(kind: str, wishes: list[tuple[int, float]]) -> None:
    """Against a loop by hand: each wish multiplies what is planned from its step on."""
    schedule = SCHEDULE_KINDS[kind].new()
    experiment = BASE.replaced(schedule=schedule)
    course = course_of(experiment, 1, 0.1, STEPS, 10)
    planned = schedule.rates(np.arange(200), Plan(0.1, STEPS, 10))
    expected = planned.copy()
    for step, wanted in sorted(wishes, key=lambda wish: wish[0]):
        experiment, course = led_by_hand(experiment, course, 1, step, wanted)
        constant = course.changes[-1].rate is not None
        expected[step:] = wanted if constant else planned[step:] * (wanted / planned[step])
        assert course.rates([step])[0] == pytest.approx(wanted)
    np.testing.assert_allclose(course.rates(np.arange(200)), expected, rtol=1e-9)
    again = codec.from_json(codec.to_json(experiment))
    assert again == experiment
    np.testing.assert_array_equal(rates(again), course.rates(np.arange(200)))


def test_a_later_change_that_was_recorded_does_not_come_after_a_new_one() -> None:
    recorded = BASE.replaced(rate_changes=(RateChange(at=50, factor=0.5), RateChange(at=150, rate=0.3)))
    course = course_of(recorded, 1, 0.1, STEPS, 10)
    after, _ = led_by_hand(recorded, course, 1, 100, 0.2)
    assert [change.at for change in after.rate_changes] == [50, 100]


def test_a_plateau_s_scale_is_no_change_by_hand() -> None:
    experiment = BASE.replaced(schedule=Performance())
    _, course = led_by_hand(experiment, course_of(experiment, 1, 0.1, STEPS, 10), 1, 5, 0.2, scale=0.5)
    assert course.rates([5])[0] * 0.5 == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"name": "Other"}, True),
        ({"seed": 3}, True),
        ({"schedule": Constant()}, False),
        ({"training": Training(epochs=11)}, False),
        ({"training": Training(epochs=10, batch_size=64)}, False),
        ({"optimizer": SGD(learning_rate=0.2)}, False),
    ],
)
def test_an_edit_of_what_the_rates_depend_on_forgets_the_changes(change: dict[str, object], kept: bool) -> None:
    before = BASE.replaced(rate_changes=(RateChange(at=50, factor=0.5),))
    assert bool(without_stale_changes(before, before.replaced(**change)).rate_changes) is kept
