"""Sweeps in child processes: each trial is an ordinary run, its end is written at once, and nothing is repeated."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Literal

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.folder_lock import FILE as LOCK
from dnnstudio.core.jobs.events import EpochDone, Event, RunStarted
from dnnstudio.core.study.sweep import SweepPlan, write_sweep
from dnnstudio.core.study.varied import Listed
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.sweeping import Sweep
from dnnstudio.runner.tasks import RunOutcome, RunTask

from .conftest import DIGITS

PATIENCE_S = 240.0


class Trained:
    """A runner of two jobs, whose events go to the sweep at hand and are kept."""

    def __init__(self) -> None:
        self.sweep: Sweep | None = None
        self.epochs: list[tuple[RunTask, EpochDone]] = []
        self.runner = LocalRunner(2, threads=1, on_event=self._take)

    def _take(self, task: RunTask, event: Event) -> None:
        if isinstance(event, EpochDone):
            self.epochs.append((task, event))
        if self.sweep is not None:
            self.sweep.take(task, event)

    def sweep_in(self, folder: Path, plan: SweepPlan) -> Sweep:
        write_sweep(folder, plan)
        self.sweep = Sweep(folder, plan)
        self.epochs.clear()
        return self.sweep


@pytest.fixture(scope="module")
def trained() -> Iterator[Trained]:
    made = Trained()
    yield made
    made.runner.stop_all()
    made.runner.shutdown()


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def plan(*vary: Listed, epochs: int = 1, prune: bool = False) -> SweepPlan:
    experiment = DIGITS.replaced(training=Training(epochs=epochs, batch_size=64))
    return SweepPlan(experiment=experiment, vary=vary, threads=1, target="val_accuracy", prune=prune)


def table(folder: Path) -> list[dict[str, Any]]:
    with (folder / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder / "trials").rglob("*") if path.is_file()}


def epochs_in(folder: Path, number: int) -> int:
    history = folder / "trials" / str(number) / "history.csv"
    return len(read_rows(history)) if history.exists() else 0


def test_each_trial_is_a_run_with_its_values_and_nothing_is_repeated(trained: Trained, tmp_path: Path) -> None:
    units, kinds = (
        Listed(path="layers.hidden.units", values=(4, 0)),
        Listed(path="optimizer.kind", values=("sgd", "adam")),
    )
    grid = plan(units, kinds)
    sweep = trained.sweep_in(tmp_path, grid)
    assert sweep.seconds_left is None
    ended = []
    for trial in sweep.run(trained.runner):
        assert str(trial.number) in {row["trial"] for row in table(tmp_path)}
        ended.append(trial)
    assert (sweep.left, sweep.seconds_left) == (0, 0.0)
    assert {trial.number: trial.status for trial in ended} == {0: "done", 1: "done", 2: "failed", 3: "failed"}
    assert "units" in sweep.trials[2].message
    rows = table(tmp_path)
    assert [(row["layers.hidden.units"], row["optimizer.kind"], row["status"]) for row in rows] == [
        ("4", "sgd", "done"),
        ("4", "adam", "done"),
        ("0", "sgd", "failed"),
        ("0", "adam", "failed"),
    ]
    for row in rows[:2]:
        place = tmp_path / row["folder"]
        experiment, metrics = codec.load(place / "experiment.json"), read_metrics(place) or {}
        assert (experiment.layers[1].units, experiment.optimizer.kind) == (4, row["optimizer.kind"])
        (epoch,) = read_rows(place / "history.csv")
        assert (float(row["val_loss"]), float(row["val_accuracy"])) == (epoch["val_loss"], epoch["val_accuracy"])
        assert float(row["test_accuracy"]) == metrics["test"]["accuracy"]
        assert (float(row["seconds"]), metrics["threads"]) == (metrics["seconds"], 1)
    before = written(tmp_path)
    assert list(trained.sweep_in(tmp_path, grid).run(trained.runner)) == []
    (tmp_path / "trials.json").unlink()  # as if the program was killed before it could write down what ended
    again = list(trained.sweep_in(tmp_path, grid).run(trained.runner))
    assert sorted(again, key=lambda one: one.number) == sorted(ended, key=lambda one: one.number)
    assert written(tmp_path) == before
    assert trained.epochs == []


def test_a_killed_child_is_a_failed_trial_with_its_reason(trained: Trained, tmp_path: Path) -> None:
    grid = plan(Listed(path="training.epochs", values=(100_000, 1)))
    sweep = trained.sweep_in(tmp_path, grid)
    ends = sweep.run(trained.runner)
    assert next(ends).status == "done"
    wait_until(lambda: len(trained.runner.process_ids()) == 1)
    os.kill(trained.runner.process_ids()[0], signal.SIGKILL)
    (failed,) = ends
    assert (failed.number, failed.status) == (0, "failed")
    assert "SIGKILL" in failed.message
    assert [row["status"] for row in table(tmp_path)] == ["failed", "done"]
    again = trained.sweep_in(tmp_path, grid)
    assert (again.left, list(again.run(trained.runner))) == (0, [])


@pytest.mark.parametrize("sampler", [None, "tpe"])
def test_what_failed_for_a_reason_that_is_gone_is_trained_when_asked_for(
    trained: Trained, tmp_path: Path, sampler: Literal["tpe"] | None
) -> None:
    grid = plan(Listed(path="seed", values=(1, 2))).model_copy(
        update={"sampler": sampler, "trials": None if sampler is None else 2}
    )
    (tmp_path / "trials").mkdir()
    in_the_way = tmp_path / "trials" / "0"
    in_the_way.write_bytes(b"")
    list(trained.sweep_in(tmp_path, grid).run(trained.runner))
    assert [row["status"] for row in table(tmp_path)] == ["failed", "done"]
    in_the_way.unlink()
    assert Sweep(tmp_path, grid).left == 0
    again = Sweep(tmp_path, grid, again=True)
    assert again.left == 1
    assert [(trial.number, trial.status) for trial in again.run(trained.runner)] == [(0, "done")]
    assert [row["status"] for row in table(tmp_path)] == ["done", "done"]


def test_a_stopped_sweep_goes_on_where_its_trials_stood(trained: Trained, tmp_path: Path) -> None:
    grid = plan(Listed(path="seed", values=(1, 2, 3)), epochs=100)
    sweep = trained.sweep_in(tmp_path, grid)

    def stop_after_an_epoch(task: RunTask, event: Event) -> None:
        if isinstance(event, EpochDone):
            Sweep.stop(sweep)

    sweep.take = stop_after_an_epoch  # type: ignore[method-assign]
    assert [trial.status for trial in sweep.run(trained.runner)] == ["stopped", "stopped"]
    assert sweep.left == 3
    assert [row["status"] for row in table(tmp_path)] == ["stopped", "stopped"]
    stopped = {number: epochs_in(tmp_path, number) for number in (0, 1)}
    assert 1 <= max(stopped.values()) < 100
    again = trained.sweep_in(tmp_path, grid)
    assert sorted(trial.number for trial in again.run(trained.runner)) == [0, 1, 2]
    assert {trial.status for trial in again.trials.values()} == {"done"}
    for number in range(3):
        rows = read_rows(tmp_path / "trials" / str(number) / "history.csv")
        assert [row["epoch"] for row in rows] == list(range(1, 101))
    # What had a checkpoint was not trained from its first epoch again.
    assert len(trained.epochs) < 300


@pytest.mark.timeout(900)  # it trains enough trials for a median
def test_a_hopeless_trial_is_ended_early(trained: Trained, tmp_path: Path) -> None:
    rates = Listed(path="optimizer.learning_rate", values=(0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 1e-9))
    sweep = trained.sweep_in(tmp_path, plan(rates, epochs=20, prune=True))
    assert len(list(sweep.run(trained.runner))) == 7
    last = sweep.trials[6]
    assert last.status == "pruned"
    rows = read_rows(tmp_path / "trials" / "6" / "history.csv")
    assert 3 <= len(rows) < 20
    assert last.figures["val_accuracy"] in [row["val_accuracy"] for row in rows]
    assert (table(tmp_path)[6]["status"], table(tmp_path)[6]["test_accuracy"]) == ("pruned", "")
    assert trained.sweep_in(tmp_path, sweep.plan).left == 0


HOLDER = """
import sys
from pathlib import Path
from dnnstudio.core.folder_lock import held
with held(Path(sys.argv[1]), "a sweep"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_programs_do_not_work_on_one_folder(trained: Trained, tmp_path: Path) -> None:
    grid = plan(Listed(path="layers.hidden.units", values=(0,)))  # nothing to train
    sweep = trained.sweep_in(tmp_path, grid)
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdin=-1, stdout=-1) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match=f"is in use by a sweep \\(process {other.pid}"):
            list(sweep.run(trained.runner))
        assert not (tmp_path / "trials.csv").exists()
        before = (tmp_path / "sweep.json").read_bytes()
        with pytest.raises(UserError, match="is in use by a sweep"):
            write_sweep(tmp_path, plan(Listed(path="layers.hidden.units", values=(0, 1))))
        assert (tmp_path / "sweep.json").read_bytes() == before
        other.kill()
    assert [trial.status for trial in trained.sweep_in(tmp_path, grid).run(trained.runner)] == ["failed"]
    assert not (tmp_path / LOCK).exists()


def test_the_start_of_a_process_is_not_counted_for_the_trials_after_it(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, plan(Listed(path="optimizer.learning_rate", values=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))))
    sweep._at_once = 2
    sweep._spent = [20.0, 22.0]  # nothing else is known
    assert sweep.seconds_left == 63.0
    sweep._starts = [17.0, 17.0]
    assert sweep.seconds_left == 12.0  # three and five seconds each, six trials, two at a time
    sweep._spent = [20.0, 22.0, 3.0, 5.0]
    sweep._starts = [17.0, 17.0, 0.0, 0.0]
    assert sweep.seconds_left == 12.0


class Clocked:
    """A runner of one process: each trial takes some seconds to start and some to train, and fails."""

    jobs = 1

    def __init__(self, takes: list[tuple[float, float]]) -> None:
        self.now = 100.0
        self.sweep: Sweep | None = None
        self._takes = takes

    def submit(self, task: RunTask, /) -> Future[RunOutcome]:
        assert self.sweep is not None
        start, training = self._takes.pop(0)
        self.now += start
        started = RunStarted(run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=1, epochs=1)
        self.sweep.take(task, started)
        self.now += training
        future: Future[RunOutcome] = Future()
        future.set_result(RunOutcome(task=task, reason="failed", message="The disk is full."))
        return future

    def stop(self, task: RunTask) -> None: ...
    def stop_all(self) -> None: ...
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...


def test_the_start_of_a_process_is_measured_and_not_taken_for_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Clocked([(12.0, 3.0), (0.5, 3.5), (0.5, 3.5)])
    monkeypatch.setattr(time, "monotonic", lambda: runner.now)
    sweep = runner.sweep = Sweep(tmp_path, plan(Listed(path="optimizer.learning_rate", values=(0.1, 0.2, 0.3))))
    assert sweep.start_seconds is None
    trials = sweep.run(runner)
    next(trials)
    assert (sweep.start_seconds, sweep._spent, sweep._starts) == (12.0, [15.0], [12.0])
    next(trials)
    assert (sweep.start_seconds, sweep._spent, sweep._starts) == (12.0, [15.0, 4.0], [12.0, 0.0])
    assert len(list(trials)) == 1
