"""A workspace that vanishes under the open window: it is said once, nothing else is lost, and it may come back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.text import shortened
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window

LEAD = "Your workspace cannot be used."


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


@pytest.fixture
def runs(qtbot: Any, window: MainWindow) -> list[Path]:
    """Two stored runs that are listed, of which the first is chosen and the second drawn under it."""
    folders = [window.settings.workspace / "runs" / name for name in ("0001 digits", "0002 digits")]
    for folder in folders:
        folder.mkdir(parents=True)
        codec.save(load_recipe("dropout").experiment, folder / "experiment.json")
        write_history(folder / "history.csv", [{"epoch": 1.0, "loss": 9.0, "val_loss": 8.0}])
    look_again(window)
    qtbot.waitUntil(lambda: len(window.runs.runs.records) == 2)
    window.runs.select(folders[0])
    second = window.runs.runs.record(window.runs.runs.row_of(folders[1]))
    assert second is not None
    window.runs.eye_pressed.emit(second)
    return folders


def look_again(window: MainWindow) -> None:
    """As when the window comes to the front."""
    window.activateWindow()
    QApplication.sendEvent(window, QEvent(QEvent.Type.ActivationChange))
    window.runs.refresh()


def drawn(window: MainWindow) -> tuple[Path, ...]:
    return window.workbench.training_actions.plots.drawn


def losses(window: MainWindow) -> list[float]:
    return list((window.workbench.plots.loss.plot.points("loss") or ((), ()))[1])


def test_it_is_said_once_and_its_runs_come_back(qtbot: Any, window: MainWindow, runs: list[Path]) -> None:
    workspace = window.settings.workspace
    assert drawn(window) == (runs[1],)
    away = workspace.rename(workspace.with_name("away"))
    look_again(window)
    assert LEAD in window.messages.text()
    place = shortened(str(workspace), 80)
    assert f"{place}: it is not there any more." in window.messages.text()
    assert window.runs.absence.isVisible()
    assert f"{place} cannot be read: it is not there any more." in window.runs.absence.text()
    assert losses(window) == [9.0]
    assert drawn(window) == (runs[1],)

    window.messages.clear()
    look_again(window)
    assert window.messages.text() == ""

    away.rename(workspace)
    look_again(window)
    qtbot.waitUntil(lambda: len(window.runs.runs.records) == 2)
    assert window.runs.chosen is not None
    assert window.runs.chosen.folder == runs[0]
    assert drawn(window) == (runs[1],)
    assert "cannot be read" not in window.runs.absence.text()


def test_the_message_goes_when_the_workspace_is_back_and_another_one_stays(
    window: MainWindow, runs: list[Path]
) -> None:
    workspace = window.settings.workspace
    for other in (False, True):
        away = workspace.rename(workspace.with_name("away"))
        look_again(window)
        assert LEAD in window.messages.text()
        if other:
            window.messages.say("Saved.", "Something else.")
        away.rename(workspace)
        look_again(window)
        assert window.messages.text() == ("Saved. Something else." if other else "")


def test_its_button_chooses_another_one(qtbot: Any, window: MainWindow, runs: list[Path], tmp_path: Path) -> None:
    window.settings.workspace.rename(tmp_path / "away")
    look_again(window)
    window.workbench.dialogs.path = tmp_path / "away"
    window.messages.bar.action_requested.emit()
    assert window.settings.workspace == tmp_path / "away"
    qtbot.waitUntil(lambda: len(window.runs.runs.records) == 2)


def test_a_workspace_that_was_never_there_is_not_missed(window: MainWindow) -> None:
    window.messages.clear()
    assert not window.settings.workspace.exists()
    look_again(window)
    assert window.messages.text() == ""
    assert window.runs.absence.text() == "Every training becomes a run, and is listed here to compare."
