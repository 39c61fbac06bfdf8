"""The plan of a sweep, its file, and going on with it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.recipes import list_recipes
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.study.sweep import (
    SweepPlan,
    grid_values,
    plan_sweep,
    read_sweep,
    resumed_plan,
    target_of,
    write_sweep,
)
from dnnstudio.core.study.varied import Listed, Ranged
from dnnstudio.core.workspace.runs import is_sweep

EXPERIMENT = Experiment(name="Small")
LISTS = (
    Listed(path="optimizer.kind", values=("sgd", "adam")),
    Listed(path="training.batch_size", values=(16, 32, 64)),
    Listed(path="training.shuffle", values=(True, False)),
)
RATE = Ranged(path="optimizer.learning_rate", low=1e-4, high=0.1, log=True)


def plan(*vary: Listed | Ranged, **changes: Any) -> SweepPlan:
    given: dict[str, Any] = {"trials": None, "sampler": None, "prune": False, "threads": 1, "target": "val_accuracy"}
    return plan_sweep(EXPERIMENT, vary, **given | changes)


def test_a_grid_is_the_product_of_its_lists() -> None:
    grid = plan(*LISTS)
    expected = list(product(("sgd", "adam"), (16, 32, 64), (True, False)))
    assert [tuple(values.values()) for values in grid_values(grid)] == expected
    assert all(tuple(values) == grid.paths for values in grid_values(grid))
    assert (grid.count, grid.sampler) == (12, None)


def test_trials_are_drawn_by_the_random_sampler_unless_another_is_named() -> None:
    assert (plan(RATE, trials=7).count, plan(RATE, trials=7).sampler) == (7, "random")
    assert plan(*LISTS, trials=12, sampler="tpe").sampler == "tpe"


@pytest.mark.parametrize(
    ("vary", "changes", "said"),
    [
        ((*LISTS, RATE), {}, "optimizer.learning_rate is varied over a range"),
        (LISTS, {"sampler": "tpe"}, "no sampler chooses"),
        (LISTS, {"trials": 13}, "12 combinations"),
        ((RATE,), {"trials": 10_001}, "at most 10,000"),
        (tuple(Listed(path=name, values=tuple(range(30))) for name in "abc"), {}, "27,000 trials"),
    ],
)
def test_plans_without_an_end_or_a_sense_are_refused(vary: Any, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        plan(*vary, **changes)
    assert said in str(caught.value)


def test_the_file_gives_the_plan_back_and_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    wanted = plan_sweep(
        list_recipes()[0].experiment,
        (*LISTS, RATE, Listed(path="training.early_stopping", values=(None, {"patience": 3}))),
        trials=9,
        sampler="tpe",
        prune=True,
        threads=2,
        target="val_accuracy",
    )
    folder = tmp_path / "sweep"
    assert not is_sweep(folder)
    write_sweep(folder, wanted)
    assert is_sweep(folder)
    assert read_sweep(folder) == wanted
    file = folder / "sweep.json"
    plain = json.loads(file.read_text())
    for changes, said in (
        ({"format": 2}, "newer than this program reads"),
        ({"vary": []}, "damaged"),
        ({"threads": "2"}, "damaged"),
        ({"experiment": {"layers": [{"kind": "none"}]}}, "none"),
    ):
        file.write_text(json.dumps(plain | changes))
        with pytest.raises(UserError, match=said):
            read_sweep(folder)
    with pytest.raises(UserError, match="holds no sweep"):
        read_sweep(tmp_path)


def test_a_sweep_goes_on_as_it_was_planned_or_with_more_trials() -> None:
    before = plan(RATE, trials=5, sampler="tpe")

    def go_on(experiment: Experiment = EXPERIMENT, vary: Any = None, **changes: Any) -> SweepPlan:
        given: dict[str, Any] = {"trials": None, "sampler": None, "prune": False}
        return resumed_plan(before, experiment, vary, **given | changes)

    assert go_on() == go_on(vary=(RATE,), trials=5, sampler="tpe") == before
    assert go_on(trials=15) == before.model_copy(update={"trials": 15})
    assert go_on(prune=True).prune
    for changes, said in (
        ({"experiment": Experiment(training=Training(epochs=2))}, "another experiment"),
        ({"vary": LISTS}, "varies something else"),
        ({"sampler": "random"}, "by tpe, not by random"),
        ({"trials": 4}, "begun with 5 trials"),
    ):
        with pytest.raises(UserError, match=said):
            go_on(**changes)
    with pytest.raises(UserError, match="a grid"):
        resumed_plan(plan(*LISTS), EXPERIMENT, None, trials=20, sampler=None, prune=False)


def test_the_task_says_by_which_figure_trials_are_compared() -> None:
    classes = DataSummary(input_shape=(4,), class_names=("a", "b"), binary=True, counts=(8, 2, 2))
    number = DataSummary(input_shape=(4,), class_names=(), binary=False, counts=(8, 2, 2))
    assert target_of(EXPERIMENT, classes) == "val_accuracy"
    assert target_of(EXPERIMENT, number) == "val_mae"
    with pytest.raises(UserError, match="there is none"):
        target_of(EXPERIMENT, DataSummary(input_shape=(4,), class_names=(), binary=False, counts=(8, 0, 2)))
