"""A workspace that vanishes under the open window: it is said once, nothing else is lost, and it may come back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.core.text import shortened
from dnnstudio.core.workspace import place
from dnnstudio.core.workspace.history import write_history
from dnnstudio.core.workspace.place import place_for_new
from dnnstudio.gui.base.table_text import save_pasted
from dnnstudio.gui.comparison.place import comparison_folder
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


def test_training_refuses_and_makes_no_other_workspace(window: MainWindow, runs: list[Path]) -> None:
    workspace = window.settings.workspace
    away = workspace.rename(workspace.with_name("away"))
    window.actions_["train"].trigger()
    assert "it is not there any more" in window.messages.text()
    assert window.messages.bar.action.text() == "Choose workspace…"
    assert not workspace.exists()
    assert not window.workbench.controller.training
    away.rename(workspace)
    look_again(window)
    assert window.messages.text() == "", "it is true no more"


MAKERS: dict[str, Callable[[MainWindow], object]] = {
    "run": lambda window: window.workbench.controller.train(window.document.experiment),
    "bundle": lambda window: window.workbench.controller.open_bundle(Path("one.dnnbundle")),
    "table": lambda window: save_pasted("a,b\n1,2", window.settings.workspace),
    "comparison": lambda window: comparison_folder(
        place_for_new(window.settings.workspace), window.document.experiment, None
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("empty", [False, True])
def test_nothing_is_made_where_the_workspace_was(window: MainWindow, runs: list[Path], maker: str, empty: bool) -> None:
    """Removed, or as a drive leaves the folder that it was mounted on."""
    workspace = window.settings.workspace
    shutil.rmtree(workspace)
    if empty:
        workspace.mkdir()
    with pytest.raises(UserError) as refused:
        MAKERS[maker](window)
    assert refused.value.code is Code.WORKSPACE_GONE
    assert list(workspace.iterdir()) == [] if empty else not workspace.exists()


def test_choosing_the_emptied_workspace_again_accepts_it(window: MainWindow, runs: list[Path]) -> None:
    workspace = window.settings.workspace
    shutil.rmtree(workspace)
    workspace.mkdir()
    look_again(window)
    assert window.runs.absence.reason
    window.workbench.dialogs.path = workspace
    window.actions_["workspace"].trigger()
    assert place_for_new(workspace) == workspace
    assert window.runs.absence.reason == ""


def test_a_run_that_had_to_be_kept_elsewhere_is_listed_and_chosen(
    qtbot: Any, window: MainWindow, runs: list[Path], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "rescued" / "0003 digits"
    shutil.copytree(runs[0], elsewhere)
    why = f"{window.settings.workspace} cannot be written: it is gone. The whole run is kept in {elsewhere}."
    result = RunResult(run="r3", folder=elsewhere, reason="finished", epochs=1, best_epoch=1, metrics={}, elsewhere=why)
    shutil.rmtree(window.settings.workspace)
    window.workbench.controller.run_ended.emit(RunEnded(run="r3", reason="finished", message="", result=result))
    assert window.runs.chosen is not None
    assert window.runs.chosen.folder == elsewhere
    assert elsewhere in window.settings.added_runs
    assert str(elsewhere) in window.messages.text()
    assert "kept in another folder" in window.messages.text()


def test_it_is_looked_by_itself_whether_the_workspace_is_back(qtbot: Any, window: MainWindow, runs: list[Path]) -> None:
    away = window.settings.workspace.rename(window.settings.workspace.with_name("away"))
    look_again(window)
    assert window.runs.absence.reason
    away.rename(window.settings.workspace)
    qtbot.waitUntil(lambda: len(window.runs.runs.records) == 2)
    assert window.messages.text() == ""


def test_other_windows_say_too_that_it_cannot_be_read(qtbot: Any, window: MainWindow, runs: list[Path]) -> None:
    window.settings.workspace.rename(window.settings.workspace.with_name("away"))
    look_again(window)
    window.actions_["library"].trigger()
    window.actions_["runs"].trigger()
    library, table = window.workbench.library.dialog, window.workbench.run_table.window
    assert library is not None and table is not None
    words = "The workspace cannot be read: it is not there any more."
    qtbot.waitUntil(lambda: words in library.empty_message.text())
    assert words in table.foot.text()


def test_the_next_start_knows_on_which_drive_the_workspace_lay(
    qtbot: Any, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its mount point stands empty: a run there would be hidden when the drive is back."""
    with open_window(qtbot, qapp, tmp_path) as first:
        first.workbench.run_table.note_workspace()
        workspace = first.settings.workspace
        mount = first.settings.workspace_mount
    assert mount is not None and workspace.is_relative_to(mount)
    monkeypatch.setattr(place.os.path, "ismount", lambda folder: False)
    with open_window(qtbot, qapp, tmp_path) as window:
        window.engine.start()
        window.actions_["train"].trigger()
        assert "the drive that it lies on is not there" in window.messages.text()
        assert not workspace.exists()
