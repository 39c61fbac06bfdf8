"""What mattered in a sweep: a field that decides alone is found, and chance is not told as knowledge."""

from __future__ import annotations

import json
import subprocess
from math import log10
from random import Random

import optuna
import pytest

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import Listed, Ranged
from dnnstudio.runner.importance import COMMAND, ENOUGH, answer, question

RATE, KIND = "optimizer.learning_rate", "optimizer.kind"
KINDS = ("sgd", "adam", "nadam")
PLAN = SweepPlan(
    experiment=Experiment(seed=7),
    vary=(Ranged(path=RATE, low=1e-4, high=0.1, log=True), Listed(path=KIND, values=KINDS)),
    trials=40,
    sampler="random",
    threads=1,
    target="val_accuracy",
)


def trials(count: int, *, by_rate: float, by_kind: float) -> list[Trial]:
    chance, made = Random(3), []
    for number in range(count):
        values = {RATE: 10 ** chance.uniform(-4, -1), KIND: chance.choice(KINDS)}
        figure = 0.5 + by_rate * abs(log10(values[RATE]) + 2.5) + by_kind * KINDS.index(str(values[KIND]))
        made.append(Trial(number=number, status="done", values=values, figures={"val_accuracy": figure}))
    return made


@pytest.mark.parametrize(("by_rate", "by_kind", "first"), [(0.2, 0.0, RATE), (0.0, 0.2, KIND)])
def test_the_field_that_decides_alone_explains_nearly_all(by_rate: float, by_kind: float, first: str) -> None:
    found = answer(question(PLAN, trials(40, by_rate=by_rate, by_kind=by_kind)))
    assert next(iter(found)) == first and found[first] > 0.9
    assert sum(found.values()) == pytest.approx(1)


def test_it_is_what_optuna_tells_of_a_study_of_its_own() -> None:
    made = trials(30, by_rate=0.1, by_kind=0.05)
    waiting = iter(made)

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float(RATE, 1e-4, 0.1, log=True)
        trial.suggest_categorical(KIND, KINDS)
        return next(waiting).figures["val_accuracy"]

    study = optuna.create_study(direction="maximize")
    for one in made:
        study.enqueue_trial(one.values)
    study.optimize(objective, n_trials=len(made))
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=7)
    wanted = optuna.importance.get_param_importances(study, evaluator=evaluator)
    asked = question(PLAN, made)
    assert answer(asked) == pytest.approx(wanted, abs=1e-12)
    done = subprocess.run(COMMAND, input=asked, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == answer(asked)


def test_what_ended_otherwise_does_not_count_and_too_few_tell_nothing() -> None:
    made = trials(ENOUGH, by_rate=0.2, by_kind=0.0)
    assert question(PLAN, made)
    assert question(PLAN, made[1:]) == ""
    failed = made[0].model_copy(update={"status": "failed"})
    assert question(PLAN, [failed, *made[1:]]) == ""
    broken = made[0].model_copy(update={"figures": {"val_accuracy": float("nan")}})
    assert question(PLAN, [broken, *made[1:]]) == ""


def test_where_all_trials_are_alike_nothing_mattered() -> None:
    assert question(PLAN, trials(ENOUGH, by_rate=0.0, by_kind=0.0)) == ""
