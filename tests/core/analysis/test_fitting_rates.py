"""Rates that fit the optimizer: what schedules propose, what the checks warn of, how far a divergence lowers them."""

from __future__ import annotations

import pytest

from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.analysis.divergence import Divergence, remedies
from dnnstudio.core.analysis.lr_range_test import cycle_maximum
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam, Nadam
from dnnstudio.core.experiment.recipes import list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import OneCycle, Piecewise

STEEP = Piecewise(boundaries=(2.0,), rates_between=(0.1, 0.01))
OF_SCHEDULES = {"high_schedule", "low_schedule"}


def codes(experiment: Experiment) -> set[str]:
    return {problem.code for problem in find_problems(experiment)} & OF_SCHEDULES


def test_1cycle_goes_to_ten_times_adams_own_rate_and_five_times_that_of_sgd() -> None:
    for optimizer, maximum in ((Adam(), 0.01), (Nadam(learning_rate=0.0005), 0.005), (SGD(), 0.05)):
        chosen = edits.set_value(Experiment(optimizer=optimizer), "schedule.kind", "one_cycle").schedule
        assert chosen == OneCycle(max_rate=maximum), optimizer.label


def test_piecewise_begins_with_the_optimizers_own_rate() -> None:
    chosen = edits.set_value(Experiment(optimizer=Adam()), "schedule.kind", "piecewise").schedule
    assert isinstance(chosen, Piecewise) and chosen.rates_between == (0.001, 0.0005, 0.0001)


def test_setting_the_kind_that_is_there_keeps_its_rates() -> None:
    given = Experiment(optimizer=Adam(), schedule=OneCycle(max_rate=0.007))
    assert edits.set_value(given, "schedule.kind", "one_cycle") == given
    assert edits.set_value(given, "optimizer.kind", "sgd").schedule == given.schedule, "what a person wrote stays"


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_no_proposal_is_warned_of(kind: str) -> None:
    for schedule in ("one_cycle", "piecewise"):
        given = edits.set_value(Experiment(optimizer=OPTIMIZER_KINDS[kind]()), "schedule.kind", schedule)
        assert codes(given) == set(), schedule


def test_no_recipe_leaves_its_optimizers_range() -> None:
    for recipe in list_recipes():
        assert codes(recipe.experiment) == set(), recipe.name


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Experiment(optimizer=Adam(), schedule=OneCycle(max_rate=0.05)), "high_schedule"),
        (Experiment(optimizer=SGD(), schedule=OneCycle(max_rate=2.0)), "high_schedule"),
        (Experiment(optimizer=Adam(), schedule=STEEP), "high_schedule"),
        (Experiment(optimizer=SGD(), schedule=OneCycle(max_rate=1e-6)), "low_schedule"),
    ],
)  # fmt: skip
def test_a_schedule_outside_of_the_usual_range_is_warned_of_and_mended(given: Experiment, code: str) -> None:
    found = next(problem for problem in find_problems(given) if problem.code == code)
    assert found.severity == "warning" and found.fix is not None
    after = found.fix.apply(given)
    assert codes(after) == set() and after.optimizer == given.optimizer
    assert f"{max(after.schedule.own_rates):g}" in found.fix.label


def test_the_finder_proposes_no_more_than_is_usual() -> None:
    assert cycle_maximum(0.004, SGD()) == 0.02, "half of the rate with the lowest loss"
    assert cycle_maximum(0.1, Adam()) == 0.02, "twenty times Adam's usual rate, however well a short test went"


def test_the_rate_is_lowered_by_where_the_training_broke_off() -> None:
    """On its way up to 0.5 it broke off at 0.02: a tenth of the maximum would break off again."""
    given = Experiment(optimizer=SGD(), schedule=OneCycle(max_rate=0.5))
    cause = Divergence(epoch=1, step=9, loss=float("nan"), learning_rate=0.02)
    assert remedies(given, cause)[0].apply(given).schedule == OneCycle(max_rate=0.002)
    assert remedies(given)[0].apply(given).schedule == OneCycle(max_rate=0.05)
    table = given.replaced(schedule=Piecewise(boundaries=(1.0,), rates_between=(0.1, 0.5)))
    lowered = remedies(table, Divergence(1, 1, float("inf"), 0.1))[0].apply(table).schedule
    assert isinstance(lowered, Piecewise) and max(lowered.rates_between) == pytest.approx(0.01)
