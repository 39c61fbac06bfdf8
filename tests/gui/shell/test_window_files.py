"""The main window's files: experiments and models opened, saved, dropped, and refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.requests import EvaluateModel, OpenModel, SaveModel, TrainRun
from dnnstudio.core.jobs.results import SavedModel
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import click, open_window, set_epochs, submitted, train_to_the_end


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


def test_save_asks_for_a_file_once_and_then_writes_to_it(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    set_epochs(window, 7)
    window.workbench.dialogs.path = tmp_path / "mine.json"
    click(qtbot, window, "save_button")
    assert codec.load(tmp_path / "mine.json") == window.document.experiment
    assert not window.document.modified
    set_epochs(window, 8)
    click(qtbot, window, "save_button")
    assert codec.load(tmp_path / "mine.json").training.epochs == 8
    assert window.workbench.dialogs.asked == ["save_experiment"]


def test_open_shows_the_file_and_remembers_it(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    codec.save(load_recipe("dropout").experiment, path)
    window.workbench.dialogs.path = path
    click(qtbot, window, "open_button")
    assert window.document.experiment == load_recipe("dropout").experiment
    names = [action.text() for action in window.toolbar.open_button.menu().actions()]
    assert "other.json" in names


def test_a_file_that_is_no_experiment_changes_nothing_and_says_why(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_text(json.dumps({"layers": [{"kind": "dense", "id": "a", "units": -3}]}))
    before = window.document.experiment
    window.workbench.files.open_path(path)
    assert window.document.experiment is before
    assert "layers[0].units is -3" in window.messages.text()
    assert window.messages.bar.severity == "error"


@pytest.mark.parametrize(("answer", "kept"), [("cancel", True), ("discard", False), ("save", False)])
def test_unsaved_changes_are_asked_about_before_another_experiment_opens(
    window: MainWindow, tmp_path: Path, answer: str, kept: bool
) -> None:
    set_epochs(window, 9)
    window.workbench.dialogs.unsaved_answer = answer
    window.workbench.dialogs.path = tmp_path / "kept.json"
    window.workbench.files.new_from(load_recipe("dropout"))
    assert (window.document.experiment.training.epochs == 9) is kept
    assert (tmp_path / "kept.json").exists() is (answer == "save")


def test_new_asks_for_a_recipe_and_starts_from_it(qtbot: Any, window: MainWindow) -> None:
    before = window.document.experiment
    answers: Any = window.workbench.dialogs
    click(qtbot, window, "new_button")
    assert window.document.experiment is before
    answers.chosen_recipe = load_recipe("dropout")
    window.actions_["new"].trigger()
    assert answers.asked.count("recipe") == 2
    assert window.document.experiment == load_recipe("dropout").experiment
    assert load_recipe("dropout").teaches in window.messages.text()


def test_the_summary_is_that_of_the_open_network(window: MainWindow) -> None:
    answers: Any = window.workbench.dialogs
    window.actions_["summary"].trigger()
    window.stack.summary_requested.emit()
    assert answers.asked.count("summary") == 2
    assert [row.id for row in answers.table.rows] == [layer.id for layer in window.document.experiment.layers]
    assert (answers.table.trainable, answers.table.non_trainable) == window.document.parameter_counts


def test_a_model_opens_as_layers_and_its_accuracy_is_said(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "seven.keras"
    path.write_bytes(b"weights")
    qtbot.waitUntil(lambda: window.document.summary is not None)
    window.workbench.files.open_path(path)
    qtbot.waitUntil(lambda: bool(submitted(window, EvaluateModel)) and "96.1" in window.messages.text())
    assert [layer.id for layer in window.document.experiment.layers] == ["flatten", "hidden", "output"]
    assert submitted(window, EvaluateModel)[0].model == submitted(window, OpenModel)[0].id
    assert "Train begins anew, with fresh weights; Reuse layers starts from these." in window.messages.text()
    assert window.actions_["save_model"].isEnabled()


def test_a_damaged_model_changes_nothing(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "bad.h5"
    path.write_bytes(b"not a model")
    before = window.document.experiment
    window.workbench.files.open_path(path)
    qtbot.waitUntil(lambda: "bad.h5 is not a model file." in window.messages.text())
    assert window.document.experiment is before


def test_a_model_for_other_rows_opens_and_says_that_the_data_do_not_fit(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "wide.keras"
    path.write_bytes(b"weights")
    qtbot.waitUntil(lambda: window.document.summary is not None)
    opened: list[Any] = []
    window.workbench.controller.model_opened.disconnect(window.workbench.files._on_model_opened)
    window.workbench.controller.model_opened.connect(lambda job, model: opened.append((job, model)))
    window.workbench.files.open_path(path)
    qtbot.waitUntil(lambda: bool(opened))
    job, model = opened[0]
    window.workbench.files._on_model_opened(job, replace(model, input_shape=(28, 28)))
    assert "28 × 28" in window.messages.text() and "Train begins anew" in window.messages.text()
    assert submitted(window, EvaluateModel) == []


def test_the_trained_network_is_saved(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    assert not window.actions_["save_model"].isEnabled()
    train_to_the_end(qtbot, window)
    window.workbench.dialogs.path = tmp_path / "mine.keras"
    window.actions_["save_model"].trigger()
    qtbot.waitUntil(lambda: "Model saved" in window.messages.text())
    assert submitted(window, SaveModel)[0].model == submitted(window, TrainRun)[0].id


def test_a_saved_model_says_what_rows_it_reads(window: MainWindow, tmp_path: Path) -> None:
    saved = SavedModel(path=tmp_path / "mine.keras", bytes=7, note="It reads prepared rows.")
    window.workbench.controller.model_saved.emit(saved)
    assert window.messages.text().endswith("It reads prepared rows.")


def test_what_a_run_s_menu_saves_is_that_run_whatever_was_trained_last(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    train_to_the_end(qtbot, window)
    window.workbench.dialogs.path = tmp_path / "mine.keras"
    window.runs.save_requested.emit(tmp_path / "0007 other", "best")
    qtbot.waitUntil(lambda: "Model saved" in window.messages.text())
    (job,) = submitted(window, SaveModel)
    assert (job.model, job.weights, job.path) == (tmp_path / "0007 other", "best", tmp_path / "mine.keras")


def test_save_model_saves_the_selected_run_under_its_name_and_what_was_opened_after_it(
    qtbot: Any, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    for number in (3, 4):
        folder = window.settings.workspace / "runs" / f"{number:04d} mine"
        folder.mkdir(parents=True)
        codec.save(load_recipe("digits").experiment, folder / "experiment.json")
        (folder / "metrics.json").write_text('{"reason": "finished", "run": "x"}')
        (folder / "model.keras").write_bytes(b"")
        folders.append(folder)
    train_to_the_end(qtbot, window)  # the network of the engine is another one
    window.runs.refresh()
    qtbot.waitUntil(lambda: window.runs.runs.row_of(folders[0]) >= 0)
    window.runs.select(folders[0])
    proposed: list[str] = []

    def asked(parent: Any, suggestion: str) -> Path:
        proposed.append(suggestion)
        return tmp_path / "saved.keras"

    monkeypatch.setattr(window.workbench.dialogs, "save_model", asked)
    assert window.actions_["save_model"].isEnabled()
    window.actions_["save_model"].trigger()
    qtbot.waitUntil(lambda: len(submitted(window, SaveModel)) == 1)
    opened = tmp_path / "later.keras"
    opened.write_bytes(b"weights")
    window.workbench.files.open_path(opened)
    qtbot.waitUntil(lambda: window.document.experiment.name == "later")
    window.actions_["save_model"].trigger()
    qtbot.waitUntil(lambda: len(submitted(window, SaveModel)) == 2)
    first, second = submitted(window, SaveModel)
    assert (first.model, first.weights) == (folders[0], "last")
    assert second.model == submitted(window, OpenModel)[-1].id
    assert proposed == ["0003 mine", "later"]


def test_a_dropped_file_is_opened(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "dropped.json"
    codec.save(load_recipe("dropout").experiment, path)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    window.dropEvent(
        QDropEvent(
            QPointF(50, 50),
            Qt.DropAction.CopyAction,
            data,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
    )
    qtbot.waitUntil(lambda: window.document.path == path)


def test_what_a_drop_would_do_is_said_while_files_are_dragged_over_the_window(
    window: MainWindow, tmp_path: Path
) -> None:
    hint = window.drop_hint
    files, text = QMimeData(), QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / "t.csv"))])
    text.setText("no file")

    def enter(data: QMimeData) -> bool:
        event = QDragEnterEvent(
            QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        window.dragEnterEvent(event)
        return event.isAccepted()

    assert not enter(text) and not hint.isVisible()
    assert enter(files) and hint.isVisible() and hint.size() == window.size()
    window.dragLeaveEvent(QDragLeaveEvent())
    assert not hint.isVisible()


@pytest.mark.parametrize("name", ["mine.py", "mine.ipynb"])
def test_an_experiment_is_exported_as_a_script_or_notebook(window: MainWindow, tmp_path: Path, name: str) -> None:
    window.workbench.dialogs.path = tmp_path / name
    window.actions_["export_script"].trigger()
    text = (tmp_path / name).read_text(encoding="utf-8")
    if name.endswith(".py"):
        compile(text, name, "exec")
    else:
        assert json.loads(text)["nbformat"] == 4
    assert "keras.Sequential" in text
    assert f"Exported to {name}." in window.messages.text()


def test_a_script_that_cannot_be_written_is_told(window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")
    window.workbench.dialogs.path = tmp_path / "blocked" / "mine.py"
    window.actions_["export_script"].trigger()
    assert "cannot be written" in window.messages.text()
