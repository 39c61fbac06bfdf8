"""Reused layers in the main window: the edit, the two files, the warning, and what the cards say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.core.jobs.requests import FindRate, TrainRun
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.core.workspace.shared_layers import Change, Origin, OriginLayer, link, note_change, set_origin, sharers
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.transfer.request import TransferAnswer
from dnnstudio.gui.transfer.split_dialog import Tasks

from ..window_kit import Answers, click, open_window, submitted
from .conftest import A, B, store

PRINTS = {"hidden_1": "aaaaaaaaaaaa", "bn": "bbbbbbbbbbbb", "hidden_2": "cccccccccccc", "output": "dddddddddddd"}


def reusing(place: Path | str, mode: str = "clone") -> Experiment:
    """Task B on run 9, frozen first and then not."""
    reuse = tuple(Reuse(layer=name, source=name, mode=mode) for name in ("hidden_1", "bn", "hidden_2"))
    phases = (Phase(epochs=2, frozen=("hidden_*", "bn")), Phase(epochs=3))
    return B.replaced(transfer=Transfer(source=str(place), reuse=reuse, phases=phases))


@pytest.fixture
def run_a(workspace: Path) -> Path:
    return workspace / "runs" / "0009 Task A"


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path, workspace: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path, experiment=B) as made:
        made.engine.start()
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 1)
        yield made


def answers(window: MainWindow) -> Answers:
    found = window.workbench.dialogs
    assert isinstance(found, Answers)
    return found


def badges(window: MainWindow) -> dict[str, list[str]]:
    return {row.layer.id: [badge.word for badge in row.badges] for row in window.stack.list.layers.rows}


# ---------------------------------------------------------------------------------------------------------- the edit


def test_applying_is_one_step_that_can_be_undone(window: MainWindow, run_a: Path) -> None:
    after = reusing(run_a)
    answers(window).transfer = TransferAnswer(after, "apply")
    window.actions_["transfer"].trigger()
    assert window.document.experiment == after
    assert window.document.undo_stack.undoText() == "Reuse trained layers"
    assert window.stack.start.isVisible()
    assert window.stack.start.words.text() == "Starts from run 9 · 3 cloned"
    assert submitted(window, TrainRun) == []
    window.document.undo_stack.undo()
    assert window.document.experiment == B
    assert not window.stack.start.isVisible()


def test_apply_and_train_trains_it(qtbot: Any, window: MainWindow, run_a: Path) -> None:
    answers(window).transfer = TransferAnswer(reusing(run_a), "train")
    window.actions_["transfer"].trigger()
    (job,) = submitted(window, TrainRun)
    assert job.experiment == reusing(run_a)
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def test_removing_trains_from_scratch_again(qtbot: Any, window: MainWindow, run_a: Path) -> None:
    window.document.push(reusing(run_a), "Reuse")
    answers(window).transfer = TransferAnswer(B, "remove")
    click(qtbot, window, "edit_transfer")
    assert window.document.experiment == B
    assert answers(window).requests[-1].experiment == reusing(run_a)


def test_the_library_can_name_the_source(window: MainWindow, run_a: Path) -> None:
    window.workbench.transfer.reuse_from(run_a)
    assert answers(window).requests[-1].source == run_a
    assert window.document.experiment == B, "cancelled: nothing changed"


def test_a_relative_source_is_seen_from_the_experiment_s_file(qtbot: Any, window: MainWindow, workspace: Path) -> None:
    file = workspace / "experiments" / "b.json"
    file.parent.mkdir()
    codec.save(reusing("../runs/0009 Task A"), file)
    window.workbench.files.open_path(file)
    assert window.stack.start.words.text() == "Starts from run 9 · 3 cloned"
    window.workbench.transfer.train()
    window.workbench.training_actions.find_rate()
    assert submitted(window, TrainRun)[-1].base == file.parent
    assert submitted(window, FindRate)[-1].base == file.parent
    assert window.workbench.training_actions.dialog is not None
    window.workbench.training_actions.dialog.reject()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def test_saving_elsewhere_names_the_source_anew(window: MainWindow, workspace: Path, tmp_path: Path) -> None:
    file = workspace / "experiments" / "b.json"
    file.parent.mkdir()
    codec.save(reusing("../runs/0009 Task A"), file)
    window.workbench.files.open_path(file)
    answers(window).path = tmp_path / "b.json"
    assert window.workbench.files.save_as()
    saved = codec.load(tmp_path / "b.json").transfer
    assert saved is not None and saved.source == "workspace/runs/0009 Task A"
    assert not window.document.modified


# ---------------------------------------------------------------------------------------------------------- two tasks


def test_splitting_writes_two_files_and_opens_the_first(window: MainWindow, workspace: Path) -> None:
    whole = A.replaced(name="Digits", data=A.data.replaced(classes=type(A.data.classes)()))
    window.document.new(whole)
    tasks = Tasks(*split_into_tasks(whole))
    answers(window).tasks = tasks
    for count in (1, 2):
        window.actions_["split_tasks"].trigger()
        assert len(list((workspace / "experiments").iterdir())) == 2 * count, "nothing is written over"
    assert codec.load(workspace / "experiments" / "Digits, task A.json") == tasks.a
    assert codec.load(workspace / "experiments" / "Digits, task B 2.json") == tasks.b
    assert window.document.experiment == tasks.a
    assert window.document.path == workspace / "experiments" / "Digits, task A 2.json"
    assert window.messages.text() == (
        "Two tasks are written. Train A, then open Digits, task B 2.json (first of the recent files) "
        "and press Reuse layers."
    )
    assert window.settings.recent_files[0] == workspace / "experiments" / "Digits, task B 2.json"


def test_splitting_asks_about_unsaved_changes_before_anything_is_written(window: MainWindow, workspace: Path) -> None:
    window.document.push(B.replaced(seed=7), "Change the seed")
    answers(window).tasks = Tasks(*split_into_tasks(A.replaced(data=A.data.replaced(classes=type(A.data.classes)()))))
    answers(window).unsaved_answer = "cancel"
    window.actions_["split_tasks"].trigger()
    assert answers(window).asked == ["split_tasks", "unsaved"]
    assert not (workspace / "experiments").exists()
    assert window.document.experiment.seed == 7


def test_data_of_few_classes_is_not_split(window: MainWindow) -> None:
    from dnnstudio.core.experiment.data import Csv, Data

    window.document.push(B.replaced(data=Data(source=Csv(path="x.csv"))), "Another file")
    window.actions_["split_tasks"].trigger()
    assert "Its classes are not known yet." in window.messages.text()
    assert answers(window).asked == []


# ------------------------------------------------------------------------------------------------------------ sharing


@pytest.mark.parametrize(
    ("answer", "mode", "trains"), [("clone", "clone", 1), ("train", "share", 1), ("cancel", "share", 0)]
)
def test_a_training_that_changes_others_asks_first(
    qtbot: Any, window: MainWindow, run_a: Path, workspace: Path, answer: str, mode: str, trains: int
) -> None:
    other = store(workspace, 12, B.replaced(name="Earlier B"))
    link(run_a, other, ("hidden_1",))
    window.document.push(reusing(run_a, "share"), "Share")
    answers(window).shared = answer
    window.workbench.transfer.train()
    assert answers(window).warned == [
        (("hidden_1", "bn", "hidden_2"), ("run 9 (Task A)", "run 12 (Earlier B)")),
    ]
    jobs = submitted(window, TrainRun)
    assert len(jobs) == trains
    assert window.document.experiment == reusing(run_a, mode)
    if jobs:
        assert jobs[0].experiment == reusing(run_a, mode)
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def test_shared_layers_that_are_always_frozen_need_no_question(qtbot: Any, window: MainWindow, run_a: Path) -> None:
    still = reusing(run_a, "share")
    assert still.transfer is not None
    phases = (Phase(epochs=2, frozen=("hidden_*", "bn")),)
    window.document.push(still.replaced(transfer=still.transfer.replaced(phases=phases)), "Share, frozen")
    window.workbench.transfer.train()
    assert answers(window).warned == [] and len(submitted(window, TrainRun)) == 1
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


@pytest.mark.parametrize("answer", ["clone", "train", "cancel"])
def test_going_on_with_a_run_that_shares_asks_first(
    window: MainWindow, run_a: Path, workspace: Path, answer: str
) -> None:
    folder = store(workspace, 12, reusing(run_a, "share"))
    link(folder, run_a, ("hidden_1",))
    (folder / "checkpoint").mkdir()
    window.runs.refresh()
    window.runs._read_some()
    window.runs.select(folder)
    answers(window).shared = answer
    window.workbench.training_actions.one_epoch()
    assert answers(window).warned == [(("hidden_1",), ("run 9 (Task A)",))]
    assert len(submitted(window, TrainRun)) == (0 if answer == "cancel" else 1)
    stored = codec.load(folder / "experiment.json").transfer
    assert stored is not None and bool(stored.shared) is (answer != "clone")
    assert bool(sharers(run_a)) is (answer != "clone"), "cloned, the run shares nothing any more"
    window.workbench.controller.stop()


def test_going_on_with_a_run_that_shares_nothing_asks_nothing(window: MainWindow, run_a: Path) -> None:
    assert window.workbench.transfer.may_go_on(run_a)
    assert answers(window).warned == []


# ------------------------------------------------------------------------------------------------ what the cards say


def test_before_training_the_cards_say_what_is_planned(window: MainWindow, run_a: Path) -> None:
    assert badges(window)["hidden_1"] == []
    window.document.push(reusing(run_a, "share"), "Share")
    assert badges(window) == {
        "flatten": [],
        "hidden_1": ["SHARED"],
        "bn": ["SHARED"],
        "hidden_2": ["SHARED"],
        "output": ["NEW"],
    }
    row = window.stack.list.layers.rows[1]
    assert "It will be one layer with hidden_1 of run 9: training it changes both." in row.tooltip


def test_after_training_the_cards_say_whose_weights_they_have(window: MainWindow, run_a: Path, workspace: Path) -> None:
    folder = store(workspace, 10, reusing(run_a), layer_fingerprints=PRINTS)
    taken = tuple(OriginLayer(name, name, "clone", PRINTS["bn"]) for name in ("hidden_1", "bn"))
    set_origin(folder, Origin("Task A", run_a, taken))
    window.document.push(reusing(run_a), "Reuse")
    window.runs.refresh()
    window.runs._read_some()
    window.runs.select(folder)
    rows = {row.layer.id: row for row in window.stack.list.layers.rows}
    assert rows["hidden_1"].caption == "ReLU · #aaaaaa · changed"
    assert rows["bn"].caption.endswith("#bbbbbb · unchanged")
    assert badges(window)["hidden_1"] == ["CLONED"] and badges(window)["hidden_2"] == []
    assert "Cloned from hidden_1 of Task A; it has changed since." in rows["hidden_1"].tooltip


def test_a_model_that_another_training_changed_says_so(window: MainWindow, run_a: Path, workspace: Path) -> None:
    (run_a / "metrics.json").write_text(json.dumps({"reason": "finished", "layer_fingerprints": PRINTS}))
    other = store(workspace, 12, B.replaced(name="Task B"))
    link(run_a, other, ("hidden_1",))
    window.document.new(A)
    window.runs.select(run_a)
    assert badges(window)["hidden_1"] == ["SHARED"]
    note_change(run_a, Change("0012 Task B", "run12", ("hidden_1",)))
    window.workbench.transfer.refresh()
    assert badges(window)["hidden_1"] == ["SHARED", "CHANGED"]
    row = window.stack.list.layers.rows[1]
    assert "Shared with run 12 (Task B): training one changes the other." in row.tooltip
    assert "Changed by the training of run 12 (Task B)." in row.tooltip


def test_another_network_than_the_run_s_says_nothing_of_it(window: MainWindow, run_a: Path) -> None:
    (run_a / "metrics.json").write_text(json.dumps({"reason": "finished", "layer_fingerprints": PRINTS}))
    window.runs.select(run_a)
    assert window.stack.list.layers.rows[1].identity.fingerprint == ""
    window.document.new(A)
    assert window.stack.list.layers.rows[1].identity.fingerprint == PRINTS["hidden_1"]


def test_counts_and_locks_follow_the_phase_that_runs(qtbot: Any, window: MainWindow, run_a: Path) -> None:
    h1, bn, h2, output = 64 * 6 + 6, 2 * 6, 6 * 4 + 4, 4 + 1
    window.engine._timer.setInterval(5)
    window.document.push(reusing(run_a), "Reuse")
    long = window.document.experiment.replaced(training=B.training.replaced(epochs=5))
    window.document.push(long, "As long as its phases")
    seen: list[tuple[str, str, tuple[str, ...]]] = []

    def look(_: object = None) -> None:
        frozen = tuple(row.layer.id for row in window.stack.list.layers.rows if row.frozen)
        now = (window.stack.trainable_name.text(), window.stack.trainable.text(), frozen)
        if not seen or seen[-1] != now:
            seen.append(now)

    def look_at_the_table(_: object = None) -> None:
        window.actions_["summary"].trigger()
        table = answers(window).table
        assert table is not None
        tables.add((window.stack.trainable.text(), table.trainable))

    tables: set[tuple[str, int]] = set()
    window.workbench.controller.batches_done.connect(look)
    window.workbench.controller.batches_done.connect(look_at_the_table)
    window.workbench.transfer.train()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle" and len(seen) == 2)
    assert seen == [
        ("Trainable in phase 1 of 2", f"{output}", ("hidden_1", "bn", "hidden_2")),
        ("Trainable in phase 2 of 2", f"{h1 + bn + h2 + output}", ()),
    ]
    assert tables == {(f"{output}", output), (f"{h1 + bn + h2 + output}", h1 + bn + h2 + output)}, "the summary too"
    look()
    assert seen[-1] == ("Trainable", f"{h1 + bn + h2 + output}", ())


def test_a_frozen_batch_normalization_is_said_to_run_in_inference_mode(window: MainWindow) -> None:
    frozen = tuple(layer.replaced(trainable=False) if layer.id == "bn" else layer for layer in B.layers)
    window.document.push(B.replaced(layers=frozen), "Freeze")
    row = window.stack.list.layers.rows[2]
    assert "inference mode" in row.tooltip
