"""Every action that cannot be done says why, in whatever state the window is; where something helps, it is offered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import Csv
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import reason_of

from ..window_kit import begin_slow_training, open_window, train_to_the_end

State = Callable[[Any, MainWindow], None]


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        yield made


def fresh(qtbot: Any, window: MainWindow) -> None:
    """Nothing was done yet."""


def edit(window: MainWindow, change: Callable[[Experiment], Experiment]) -> None:
    window.document.push(change(window.document.experiment), "Change")


def without_layers(qtbot: Any, window: MainWindow) -> None:
    edit(window, lambda now: edits.remove_layers(now, [layer.id for layer in now.layers]))


def without_dropout(qtbot: Any, window: MainWindow) -> None:
    edit(window, lambda now: edits.remove_layers(now, [layer.id for layer in now.layers if layer.is_dropout]))
    train_to_the_end(qtbot, window)


def without_data(qtbot: Any, window: MainWindow) -> None:
    edit(window, lambda now: edits.set_value(now, "data.source", Csv(path="gone.csv")))


def a_number_to_predict(qtbot: Any, window: MainWindow) -> None:
    edit(window, lambda now: edits.set_value(now, "data.source", Csv(path="gone.csv", target="number")))


def training(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)


def paused(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    window.actions_["pause"].trigger()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "paused")


def stopped(qtbot: Any, window: MainWindow) -> None:
    begin_slow_training(qtbot, window)
    window.actions_["stop"].trigger()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def trained(qtbot: Any, window: MainWindow) -> None:
    train_to_the_end(qtbot, window)
    qtbot.waitUntil(lambda: window.runs.runs.rowCount() > 0)
    window.runs.select(window.runs.runs.records[0].folder)


STATES: tuple[State, ...] = (
    fresh, without_layers, without_dropout, without_data, a_number_to_predict, training, paused, stopped, trained,
)  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_every_grey_action_says_why(qtbot: Any, window: MainWindow, state: State) -> None:
    state(qtbot, window)
    grey = []
    for action in window.actions_:
        name = action.objectName().removeprefix("action_")
        reason = window.actions_.reason(name)
        assert action.isEnabled() is (reason == ""), f"{name} is disabled past set_reason"
        if reason:
            grey.append(name)
            assert reason in action.toolTip() and reason.endswith((".", "…")), f"{name}: {action.toolTip()}"
            assert len(reason) <= 400, name
            cure = window.actions_.cure(name)
            assert cure is None or cure.text, name
    assert grey, "in each of these states something cannot be done"


def test_what_is_grey_while_training_can_be_reached_by_stopping(qtbot: Any, window: MainWindow) -> None:
    training(qtbot, window)
    cure = window.actions_.cure("train")
    assert cure is not None and cure.text == window.actions_["stop"].text()
    cure.deed()
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")
    assert window.actions_["train"].isEnabled()


def test_a_press_on_a_grey_button_offers_what_helps(qtbot: Any, window: MainWindow) -> None:
    without_layers(qtbot, window)
    error = window.document.problems[0]
    assert error.fix is not None
    press(qtbot, window, window.toolbar.train_button)
    assert error.title in window.messages.text()
    window.messages.bar.action_requested.emit()
    assert window.document.experiment.layers and window.actions_["train"].isEnabled()


def test_no_network_to_ask_is_mended_by_training(qtbot: Any, window: MainWindow) -> None:
    button = window.findChild(QToolButton, "predict_button")
    assert button is not None
    press(qtbot, window, button)
    assert "no trained network" in window.messages.text()
    assert window.messages.bar.action.text() == window.actions_["train"].text()


def test_what_was_said_goes_when_it_is_not_true_any_more(qtbot: Any, window: MainWindow) -> None:
    button = window.findChild(QToolButton, "predict_button")
    assert button is not None
    press(qtbot, window, button)
    edit(window, lambda now: edits.set_value(now, "training.epochs", 3))
    assert "no trained network" in window.messages.text(), "it is still true"
    window.actions_.set_reason("predict", "")
    assert window.messages.text() == ""
    window.actions_.set_reason("predict", "Another reason.")
    window.refusals.say_why("predict")
    window.messages.say("Something else.", "It stays.")
    window.actions_.set_reason("predict", "")
    assert window.messages.text() == "Something else. It stays."


def test_the_offer_of_the_last_session_comes_back_behind_a_refusal(qtbot: Any, window: MainWindow) -> None:
    messages, opened = window.messages, []
    messages.say_last(Path("Wine.json"), lambda: opened.append(1))
    offer = messages.text()
    button = window.findChild(QToolButton, "predict_button")
    assert button is not None
    press(qtbot, window, button)
    window.refusals.say_why("predict")  # twice
    assert "no trained network" in messages.text() and offer == "Go on where you were? Wine.json was open last."
    window.actions_.set_reason("predict", "")
    assert messages.text() == offer
    messages.bar.action_requested.emit()
    assert opened == [1]
    window.actions_.set_reason("predict", "A reason.")
    window.refusals.say_why("predict")
    messages.say("Something else.", "It is newer.")
    messages.clear()
    assert messages.text() == "", "what is newer is not in front of it"
    messages.say_last(Path("Wine.json"), lambda: opened.append(1))
    messages.clear()
    assert messages.text() == "", "closed itself it is gone"


def press(qtbot: Any, window: MainWindow, button: QWidget) -> None:
    """A press with the pointer, which Qt gives to what lies under it."""
    assert not button.isEnabled()
    middle = button.mapTo(window, QPoint(button.width() // 3, button.height() // 2))
    qtbot.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=middle)
    qtbot.waitUntil(lambda: window.messages.text() != "")


def test_the_key_of_what_cannot_be_done_says_why_as_its_grey_button_does(qtbot: Any, window: MainWindow) -> None:
    with qtbot.waitActive(window):
        window.activateWindow()
    window.stack.take_focus()
    qtbot.keyClick(window.stack.list, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    assert "no trained network" in window.messages.text()
    assert window.messages.bar.action.text() == window.actions_["train"].text()


def test_undo_says_that_every_edit_was_taken_back(window: MainWindow) -> None:
    undo = window.actions_["undo"]
    assert reason_of(undo) == "Nothing was edited yet."
    edit(window, lambda now: edits.remove_layers(now, [now.layers[0].id]))
    undo.trigger()
    assert reason_of(undo) == "Every edit was taken back."
