"""The window of all runs: what it shows, search, order, groups, comparison."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.core.study.listing import ListedRun
from dnnstudio.gui.run_table import arranging
from dnnstudio.gui.run_table.arranging import FIGURE_WORDS
from dnnstudio.gui.run_table.model import BEST_ROLE
from dnnstudio.gui.run_table.view import badge_words

from .table_kit import Table

DIRECT = Qt.FindChildOption.FindDirectChildrenOnly


def nbsp(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def test_the_model_keeps_qts_rules(table: Table) -> None:
    tester = QAbstractItemModelTester(table.tree, QAbstractItemModelTester.FailureReportingMode.Fatal)
    table.window.search("val_accuracy > 0.9")
    table.window.search("")
    tester.deleteLater()


def test_tasks_are_apart_and_each_has_its_best_in_bold(table: Table) -> None:
    names = [task.data() for task in table.tree.tasks()]
    assert len(names) == 2 and names[0] != names[1]
    best = table.tree.column_of("best")
    bold = [table.tree.find(table.folder(n)).siblingAtColumn(best).data(BEST_ROLE) for n in (1, 3, 6)]
    assert bold == [False, True, True]


def test_a_repeat_is_one_row_that_unfolds_with_mean_and_spread(table: Table) -> None:
    cells = table.cells(1)
    assert cells["Val. best"] == nbsp("91.0 ± 1.4 %")
    assert cells["Val. last"] == nbsp("89.0 ± 1.4 %")
    assert cells["Test"] == nbsp("88.0 ± 1.4 %")
    index = table.tree.find(table.folder(1))
    assert [table.tree.index(row, 0, index).data() for row in range(table.tree.rowCount(index))] == [
        "seed 42",
        "seed 43",
    ]


def test_only_settings_that_differ_have_a_column(table: Table) -> None:
    settings = [column.key for column in table.tree.columns if column.setting]
    assert settings == ["optimizer.learning_rate"]
    assert table.cells(3)["Learning rate"] == "0.01"
    table.window.bar.column_toggled.emit("training.batch_size", True)
    assert [column.key for column in table.tree.columns if column.setting] == [
        "optimizer.learning_rate",
        "training.batch_size",
    ]
    table.window.bar.usual_columns_requested.emit()
    assert [column.key for column in table.tree.columns if column.setting] == settings


def test_the_head_of_a_task_names_the_figure_that_decides(table: Table) -> None:
    told = {task.best.figure: task.best_words for task in table.window.arranged.tasks if task.best is not None}
    assert told["accuracy"].startswith("best validation accuracy 9"), "the column beside it may be of the test rows"
    assert all(told[figure].startswith(f"{FIGURE_WORDS[figure]} ") for figure in told)


def test_a_figure_that_stands_where_a_column_was_left_out_is_shown(qtbot: Any, table: Table) -> None:
    """With one setting's column before it, the best figure is at the place that the last one had without."""
    table.window.resize(1024, 700)
    qtbot.waitUntil(lambda: table.window.view.isColumnHidden(table.tree.column_of("date")))
    for shown in (False, True):
        table.window.bar.column_toggled.emit("optimizer.learning_rate", shown)
        assert not table.window.view.isColumnHidden(table.tree.column_of("best"))


def test_a_narrow_table_leaves_columns_out_instead_of_scrolling_to_the_figures(qtbot: Any, table: Table) -> None:
    view = table.window.view

    def titles() -> list[str]:
        return [one.title for at, one in enumerate(table.tree.columns) if not view.isColumnHidden(at)]

    for width, shown, out in ((1900, {"Val. last", "Time", "Date"}, set()), (1024, {"Val. best", "Test"}, {"Date"})):
        table.window.resize(width, 700)
        qtbot.waitUntil(lambda out=out: not out & set(titles()) and bool(out or "Date" in titles()))
        QApplication.processEvents()
        assert shown <= set(titles()) and {"Run", "Status"} <= set(titles())
        assert view.header().length() <= view.viewport().width() + 1
    table.window.bar.column_toggled.emit("training.batch_size", True)
    assert view.header().length() <= view.viewport().width() + 1


def test_runs_alike_but_for_the_seed_are_grouped(table: Table) -> None:
    assert sorted(table.numbers()) == [0, 1, 2, 3, 6]
    row = table.of(0)
    assert [member.seed for member in row.members] == [7, 8]
    table.window.bar.group.setChecked(False)
    assert sorted(table.numbers()) == [1, 2, 3, 4, 5, 6]


def test_the_search_line_filters_as_it_is_typed(qtbot: Any, table: Table) -> None:
    qtbot.waitExposed(table.window)
    before = table.window.bar.group.x()
    qtbot.keyClicks(table.window.bar.search, "val_accuracy > 0.9 digits")
    qtbot.waitUntil(lambda: sorted(table.numbers()) == [1, 3, 6])
    table.window.bar.layout().activate()
    assert table.window.bar.hits.text() == "3 of 6 runs"
    assert table.window.bar.group.x() == before, "what stands beside the search stays in its place"
    assert table.window.foot.text() == "3 runs do not match the search."
    table.window.show_all.click()
    qtbot.waitUntil(lambda: len(table.numbers()) == 5)


def test_a_wrong_search_says_why_and_leaves_the_table(table: Table) -> None:
    table.window.search("val_acuracy > 0.9")
    assert "called val_acuracy" in table.window.problem.text()
    assert len(table.numbers()) == 5
    table.window.search("")
    assert table.window.problem.isHidden()


def test_a_heads_click_sorts_and_another_turns_the_order(table: Table) -> None:
    header = table.window.view.header()
    header.sectionClicked.emit(table.tree.column_of("best"))
    digits = [number for number in table.numbers() if number != 6]
    assert digits == [3, 1, 0, 2]
    header.sectionClicked.emit(table.tree.column_of("best"))
    assert [number for number in table.numbers() if number != 6] == [2, 0, 1, 3]


def test_what_is_chosen_stays_so_when_the_table_changes(table: Table) -> None:
    table.window.choose(table.of(3))
    table.window.view.header().sectionClicked.emit(table.tree.column_of("best"))
    assert [run.record.number for run in table.window.chosen] == [3]
    table.window.search("val_accuracy < 0.9")
    assert table.window.chosen == ()


def test_two_rows_are_compared_in_one_sentence(table: Table) -> None:
    table.window.choose(table.of(1), table.of(2))
    words = table.window.detail.verdict.text()
    # 0.77 and 0.80 of run 2, the upper row, against 0.87 and 0.89: on average 0.095 less over the two seeds
    means = nbsp("78.5 ± 2.1 % (n = 2)"), nbsp("88.0 ± 1.4 % (n = 2)")
    assert words.startswith(f"Test accuracy {means[0]} (the first) against {means[1]}")
    assert "paired by 2 seeds -9.50 points" in words
    curves = table.window.detail.curves.plot
    assert curves.points("line_0") is not None and curves.points("line_1") is not None
    assert curves.points("band_0") is not None


def test_rows_of_two_tasks_are_not_compared(table: Table) -> None:
    table.window.choose(table.of(3), table.of(6))
    assert "two tasks" in table.window.detail.verdict.text()
    assert table.window.detail.curves.plot.points("line_1") is None


def test_a_right_click_changes_no_selection(qtbot: Any, table: Table) -> None:
    table.window.choose(table.of(3))
    index = table.tree.find(table.folder(1))
    place = table.window.view.visualRect(index).center()
    qtbot.mouseClick(table.window.view.viewport(), Qt.MouseButton.RightButton, pos=place)
    assert [run.record.number for run in table.window.chosen] == [3]
    menu = table.window.menu_for((table.of(1),))
    assert menu.actions()[0].text() == table.of(1).name
    menu.deleteLater()


def test_a_thousand_runs_do_not_hold_the_window_up(table: Table, record_property: Any) -> None:
    reader, known = table.window._reader, table.of(3)
    for number in range(1000, 2000):
        folder = Path(f"/runs/{number}")
        record = replace(known.record, number=number, folder=folder, when=float(number))
        settings = {**known.settings, "optimizer.learning_rate": 0.001 * (number % 20), "training.epochs": number % 7}
        run = replace(known, record=record, folders=(folder,), settings=settings, seed=number)
        reader._known[folder] = ((), run)
    window, deeds = table.window, {}
    deeds["search"] = lambda: window.search("val_accuracy > 0.9 dense" if not window.wish.query.words else "")
    deeds["sort"] = lambda: window.view.header().sectionClicked.emit(window.tree.column_of("best"))
    deeds["group"] = window.bar.group.toggle
    window.rearrange()
    for name, deed in deeds.items():
        taken = min(seconds_of(deed) for _ in range(4))
        record_property("measured", f"{name} of 1,000 runs: {taken * 1000:.0f} ms")
        assert taken < 0.1, name


def seconds_of(deed: Callable[[], object]) -> float:
    """Of this thread's own time: other programs of a busy machine do not count."""
    started = time.thread_time()
    deed()
    return time.thread_time() - started


def test_the_menu_of_an_empty_place_is_that_of_the_chosen_rows(table: Table) -> None:
    table.window.choose(table.of(3))
    assert table.window.view.run_at(QPoint(5, 5000)) is None
    table.window._open_menu(QPoint(5, 5000))
    menu = QApplication.activePopupWidget()
    assert menu is not None and menu.objectName() == "run_table_menu"
    menu.close()


def test_a_right_click_on_a_run_opens_its_menu_and_on_a_task_only_copies(table: Table) -> None:
    view = table.window.view
    row = view.visualRect(table.tree.find(table.folder(3))).center()
    for place, name in ((row, "run_table_menu"), (QPoint(5, 5), "copies_menu")):
        inside = view.viewport()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, inside.mapToGlobal(place))
        QApplication.sendEvent(inside, event)
        menu = QApplication.activePopupWidget()
        assert menu is not None and menu.objectName() == name
        menu.close()


def test_a_badge_counts_seeds_and_calls_runs_of_one_seed_runs(table: Table) -> None:
    assert badge_words(table.of(1)) == "2 SEEDS"
    assert badge_words(replace(table.of(1), members=table.of(1).members[:1])) == "2 SEEDS"  # one has not begun yet
    assert badge_words(table.of(3)) == ""
    row = table.of(0)
    assert badge_words(row) == "2 SEEDS"
    alike = replace(row, members=tuple(replace(member, seed=7) for member in row.members))
    assert badge_words(alike) == "2 RUNS"


def test_the_detail_says_of_how_many_seeds_its_figures_are(table: Table) -> None:
    row, detail = table.of(0), table.window.detail
    detail.show_runs((row,))
    assert detail.subtitle.text() == "2 runs, alike but for the seed"
    twice = replace(row, members=(*row.members, replace(row.members[0], folders=(Path("/runs/twice"),))))
    detail.show_runs((twice,))
    assert detail.subtitle.text() == "3 runs of 2 seeds, alike but for the seed"
    detail.show_runs((replace(row, members=tuple(replace(member, seed=7) for member in row.members)),))
    assert detail.subtitle.text() == "2 runs, alike"


def test_two_rows_of_one_name_are_told_apart_by_their_numbers(table: Table) -> None:
    first, second = (replace(table.of(number), name="wine") for number in (1, 3))
    table.window.detail.show_runs((first, second), no_inspection="")
    assert table.window.detail.subtitle.text() == "wine, run 1, (line) against wine, run 3, (dashed)"


def test_a_damaged_run_is_a_sentence_and_hides_no_other(qtbot: Any, table: Table) -> None:
    assert table.window.unread.isHidden()
    before = table.numbers()
    damaged = table.folder(3) / "experiment.json"
    whole = damaged.read_text()
    damaged.write_text("{")
    (table.runs / "0099 nothing").mkdir()  # a folder that never was a run is none that is damaged
    table.window._reader.refresh()
    qtbot.waitUntil(lambda: not table.window.unread.isHidden())
    said = table.window.unread.text()
    assert (
        said.startswith("0003 First digits cannot be listed. experiment.json is not valid JSON") and "And" not in said
    )
    assert sorted(table.numbers()) == sorted(number for number in before if number != 3)
    damaged.write_text(whole)
    table.window._reader.refresh()
    qtbot.waitUntil(lambda: table.window.unread.isHidden())
    assert sorted(table.numbers()) == sorted(before)


def test_the_bar_is_read_whole_in_a_small_window(qtbot: Any, table: Table) -> None:
    for width in (1024, 1440):
        table.window.resize(width, 700)
        qtbot.waitUntil(lambda width=width: table.window.bar.width() == width)
        table.window.bar.layout().activate()
        parts = [one for one in table.window.bar.findChildren(QWidget, options=DIRECT) if one.isVisible()]
        parts.sort(key=lambda one: one.x())
        for one, other in itertools.pairwise(parts):
            assert one.geometry().right() < other.x(), (width, one.objectName(), other.objectName())
        for one in (table.window.bar.group, table.window.bar.differing, table.window.bar.hits):
            assert one.width() >= one.sizeHint().width(), (width, one.objectName())


def test_the_heads_of_the_columns_are_read_whole(table: Table) -> None:
    table.window.bar.column_toggled.emit("layers.dense_1.units", True)
    header = table.window.view.header()
    number = next(n for n, column in enumerate(table.tree.columns) if column.key == "layers.dense_1.units")
    assert table.tree.columns[number].title == "dense_1 units"
    assert header.sectionSize(number) >= header.fontMetrics().horizontalAdvance("dense_1 units") + 8


def test_names_are_found_anew_for_other_runs_alone(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search rearranges the same runs at every key."""
    asked: list[int] = []
    found = arranging.with_names

    def with_names(runs: Sequence[ListedRun]) -> list[ListedRun]:
        asked.append(len(runs))
        return found(runs)

    monkeypatch.setattr(arranging, "with_names", with_names)
    table.window.search("dense")
    table.window.search("")
    assert asked == []
    reader, known = table.window._reader, table.of(3)
    renamed = replace(known, record=replace(known.record, name="another"))
    reader._known[known.record.folder] = ((), renamed)
    table.window.rearrange()
    assert len(asked) == 1
    assert any(run.name.startswith("another") for run in table.window._names.of(reader.runs))
