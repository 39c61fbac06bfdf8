"""What cannot be started from trained layers is said, and nothing is changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Csv, Data, Digits
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.core.experiment.weights import L1L2
from dnnstudio.core.jobs.events import Event, RunEnded
from dnnstudio.core.jobs.requests import EvaluateModel, TrainRun
from dnnstudio.core.planning.stages import with_more_epochs
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.core.workspace.shared_layers import link
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.session import Session
from tests.core.study.sweep_kit import store_sweep

from .two_tasks import FROZEN, A, B, Tasks, b_on, equal, files, live, run


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


WIDE = B.replaced(layers=(B.layers[0], B.layers[1].replaced(units=13), *B.layers[2:]))


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


def test_a_sweep_is_no_network_and_names_its_best_trial(tmp_path: Path) -> None:
    rate = "optimizer.learning_rate"
    folder = store_sweep(tmp_path / "sweep", {0: ({rate: 0.01}, 0.91), 1: ({rate: 0.05}, 0.96)})
    with pytest.raises(UserError, match=r"sweep of several trials.* such as .*sweep/trials/1, the best"):
        read_model_at(folder)


def test_a_repeat_is_no_network_and_names_one_of_its_runs(tmp_path: Path) -> None:
    write_ensemble(tmp_path / "e", EnsembleRecord(experiment=Experiment(), seeds=(42, 43), threads=1))
    with pytest.raises(UserError, match=r"repeat of 2 runs, not one network\..* such as .*e/members/42\."):
        read_model_at(tmp_path / "e")


def test_digits_stay_the_source_of_the_tasks() -> None:
    assert isinstance(A.data.source, Digits) and A.data.classes.keep == (0, 1, 2, 3, 4, 7, 8, 9)
