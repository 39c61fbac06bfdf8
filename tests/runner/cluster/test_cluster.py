"""Two workers on this machine: runs equal the local ones, stop at once, go on, and survive a worker that dies."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.cli.main import main
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, ImageFolder, Npz
from dnnstudio.core.experiment.transfer import Reuse, Transfer
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunEnded, RunStarted
from dnnstudio.core.study.sweep import trial_folder
from dnnstudio.core.workspace.runs import METRICS
from dnnstudio.core.workspace.shared_layers import read_links
from dnnstudio.engine.model_files import read_model
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunOutcome, RunTask

from ..conftest import DIGITS, ENDLESS
from .conftest import PATIENCE_S, Cluster, Joined, wait_until


def same_weights(one: Path, other: Path) -> bool:
    first, second = (read_model(folder / "model.keras").arrays for folder in (one, other))
    return first.keys() == second.keys() and all(
        np.array_equal(a, b) for name in first for a, b in zip(first[name], second[name], strict=True)
    )


def without_times(folder: Path) -> dict[str, object]:
    """The figures of a run that are the same whenever and wherever it is trained."""
    metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
    return {name: value for name, value in metrics.items() if name not in ("run", "seconds", "started")}


def outcomes_of(futures: list[Future[RunOutcome]]) -> list[RunOutcome]:
    return [future.result(PATIENCE_S) for future in futures]


def test_runs_equal_the_local_ones_bit_for_bit_and_data_is_sent_once(
    joined: Joined, near: LocalRunner, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    x, y = random.random((300, 6), np.float32), random.integers(0, 10, 300)
    np.savez(tmp_path / "mine.npz", x_train=x, y_train=y)
    mine = DIGITS.replaced(data=Data(source=Npz(path=str(tmp_path / "mine.npz"))))
    wanted = {
        f"{name} {seed}": one.replaced(seed=seed)
        for name, one in (("digits", DIGITS), ("mine", mine))
        for seed in (1, 2)
    }
    there = [RunTask(experiment=one, folder=tmp_path / "there" / name) for name, one in wanted.items()]
    outcomes = outcomes_of([joined.runner.submit(task) for task in there])
    assert [(outcome.task, outcome.reason, outcome.message) for outcome in outcomes] == [
        (task, "finished", "Finished 1 epoch.") for task in there
    ]
    here = [RunTask(experiment=one, folder=tmp_path / "here" / name) for name, one in wanted.items()]
    assert {o.reason for o in outcomes_of([near.submit(task) for task in here])} == {"finished"}
    for one, far, outcome in zip(here, there, outcomes, strict=True):
        assert same_weights(one.folder, far.folder)
        assert without_times(one.folder) == without_times(far.folder)
        for name in ("experiment.json", "preparation.json"):
            assert (one.folder / name).read_bytes() == (far.folder / name).read_bytes()
        files = {path.relative_to(one.folder).as_posix() for path in one.folder.rglob("*")}
        assert {path.relative_to(far.folder).as_posix() for path in far.folder.rglob("*")} == files
        assert outcome.result is not None
        assert (outcome.result.folder, outcome.result.run) == (far.folder, far.id)
        (started,), (ended,) = joined.of(far, RunStarted), joined.of(far, RunEnded)
        assert (started.run, started.folder, ended.result.folder) == (far.id, far.folder, far.folder)
        assert len(joined.of(far, EpochDone)) == 1
        assert joined.of(far, BatchesDone)
    kept = [list(joined.cluster.folder.glob(f"{name}/data/*/mine.npz")) for name in ("one", "two")]
    assert all(len(files) <= 1 for files in kept)
    assert not list(joined.cluster.folder.glob("*/runs/*/*")), "the workers keep no runs"


def test_a_run_to_transfer_from_and_a_folder_of_pictures_go_along(
    joined: Joined, near: LocalRunner, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    for number in range(60):
        picture = tmp_path / "pictures" / "ab"[number % 2] / f"{number}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (8, 8), np.uint8)).save(picture)
    pictures = DIGITS.replaced(data=Data(source=ImageFolder(path=str(tmp_path / "pictures"), height=8, width=8)))
    output = DIGITS.layers[-1].replaced(units=2)
    source = RunTask(experiment=DIGITS, folder=tmp_path / "source")
    assert near.submit(source).result(PATIENCE_S).reason == "finished"
    again = Transfer(source="source", reuse=(Reuse(layer="hidden", source="hidden"),))
    kinds = {
        "pictures": pictures.replaced(layers=(*DIGITS.layers[:-1], output)),
        "transfer": DIGITS.replaced(seed=9, transfer=again),
    }
    tasks = [
        RunTask(experiment=one, folder=tmp_path / place / name, base=tmp_path)
        for place in ("here", "there")
        for name, one in kinds.items()
    ]
    futures = [(near if task.folder.parent.name == "here" else joined.runner).submit(task) for task in tasks]
    assert [(outcome.reason, outcome.detail) for outcome in outcomes_of(futures)] == [("finished", "")] * 4
    for name in kinds:
        here, there = tmp_path / "here" / name, tmp_path / "there" / name
        assert same_weights(here, there)
        assert without_times(here) == without_times(there)
        assert (here / "experiment.json").read_bytes() == (there / "experiment.json").read_bytes()
    assert read_links(tmp_path / "there" / "transfer") == read_links(tmp_path / "here" / "transfer")
    assert read_links(tmp_path / "there" / "transfer").origin.place == tmp_path / "source"


def test_repeat_and_sweep_train_on_the_cluster(
    cluster: Cluster, near: LocalRunner, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec.save(DIGITS, tmp_path / "small.json")
    there = ["--cluster", str(cluster.join_path), "--threads", "1", "--json"]
    repeat, sweep = tmp_path / "repeat", tmp_path / "sweep"
    assert main(["repeat", str(tmp_path / "small.json"), "--seeds", "42,7", "--out", str(repeat), *there]) == 0
    assert json.loads(capsys.readouterr().out)["test"]["accuracy"]["n"] == 2
    vary = ["--vary", "training.batch_size=32,64"]
    assert main(["sweep", str(tmp_path / "small.json"), *vary, "--out", str(sweep), *there]) == 0
    capsys.readouterr()
    alone = RunTask(experiment=DIGITS, folder=tmp_path / "alone")
    assert near.submit(alone).result(PATIENCE_S).reason == "finished"
    assert same_weights(repeat / "members" / "42", alone.folder)
    assert same_weights(trial_folder(sweep, 0), alone.folder)
    assert not same_weights(trial_folder(sweep, 1), alone.folder)


@pytest.mark.thorough
def test_compare_trains_source_scratch_and_transferred_on_the_cluster(
    cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    codec.save(DIGITS, tmp_path / "source.json")
    again = Transfer(source="source.json", reuse=(Reuse(layer="hidden", source="hidden"),))
    codec.save(DIGITS.replaced(seed=5, transfer=again), tmp_path / "small.json")
    words = ["compare", str(tmp_path / "small.json"), "--seeds", "2", "--threads", "1", "--json"]
    said = {}
    for place, where in {"here": ["--jobs", "2"], "there": ["--cluster", str(cluster.join_path)]}.items():
        assert main([*words, "--out", str(tmp_path / place), *where]) == 0
        said[place] = json.loads(capsys.readouterr().out)
    runs = {
        place: sorted(path.parent.relative_to(tmp_path / place) for path in (tmp_path / place).rglob(METRICS))
        for place in said
    }
    assert runs["here"] == runs["there"]
    assert len(runs["there"]) == 6  # a source, one from scratch and one transferred, for each of two seeds
    for run in runs["there"]:
        assert same_weights(tmp_path / "here" / run, tmp_path / "there" / run), run
    assert [one["test_accuracy"] for one in said["there"]["runs"]] == [
        one["test_accuracy"] for one in said["here"]["runs"]
    ]


def stopped_after_s(joined: Joined, folder: Path) -> float:
    """Train two endless runs at the same time, with a third waiting, and stop them: how long the answers take."""
    tasks = [RunTask(experiment=ENDLESS.replaced(seed=seed), folder=folder / str(seed)) for seed in (1, 2)]
    waiting = RunTask(experiment=DIGITS, folder=folder / "waiting")
    futures = [joined.runner.submit(task) for task in (*tasks, waiting)]
    wait_until(lambda: all(joined.of(task, EpochDone) for task in tasks))
    assert len(set(joined.runner.workers())) == 2
    for task in tasks:  # nobody renames, deletes or resumes here what is trained elsewhere
        with pytest.raises(UserError, match="is in use by a training of this program"), held(task.folder, "a deletion"):
            pass
    begun = time.monotonic()
    joined.runner.stop_all()
    assert [outcome.reason for outcome in outcomes_of(futures)] == ["stopped"] * 3
    spent = time.monotonic() - begun
    assert not waiting.folder.exists()
    return spent


def test_a_stop_is_answered_within_a_second_and_the_runs_go_on(
    joined: Joined, near: LocalRunner, tmp_path: Path
) -> None:
    # Up to three times, because a machine that is busy with other things answers nothing in time.
    assert any(stopped_after_s(joined, tmp_path / name) < 1.0 for name in ("first", "second", "third"))
    folder = tmp_path / "first" / "1"
    with np.load(folder / "checkpoint" / "state.npz") as archive:
        done = json.loads(archive["about"].tobytes())["position"]["epoch"]
    longer = ENDLESS.replaced(seed=1, training=ENDLESS.training.replaced(epochs=done + 1))
    again = RunTask(experiment=longer, folder=folder, resume=True)
    outcome = joined.runner.submit(again).result(PATIENCE_S)
    assert (outcome.reason, outcome.message) == ("finished", f"Finished {done + 1} epochs.")
    assert len(joined.of(again, EpochDone)) == 1
    straight = RunTask(experiment=longer, folder=tmp_path / "straight")  # as if it had never stopped
    assert near.submit(straight).result(PATIENCE_S).reason == "finished"
    assert same_weights(folder, straight.folder)


def test_a_killed_child_is_a_failed_run_and_what_a_person_got_wrong_a_sentence(joined: Joined, tmp_path: Path) -> None:
    task = RunTask(experiment=ENDLESS, folder=tmp_path / "killed")
    future = joined.runner.submit(task)
    wait_until(lambda: joined.of(task, EpochDone))
    (name,) = joined.cluster.training()
    joined.cluster.child_of(name).send_signal(signal.SIGKILL)
    outcome = future.result(PATIENCE_S)
    assert (outcome.reason, outcome.result) == ("failed", None)
    assert "SIGKILL" in outcome.message
    (tmp_path / "broken.npz").write_bytes(b"none")
    broken = DIGITS.replaced(data=Data(source=Npz(path=str(tmp_path / "broken.npz"))))
    missing = DIGITS.replaced(data=Data(source=Npz(path=str(tmp_path / "none.npz"))))
    for wrong in (broken, missing):
        outcome = joined.runner.submit(RunTask(experiment=wrong, folder=tmp_path / "wrong")).result(PATIENCE_S)
        assert (outcome.reason, outcome.result, outcome.detail) == ("failed", None, "")
        assert Path(wrong.data.source.main_path).name in outcome.message


def test_nobody_waits_for_a_run_of_a_client_that_left(joined: Joined, cluster: Cluster, tmp_path: Path) -> None:
    other = Joined(cluster)
    task = RunTask(experiment=ENDLESS, folder=tmp_path / "left")
    future = other.runner.submit(task)
    wait_until(lambda: other.of(task, EpochDone))
    other.runner._client.close()  # as the system does when the program is killed
    wait_until(lambda: not cluster.training())
    assert future.result(PATIENCE_S).reason == "failed"
    other.runner.shutdown()


def test_a_run_of_a_worker_that_is_killed_is_done_once_elsewhere(joined: Joined, tmp_path: Path) -> None:
    """The last test of the module: it takes a worker away."""
    slow = DIGITS.replaced(training=DIGITS.training.replaced(epochs=300))
    task = RunTask(experiment=slow, folder=tmp_path / "run")
    future = joined.runner.submit(task)
    wait_until(lambda: joined.of(task, EpochDone))
    (name,) = joined.cluster.training()
    child = joined.cluster.child_of(name)
    os.kill(joined.cluster.processes[name].pid, signal.SIGKILL)
    outcome = future.result(PATIENCE_S)
    assert (outcome.reason, outcome.message) == ("finished", "Finished 300 epochs.")
    assert len(joined.of(task, RunStarted)) == 2
    assert len(joined.of(task, RunEnded)) == 1
    assert not child.is_running()
    assert len((task.folder / "history.csv").read_text().splitlines()) == 301
