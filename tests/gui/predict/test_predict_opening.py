"""The ways to the window of new cases from the main window: menu, run's menu, dropped files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.cases import AnswerCases
from dnnstudio.core.jobs.requests import ProposeData
from dnnstudio.gui.base.reasons import NO_RUN
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import Answers, open_window, submitted

TABLE = {"kind": "table", "columns": [{"column": {"name": "size"}}, {"column": {"name": "color"}}]}


def write_run(workspace: Path, name: str, preparation: dict[str, Any]) -> Path:
    """A run's folder as it looks from outside; the fake engine reads none of it."""
    folder = workspace / "runs" / name
    folder.mkdir(parents=True)
    codec.save(load_recipe("digits").experiment, folder / "experiment.json")
    (folder / "model.keras").write_bytes(b"a model")
    (folder / "preparation.json").write_text(json.dumps(preparation), encoding="utf-8")
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    """Two runs: one on a table, and a newer one on pictures."""
    workspace = tmp_path / "workspace"
    write_run(workspace, "0001 table", TABLE | {"target": {"name": "kind"}})
    write_run(workspace, "0002 net", {"kind": "scaler", "shape": [8, 8], "full_scale": 255.0})
    with open_window(qtbot, qapp, tmp_path) as window:
        window.deferred.finish()
        window.engine.start()
        window.runs.refresh()
        qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 2)
        yield window


def answers_of(window: MainWindow) -> Answers:
    dialogs = window.workbench.dialogs
    assert isinstance(dialogs, Answers)
    return dialogs


def asked(qtbot: Any, window: MainWindow) -> AnswerCases:
    qtbot.waitUntil(lambda: bool(submitted(window, AnswerCases)))
    qtbot.waitUntil(lambda: all(ticket.over for ticket in window.engine.tickets))
    job = submitted(window, AnswerCases)[-1]
    assert isinstance(job, AnswerCases)
    return job


def test_the_menu_opens_the_selected_run(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "workspace" / "runs" / "0001 table"
    window.runs.select(folder)
    window.actions_["predict"].trigger()
    predict = window.workbench.predict.windows.get("predict")
    assert predict is not None
    assert predict.network.model == folder
    window.runs.select(tmp_path / "workspace" / "runs" / "0002 net")
    window.actions_["predict"].trigger()
    assert len(window.workbench.predict.windows) == 1
    assert str(predict.network.model).endswith("0002 net")


def test_a_run_s_menu_opens_it(qtbot: Any, window: MainWindow) -> None:
    record = window.runs.runs.records[1]
    menu = window.runs.menu_for(record)
    action = next(action for action in menu.actions() if action.objectName() == "predict_with_run")
    assert action.isEnabled()
    action.trigger()
    predict = window.workbench.predict.windows.get("predict")
    assert predict is not None
    assert predict.network.model == record.folder


def test_a_dropped_photo_is_answered_by_a_run_on_pictures(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    photo = tmp_path / "own photo.png"
    photo.write_bytes(b"")
    window.workbench.take((photo,))
    assert answers_of(window).asked == ["predict_or_data"]
    job = asked(qtbot, window)
    assert job.inputs == (photo,)
    assert str(job.by.model).endswith("0002 net")


def test_a_dropped_table_is_answered_or_becomes_the_data(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    table = tmp_path / "rows 4.csv"
    table.write_text("color,size\nred,1\n", encoding="utf-8")
    answers_of(window).dropped_for = "data"
    window.workbench.take((table,))
    qtbot.waitUntil(lambda: bool(submitted(window, ProposeData)))
    assert submitted(window, AnswerCases) == []
    answers_of(window).dropped_for = "cancel"
    window.workbench.take((table,))
    answers_of(window).dropped_for = "predict"
    window.workbench.take((table,))
    job = asked(qtbot, window)
    assert str(job.by.model).endswith("0001 table")
    assert len(submitted(window, ProposeData)) == 1


def test_a_table_that_no_run_can_answer_is_opened_as_data(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    window.workbench.take((table,))
    qtbot.waitUntil(lambda: bool(submitted(window, ProposeData)))
    assert answers_of(window).asked == []


def test_beside_the_runs_of_before_it_is_said_that_none_is_chosen(qtbot: Any, window: MainWindow) -> None:
    """After a start nothing is chosen: Predict takes the newest run, and the inspector needs one."""
    qtbot.waitUntil(window.actions_["predict"].isEnabled)
    for name in ("uncertainty", "save_model"):
        assert window.actions_.reason(name) == NO_RUN, name


def test_runs_that_are_read_again_can_be_asked(qtbot: Any, window: MainWindow, tmp_path: Path) -> None:
    """As after a bundle was opened: all are read anew, and what can be done is known when they have been."""
    qtbot.waitUntil(window.actions_["predict"].isEnabled)
    window.runs.set_workspace(tmp_path / "workspace")
    window.document.push(window.document.experiment.replaced(name="Other"), "Change name")  # while none is listed
    qtbot.waitUntil(window.actions_["predict"].isEnabled, timeout=5000)


def test_without_a_network_there_is_nothing_to_open(qtbot: Any, qapp: QApplication, tmp_path: Path) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        window.deferred.finish()
        assert not window.actions_["predict"].isEnabled()
        window.workbench.predict.open()
        assert len(window.workbench.predict.windows) == 0
        assert "There is no trained network yet." in window.messages.text()


def test_copied_rows_and_copied_files_come_in_by_the_clipboard(window: MainWindow, tmp_path: Path) -> None:
    opener, clipboard = window.workbench.predict, QApplication.clipboard()
    clipboard.setText("size\tcolor\n1\tred\n2\tblue\n")
    (path,) = opener.pasted()
    assert path.parent == tmp_path / "workspace" / "data"
    assert path.read_text(encoding="utf-8").splitlines()[2] == "2\tblue"
    clipboard.setText("no table")
    assert opener.pasted() == ()
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / "a photo.png"))])
    clipboard.setMimeData(files)
    assert opener.pasted() == (tmp_path / "a photo.png",)
    clipboard.clear()
