"""Three workers on this machine: twelve runs equal the local ones, though one worker is frozen for half a minute and
another one killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.experiment.record import Training
from dnnstudio.core.jobs.events import EpochDone, RunStarted
from dnnstudio.engine.model_files import read_model
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask
from tests.runner.cluster.conftest import Cluster, Joined, wait_until
from tests.runner.conftest import DIGITS

pytestmark = [pytest.mark.promise, pytest.mark.timeout(1800)]
RUNS = 12
AWAY_S = 30.0


def weights_of(folder: Path) -> list[np.ndarray]:
    return [array for arrays in read_model(folder / "model.keras").arrays.values() for array in arrays]


def test_a_worker_that_is_away_and_one_that_dies_lose_nothing(tmp_path: Path, measured: Callable[[str], None]) -> None:
    wanted = DIGITS.replaced(training=Training(epochs=150, batch_size=32))
    there = [RunTask(experiment=wanted.replaced(seed=seed), folder=tmp_path / f"there {seed}") for seed in range(RUNS)]
    here = [RunTask(experiment=task.experiment, folder=tmp_path / f"here {task.experiment.seed}") for task in there]
    (tmp_path / "cluster").mkdir()
    cluster = Cluster(tmp_path / "cluster")
    try:
        cluster.start("one", "two", "three")
        joined = Joined(cluster)
        begun = time.monotonic()
        futures = [joined.runner.submit(task) for task in there]
        wait_until(lambda: len(cluster.training()) == 3 and any(joined.of(task, EpochDone) for task in there))
        frozen, killed, _ = cluster.training()
        cluster.processes[frozen].send_signal(signal.SIGSTOP)
        os.kill(cluster.processes[killed].pid, signal.SIGKILL)
        time.sleep(AWAY_S)  # the promise is about this time itself
        cluster.processes[frozen].send_signal(signal.SIGCONT)
        outcomes = [future.result(900) for future in futures]
        spent = time.monotonic() - begun
        joined.runner.shutdown()
    finally:
        cluster.end()
    assert [outcome.reason for outcome in outcomes] == ["finished"] * RUNS
    starts = [len(joined.of(task, RunStarted)) for task in there]
    assert sorted(starts) == [1] * (RUNS - 1) + [2], "the run of the dead worker alone is done again"
    with LocalRunner(2, threads=1) as runner:
        assert {future.result(900).reason for future in [runner.submit(task) for task in here]} == {"finished"}
    for far, near in zip(there, here, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(weights_of(far.folder), weights_of(near.folder), strict=True))
        figures = [json.loads((task.folder / "metrics.json").read_text()) for task in (far, near)]
        assert figures[0]["test"] == figures[1]["test"]
    measured(f"{RUNS} runs on three workers, one frozen for {AWAY_S:.0f} s, one killed: {spent:.0f} s, all equal")
