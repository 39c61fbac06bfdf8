"""The ways from a file, a drop or the clipboard into the main window's experiment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication

from dnnstudio.app import _greet
from dnnstudio.core.experiment.data import Table
from dnnstudio.core.jobs.requests import ProposeData, TrainRun
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.gui.data.door.window import DoorWindow
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window, submitted


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


def drop(window: MainWindow, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    window.dropEvent(QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, data, buttons, keys))


def door_of(qtbot: Any, window: MainWindow) -> DoorWindow:
    """The open door, once its data has been read."""
    windows = window.workbench.door.windows
    qtbot.waitUntil(lambda: (door := windows.get("door")) is not None and door.proposal is not None)
    door = windows.get("door")
    assert door is not None
    return door


def test_a_dropped_table_is_used_in_one_step_that_undo_takes_back(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("length,flower\n1,iris\n")
    before = window.document.experiment
    drop(window, path)
    door_of(qtbot, window).use_button.click()
    source = window.document.experiment.data.source
    assert isinstance(source, Table)
    assert source.path == str(path)
    assert window.document.undo_stack.undoText() == "Use flowers.csv"
    assert window.document.summary is not None
    assert window.document.summary.class_names == ("iris", "rose")
    assert window.data.own.columns_button.isVisible()
    window.document.undo_stack.undo()
    assert window.document.experiment == before
    assert not window.data.own.columns_button.isVisible()


def test_beside_a_table_the_folder_opens_another_file_and_columns_the_present_one(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    """It showed the present table again, and who typed a path and pressed Enter had used that one anew."""
    for name in ("flowers.csv", "other.csv"):
        (tmp_path / name).write_text("length,flower\n1,iris\n")
    drop(window, tmp_path / "flowers.csv")
    door_of(qtbot, window).use_button.click()
    window.workbench.dialogs.path = tmp_path / "other.csv"
    shown = []
    for button in (window.data.own.columns_button, window.data.door_button):
        button.click()
        door = door_of(qtbot, window)
        shown.append(door.windowTitle())
        door.close()
    assert ["flowers.csv" in shown[0], "other.csv" in shown[1]] == [True, True], shown


def test_use_and_train_trains_the_new_network(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    window.workbench.dialogs.path = tmp_path / "flowers.csv"
    window.actions_["open_data"].trigger()
    door_of(qtbot, window).train_button.click()
    qtbot.waitUntil(lambda: bool(submitted(window, TrainRun)))
    assert submitted(window, TrainRun)[0].experiment == window.document.experiment
    assert window.document.experiment.name == "flowers"
    window.workbench.controller.stop()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def test_two_dropped_files_are_opened_together(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    paths = (tmp_path / "train.csv", tmp_path / "test.csv")
    drop(window, *paths)
    door_of(qtbot, window)
    assert submitted(window, ProposeData)[0].paths == paths


def test_data_named_at_the_start_is_opened_as_if_it_were_dropped(
    qtbot: Any, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("length,flower\n1,iris\n")
    _greet(window, path, None)
    window.deferred.finished.emit()
    door_of(qtbot, window)
    assert submitted(window, ProposeData)[0].paths == (path,)


def test_a_dropped_ensemble_is_opened_and_no_data(window: MainWindow, tmp_path: Path) -> None:
    several = window.document.experiment.replaced(name="Several")
    write_ensemble(tmp_path / "several", EnsembleRecord(experiment=several, seeds=(1, 2), threads=1))
    window.workbench.door.take((tmp_path / "several",))
    assert window.document.experiment.name == "Several"
    assert not submitted(window, ProposeData)


def test_data_that_was_used_stands_among_the_recent_data(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "flowers.csv"
    path.write_text("length,flower\n1,iris\n")
    window.workbench.door.open_data((path,))
    door_of(qtbot, window).use_button.click()
    names = {action.objectName(): action.text() for action in window.toolbar.open_button.menu().actions()}
    assert names["recent_data_0"] == "flowers.csv"


def test_a_table_on_the_clipboard_is_pasted_into_the_workspace(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    QGuiApplication.clipboard().setText("length\tflower\n1.5\tiris\n2.5\trose\n")
    qtbot.keyClick(window.stack.list, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    door_of(qtbot, window)
    (path,) = submitted(window, ProposeData)[0].paths
    assert path.parent == tmp_path / "workspace" / "data"
    assert path.read_text(encoding="utf-8").splitlines()[1] == "1.5\tiris"


def test_other_text_on_the_clipboard_is_no_data(window: MainWindow) -> None:
    QGuiApplication.clipboard().setText("nothing but words")
    window.actions_["paste_data"].trigger()
    assert "no table on the clipboard" in window.messages.text()
    assert submitted(window, ProposeData) == []
