"""Reused layers through the session: a clone leaves its source bit for bit, a shared layer changes it everywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core import codec
from dnnstudio.core.control import Control
from dnnstudio.core.data import Classes, Csv, Data, Digits
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment, Training
from dnnstudio.core.jobs import BatchesDone, EvaluateModel, Event, Job, OpenModel, RunEnded, SaveModel, TrainRun
from dnnstudio.core.layers import BatchNormalization, Dense, Flatten
from dnnstudio.core.library import run_entry
from dnnstudio.core.links import link, read_links
from dnnstudio.core.optimizers import Adam
from dnnstudio.core.parts import L1L2
from dnnstudio.core.reusing import default_transfer
from dnnstudio.core.shelf import clone
from dnnstudio.core.stages import with_more_epochs
from dnnstudio.core.tasks import split_into_tasks
from dnnstudio.core.transfer import Phase, Reuse, Transfer
from dnnstudio.engine.checkpoint import load_checkpoint
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.session import Session

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=12, activation="relu"),
        BatchNormalization(id="bn"),
        Dense(id="h2", units=8, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=1, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)
FROZEN = ("h1", "bn", "h2")
Weights = dict[str, list[np.ndarray]]


def run(session: Session, job: Job, emit: Callable[[Event], None] = lambda event: None) -> Any:
    return session.run(job, Control(), emit)


def b_on(source: str, mode: str = "clone", *, epochs: tuple[int, int] = (1, 1), **changes: Any) -> Experiment:
    transfer = default_transfer(B, (8, 8), source, A.layers, mode=mode, epochs=epochs)  # type: ignore[arg-type]
    return B.replaced(transfer=transfer.replaced(**changes))


def live(session: Session, key: str) -> Weights:
    return {layer.name: layer.get_weights() for layer in session.model(key).model.layers}


def on_disk(folder: Path, file: str = "model.keras") -> Weights:
    return dict(read_model(folder / file).arrays)


def equal(one: Weights, other: Weights, *names: str) -> bool:
    return all(
        np.array_equal(a, b)
        for name in (names or [name for name in one if one[name]])
        for a, b in zip(one[name], other[name], strict=True)
    )


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Tasks:
    """Task A trained in `runs/0001 a`, and a session that still has it."""

    def __init__(self, workspace: Path) -> None:
        self.runs = workspace / "runs"
        self.session = Session()
        self.a = run(self.session, TrainRun(experiment=A, folder=self.runs / "0001 a"))

    def train_b(self, experiment: Experiment, name: str = "0002 b", **more: Any) -> Any:
        events: list[Event] = []
        job = TrainRun(experiment=experiment, folder=self.runs / name, base=self.runs, **more)
        result = run(more.pop("session", self.session), job, events.append)
        self.ended = [event for event in events if isinstance(event, RunEnded)][-1]
        return result


@pytest.fixture(scope="module")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("trained")
    Tasks(workspace)
    return workspace


@pytest.fixture
def tasks(trained_once: Path, tmp_path: Path) -> Tasks:
    """As if A had been trained in this very session: its network is in memory under its run's id."""
    shutil.copytree(trained_once, tmp_path, dirs_exist_ok=True)
    made = Tasks.__new__(Tasks)
    made.runs, made.session = tmp_path / "runs", Session()
    made.a = run(made.session, OpenModel(path=made.runs / "0001 a"))
    return made


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
    from dnnstudio.engine.training import fresh_model
    from dnnstudio.engine.transfer import Source, start_model

    given = b_on("0001 a")
    start = start_model(given, (8, 8), Source(tasks.session.model(tasks.a.model), None))
    scratch = fresh_model(given, (8, 8))
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
    assert tasks.ended.message == "Finished 1 epochs."


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
    from dnnstudio.engine import training

    def fail(*args: object, **more: object) -> None:
        raise RuntimeError("disk on fire")

    memory, disk = live(tasks.session, tasks.a.model), on_disk(tasks.runs / "0001 a")
    monkeypatch.setattr(training, "close_run", fail)
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


# ------------------------------------------------------------------------------------------- bad input


def test_a_source_that_is_gone_matters_to_a_clone_only_at_its_start(tasks: Tasks) -> None:
    result = tasks.train_b(b_on("0001 a"))
    (tasks.runs / "0001 a").rename(tasks.runs / "gone")
    stored = with_more_epochs(codec.load(result.folder / "experiment.json"), 1)
    again = run(Session(), TrainRun(experiment=stored, folder=result.folder, resume_from=result.folder))
    assert again.epochs == 3


def test_a_shared_run_whose_source_is_gone_goes_on_alone(tasks: Tasks) -> None:
    result = tasks.train_b(b_on("0001 a", "share"))
    (tasks.runs / "0001 a").rename(tasks.runs.parent / "gone")
    stored = with_more_epochs(codec.load(result.folder / "experiment.json"), 1)
    events: list[Event] = []
    job = TrainRun(experiment=stored, folder=result.folder, resume_from=result.folder)
    run(Session(), job, events.append)
    assert [event.message for event in events if isinstance(event, RunEnded)] == ["Finished 3 epochs."]


def test_a_layer_frozen_for_another_network_keeps_its_price_in_its_own(tasks: Tasks) -> None:
    priced = tuple(layer.replaced(kernel_regularizer=L1L2(l2=0.1)) if layer.id == "h1" else layer for layer in A.layers)
    a = A.replaced(layers=priced)
    trained = run(tasks.session, TrainRun(experiment=a, folder=tasks.runs / "0005 a"))
    frozen = (B.layers[0], priced[1].replaced(trainable=False), *B.layers[2:])
    only = Transfer(source="0005 a", reuse=(Reuse(layer="h1", source="h1", mode="share"),))
    tasks.train_b(B.replaced(layers=frozen, transfer=only))
    again = run(tasks.session, EvaluateModel(model=trained.run, experiment=a, parts=("test",))).parts["test"]
    assert again == trained.metrics["test"]


def test_a_strange_folder_cannot_make_us_write_over_a_model(tasks: Tasks, tmp_path: Path) -> None:
    """Its links name our model, but our model does not name it."""
    stranger = tmp_path / "strange" / "runs" / "0001 s"
    shutil.copytree(tasks.runs / "0001 a", stranger)
    link(stranger, tasks.runs / "0001 a", FROZEN)
    (tasks.runs / "0001 a" / "links.json").unlink()
    before = files(tasks.runs / "0001 a")
    more = with_more_epochs(codec.load(stranger / "experiment.json"), 1)
    run(Session(), TrainRun(experiment=more, folder=stranger, resume_from=stranger))
    assert files(tasks.runs / "0001 a") == before


WIDE = B.replaced(layers=(B.layers[0], B.layers[1].replaced(units=13), *B.layers[2:]))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        (b_on(""), "has no source"),
        (b_on("0009 z"), '"0009 z", does not exist'),
        (b_on("0001 a", reuse=()), "Nothing is reused"),
        (b_on("0001 a", reuse=(Reuse(layer="h9", source="h1"),)), 'names the layer "h9"'),
        (b_on("0001 a", reuse=(Reuse(layer="h1", source="h9"),)), 'names the layer "h9", but the source'),
        (
            WIDE.replaced(transfer=b_on("0001 a").transfer),
            "h1 cannot take over h1: its kernel is 64 × 13, but 64 × 12 in the source",
        ),
        (b_on("0001 a", phases=(Phase(epochs=1, frozen=("dense_*",)),)), "no such layer"),
        (b_on("0001 a", phases=(Phase(epochs=1, frozen=("*",)),)), "Every layer is frozen"),
    ],
)
def test_what_cannot_be_started_is_said_and_nothing_is_changed(
    tasks: Tasks, experiment: Experiment, words: str
) -> None:
    before, memory = files(tasks.runs), live(tasks.session, tasks.a.model)
    with pytest.raises(UserError, match=words):
        tasks.train_b(experiment)
    assert files(tasks.runs) == before
    assert equal(memory, live(tasks.session, tasks.a.model))


def test_rows_of_another_shape_are_refused(tasks: Tasks, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("x,y,label\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(40)))
    data = Data(source=Csv(path=str(table)), classes=Classes(positive=1))
    before = files(tasks.runs)
    with pytest.raises(UserError, match="reads rows of 8 × 8, but this data has 2"):
        tasks.train_b(b_on("0001 a").replaced(data=data))
    assert files(tasks.runs) == before


@pytest.mark.parametrize("damage", ["truncated", "other kind"])
def test_a_damaged_source_is_named(tasks: Tasks, damage: str) -> None:
    file = tasks.runs.parent / "a.keras"
    content = (tasks.runs / "0001 a" / "model.keras").read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"PK not really")
    before = files(tasks.runs)
    with pytest.raises(UserError, match=r"a\.keras"):
        tasks.train_b(b_on(str(file)))
    assert files(tasks.runs) == before


def test_digits_stay_the_source_of_the_tasks() -> None:
    assert isinstance(A.data.source, Digits) and A.data.classes.keep == (0, 1, 2, 3, 4, 7, 8, 9)
