"""Opening by the window: what belonged to the experiment before is gone from it, and from what the cards say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.rate_changes import RateChange
from dnnstudio.core.experiment.recipes import list_recipes, load_recipe
from dnnstudio.core.experiment.transfer import Reuse, Transfer
from dnnstudio.core.jobs.requests import OpenModel, TrainRun
from dnnstudio.core.jobs.results import OpenedModel
from dnnstudio.gui.base.autosave_files import Unsaved
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.transfer.split_dialog import Tasks

from ..window_kit import Answers, open_window

DIGITS = load_recipe("digits").experiment
REUSING = DIGITS.replaced(
    name="Task B",
    transfer=Transfer(source="elsewhere", reuse=(Reuse(layer=DIGITS.layers[1].id, source="x"),)),
    rate_changes=(RateChange(at=4, factor=0.5),),
)


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


def from_a_foreign_file(qtbot: Any, window: MainWindow, folder: Path) -> None:
    """Only the network is in it."""
    job = OpenModel(path=folder / "foreign.h5")
    model = OpenedModel(model=job.id, experiment=DIGITS.replaced(transfer=None), input_shape=(8, 8))
    window.workbench.controller._on_opened(job, replace(model, has_experiment=False))


def from_a_model(qtbot: Any, window: MainWindow, folder: Path) -> None:
    path = folder / "mine.keras"
    path.write_bytes(b"weights")
    window.workbench.files.open_path(path)
    qtbot.waitUntil(lambda: window.document.experiment.name == "mine")


def from_a_recipe(qtbot: Any, window: MainWindow, folder: Path) -> None:
    window.workbench.files.new_from(load_recipe(list_recipes()[0].name))


def from_an_experiment(qtbot: Any, window: MainWindow, folder: Path) -> None:
    path = folder / "given.json"
    codec.save(DIGITS, path)
    window.workbench.files.open_path(path)


def from_what_another_program_left(qtbot: Any, window: MainWindow, folder: Path) -> None:
    """Unsaved edits of a file, kept by a program that ended unexpectedly."""
    path = folder / "given.json"
    codec.save(DIGITS, path)
    left = Unsaved(folder / "left.json", DIGITS.replaced(name="Edited"), path, when=0.0, tries=0)
    window.workbench.autosave._take_over(left)


def from_two_tasks(qtbot: Any, window: MainWindow, folder: Path) -> None:
    answers = window.workbench.dialogs
    assert isinstance(answers, Answers)
    answers.tasks = Tasks(a=DIGITS, b=DIGITS.replaced(name="B"))
    window.workbench.transfer.split_tasks()


def from_own_data(qtbot: Any, window: MainWindow, folder: Path) -> None:
    """A table, and the network that is made for it."""
    path = folder / "flowers.csv"
    path.write_text("length,flower\n1,iris\n")
    window.workbench.door.open_data((path,))
    windows = window.workbench.door.windows
    qtbot.waitUntil(lambda: (door := windows.get("door")) is not None and door.proposal is not None)
    door = windows.get("door")
    assert door is not None
    door.use_button.click()
    assert window.document.experiment.name == "flowers"


WAYS = [
    from_a_foreign_file,
    from_a_model,
    from_a_recipe,
    from_an_experiment,
    from_what_another_program_left,
    from_two_tasks,
    from_own_data,
]


@pytest.mark.parametrize("way", WAYS)
def test_the_transfer_of_before_is_gone(qtbot: Any, window: MainWindow, tmp_path: Path, way: Any) -> None:
    window.document.new(REUSING)
    assert window.workbench.transfer._identities()
    way(qtbot, window, tmp_path)
    assert window.document.experiment.transfer is None
    assert window.document.experiment.rate_changes == ()
    assert window.workbench.transfer._identities() == {}


def test_other_data_from_the_panel_drops_the_recorded_rates_alone_and_undo_brings_them_back(
    window: MainWindow,
) -> None:
    """The network is still the person's own; the rates were followed on other rows."""
    window.document.new(REUSING)
    window.data._choose_source("fashion_mnist")
    after = window.document.experiment
    assert after == REUSING.replaced(data=after.data, rate_changes=())
    assert after.data.source.kind == "fashion_mnist"
    window.document.undo_stack.undo()
    assert window.document.experiment == REUSING


def test_a_missing_source_that_a_run_has_trained_is_offered(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    """The transfer names an experiment file; a run trained that very experiment, under another name."""
    workspace, source = tmp_path / "workspace", tmp_path / "task A.json"
    codec.save(DIGITS, source)
    for number, seed in ((1, 42), (2, 7)):
        run = workspace / "runs" / f"000{number} A"
        run.mkdir(parents=True)
        codec.save(DIGITS.replaced(name="Mine", seed=seed), run / "experiment.json")
        (run / "metrics.json").write_text('{"reason": "finished"}')
        (run / "model.keras").write_bytes(b"weights")
    path = tmp_path / "task B.json"
    assert REUSING.transfer is not None
    codec.save(REUSING.replaced(transfer=REUSING.transfer.replaced(source=source.name)), path)
    with open_window(qtbot, qapp, tmp_path) as window:
        window.workbench.files.open_path(path)
        start, answers = window.stack.start, window.workbench.dialogs
        assert start.words.text() == "Run 1 fits as its source: Edit…"
        start.edit.click()
        assert isinstance(answers, Answers)
        assert [request.source for request in answers.requests] == [workspace / "runs" / "0001 A"]
        job = TrainRun(experiment=window.document.experiment, folder=tmp_path / "never", base=tmp_path)
        missing, button = Failure("person", "The source does not exist.", "Choose one."), window.messages.bar.action
        window.workbench.controller.failed.emit(job, missing)
        assert button.text() == "Start from run 1…"
        button.click()
        assert answers.requests[-1].source == workspace / "runs" / "0001 A"
        codec.save(DIGITS.replaced(seed=3), source)  # what no run has trained
        window.workbench.transfer.refresh()
        assert start.words.text().startswith("task A.json is to be trained first")
        window.workbench.controller.failed.emit(job, missing)
        assert button.text() == "Open task A.json"
        button.click()
        assert window.document.path == source
        window.workbench.controller.failed.emit(job, missing)
        assert not button.isVisible(), "it is of another experiment"


def test_the_recipe_on_reused_layers_offers_the_one_to_train_first(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        window.workbench.files.new_from(load_recipe("task_b_on_a"))
        job = TrainRun(experiment=window.document.experiment, folder=tmp_path / "never")
        window.workbench.controller.failed.emit(job, Failure("person", "The source does not exist.", "Choose one."))
        assert window.messages.bar.action.text() == "Open Task A: eight classes"
        window.messages.bar.action.click()
        assert window.document.experiment == load_recipe("task_a").experiment


def test_an_opened_file_does_not_get_the_fingerprints_of_the_run_that_is_selected(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    """Its layers have the same names and shapes, and other weights."""
    folder = tmp_path / "workspace" / "runs" / "0001 A"
    folder.mkdir(parents=True)
    codec.save(DIGITS, folder / "experiment.json")
    prints = {layer.id: "abc123def456" for layer in DIGITS.layers if layer.has_weights}
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "layer_fingerprints": prints}))
    with open_window(qtbot, qapp, tmp_path) as window:
        qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 1)

        def captions() -> str:
            return " ".join(row.caption for row in window.stack.list.layers.rows)

        window.runs.select(folder)
        assert "#abc123" in captions()
        from_a_foreign_file(qtbot, window, tmp_path)
        assert "#" not in captions()
        window.document.new(DIGITS)
        window.workbench.transfer.refresh()
        assert "#" not in captions()  # nothing was chosen or trained since
