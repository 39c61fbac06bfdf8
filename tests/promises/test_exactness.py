"""P9 and P11: one seed has one outcome, resumed or not; looking at a run changes nothing of it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.cases import AnswerCases, Answering, DescribeNetwork
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import EpochDone
from dnnstudio.core.jobs.requests import EvaluateModel, SampleModel, TrainRun
from dnnstudio.engine.model_files import read_model
from tests.promises.kinds import digits

pytestmark = [pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-m", "dnnstudio", "run"]


def weights_of(run: Path) -> str:
    """SHA-256 of all arrays of a run's network, in their order."""
    arrays = read_model(run / "model.keras").arrays
    content = b"".join(array.tobytes() for name in sorted(arrays) for array in arrays[name])
    return hashlib.sha256(content).hexdigest()


def train(path: Path, out: Path, *more: str) -> None:
    done = subprocess.run(
        [*RUN, str(path), "--out", str(out), *more], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    codec.save(digits(epochs=12), tmp_path / "mine.json")
    return tmp_path / "mine.json"


@pytest.mark.promise(9)
def test_p9_two_processes_with_one_seed_have_one_outcome(experiment: Path, tmp_path: Path, figure: Any) -> None:
    for number in range(2):
        train(experiment, tmp_path / str(number))
    train(experiment, tmp_path / "other", "--seed", "7")
    same = weights_of(tmp_path / "0") == weights_of(tmp_path / "1")
    figure(9, "processes with one seed had the same weights", 2 * same, of=2)
    assert same
    assert weights_of(tmp_path / "other") != weights_of(tmp_path / "0")


@pytest.mark.promise(9)
def test_p9_a_killed_run_goes_on_to_the_same_weights(experiment: Path, tmp_path: Path, figure: Any) -> None:
    """Ended by SIGKILL after some epochs, with dropout, batch normalization and shuffling on."""
    train(experiment, tmp_path / "whole")
    equal = tried = 0
    for after in (1, 4):
        out = tmp_path / f"killed {after}"
        with subprocess.Popen(
            [*RUN, str(experiment), "--out", str(out), "--set", "training.epochs=12"],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            history, deadline = out / "history.csv", time.monotonic() + 120
            while not (history.exists() and history.read_bytes().count(b"\n") > after):
                assert time.monotonic() < deadline
                if process.poll() is not None:
                    break
                time.sleep(0.002)
            os.kill(process.pid, signal.SIGKILL)
        tried += 1
        if not (out / "metrics.json").exists():
            train(experiment, out, "--resume")
        equal += weights_of(out) == weights_of(tmp_path / "whole")
    figure(9, "killed and resumed trainings ended with the same weights", equal, of=tried)
    assert equal == tried


@pytest.mark.promise(9)
def test_p9_stopped_in_any_epoch_a_run_goes_on_exactly(tmp_path: Path, figure: Any) -> None:
    from dnnstudio.engine.session import Session

    session, wanted = Session(), digits(epochs=8)
    session.run(TrainRun(experiment=wanted, folder=tmp_path / "whole"), Control(), lambda event: None)
    equal = 0
    for epoch in range(1, 8):
        control, folder = Control(), tmp_path / f"stopped {epoch}"

        def look(event: Any, control: Control = control, epoch: int = epoch) -> None:
            if isinstance(event, EpochDone) and event.row["epoch"] == epoch:
                control.stop()

        session.run(TrainRun(experiment=wanted, folder=folder), control, look)
        session.run(TrainRun(experiment=wanted, folder=folder, resume_from=folder), Control(), lambda event: None)
        equal += weights_of(folder) == weights_of(tmp_path / "whole")
    figure(9, "stopped and resumed trainings ended with the same weights", equal, of=7)
    assert equal == 7


@pytest.mark.promise(11)
def test_p11_looking_never_changes_a_run(tmp_path: Path, figure: Any) -> None:
    """Evaluating, sampling, describing and answering leave every byte of the run, and every variable in memory."""
    from dnnstudio.engine.session import Session

    session, folder = Session(), tmp_path / "run"
    trained = TrainRun(experiment=digits(epochs=3), folder=folder)
    session.run(trained, Control(), lambda event: None)

    def state() -> dict[str, str]:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "run.lock"]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def values() -> list[bytes]:
        return [variable.numpy().tobytes() for variable in session.model(trained.id).model.variables]

    np.savez(tmp_path / "new.npz", x=np.random.default_rng(1).integers(0, 16, (20, 8, 8)).astype(np.float32))
    experiment, by = codec.load(folder / "experiment.json"), Answering(model=folder)
    looks = [
        EvaluateModel(model=trained.id, experiment=experiment),
        EvaluateModel(model=folder, experiment=experiment, weights="best"),
        SampleModel(model=trained.id, experiment=experiment, passes=20, seed=1),
        SampleModel(model=trained.id, experiment=experiment, stochastic=False),
        DescribeNetwork(by=by),
        AnswerCases(by=by, inputs=(tmp_path / "new.npz",)),
    ]
    before, held, same = state(), values(), 0
    for _ in range(5):
        for job in looks:
            session.run(job, Control(), lambda event: None)
            same += state() == before and values() == held
    figure(11, "looks changed neither a byte of the run nor a variable", same, of=5 * len(looks))
    assert len(held) > 8
    assert same == 5 * len(looks)
