"""The commands of the window of all runs: stars, notes, names, the trash, other runs, the CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu

from dnnstudio.core.experiment import codec
from dnnstudio.core.study.repeat import member_experiment
from dnnstudio.core.workspace.ensembles import member_folder, read_ensemble
from dnnstudio.core.workspace.remarks import read_remarks, write_remarks
from dnnstudio.core.workspace.runs import read_run

from .table_kit import Shelf, store


def test_a_star_is_kept_in_the_runs_folder(shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(3))
    shelf.window.do("star")
    assert read_remarks(shelf.folder(3)).star
    assert shelf.of(3).remarks.star
    shelf.window.search("is:star")
    assert shelf.numbers() == [3]
    shelf.window.do("star", (shelf.of(3),))
    assert not read_remarks(shelf.folder(3)).star


def test_a_colour_is_kept_shown_and_taken_away(shelf: Shelf) -> None:
    menu = shelf.window.menu_for((shelf.of(3),))
    colors = menu.findChild(QMenu, "menu_color")
    assert colors is not None and [action.text() for action in colors.actions()] == [
        "None", "Green", "Orange", "Purple", "Amber", "Blue",
    ]  # fmt: skip
    next(action for action in colors.actions() if action.text() == "Orange").trigger()
    menu.deleteLater()
    assert read_remarks(shelf.folder(3)).color == "orange"
    index = shelf.tree.find(shelf.folder(3)).siblingAtColumn(shelf.tree.column_of("name"))
    assert str(index.data(Qt.ItemDataRole.AccessibleTextRole)).endswith(", orange")
    write_remarks(shelf.folder(3), note="kept beside it")
    shelf.window.do("color_none", (shelf.of(3),))
    found = read_remarks(shelf.folder(3))
    assert (found.color, found.note) == ("", "kept beside it")


def test_a_colour_is_painted_at_the_start_of_the_row(shelf: Shelf) -> None:
    def pixel() -> str:
        view = shelf.window.view
        area = view.visualRect(shelf.tree.find(shelf.folder(3)).siblingAtColumn(shelf.tree.column_of("name")))
        return view.viewport().grab().toImage().pixelColor(area.left() + 1, area.center().y()).name()

    before = pixel()
    shelf.window.do("color_green", (shelf.of(3),))
    assert pixel() != before
    shelf.window.do("color_none", (shelf.of(3),))
    assert pixel() == before


def test_a_click_on_a_star_chooses_nothing(qtbot: Any, shelf: Shelf) -> None:
    index = shelf.tree.find(shelf.folder(3)).siblingAtColumn(shelf.tree.column_of("star"))
    place = shelf.window.view.visualRect(index).center()
    qtbot.mouseClick(shelf.window.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert read_remarks(shelf.folder(3)).star
    assert shelf.window.chosen == ()


def test_a_note_is_written_after_a_pause_and_when_another_row_is_chosen(qtbot: Any, shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(3))
    shelf.window.detail.note.setPlainText("try 0.3 next")
    qtbot.waitUntil(lambda: read_remarks(shelf.folder(3)).note == "try 0.3 next")
    assert shelf.cells(3)["Note"] == "try 0.3 next"
    shelf.window.detail.note.setPlainText("or not")
    shelf.window.choose(shelf.of(1))
    assert read_remarks(shelf.folder(3)).note == "or not"
    assert shelf.window.detail.note.toPlainText() == ""


def test_closing_the_window_keeps_the_note(shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(3))
    shelf.window.detail.note.setPlainText("last words")
    shelf.window.close()
    assert read_remarks(shelf.folder(3)).note == "last words"
    assert shelf.opener.window is None


def test_its_experiment_opens(shelf: Shelf) -> None:
    shelf.window.do("open", (shelf.of(3),))
    assert shelf.main.document.experiment == codec.load(shelf.folder(3) / "experiment.json")


def test_the_inspector_opens_on_a_repeat(shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(1))
    assert shelf.window.detail.inspect.text() == "Inspect the ensemble"
    shelf.window.do("inspect")
    assert len(shelf.main.workbench.uncertainty.windows) == 1
    shelf.main.workbench.uncertainty.close_all()


def test_a_repeat_is_renamed_with_its_members_so_that_it_can_go_on(shelf: Shelf) -> None:
    shelf.answers.name = "Best digits"
    shelf.window.do("rename", (shelf.of(1),))
    record = read_ensemble(shelf.folder(1))
    assert record.experiment.name == "Best digits"
    members = [codec.load(member_folder(shelf.folder(1), seed) / "experiment.json") for seed in record.seeds]
    assert members == [member_experiment(record.experiment, seed) for seed in record.seeds]
    assert shelf.of(1).record.name == "Best digits"


def test_deleted_runs_lie_in_the_trash_until_undo(qtbot: Any, shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(1), shelf.of(3))
    shelf.window.do("delete")
    qtbot.waitUntil(lambda: sorted(shelf.numbers()) == [0, 2, 6])
    assert not list(shelf.runs.glob("0001*"))
    assert shelf.main.runs.runs.rowCount() == 4
    shelf.window.messages.action.click()
    qtbot.waitUntil(lambda: sorted(shelf.numbers()) == [0, 1, 2, 3, 6])
    assert read_run(shelf.folder(3)).number == 3
    assert read_ensemble(shelf.folder(1)).seeds == (42, 43)


def test_a_member_of_a_repeat_cannot_be_deleted_alone(shelf: Shelf) -> None:
    member = shelf.of(1).members[0]
    assert not shelf.window.can("delete", (member,))
    assert shelf.window.can("star", (member,))


def test_a_run_trained_elsewhere_is_added_and_taken_off_the_list(qtbot: Any, shelf: Shelf, tmp_path: Path) -> None:
    shelf.answers.path = store(tmp_path / "elsewhere" / "mine", 0.97, rate=0.02)
    shelf.window.add_requested.emit()
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 7)
    run = next(run for run in shelf.rows() if run.record.folder == shelf.answers.path)
    shelf.window.do("delete", (run,))
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 6)
    assert shelf.answers.path.is_dir()
    shelf.window.undo_requested.emit()
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 7)


def test_what_is_no_run_is_not_added(shelf: Shelf, tmp_path: Path) -> None:
    shelf.answers.path = tmp_path
    shelf.window.add_requested.emit()
    assert "holds no run" in shelf.window.messages.message()


def test_one_csv_holds_everything(shelf: Shelf, tmp_path: Path) -> None:
    write_remarks(shelf.folder(3), note="first line\nsecond", star=True)
    shelf.opener.refresh()
    shelf.answers.path = tmp_path / "runs.csv"
    shelf.window._reader.read_again(shelf.folder(3))
    shelf.window.export_requested.emit()
    with shelf.answers.path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6 + 4  # the members of the two repeats too
    third = next(row for row in rows if row["number"] == "3")
    assert (third["val_best"], third["note"], third["star"]) == ("0.95", "first line\nsecond", "1")
    assert third["optimizer.learning_rate"] == "0.01"
    first = next(row for row in rows if row["number"] == "1")
    assert (first["seeds"], float(first["val_best"])) == ("2", pytest.approx(0.91))


def test_a_run_that_ends_appears(qtbot: Any, shelf: Shelf) -> None:
    store(shelf.runs / "0009 First digits", 0.96, rate=0.3)
    shelf.main.workbench.controller.activity_changed.emit("idle")
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 7)


def test_a_run_opened_from_elsewhere_is_listed_selected_and_can_be_asked(shelf: Shelf, tmp_path: Path) -> None:
    """`dnnstudio RUN` on a folder of `run --out` shows its curves and row, and what can be done with it."""
    away = store(tmp_path / "elsewhere" / "mine", 0.87)
    shelf.main.workbench.files.open_path(away)
    chosen = shelf.main.runs.chosen
    assert chosen is not None and chosen.folder == away
    curves = shelf.main.workbench.plots.curves
    assert curves is not None and [row["val_accuracy"] for row in curves.rows] == [0.77, 0.87, 0.85]
    assert shelf.main.actions_["predict"].isEnabled()
    assert shelf.main.actions_["uncertainty"].isEnabled()
    assert shelf.main.settings.added_runs == [away]
    assert shelf.main.runs.runs.rowCount() == 7
    shelf.main.workbench.files.open_path(away)
    assert shelf.main.settings.added_runs == [away]


def test_opening_a_run_of_the_list_keeps_what_is_selected(shelf: Shelf) -> None:
    shelf.main.runs.select(shelf.folder(3))
    shelf.main.workbench.files.open_path(shelf.folder(1))
    chosen = shelf.main.runs.chosen
    assert chosen is not None and chosen.folder == shelf.folder(3)
    assert shelf.main.settings.added_runs == []
