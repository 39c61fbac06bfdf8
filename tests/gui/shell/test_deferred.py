"""What is made after the first painting: in turns of the event loop, or at once when a person cannot wait."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from dnnstudio.app import _greet
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.requests import DescribeData, TrainRun
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.shell.autosave import Autosave
from dnnstudio.gui.shell.deferred import Deferred
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card

from ..fake_engine import FakeEngine
from ..window_kit import Answers, let_go, submitted


def counting(taken: list[int], steps: int = 3) -> Iterator[None]:
    for number in range(steps):
        taken.append(number)
        yield


def test_nothing_is_taken_before_the_start_and_then_one_step_a_turn(qtbot: Any) -> None:
    taken: list[int] = []
    deferred = Deferred(counting(taken))
    QTimer.singleShot(0, lambda: taken.append(-1))
    QApplication.processEvents()
    assert taken == [-1]
    QTimer.singleShot(0, deferred.start)
    with qtbot.waitSignal(deferred.finished):
        for _ in range(2):
            QTimer.singleShot(0, lambda: taken.append(-1))
    assert [step for step in taken if step >= 0] == [0, 1, 2]
    assert deferred.whole


def test_finish_takes_what_is_left_once(qtbot: Any) -> None:
    taken: list[int] = []
    deferred = Deferred(counting(taken))
    with qtbot.waitSignal(deferred.finished):
        deferred.finish()
    deferred.finish()
    deferred.start()
    QApplication.processEvents()
    assert taken == [0, 1, 2]


def test_the_next_step_waits_for_a_thread_but_the_loop_does_not(qtbot: Any) -> None:
    go, order = threading.Event(), []

    def steps() -> Iterator[Thread | None]:
        thread = Thread(target=lambda: (go.wait(), order.append("thread")))
        thread.start()
        yield thread
        order.append("next")

    deferred = Deferred(steps())
    deferred.start()
    QTimer.singleShot(30, lambda: (order.append("loop"), go.set()))
    qtbot.waitUntil(lambda: deferred.whole)
    assert order == ["loop", "thread", "next"]


def test_finish_waits_for_the_thread() -> None:
    order: list[str] = []

    def steps() -> Iterator[Thread | None]:
        thread = Thread(target=lambda: order.append("thread"))
        thread.start()
        yield thread
        order.append("next")

    Deferred(steps()).finish()
    assert order == ["thread", "next"]


def test_a_step_that_fails_is_the_last_one() -> None:
    def steps() -> Iterator[None]:
        yield
        raise ValueError("no such panel")

    deferred = Deferred(steps())
    with pytest.raises(ValueError, match="no such panel"):
        deferred.finish()
    deferred.finish()
    assert not deferred.whole


@pytest.mark.parametrize(
    "do",
    [lambda window: QTest.mouseClick(window, Qt.MouseButton.LeftButton), lambda window: QTest.keyClick(window, "a")],  # type: ignore[call-overload]
    ids=["click", "key"],
)
def test_what_a_person_does_is_served_after_the_last_step(qtbot: Any, do: Callable[[Any], None]) -> None:
    taken: list[int] = []

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.KeyPress):
                taken.append(99)
            return False

    widget, watcher = QWidget(), Watcher()
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(watcher)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.setFocus()
    deferred = Deferred(counting(taken), widget)
    deferred.watch(widget.windowHandle())
    do(widget.windowHandle())
    assert taken[:3] == [0, 1, 2]
    assert 99 in taken[3:]


# ------------------------------------------------------------------------------------------------ the main window


@pytest.fixture
def bare_window(qtbot: Any, qapp: QApplication, tmp_path: Path, request: Any) -> Iterator[MainWindow]:
    """The window as its first painting shows it, in the size that the test asks for."""
    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    document = Document(load_recipe("digits").experiment)
    window = MainWindow(document, FakeEngine(), theme, settings, dialogs=Answers(theme, settings), whole=False)
    window.resize(*getattr(request, "param", (1440, 900)))
    with qtbot.waitExposed(window):
        window.show()
    yield window
    window.close_without_asking()
    for item in (window, window.engine, theme):
        item.deleteLater()
    vars(window).clear()
    del window, document, theme
    let_go()


def enabled(window: MainWindow) -> dict[str, bool]:
    return {action.objectName(): action.isEnabled() for action in window.actions_}


def places(window: MainWindow) -> dict[str, QRect]:
    """Where in the window lies what the first painting shows."""
    shown: dict[str, QWidget] = {
        name: getattr(window, name)
        for name in ("toolbar", "data", "stack", "inspector", "optimizer", "runs", "messages", "status")
    }
    shown |= window.body.plots
    shown |= {f"title of {name}": card.head for name, card in window.body.plots.items() if isinstance(card, Card)}
    return {
        name: QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
        for name, widget in shown.items()
        if widget.isVisible()
    }


@pytest.mark.parametrize("bare_window", [(1440, 900), (1024, 700)], ids=["wide", "narrow"], indirect=True)
def test_nothing_moves_and_no_button_changes_when_the_rest_comes(bare_window: MainWindow) -> None:
    window = bare_window
    found, can = places(window), enabled(window)
    assert not window.deferred.whole
    window.deferred.finish()
    QApplication.processEvents()
    after = places(window)
    assert set(found) - set(after) == {"title of result"}  # one of three cards in one place
    assert {name: found[name] for name in after} == after
    assert enabled(window) == can
    assert window.workbench.plots.loss.isVisible()


def test_a_press_on_train_that_comes_early_trains(qtbot: Any, bare_window: MainWindow) -> None:
    window = bare_window
    window.deferred.watch(window.windowHandle())
    place = window.toolbar.train_button.mapTo(window, window.toolbar.train_button.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=place)
    assert window.deferred.whole
    qtbot.waitUntil(lambda: len(submitted(window, TrainRun)) == 1)
    assert window.workbench.controller.activity == "queued"


def test_a_part_that_is_asked_for_early_is_made_at_once(bare_window: MainWindow) -> None:
    assert not bare_window.deferred.whole
    assert bare_window.workbench.plots.loss.isVisible()
    assert bare_window.deferred.whole


def test_a_window_closed_early_ends_in_order(qtbot: Any, bare_window: MainWindow) -> None:
    bare_window.deferred.start()
    bare_window.close()
    assert not bare_window.isVisible()
    assert bare_window.deferred.whole


def test_the_data_are_asked_for_though_the_first_wish_found_nobody(qtbot: Any, bare_window: MainWindow) -> None:
    window = bare_window
    qtbot.waitUntil(lambda: not window.data._timer.isActive())
    window.deferred.finish()
    window.data.request_preview()  # as the program does once the window is whole
    assert len(submitted(window, DescribeData)) == 1


def test_the_system_ends_the_program_while_a_question_waits(
    qtbot: Any, bare_window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, busy, answers = bare_window, [], []

    def end() -> None:
        busy.append(window.deferred.busy)
        window.close_without_asking()

    def ask(autosave: Autosave) -> None:
        question = QDialog(window)
        QTimer.singleShot(0, question, end)
        QTimer.singleShot(30_000, question, question.accept)  # where nobody else ends it
        answers.append(question.exec())

    monkeypatch.setattr(Autosave, "offer", ask)
    _greet(window, None, None)
    window.deferred.start()
    qtbot.waitUntil(lambda: bool(answers), timeout=60_000)
    assert busy == [False], "a question is no part of the making of the window"
    assert answers == [QDialog.DialogCode.Rejected] and not window.isVisible()


def test_settings_that_are_damaged_while_the_window_is_open_are_said_and_kept(
    qtbot: Any, bare_window: MainWindow, tmp_path: Path
) -> None:
    settings = bare_window.settings
    settings.theme = "dark"
    _greet(bare_window, None, None)
    settings.path.write_text("{")
    settings.theme = "light"
    kept = settings.path.with_suffix(".json.bad")
    assert str(kept) in bare_window.messages.text() and kept.read_text() == "{"
    with qtbot.waitSignal(bare_window.deferred.finished, timeout=60_000):
        bare_window.deferred.start()
    QApplication.processEvents()  # the first reading of the runs


def test_a_workspace_that_cannot_be_used_is_said_at_the_start(
    qtbot: Any, bare_window: MainWindow, tmp_path: Path
) -> None:
    bare_window.settings.workspace = tmp_path / "file"
    bare_window.settings.workspace.write_text("")
    _greet(bare_window, None, None)
    assert "Your workspace cannot be used." in bare_window.messages.text()
    assert "there is a file in its place" in bare_window.messages.text()
    with qtbot.waitSignal(bare_window.deferred.finished, timeout=60_000):
        bare_window.deferred.start()
    QApplication.processEvents()  # the first reading of the runs


def test_a_window_closed_in_the_middle_of_a_step_is_finished_first(qtbot: Any, bare_window: MainWindow) -> None:
    """A signal is handled between any two instructions, so also within a step: the place was not saved then."""
    steps = bare_window.deferred._steps

    def interrupted() -> Iterator[Thread | None]:
        bare_window.close_without_asking()
        yield from steps

    bare_window.deferred._steps = interrupted()
    bare_window.deferred.start()
    qtbot.waitUntil(lambda: not bare_window.isVisible())
    assert bare_window.deferred.whole
    assert not bare_window.settings.geometry.isEmpty()


def test_pyqtgraph_finds_every_class_of_qt_made(tmp_path: Path) -> None:
    """In a process of its own, since a class is made once. What is made is in the module's own dictionary."""
    script = (
        "from PySide6 import QtCore, QtGui, QtWidgets\n"
        "from dnnstudio.gui.shell.deferred import make_qt_classes\n"
        "modules = QtCore, QtGui, QtWidgets\n"
        "assert any(len(vars(one)) < len(dir(one)) or 'QDial' not in vars(one) for one in modules)\n"
        "steps = len(list(make_qt_classes()))\n"
        "before = [len(vars(one)) for one in modules]\n"
        "import pyqtgraph\n"
        "assert [len(vars(one)) for one in modules] == before, 'pyqtgraph has made some'\n"
        "assert steps >= 10\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
