"""In the window: the eyes of the runs table draw runs of before, and a plot becomes a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.core.workspace.history import FILE, read_rows, write_history
from dnnstudio.gui.base.runs_model import EYE_COLUMN, EYE_ROLE
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.shell.plot_actions import COLORS

from ..runs.test_panel import make_run
from ..window_kit import open_window


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    for number in range(1, 7):
        figures = make_run(tmp_path / "workspace", number, loss=number / 10) / "metrics.json"
        figures.write_text(json.dumps(json.loads(figures.read_text()) | {"run": f"id {number}"}))
    with open_window(qtbot, qapp, tmp_path) as opened:
        qtbot.waitUntil(lambda: opened.runs.runs.rowCount() == 6)
        yield opened


def press_eye(window: MainWindow, number: int) -> None:
    table, row = window.runs.table, 6 - number
    table.scrollTo(window.runs.runs.index(row, EYE_COLUMN))
    place = table.visualRect(window.runs.runs.index(row, EYE_COLUMN)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def names(window: MainWindow) -> list[str]:
    return [other.name for other in window.workbench.plots.others]


def eyes(window: MainWindow) -> dict[int, str]:
    model = window.runs.runs
    return {6 - row: token for row in range(6) if (token := model.index(row, EYE_COLUMN).data(EYE_ROLE))}


def test_an_eye_draws_its_run_under_the_chosen_one_and_again_no_longer(window: MainWindow) -> None:
    window.runs.table.selectRow(0)
    press_eye(window, 4)
    press_eye(window, 2)
    assert window.runs.chosen is not None and window.runs.chosen.number == 6, "an eye chooses no run"
    assert names(window) == ["run 4", "run 2"] and eyes(window) == {4: COLORS[0], 2: COLORS[1]}
    points = window.workbench.plots.loss.plot.points("other_0_val_loss")
    assert points is not None and list(points[1]) == [0.4]
    press_eye(window, 4)
    assert names(window) == ["run 2"] and eyes(window) == {2: COLORS[1]}, "the other keeps its colour"
    press_eye(window, 6)
    assert names(window) == ["run 2"], "the chosen run is not drawn twice"
    window.runs.table.selectRow(4)
    assert names(window) == ["run 6"]


def test_with_no_run_chosen_the_first_eye_chooses(window: MainWindow) -> None:
    press_eye(window, 3)
    assert window.runs.chosen is not None and window.runs.chosen.number == 3
    press_eye(window, 1)
    assert names(window) == ["run 1"]


def test_more_runs_than_colours_are_refused_in_words(window: MainWindow) -> None:
    window.runs.table.selectRow(0)
    said: list[tuple[str, str]] = []
    window.workbench.training_actions.said.connect(lambda lead, text: said.append((lead, text)))
    for number in range(1, 6):
        press_eye(window, number)
    assert len(names(window)) == len(COLORS) == 4
    assert said == [("4 runs are drawn with the chosen one.", "Hide one of them first.")]


def test_space_is_the_eye_of_the_chosen_row_and_the_menu_has_it_too(window: MainWindow) -> None:
    window.runs.table.selectRow(1)
    QTest.keyClick(window.runs.table, Qt.Key.Key_Space)
    assert eyes(window).keys() == {5}
    record = window.runs.runs.record(2)
    assert record is not None
    menu = window.runs.menu_for(record)
    next(action for action in menu.actions() if action.objectName() == "draw_run").trigger()
    menu.deleteLater()
    assert eyes(window).keys() == {5, 4}


def test_a_run_that_grew_or_is_gone_is_read_again(window: MainWindow) -> None:
    window.runs.table.selectRow(0)
    press_eye(window, 5)
    folder = window.workbench.training_actions.plots.drawn[0]
    rows = read_rows(folder / FILE)
    write_history(folder / FILE, [*rows, rows[0] | {"epoch": 2, "val_loss": 0.01}])
    window.workbench.training_actions.plots.read_again(folder)
    points = window.workbench.plots.loss.plot.points("other_0_val_loss")
    assert points is not None and list(points[1]) == [0.5, 0.01]
    window.runs.runs.remove_all_but([record.folder for record in window.runs.runs.records if record.number != 5])
    assert names(window) == [] and window.workbench.training_actions.plots.drawn == ()


def test_a_damaged_run_is_named(window: MainWindow) -> None:
    window.runs.table.selectRow(0)
    record = window.runs.runs.record(1)
    assert record is not None
    (record.folder / "experiment.json").write_text("{")
    caught: list[object] = []
    window.workbench.training_actions.failed.connect(caught.append)
    press_eye(window, record.number)
    assert len(caught) == 1 and "experiment.json" in str(caught[0])
    assert eyes(window) == {}


@pytest.mark.parametrize("kind", ["png", "svg", "csv"])
def test_a_plot_becomes_a_file(window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    asked: list[tuple[str, str]] = []

    def answer(self: Dialogs, parent: QWidget, suggestion: str, kind: str) -> Path:
        asked.append((suggestion, kind))
        return tmp_path / f"plot.{kind}"

    monkeypatch.setattr(Dialogs, "save_plot", answer)
    window.runs.table.selectRow(0)
    menu = window.workbench.plots.accuracy.menu
    next(action for action in menu.actions() if action.objectName() == f"plot_{kind}").trigger()
    assert asked == [("0006 digits accuracy", kind)]
    assert (tmp_path / f"plot.{kind}").stat().st_size > 60


def test_a_file_that_cannot_be_written_is_told(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialogs, "save_plot", lambda *_: Path("/nowhere/at/all/plot.csv"))
    caught: list[object] = []
    window.workbench.training_actions.failed.connect(caught.append)
    window.workbench.plots.loss.menu.file_wished.emit("csv")
    assert len(caught) == 1


def test_in_a_small_window_the_unfolded_runs_take_the_place_of_rate_and_result(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path, size=(1024, 700)) as window:
        cards = (window.workbench.plots.rate, window.workbench.side)
        assert window.runs.folded and all(card.isVisible() for card in cards)
        window.runs.set_folded(False)
        assert not any(card.isVisible() for card in cards)
        qapp.processEvents()
        assert window.workbench.plots.loss.plot.view.height() > 60
        window.runs.set_folded(True)
        assert all(card.isVisible() for card in cards)
        window.resize(1440, 900)
        qtbot.waitUntil(lambda: not window.runs.folded)
        assert all(card.isVisible() for card in cards)
