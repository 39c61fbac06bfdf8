"""Reused layers through the session: a clone leaves its source bit for bit, a shared layer changes it everywhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.transfer import Phase, Reuse
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import BatchesDone, Event
from dnnstudio.core.jobs.requests import EvaluateModel, SaveModel, TrainRun
from dnnstudio.core.planning.stages import with_more_epochs
from dnnstudio.core.workspace.catalog import run_entry
from dnnstudio.core.workspace.model_store import clone
from dnnstudio.core.workspace.shared_layers import read_links
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.session import Session
from dnnstudio.engine.training.checkpoint import load_checkpoint

from .two_tasks import FROZEN, A, Tasks, b_on, equal, files, live, on_disk, run

# ----------------------------------------------------------------------------------------------- clones


@pytest.mark.parametrize("how", ["relative", "absolute", "run id", "file"])
def test_a_clone_leaves_its_source_bit_for_bit(tasks: Tasks, how: str) -> None:
    folder = tasks.runs / "0001 a"
    source = {"relative": "0001 a", "absolute": str(folder), "run id": tasks.a.model, "file": "0001 a/model.keras"}[how]
    before, memory = files(folder), live(tasks.session, tasks.a.model)
    result = tasks.train_b(b_on(source))
    assert files(folder) == before
    assert equal(memory, live(tasks.session, tasks.a.model))
    assert not equal(memory, live(tasks.session, result.run), "h1")
    stored = codec.load(result.folder / "experiment.json").transfer
    assert stored is not None
    assert stored.source == "../0001 a"


def test_a_clone_starts_from_the_source_and_everything_else_as_from_scratch(tasks: Tasks) -> None:
    frozen = tasks.train_b(b_on("0001 a", phases=(Phase(epochs=1, frozen=FROZEN),)))
    assert equal(live(tasks.session, tasks.a.model), live(tasks.session, frozen.run), *FROZEN)
    from dnnstudio.engine.reuse.start import Source, start_model
    from dnnstudio.engine.training.trainer import fresh_model

    given = b_on("0001 a")
    start = start_model(given, (8, 8), Source(tasks.session.model(tasks.a.model), None))
    scratch = fresh_model(given, DataSummary((8, 8), ("0", "1", "2"), binary=False))
    output = [model.get_layer("output").get_weights() for model in (start.model, scratch)]
    assert all(np.array_equal(one, other) for one, other in zip(*output, strict=True))


def test_the_library_knows_where_layers_come_from(tasks: Tasks) -> None:
    result = tasks.train_b(b_on("0001 a", phases=(Phase(epochs=1, frozen=("h1", "bn")),)))
    known = {item.layer: item for item in run_entry(result.folder).layers}
    theirs = {item.layer: item.fingerprint for item in run_entry(tasks.runs / "0001 a").layers}
    assert {name: (item.kind, item.changed) for name, item in known.items()} == {
        "h1": ("clone", False),
        "bn": ("clone", False),
        "h2": ("clone", True),
        "output": ("own", False),
    }
    assert known["h1"].fingerprint == theirs["h1"] != ""
    assert known["h1"].origin == "Digits, task A"


# ----------------------------------------------------------------------------------------------- shared


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reads its variables so
@pytest.mark.parametrize("where", ["in memory", "on disk"])
def test_a_shared_layer_changes_the_source_in_memory_and_on_disk(tasks: Tasks, where: str) -> None:
    folder = tasks.runs / "0001 a"
    before, best = on_disk(folder), (folder / "best.keras").read_bytes()
    old = (folder / "model.keras").read_bytes()
    if where == "on disk":
        tasks.session = Session()
    result = tasks.train_b(b_on("0001 a", "share"))
    ours = live(tasks.session, result.run)
    assert equal(on_disk(folder), ours, *FROZEN) and not equal(on_disk(folder), before, "h1")
    assert equal(on_disk(folder), before, "output")
    assert (folder / "best.keras").read_bytes() == best
    assert (folder / "model.keras~").read_bytes() == old
    optimizer = keras.models.load_model(folder / "model.keras").optimizer
    assert optimizer.iterations == load_checkpoint(folder).optimizer[0] > 0, "Keras goes on as the run would"
    assert tasks.ended.message == "Finished 2 epochs. This also changed 0001 a."
    metrics = json.loads((folder / "metrics.json").read_text())
    assert [(item["by"], item["run"], item["layers"]) for item in metrics["changed_by"]] == [
        ("0002 b", result.run, list(FROZEN))
    ]
    theirs = {item.layer: item for item in run_entry(folder).layers}
    assert theirs["h1"].shared_with == theirs["h1"].changed_by == ("0002 b",)
    assert theirs["h1"].fingerprint == result.metrics["layer_fingerprints"]["h1"]
    if where == "in memory":
        shared = tasks.session.model(tasks.a.model).model.get_layer("h1")
        assert shared is tasks.session.model(result.run).model.get_layer("h1")
        assert equal(live(tasks.session, tasks.a.model), on_disk(folder), *FROZEN)
    fresh = run(Session(), EvaluateModel(model=folder, experiment=A, parts=("test",))).parts["test"]
    assert fresh != metrics["test"]


def test_shared_layers_that_stay_frozen_change_nothing(tasks: Tasks) -> None:
    folder = tasks.runs / "0001 a"
    before = files(folder)
    tasks.train_b(b_on("0001 a", "share", phases=(Phase(epochs=1, frozen=FROZEN),)))
    after = files(folder)
    assert after.pop("links.json") and after == before
    assert tasks.ended.message == "Finished 1 epoch."


def test_only_what_is_shared_changes(tasks: Tasks) -> None:
    mixed = tuple(Reuse(layer=name, source=name, mode="share" if name == "h2" else "clone") for name in FROZEN)
    before = on_disk(tasks.runs / "0001 a")
    tasks.train_b(b_on("0001 a", reuse=mixed))
    after = on_disk(tasks.runs / "0001 a")
    assert equal(before, after, "h1", "bn", "output") and not equal(before, after, "h2")


def test_training_the_source_changes_who_shares_with_it(tasks: Tasks) -> None:
    b = tasks.train_b(b_on("0001 a", "share"))
    a = tasks.runs / "0001 a"
    before = on_disk(a)
    again = TrainRun(experiment=with_more_epochs(codec.load(a / "experiment.json"), 1), folder=a, resume_from=a)
    result = run(tasks.session, again)
    after = on_disk(a)
    assert not equal(before, after, "h1")
    assert equal(after, on_disk(b.folder), *FROZEN)
    assert equal(after, live(tasks.session, b.run), *FROZEN)
    assert equal(live(tasks.session, result.run), live(tasks.session, tasks.a.model))


def test_a_changed_source_goes_on_from_its_changed_layers(tasks: Tasks) -> None:
    a = tasks.runs / "0001 a"
    tasks.train_b(b_on("0001 a", "share"))
    changed = on_disk(a)
    still = codec.load(a / "experiment.json")
    run(Session(), TrainRun(experiment=still, folder=a, resume_from=a))
    assert equal(changed, on_disk(a))


def test_a_chain_of_sharing_is_changed_as_a_whole(tasks: Tasks) -> None:
    tasks.train_b(b_on("0001 a", "share"))
    session = Session()
    job = TrainRun(experiment=b_on("0002 b", "share"), folder=tasks.runs / "0003 c", base=tasks.runs)
    run(session, job)
    c = on_disk(tasks.runs / "0003 c")
    for name in ("0001 a", "0002 b"):
        assert equal(c, on_disk(tasks.runs / name), *FROZEN)
        assert read_links(tasks.runs / name).changes[-1].by == "0003 c"


def test_a_shared_model_file_is_written_again(tasks: Tasks) -> None:
    file = tasks.runs.parent / "models" / "a.h5"
    file.parent.mkdir()
    run(tasks.session, SaveModel(model=tasks.a.model, path=file))
    before = file.read_bytes()
    result = tasks.train_b(b_on(str(file), "share"))
    assert equal(dict(read_model(file).arrays), live(tasks.session, result.run), *FROZEN)
    assert file.with_name("a.h5~").read_bytes() == before
    assert files(tasks.runs / "0001 a").get("links.json") is None


def test_a_shared_run_that_is_stopped_goes_on_exactly_and_changes_the_source(tasks: Tasks, tmp_path: Path) -> None:
    given = b_on("0001 a", "share", epochs=(2, 3))
    whole_runs = tmp_path / "other" / "runs"
    shutil.copytree(tasks.runs, whole_runs)
    session = Session()
    whole = run(session, TrainRun(experiment=given, folder=whole_runs / "0002 b", base=whole_runs))
    control = Control()

    def look(event: Event) -> None:
        if isinstance(event, BatchesDone) and event.epoch == 4:
            control.stop()

    folder = tasks.runs / "0002 b"
    tasks.session.run(TrainRun(experiment=given, folder=folder, base=tasks.runs), control, look)
    half = on_disk(folder)
    assert equal(half, on_disk(tasks.runs / "0001 a"), *FROZEN)
    stored = codec.load(folder / "experiment.json")
    run(Session(), TrainRun(experiment=stored, folder=folder, resume_from=folder))
    assert equal(on_disk(folder), on_disk(whole.folder)) and not equal(half, on_disk(folder), "h1")
    assert equal(on_disk(tasks.runs / "0001 a"), on_disk(whole_runs / "0001 a"))


def test_a_training_that_fails_leaves_the_source_as_it_was(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    from dnnstudio.engine.training import trainer as training

    def fail(*args: object, **more: object) -> None:
        raise RuntimeError("disk on fire")

    memory, disk = live(tasks.session, tasks.a.model), on_disk(tasks.runs / "0001 a")
    monkeypatch.setattr(training, "close_somewhere", fail)
    with pytest.raises(RuntimeError, match="fire"):
        tasks.train_b(b_on("0001 a", "share"))
    assert equal(memory, live(tasks.session, tasks.a.model))
    assert equal(disk, on_disk(tasks.runs / "0001 a"))


def test_the_clone_of_a_sharing_run_goes_on_and_changes_nobody(tasks: Tasks) -> None:
    b = tasks.train_b(b_on("0001 a", "share"))
    copy = clone(tasks.runs.parent, b.folder, "twin")
    before = {name: files(tasks.runs / name) for name in ("0001 a", "0002 b")}
    more = with_more_epochs(codec.load(copy / "experiment.json"), 1)
    run(tasks.session, TrainRun(experiment=more, folder=copy, resume_from=copy))
    assert {name: files(tasks.runs / name) for name in before} == before
    assert not equal(on_disk(copy), on_disk(b.folder), "h1")
    assert {item.layer: (item.kind, item.changed) for item in run_entry(copy).layers}["h1"] == ("clone", True)
