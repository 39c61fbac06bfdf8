"""A sweep as one row of the two tables of runs: unfolding, its menu, its window, star, name, trash, going on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from dnnstudio.core.study.sweep import read_sweep, trial_folder
from dnnstudio.core.workspace.remarks import read_remarks
from dnnstudio.core.workspace.runs import sweep_folders
from dnnstudio.gui.base.runs_model import BEST_ROLE, COLUMNS, EYE_COLUMN, FOLD_ROLE, Fold
from dnnstudio.gui.run_table.opening import as_csv
from dnnstudio.gui.run_table.view import badge_words
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.uncertainty import subject_of

from ...core.study.sweep_kit import RATE, UNITS, store_sweep
from ..sweeps.test_sweeps import AtOnce
from ..window_kit import let_go, open_window
from .table_kit import Shelf, store, store_repeat

TRIALS = {0: ({RATE: 0.01, UNITS: 16}, 0.91), 1: ({RATE: 0.05, UNITS: 64}, 0.96)}


@pytest.fixture
def main(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    workspace = tmp_path / "workspace"
    store(workspace / "runs" / "0001 First digits", 0.9)
    store_repeat(workspace / "runs" / "0003 First digits", {42: 0.9, 43: 0.92})
    store_sweep(workspace / "sweeps" / "0002 First digits", TRIALS)
    with open_window(qtbot, qapp, tmp_path) as window:
        qtbot.waitUntil(lambda: window.runs.runs.rowCount() == 3)
        yield window


@pytest.fixture
def shelf(qtbot: Any, main: MainWindow, tmp_path: Path) -> Iterator[Shelf]:
    main.actions_["runs"].trigger()
    made = Shelf(main, tmp_path / "workspace" / "sweeps")
    qtbot.waitUntil(lambda: made.window.arranged.total == 3)
    yield made
    made.opener.close_all()
    vars(made).clear()
    let_go()


def names(main: MainWindow) -> list[str]:
    runs = main.runs.runs
    return [runs.index(row, 0).data() for row in range(runs.rowCount())]


def place_of(main: MainWindow, row: int) -> QPoint:
    return main.runs.table.visualRect(main.runs.runs.index(row, 0)).topLeft() + QPoint(14, 14)


def test_the_sweep_stands_among_the_runs_by_its_number(main: MainWindow) -> None:
    assert names(main) == ["3  First digits", "2  First digits: learning rate × dense_1 units", "1  First digits"]
    cells = [main.runs.runs.index(1, n).data() for n in range(len(COLUMNS))]
    assert cells[1:3] == ["unfinished", "2 / 3 trials"] and "93.0 %" in " ".join(cells).replace("\xa0", " ")
    assert "trial 1" in main.runs.runs.index(1, 4).data(Qt.ItemDataRole.ToolTipRole)


def test_a_click_on_the_caret_unfolds_and_folds_and_selects_nothing(qtbot: Any, main: MainWindow) -> None:
    tester = QAbstractItemModelTester(main.runs.runs)
    chosen = main.runs.chosen
    for row, below in ((1, ["trial 0: 0.01, 16", "trial 1: 0.05, 64"]), (0, ["seed 42", "seed 43"])):
        before = names(main)
        viewport = main.runs.table.viewport()
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place_of(main, row))
        expected = [*before[: row + 1], *below, *before[row + 1 :]]
        qtbot.waitUntil(lambda expected=expected: names(main) == expected)
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=place_of(main, row))
        assert names(main) == before
    assert main.runs.chosen == chosen
    assert tester is not None
    tester.deleteLater()


def test_right_and_left_unfold_and_fold_the_chosen_row(qtbot: Any, main: MainWindow) -> None:
    main.runs.table.selectRow(1)
    qtbot.keyClick(main.runs.table, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: len(names(main)) == 5)
    qtbot.keyClick(main.runs.table, Qt.Key.Key_Right)  # nothing more to unfold
    assert len(names(main)) == 5
    qtbot.keyClick(main.runs.table, Qt.Key.Key_Left)
    assert len(names(main)) == 3


def test_a_single_run_has_no_caret(main: MainWindow) -> None:
    folds = [main.runs.runs.index(row, 0).data(FOLD_ROLE) for row in range(3)]
    assert folds == [Fold.CLOSED, Fold.CLOSED, Fold.NONE]


def test_members_take_part_in_nothing_of_the_table(qtbot: Any, main: MainWindow) -> None:
    before, best = main.runs.runs.records, main.runs.runs.best
    main.runs.set_open(before[1].folder, True)
    qtbot.waitUntil(lambda: len(names(main)) == 5)
    runs = main.runs.runs
    assert runs.records == before and runs.best == best
    assert not any(runs.index(row, n).data(BEST_ROLE) for row in (2, 3) for n in range(EYE_COLUMN))


def test_unfolded_members_stay_when_the_workspace_is_looked_at_again(qtbot: Any, main: MainWindow) -> None:
    sweep = main.runs.runs.records[1]
    main.runs.set_open(sweep.folder, True)
    qtbot.waitUntil(lambda: len(names(main)) == 5)
    main.runs.refresh()
    assert len(names(main)) == 5
    main.runs.runs.remove_all_but([record.folder for record in main.runs.runs.records if record != sweep])
    assert names(main) == ["3  First digits", "1  First digits"]  # its members went with it
    assert not main.runs.runs.is_open(sweep.folder)


def test_rows_that_come_and_go_beside_the_chosen_one_choose_nothing(qtbot: Any, main: MainWindow) -> None:
    main.runs.table.selectRow(1)
    told: list[object] = []
    main.runs.run_chosen.connect(told.append)
    newest, sweep, _ = main.runs.runs.records
    for folder in (newest.folder, sweep.folder):
        main.runs.set_open(folder, True)
    qtbot.waitUntil(lambda: len(names(main)) == 7)
    store(newest.folder.parent / "0009 First digits", 0.8)
    main.runs.refresh()
    qtbot.waitUntil(lambda: len(names(main)) == 8)
    main.runs.set_open(newest.folder, False)
    assert main.runs.chosen is not None and main.runs.chosen.folder == sweep.folder
    assert told == []


def test_a_chosen_sweep_shows_its_best_trial_s_curves(main: MainWindow) -> None:
    main.runs.table.selectRow(1)
    curves = main.workbench.plots.curves
    assert curves is not None and curves.run == "run1"


def test_a_member_is_chosen_through_its_folded_row(qtbot: Any, main: MainWindow) -> None:
    folder = trial_folder(main.runs.runs.records[1].folder, 0)
    main.runs.select(folder)
    qtbot.waitUntil(lambda: main.runs.chosen is not None and main.runs.chosen.folder == folder)
    assert main.workbench.plots.curves is not None and main.workbench.plots.curves.run == "run0"


def test_the_menu_asks_the_best_trial_and_opens_the_sweep(qtbot: Any, main: MainWindow) -> None:
    sweep = main.runs.runs.records[1]
    menu = main.runs.menu_for(sweep)
    actions = {action.objectName(): action for action in menu.actions()}
    assert actions["go_on_run"].isEnabled() and actions["predict_with_run"].isEnabled()
    assert actions["open_run_experiment"].text() == "Open the best trial's experiment"
    main.runs.predict_requested.disconnect()
    with qtbot.waitSignal(main.runs.predict_requested) as asked:
        actions["predict_with_run"].trigger()
    assert asked.args == [trial_folder(sweep.folder, 1)]
    actions["open_sweep"].trigger()
    assert main.workbench.sweeps.window is not None and main.workbench.sweeps.folder == sweep.folder
    menu.deleteLater()


def test_enter_on_a_sweep_opens_its_window(main: MainWindow) -> None:
    main.runs.table.activated.emit(main.runs.runs.index(1, 0))
    assert main.workbench.sweeps.folder == main.runs.runs.records[1].folder


def test_the_inspector_takes_the_best_trial(main: MainWindow) -> None:
    sweep = main.runs.runs.records[1]
    found = subject_of(sweep, None, main.document.experiment)
    assert found is not None and found.model == trial_folder(sweep.folder, 1)
    assert found.title.startswith("run 2, First digits, trial 1")


# ------------------------------------------------------------------------------------- the window of all runs


def test_the_window_of_all_runs_shows_a_sweep_with_its_ranges_and_trials(shelf: Shelf) -> None:
    row = shelf.of(2)
    assert badge_words(row) == "3 TRIALS"
    cells = shelf.cells(2)
    assert cells["Learning rate"] == "0.001…0.1" and cells["dense_1 units"] == "16…64"
    assert (cells["Status"], cells["Val. best"]) == ("2 / 3 done", "96.0\xa0%")
    index = shelf.tree.find(shelf.folder(2))
    trial = shelf.tree.index(1, 0, index)
    assert trial.data() == "trial 1: 0.05, 64"
    assert trial.siblingAtColumn(shelf.tree.column_of(UNITS)).data() == "64"


def test_two_thirds_of_a_sweep_say_so_in_the_side_panel(shelf: Shelf) -> None:
    shelf.window.choose(shelf.of(2))
    detail = shelf.window.detail
    assert detail.subtitle.text() == "Run 2: 2 of 3 trials done. Curves and figures are of trial 1, the best so far."
    assert (detail.inspect.text(), detail.open.text()) == ("Inspect the best trial", "Open the sweep")
    assert detail.curves.plot.points("line_0") is not None


@pytest.mark.parametrize("of", ["sweep", "trial"])
def test_a_star_on_a_sweep_or_a_trial_makes_no_second_row(shelf: Shelf, of: str) -> None:
    row = shelf.of(2)
    run = row if of == "sweep" else row.members[0]
    shelf.window.do("star", (run,))
    assert read_remarks(run.record.folder).star
    assert sorted(shelf.numbers()) == [1, 2, 3]
    after = shelf.of(2)
    assert (after if of == "sweep" else after.members[0]).remarks.star


def test_a_sweep_is_renamed_and_keeps_what_it_varies(shelf: Shelf) -> None:
    shelf.answers.name = "Better digits"
    shelf.window.do("rename", (shelf.of(2),))
    assert read_sweep(shelf.folder(2)).experiment.name == "Better digits"
    assert shelf.of(2).name == "Better digits: learning rate × dense_1 units"


def test_a_sweep_is_deleted_and_brought_back(qtbot: Any, shelf: Shelf) -> None:
    workspace, (folder,) = shelf.runs.parent, sweep_folders(shelf.runs.parent)
    assert not shelf.window.can("delete", shelf.of(2).members[:1])  # a trial belongs to its sweep
    shelf.window.do("delete", (shelf.of(2),))
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 2)
    assert sweep_folders(workspace) == ()
    shelf.opener.undo()
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 3)
    assert sweep_folders(workspace) == (folder,)


def test_going_on_from_the_table_trains_what_is_left_in_the_sweep_s_window(qtbot: Any, shelf: Shelf) -> None:
    grid = {0: ({RATE: 0.01}, 0.91), 1: ({RATE: 0.05}, 0.96)}
    store_sweep(shelf.runs / "0004 Grid", grid, vary=(f"{RATE}=0.01,0.05,0.1",))
    shelf.opener._show_others()
    qtbot.waitUntil(lambda: shelf.window.arranged.total == 4 and shelf.main.runs.runs.rowCount() == 4)
    sweeps = shelf.main.workbench.sweeps
    runners: list[AtOnce] = []

    def make(jobs: int, threads: int, on_event: Any) -> AtOnce:
        runners.append(AtOnce(jobs, threads, on_event))
        return runners[-1]

    sweeps.make_runner = make
    shelf.window.do("go_on", (shelf.of(4),))
    assert shelf.main.runs.chosen is not None and shelf.main.runs.chosen.status == "training"
    assert not shelf.window.can("delete", (shelf.of(4),))
    qtbot.waitUntil(lambda: sweeps.training is None)
    assert [task.folder.name for task in runners[0].tasks] == ["2"]
    qtbot.waitUntil(lambda: shelf.cells(4)["Status"] == "done")
    assert shelf.main.runs.runs.index(0, 1).data() == "done"
    assert shelf.main.runs.runs.index(0, 2).data() == "3 trials"


def test_the_csv_has_the_sweep_and_its_trials(shelf: Shelf) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv([shelf.of(2)]))))
    assert [row[RATE] for row in rows] == ["0.05", "0.01", "0.05"]
