"""The trials of a sweep: their table, the best one, the median rule and the time that is left."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import optuna
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import SweepPlan, Target, trial_folder
from dnnstudio.core.study.trials import (
    MEDIAN_AFTER_TRIALS,
    MEDIAN_FROM_EPOCH,
    Trial,
    best_trial,
    had_other_data,
    is_hopeless,
    read_trials,
    seconds_left,
    trial_curve,
    trial_figures,
    write_trials,
)
from dnnstudio.core.study.varied import Listed
from dnnstudio.core.workspace.history import write_history


def plan(target: Target = "val_accuracy") -> SweepPlan:
    vary = (Listed(path="optimizer", values=("sgd", {"kind": "adam"})), Listed(path="training.batch_size", values=(8,)))
    return SweepPlan(experiment=Experiment(), vary=vary, threads=1, target=target)


def done(number: int, **figures: float) -> Trial:
    return Trial(number=number, status="done", values={"optimizer": "sgd", "training.batch_size": 8}, figures=figures)


def test_the_table_has_a_row_a_trial_in_their_order(tmp_path: Path) -> None:
    adam = {"optimizer": {"kind": "adam"}, "training.batch_size": 8}
    figures = {"val_loss": 0.5, "val_accuracy": 0.75, "test_loss": 0.625, "test_accuracy": 0.7}
    trials = {
        2: Trial(number=2, status="failed", values=adam, message="It died."),
        0: Trial(number=0, status="done", values=adam, figures=figures, seconds=1.5),
    }
    write_trials(tmp_path, plan(), trials)
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert ",".join(rows[0]) == (
        "trial,status,optimizer,training.batch_size,val_loss,val_accuracy,test_loss,test_accuracy,seconds,folder"
    )
    assert rows[1:] == [
        ["0", "done", '{"kind": "adam"}', "8", "0.5", "0.75", "0.625", "0.7", "1.5", "trials/0"],
        ["2", "failed", '{"kind": "adam"}', "8", "", "", "", "", "", "trials/2"],
    ]
    assert read_trials(tmp_path) == trials
    write_trials(tmp_path, plan("val_mae"), trials)
    assert ",val_loss,val_mae,test_loss,test_mae,seconds," in (tmp_path / "trials.csv").read_text().splitlines()[0]
    (tmp_path / "trials.json").write_text('[{"number": 0}]')
    with pytest.raises(UserError, match="damaged"):
        read_trials(tmp_path)
    assert read_trials(tmp_path / "none") == {}


def test_figures_are_those_of_the_best_epoch_and_of_the_test_part(tmp_path: Path) -> None:
    place = trial_folder(tmp_path, 0)
    place.mkdir(parents=True)
    losses, accuracies = (0.9, 0.4, 0.6), (0.5, 0.8, 0.9)
    rows: list[dict[str, Any]] = [
        {"epoch": epoch, "loss": 1.0, "val_loss": loss, "val_accuracy": accuracy}
        for epoch, loss, accuracy in zip((1, 2, 3), losses, accuracies, strict=True)
    ]
    write_history(place / "history.csv", rows)
    (place / "metrics.json").write_text(json.dumps({"best_epoch": 3, "test": {"loss": 0.7, "accuracy": float("nan")}}))
    assert trial_figures(tmp_path, plan(), 0, test=True) == {"val_loss": 0.6, "val_accuracy": 0.9, "test_loss": 0.7}
    assert trial_figures(tmp_path, plan(), 0, test=False) == {"val_loss": 0.6, "val_accuracy": 0.9}
    (place / "metrics.json").unlink()  # as a run that was killed leaves it
    assert trial_figures(tmp_path, plan(), 0, test=True) == {"val_loss": 0.4, "val_accuracy": 0.8}
    assert trial_curve(tmp_path, plan(), 0) == dict(zip((1, 2, 3), accuracies, strict=True))
    assert trial_curve(tmp_path, plan(), 1) == trial_figures(tmp_path, plan(), 1, test=True) == {}


def test_trials_on_other_rows_are_noticed_where_nothing_varies_the_rows(tmp_path: Path) -> None:
    trials = {number: done(number) for number in range(4)}
    for number, rows in enumerate(("a", "a", None)):  # the last one's folder is gone
        trial_folder(tmp_path, number).mkdir(parents=True)
        (trial_folder(tmp_path, number) / "metrics.json").write_text(json.dumps({"data_fingerprint": rows}))
    assert not had_other_data(tmp_path, plan(), trials)
    (trial_folder(tmp_path, 1) / "metrics.json").write_text(json.dumps({"data_fingerprint": "b"}))
    assert had_other_data(tmp_path, plan(), trials)
    assert not had_other_data(tmp_path, plan(), {0: trials[0]})
    (trial_folder(tmp_path, 0) / "metrics.json").write_text("{")
    assert not had_other_data(tmp_path, plan(), trials)
    (trial_folder(tmp_path, 0) / "metrics.json").write_text(json.dumps({"data_fingerprint": "a"}))
    for path in ("seed", "data.validation.fraction"):
        varied = plan().model_copy(update={"vary": (Listed(path=path, values=(1, 2)),)})
        assert not had_other_data(tmp_path, varied, trials)


def test_validation_chooses_the_best_and_the_loss_decides_a_tie() -> None:
    trials = [
        done(0, val_accuracy=0.9, val_loss=0.3, test_accuracy=0.99),
        done(1, val_accuracy=0.95, val_loss=0.4, test_accuracy=0.5),
        done(2, val_accuracy=0.95, val_loss=0.2, test_accuracy=0.4),
        Trial(number=3, status="pruned", values={}, figures={"val_accuracy": 0.99}),
    ]
    best = best_trial(plan(), {one.number: one for one in trials})
    assert best is not None and best.number == 2
    numbers = {number: done(number, val_mae=value, val_loss=1.0) for number, value in enumerate((2.0, 1.0, 1.0))}
    best = best_trial(plan("val_mae"), numbers)
    assert best is not None and best.number == 1
    assert best_trial(plan(), {3: trials[3]}) is None


@pytest.mark.parametrize("higher", [True, False])
def test_the_median_rule_is_that_of_optuna(higher: bool) -> None:
    """Against `MedianPruner` on random curves, some with gaps and NaN."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    draw = random.Random(4)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=MEDIAN_AFTER_TRIALS, n_warmup_steps=MEDIAN_FROM_EPOCH)
    answers = []
    for number in range(60):
        study = optuna.create_study(direction="maximize" if higher else "minimize", pruner=pruner)
        others = []
        for _ in range(draw.randint(MEDIAN_AFTER_TRIALS - 1, MEDIAN_AFTER_TRIALS + 4)):
            curve = {
                epoch: draw.choice((draw.random(),) * 9 + (float("nan"),)) for epoch in range(1, draw.randint(2, 9))
            }
            others.append(curve)
            trial = optuna.trial.create_trial(value=0.0, intermediate_values=curve)
            study.add_trial(trial)
        own = {epoch: float("nan") if number == 0 else draw.random() for epoch in range(1, draw.randint(2, 9))}
        asked = study.ask()
        for epoch, value in own.items():
            asked.report(value, epoch)
        answers.append(bool(asked.should_prune()))
        assert is_hopeless(own, others, higher_is_better=higher) is answers[-1]
    assert set(answers) == {True, False}


def test_the_time_left_is_the_mean_of_what_trials_took() -> None:
    assert seconds_left([], 8, at_once=2) is None
    assert seconds_left([2.0, 4.0], 8, at_once=2) == 12.0
    assert seconds_left([2.0, 4.0], 1, at_once=2) == 3.0
    assert seconds_left([3.0], 0, at_once=2) == 0.0
