"""Who chooses the values of a sweep's trials: as Optuna alone would, also after the program was killed."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import optuna
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import Sampler, SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import Listed, Ranged
from dnnstudio.runner.choosing import GridChooser, OptunaChooser, chooser_of

ROOT = Path(__file__).resolve().parents[2]
VARY = (
    Ranged(path="optimizer.learning_rate", low=1e-4, high=0.1, log=True),
    Ranged(path="layers.hidden.units", low=8, high=64, whole=True),
    Listed(path="optimizer.kind", values=("sgd", "adam", "nadam")),
    Listed(path="training.early_stopping", values=(None, {"patience": 3})),
)


def plan(sampler: Sampler | None, count: int | None = 20, vary: Any = VARY) -> SweepPlan:
    return SweepPlan(
        experiment=Experiment(seed=7), vary=vary, trials=count, sampler=sampler, threads=1, target="val_accuracy"
    )


def by_optuna(sampler: optuna.samplers.BaseSampler, count: int, figures: dict[int, float]) -> list[dict[str, Any]]:
    """What Optuna gives who asks it in the usual way, told a figure after each trial that has one."""
    study = optuna.create_study(sampler=sampler, direction="maximize")
    found = []
    for number in range(count):
        trial = study.ask()
        found.append(
            {
                "optimizer.learning_rate": trial.suggest_float("optimizer.learning_rate", 1e-4, 0.1, log=True),
                "layers.hidden.units": trial.suggest_int("layers.hidden.units", 8, 64),
                "optimizer.kind": trial.suggest_categorical("optimizer.kind", ["sgd", "adam", "nadam"]),
                "training.early_stopping": (None, {"patience": 3})[
                    trial.suggest_categorical("training.early_stopping", [0, 1])
                ],
            }
        )
        if number in figures:
            study.tell(trial, figures[number])
    return found


def done(number: int, values: dict[str, Any], figure: float) -> Trial:
    return Trial(number=number, status="done", values=values, figures={"val_accuracy": figure})


def test_random_choice_is_that_of_optunas_sampler_with_the_same_seed(tmp_path: Path) -> None:
    chooser = OptunaChooser(tmp_path, plan("random"), ())
    expected = by_optuna(optuna.samplers.RandomSampler(seed=7), 20, {})
    assert [chooser.values(number) for number in range(20)] == expected
    assert [chooser.values(number) for number in range(20)] == expected  # asked again, nothing is drawn
    assert all(isinstance(one["layers.hidden.units"], int) for one in expected)


def test_tpe_learns_as_optunas_sampler_does_with_the_same_seed(tmp_path: Path) -> None:
    chooser = OptunaChooser(tmp_path, plan("tpe"), ())
    figures = {number: (number * 7 % 20) / 20 for number in range(20)}
    found = []
    for number in range(20):
        found.append(chooser.values(number))
        chooser.told(done(number, found[-1], figures[number]), epochs=1)
    assert found == by_optuna(optuna.samplers.TPESampler(seed=7), 20, figures)


@pytest.mark.parametrize("cut", [0, 3, 25])
def test_a_killed_program_goes_on_with_the_same_random_values(tmp_path: Path, cut: int) -> None:
    """The journal lacks its end, wherever in a trial the program was killed, and its lock still lies there."""
    expected = by_optuna(optuna.samplers.RandomSampler(seed=7), 20, {})
    first = OptunaChooser(tmp_path, plan("random"), ())
    found = [first.values(number) for number in range(4)]
    first.told(done(0, found[0], 0.5), epochs=1)
    journal = tmp_path / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 4 * (1 + len(VARY)) + 1  # the study, and each trial with its values, and one end
    kept = b"".join(lines[: -3 if cut else None])  # without two of the last trial's values and the end
    journal.write_bytes(kept + lines[-3][:cut])
    (tmp_path / "journal.log.lock").touch()
    second = OptunaChooser(tmp_path, plan("random"), [done(0, found[0], 0.5)])
    assert [second.values(number) for number in range(20)] == expected
    assert found == expected[:4]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_ten_more_draws_nothing_twice(tmp_path: Path, sampler: Sampler) -> None:
    first = OptunaChooser(tmp_path, plan(sampler, 6), ())
    before = [first.values(number) for number in range(6)]
    second = OptunaChooser(tmp_path, plan(sampler, 16), ())
    after = [second.values(number) for number in range(16)]
    assert after[:6] == before
    assert len({one["optimizer.learning_rate"] for one in after}) == 16


def test_optuna_hears_of_each_end_once(tmp_path: Path) -> None:
    chooser = OptunaChooser(tmp_path, plan("tpe"), ())
    values = [chooser.values(number) for number in range(4)]
    ends = [
        done(0, values[0], 0.75),
        Trial(number=1, status="failed", values=values[1], message="It died."),
        Trial(number=2, status="pruned", values=values[2], figures={"val_accuracy": 0.25}),
        Trial(number=3, status="stopped", values=values[3]),
    ]
    for _ in range(2):
        for trial in ends:
            chooser.told(trial, epochs=3)
    OptunaChooser(tmp_path, plan("tpe"), ends)
    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "journal.log"))
    trials = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend)).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "PRUNED", "RUNNING"]
    assert (trials[0].value, trials[2].intermediate_values) == (0.75, {3: 0.25})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal.log"]
    assert not (tmp_path / "journal.log").read_bytes().startswith(b"SQLite format")


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    OptunaChooser(tmp_path, plan("random"), ()).values(0)
    journal = tmp_path / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(lines[0] + b"{half\n" + b"".join(lines[1:]))
    with pytest.raises(UserError, match="damaged"):
        OptunaChooser(tmp_path, plan("random"), ())
    journal.unlink()
    with pytest.raises(UserError, match="lacks trials"):
        OptunaChooser(tmp_path, plan("random"), ()).values(1)


def test_a_grid_is_chosen_without_optuna(tmp_path: Path) -> None:
    lists = VARY[2:]
    chooser = chooser_of(tmp_path, plan(None, None, lists), ())
    assert isinstance(chooser, GridChooser)
    expected = [
        {"optimizer.kind": kind, "training.early_stopping": rule}
        for kind, rule in product(("sgd", "adam", "nadam"), (None, {"patience": 3}))
    ]
    assert [chooser.values(number) for number in range(6)] == expected
    assert list(tmp_path.iterdir()) == []
    said = "import sys, dnnstudio.cli.sweep, dnnstudio.runner.sweeping; print('optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
