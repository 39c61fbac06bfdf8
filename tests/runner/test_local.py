"""Child processes: runs equal single runs, a stop is answered at once, a dead child costs only its own run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunEnded, RunStarted
from dnnstudio.engine.model_files import read_model
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask

from .conftest import DIGITS, ENDLESS, Running

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def same_weights(one: Path, other: Path) -> bool:
    first, second = (read_model(folder / "model.keras").arrays for folder in (one, other))
    return first.keys() == second.keys() and all(
        np.array_equal(a, b) for name in first for a, b in zip(first[name], second[name], strict=True)
    )


def test_a_run_equals_a_single_run_bit_for_bit_also_in_a_used_process(running: Running, tmp_path: Path) -> None:
    tasks = [RunTask(experiment=DIGITS.replaced(seed=seed), folder=tmp_path / str(seed)) for seed in (1, 2, 3, 4)]
    outcomes = [future.result(PATIENCE_S) for future in [running.runner.submit(task) for task in tasks]]
    assert [(outcome.task, outcome.reason) for outcome in outcomes] == [(task, "finished") for task in tasks]
    codec.save(DIGITS, tmp_path / "small.json")
    command = [sys.executable, "-m", "dnnstudio.cli.main", "run", str(tmp_path / "small.json"), "--seed", "4"]
    alone = tmp_path / "alone"
    subprocess.run([*command, "--threads", "1", "--out", str(alone)], cwd=ROOT, check=True)
    assert same_weights(alone, tmp_path / "4")
    assert not same_weights(alone, tmp_path / "3")
    single, member = (json.loads((folder / "metrics.json").read_text()) for folder in (alone, tmp_path / "4"))
    same = ("train", "validation", "test", "threads", "fingerprint", "data_fingerprint")
    assert [single[name] for name in same] == [member[name] for name in same]
    assert single["threads"] == 1
    for task in tasks:
        (started,), (ended,) = running.of(task, RunStarted), running.of(task, RunEnded)
        assert (started.run, ended.run) == (task.id, task.id)
        assert len(running.of(task, EpochDone)) == 1
        assert running.of(task, BatchesDone)


def stopped_after_s(running: Running, folder: Path) -> float:
    """Train two endless runs at the same time, with a third waiting, and stop them: how long the answers take."""
    tasks = [RunTask(experiment=ENDLESS.replaced(seed=seed), folder=folder / str(seed)) for seed in (1, 2)]
    waiting = RunTask(experiment=DIGITS, folder=folder / "waiting")
    futures = [running.runner.submit(task) for task in (*tasks, waiting)]
    wait_until(lambda: all(running.of(task, EpochDone) for task in tasks))
    assert len(set(running.runner.process_ids())) == 2
    begun = time.monotonic()
    running.runner.stop_all()
    assert [future.result(PATIENCE_S).reason for future in futures] == ["stopped"] * 3
    assert not waiting.folder.exists()
    return time.monotonic() - begun


def test_a_stop_of_two_runs_is_answered_within_a_second_and_they_go_on(running: Running, tmp_path: Path) -> None:
    # Up to three times, because a machine that is busy with other things answers nothing in time.
    assert any(stopped_after_s(running, tmp_path / name) < 1.0 for name in ("first", "second", "third"))
    folder = tmp_path / "first" / "1"
    with np.load(folder / "checkpoint" / "state.npz") as archive:
        done = json.loads(archive["about"].tobytes())["position"]["epoch"]
    longer = ENDLESS.replaced(seed=1, training=ENDLESS.training.replaced(epochs=done + 1))
    again = RunTask(experiment=longer, folder=folder, resume=True)
    outcome = running.runner.submit(again).result(PATIENCE_S)
    assert (outcome.reason, outcome.message) == ("finished", f"Finished {done + 1} epochs.")
    assert len(running.of(again, EpochDone)) == 1


def test_a_run_can_be_stopped_before_its_first_event(running: Running, tmp_path: Path) -> None:
    task = RunTask(experiment=ENDLESS, folder=tmp_path / "run")
    future = running.runner.submit(task)
    running.runner.stop(task)
    running.runner.stop(task)
    assert future.result(PATIENCE_S).reason == "stopped"
    running.runner.stop(task)  # it is over: nothing happens
    assert running.runner.process_ids() == ()


def test_a_killed_process_is_a_failed_run_and_the_next_one_is_done(running: Running, tmp_path: Path) -> None:
    task = RunTask(experiment=ENDLESS, folder=tmp_path / "killed")
    future = running.runner.submit(task)
    wait_until(lambda: running.of(task, BatchesDone))
    (process,) = running.runner.process_ids()
    os.kill(process, signal.SIGKILL)
    outcome = future.result(PATIENCE_S)
    assert (outcome.reason, outcome.result) == ("failed", None)
    assert "SIGKILL" in outcome.message
    (first, second) = (
        RunTask(experiment=DIGITS, folder=task.folder, resume=True),
        RunTask(experiment=DIGITS, folder=tmp_path / "next"),
    )
    futures = [running.runner.submit(item) for item in (first, second)]
    assert [future.result(PATIENCE_S).reason for future in futures] == ["finished", "finished"]


def test_what_a_person_got_wrong_comes_back_as_a_sentence(running: Running, tmp_path: Path) -> None:
    missing = DIGITS.replaced(data=Data(source=Npz(path=str(tmp_path / "none.npz"))))
    outcome = running.runner.submit(RunTask(experiment=missing, folder=tmp_path / "run")).result(PATIENCE_S)
    assert (outcome.reason, outcome.result, outcome.detail) == ("failed", None, "")
    assert "none.npz" in outcome.message


CODE = """
import sys
from pathlib import Path
from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.events import BatchesDone
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask

folder = Path(sys.argv[1])
told = lambda task, event: isinstance(event, BatchesDone) and print(*runner.process_ids(), flush=True)
runner = LocalRunner(1, threads=1, on_event=told)
runner.submit(RunTask(experiment=codec.load(folder / "endless.json"), folder=folder / "run")).result()
"""


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    codec.save(ENDLESS, tmp_path / "endless.json")
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        parent.wait()
    gone, alive = psutil.wait_procs([child], timeout=10)
    assert (gone, alive) == ([child], [])


def test_a_runner_takes_nothing_once_it_is_shut_down(tmp_path: Path) -> None:
    with LocalRunner(1, threads=1) as runner:
        pass
    with pytest.raises(RuntimeError, match="shut down"):
        runner.submit(RunTask(experiment=DIGITS, folder=tmp_path / "run"))
    with pytest.raises(ValueError, match="at least 1"):
        LocalRunner(0)
