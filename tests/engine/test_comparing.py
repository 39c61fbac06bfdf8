"""Scratch against transfer over seeds, and two models side by side."""

from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core import codec
from dnnstudio.core.comparison import summarize
from dnnstudio.core.control import Control
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment, Training
from dnnstudio.core.jobs import (
    CompareModels,
    CompareTransfer,
    ComparisonRun,
    Event,
    Job,
    ListLibrary,
    RunEnded,
    RunStarted,
    SaveModel,
    TrainRun,
)
from dnnstudio.core.layers import Dense, Flatten
from dnnstudio.core.optimizers import Adam
from dnnstudio.core.reusing import default_transfer
from dnnstudio.core.tasks import split_into_tasks
from dnnstudio.core.transfer import Autoencoder
from dnnstudio.engine.session import Session

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=10, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=2, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)
B_ON_A = B.replaced(transfer=default_transfer(B, (8, 8), "a.json", A.layers, epochs=(1, 1), mode="share"))


def run(session: Session, job: Job, control: Control | None = None, emit: Any = lambda event: None) -> Any:
    return session.run(job, control or Control(), emit)


def test_every_seed_is_trained_from_scratch_and_transferred(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    events: list[Event] = []
    out = tmp_path / "out"
    job = CompareTransfer(experiment=B_ON_A, folder=out, seeds=(1, 2), base=tmp_path)
    control = Control()

    def look(event: Event) -> None:
        events.append(event)
        if isinstance(event, RunStarted) and "2-transfer" in event.run:
            control.stop()

    with pytest.raises(Cancelled):
        run(Session(), job, control, look)
    assert len(json.loads((out / "comparison.json").read_text())["runs"]) == 5
    done = {path.name: (path / "model.keras").stat().st_mtime_ns for path in out.iterdir() if path.is_dir()}
    events.clear()
    result = run(Session(), job, emit=events.append)
    assert [event.run.split("-", 1)[1] for event in events if isinstance(event, RunEnded)] == ["2-transfer"]
    assert {name: (out / name / "model.keras").stat().st_mtime_ns for name in done if name != "seed 2 transfer"} == {
        name: when for name, when in done.items() if name != "seed 2 transfer"
    }
    assert [(item.seed, item.start) for item in result.runs] == [
        (seed, start) for seed in (1, 2) for start in ("source", "scratch", "transfer")
    ]
    assert result.runs[0].metrics["fingerprint"] != result.runs[3].metrics["fingerprint"]
    stored = codec.load(out / "seed 2 transfer" / "experiment.json")
    assert stored.transfer is not None and stored.transfer.source == "../seed 2 source" and not stored.transfer.shared
    scratch = codec.load(out / "seed 1 scratch" / "experiment.json")
    assert (scratch.transfer, scratch.training.epochs, scratch.seed) == (None, 2, 1)

    values = [item.metrics["test"]["accuracy"] for item in result.runs if item.start == "transfer"]
    spread = result.summary["transfer"]["test"]["accuracy"]
    assert (spread.mean, spread.sd) == pytest.approx((statistics.mean(values), statistics.stdev(values)))
    written = json.loads((out / "comparison.json").read_text())["summary"]["transfer"]["test"]["accuracy"]
    assert written == {"mean": spread.mean, "sd": spread.sd}
    with (out / "comparison.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [float(row["test_accuracy"]) for row in table if row["start"] == "transfer"] == values


def test_a_comparison_on_a_pretrained_encoder_is_not_pretrained_again(tmp_path: Path) -> None:
    pretraining = BASE.replaced(pretraining=Autoencoder(until="h1"), training=Training(epochs=1, batch_size=256))
    codec.save(pretraining, tmp_path / "auto.json")
    transfer = default_transfer(BASE, (8, 8), "auto.json", BASE.layers, epochs=(1, 1))
    job = CompareTransfer(
        experiment=BASE.replaced(transfer=transfer), folder=tmp_path / "out", seeds=(1,), base=tmp_path
    )
    first = run(Session(), job)
    events: list[Event] = []
    again = run(Session(), job, emit=events.append)
    assert not any(isinstance(event, RunStarted) for event in events)
    assert [item.metrics for item in again.runs] == [item.metrics for item in first.runs]


def test_a_comparison_is_the_training_itself(tmp_path: Path) -> None:
    session = Session()
    a = run(session, TrainRun(experiment=A, folder=tmp_path / "a"))
    before = (a.folder / "model.keras").read_bytes()
    given = B_ON_A.replaced(transfer=B_ON_A.transfer.replaced(source="a"))  # type: ignore[union-attr]
    job = CompareTransfer(experiment=given, folder=tmp_path / "out", seeds=(B.seed,), base=tmp_path)
    result = run(session, job)
    assert (a.folder / "model.keras").read_bytes() == before
    single = run(session, TrainRun(experiment=given, folder=tmp_path / "b", base=tmp_path))
    assert [item.start for item in result.runs] == ["scratch", "transfer"]
    assert result.runs[1].metrics["fingerprint"] == single.metrics["fingerprint"]
    assert result.summary["scratch"]["test"]["loss"].sd == 0.0


def test_the_spread_is_that_of_a_sample() -> None:
    runs = [
        ComparisonRun(seed=seed, start="scratch", folder=Path(), metrics={"test": {"accuracy": value}})
        for seed, value in enumerate((0.8, 0.9, 1.0))
    ]
    spread = summarize(runs)["scratch"]["test"]["accuracy"]
    assert (spread.mean, spread.sd) == pytest.approx((0.9, 0.1))


@pytest.mark.parametrize(
    ("experiment", "words"),
    [(B, "no transfer to compare"), (B_ON_A, r'source of the transfer, "a\.json", does not exist')],
)
def test_what_cannot_be_compared_is_said(tmp_path: Path, experiment: Experiment, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(Session(), CompareTransfer(experiment=experiment, folder=tmp_path / "out", base=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_experiment_is_no_source_of_a_run(tmp_path: Path) -> None:
    codec.save(A, tmp_path / "a.json")
    with pytest.raises(UserError, match=r"a\.json is an experiment, not a trained model"):
        run(Session(), TrainRun(experiment=B_ON_A, folder=tmp_path / "b", base=tmp_path))


def test_two_models_side_by_side_and_the_library(tmp_path: Path) -> None:
    session = Session()
    a = run(session, TrainRun(experiment=A, folder=tmp_path / "runs" / "0001 a"))
    longer = A.replaced(name="longer", training=Training(epochs=3, batch_size=128))
    b = run(session, TrainRun(experiment=longer, folder=tmp_path / "runs" / "0002 b"))
    (tmp_path / "models").mkdir()
    run(session, SaveModel(model=a.run, path=tmp_path / "models" / "copy.h5"))
    (tmp_path / "models" / "broken.keras").write_bytes(b"PK no")

    found = run(session, CompareModels(first=a.run, second=b.folder))
    assert [(row.first, row.second, row.same_weights) for row in found.layers] == [
        ("flatten", "flatten", None),
        ("h1", "h1", False),
        ("output", "output", False),
    ]
    assert [(item.path, item.first, item.second) for item in found.options] == [("training.epochs", 2, 3)]
    assert found.figures == (a.metrics["test"], b.metrics["test"])
    assert not found.same_weights
    same = run(session, CompareModels(first=a.run, second=tmp_path / "models" / "copy.h5", experiment=A))
    assert same.same_weights and same.figures[0] == same.figures[1]
    other = run(session, CompareModels(first=a.run, second=b.run, experiment=B))
    assert other.figures is None and "cannot be measured on the same rows" in other.note

    library = run(session, ListLibrary(workspace=tmp_path))
    by_name = {entry.path.name: entry for entry in library.entries}
    assert set(by_name) == {"0001 a", "0002 b", "copy.h5"}
    assert by_name["copy.h5"].fingerprint == by_name["0001 a"].fingerprint != by_name["0002 b"].fingerprint
    assert by_name["copy.h5"].parameters == by_name["0001 a"].parameters
    assert by_name["0001 a"].accuracy == a.metrics["test"]["accuracy"]
    assert len(library.notes) == 1 and "broken.keras" in library.notes[0]


def test_the_library_needs_no_tensorflow(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"""
import sys
from pathlib import Path
from dnnstudio.core.control import Control
from dnnstudio.core.jobs import ListLibrary
from dnnstudio.engine.session import Session
assert Session().run(ListLibrary(workspace=Path({str(tmp_path)!r})), Control(), print).entries == ()
assert not {{"keras", "tensorflow", "PySide6"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
