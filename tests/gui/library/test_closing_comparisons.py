"""A comparison window that is closed or stopped while its networks train."""

from __future__ import annotations

import threading
from typing import Any

from PySide6.QtCore import QCoreApplication

from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import cure_of, reason_of
from dnnstudio.gui.widgets.windows.why import that_helps

from .fake_trainings import (
    EXPERIMENT,
    Make,
    on_a_run_of,
    use_trainings,
)


def test_a_comparison_closed_while_it_trains_tells_table_and_library(qtbot: Any, window: MainWindow) -> None:
    window.document.push(on_a_run_of(window), "Reuse layers")
    use_trainings(window, pause_s=0.02)
    window.actions_["compare_transfer"].trigger()
    (opened,) = window.workbench.library.transfers.windows
    opened.start.click()
    qtbot.waitUntil(lambda: len(opened.runs) >= 2)
    with qtbot.waitSignal(window.workbench.library.transfers.trained):  # table and library are read anew
        opened.close()


def test_a_window_that_is_closed_ends_its_trainings(qtbot: Any, make: Make) -> None:
    window = make(pause_s=0.03)
    window.start.click()
    qtbot.waitUntil(lambda: bool(window.histories.rows))
    with qtbot.waitSignal(window.closed):
        window.close()
    assert not window.training.busy
    qtbot.waitUntil(lambda: not any(thread.name == "comparison" for thread in threading.enumerate()))


def test_closing_holds_nothing_up_while_the_trainings_end(qtbot: Any, make: Make) -> None:
    window = make(pause_s=0.4)
    window.start.click()
    qtbot.waitUntil(lambda: bool(window.histories.rows))
    window.close()
    assert not window.isVisible() and window.training.busy, "they still end, each at its next epoch"
    with qtbot.waitSignal(window.closed):
        pass


def test_a_window_that_is_asked_for_while_it_closes_stays(qtbot: Any, make: Make) -> None:
    window = make(pause_s=0.1)
    window.start.click()
    qtbot.waitUntil(lambda: bool(window.histories.rows))
    window.close()
    window.show()
    qtbot.waitUntil(lambda: not any(thread.name == "comparison" for thread in threading.enumerate()))
    QCoreApplication.processEvents()
    assert window.isVisible() and window.headline.text().startswith("Cancelled")


def test_while_something_else_trains_the_window_says_so(qtbot: Any, make: Make) -> None:
    first = make(pause_s=0.03)
    first.start.click()
    second = make(EXPERIMENT.replaced(seed=7))
    title = second.headline.text()
    second.training.controller = first.training.controller
    second.training.controller.activity_changed.connect(second._show_state)
    second.start.click()
    assert not second.training.busy and second.messages.message().startswith("A training is under way.")
    assert second.headline.text() == title, "nothing has changed"
    second._show_state()
    assert reason_of(second.start), "it would be refused again"
    first.stop.click()
    qtbot.waitUntil(lambda: not first.training.busy)
    assert second.start.isEnabled() and not second.messages.isVisible(), "it is not true any more"


def test_what_is_under_way_is_not_offered_as_a_cure(qtbot: Any, make: Make) -> None:
    window = make(pause_s=0.03)
    table = window.exports["csv"]
    cure = that_helps(cure_of(table), window)
    assert cure is not None and cure.text == window.start.text() == "Train both"
    before = reason_of(table)
    window.start.click()
    assert that_helps(cure_of(table), window) is None and reason_of(table) not in ("", before)
    stop = that_helps(cure_of(window.seeds), window)
    assert stop is not None and stop.text == window.stop.text()
    title, said = window.headline.text(), window.progress.text()
    window.begin()  # asked for while it runs
    assert (window.headline.text(), window.progress.text()) == (title, said) and not window.messages.isVisible()
    window.stop.click()
    qtbot.waitUntil(lambda: not window.training.busy)


def test_a_comparison_stopped_in_the_main_window_says_so(qtbot: Any, window: MainWindow) -> None:
    window.document.push(on_a_run_of(window), "Reuse layers")
    use_trainings(window, pause_s=0.02)
    window.actions_["compare_transfer"].trigger()
    (opened,) = window.workbench.library.transfers.windows
    opened.start.click()
    qtbot.waitUntil(lambda: bool(opened.histories.rows))
    assert not window.actions_["several_seeds"].isEnabled()
    window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: opened.headline.text().startswith("Cancelled after"))
    assert window.workbench.controller.activity == "idle"
    opened.close()
