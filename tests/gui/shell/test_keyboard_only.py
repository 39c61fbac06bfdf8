"""The chapter's network with batch normalization before each activation, from an empty stack, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from dnnstudio.core.analysis.checks import has_errors
from dnnstudio.core.experiment.data import Data, FashionMNIST, FirstRows
from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense, Flatten, Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.gui.shell.main_window import MainWindow

from ..window_kit import open_window

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier
EMPTY = Experiment(data=Data(source=FashionMNIST(), validation=FirstRows(count=5000)))


class Typist:
    """Somebody without a mouse: every key goes to whatever has the focus."""

    def __init__(self, qtbot: Any, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window

    @property
    def focus(self) -> QWidget:
        widget = QApplication.activePopupWidget()
        if widget is not None:
            return widget.focusWidget() or widget
        widget = QApplication.focusWidget()
        assert widget is not None, "nothing has the focus"
        return widget

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE, times: int = 1) -> None:
        for _ in range(times):
            QTest.keyClick(self.focus, key, modifiers)
            QApplication.processEvents()

    def type(self, text: str) -> None:
        QTest.keyClicks(self.focus, text)
        QApplication.processEvents()

    def tab_to(self, name: str) -> None:
        passed = []
        for _ in range(60):
            if self.focus.objectName() == name:
                return
            passed.append(self.focus.objectName())
            self.press(Qt.Key.Key_Tab)
        pytest.fail(f"Tab never comes to {name}, only to {', '.join(passed)}")

    def add(self, search: str) -> None:
        self.press(Qt.Key.Key_Insert)
        assert self.focus.objectName() == "add_layer_search"
        self.type(search)
        self.press(Qt.Key.Key_Return)
        assert self.focus is self.window.stack.list

    def fill(self, name: str, text: str) -> None:
        self.tab_to(name)
        self.press(Qt.Key.Key_A, CONTROL)
        self.type(text)
        self.press(Qt.Key.Key_Return)

    def choose(self, name: str, words: str) -> None:
        """In a combo: type the first letters of the entry, as in every list."""
        self.tab_to(name)
        for _ in range(40):
            if self.focus.currentText() == words:
                return
            self.press(Qt.Key.Key_Down)
        pytest.fail(f"{name} has no {words}")

    def dense(self, units: int, *, activation: str = "", initializer: str = "", bias: bool = True) -> None:
        self.add("dense")
        self.press(Qt.Key.Key_Return)
        self.fill("field_units", str(units))
        if activation:
            self.choose("field_activation", activation)
        if initializer:
            self.choose("field_kernel_initializer", initializer)
        if not bias:
            self.tab_to("field_use_bias")
            self.press(Qt.Key.Key_Space)
        self.press(Qt.Key.Key_1, CONTROL)


@pytest.fixture
def typist(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Typist]:
    with open_window(qtbot, qapp, tmp_path, experiment=EMPTY) as window:
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        yield Typist(qtbot, window)


def wanted() -> tuple[Layer, ...]:
    """The chapter: Flatten, BN, then twice Dense without bias, BN, ELU, and the output."""
    he = HeNormal()
    return (
        Flatten(id="flatten"),
        BatchNormalization(id="bn_1"),
        Dense(id="dense_1", units=300, kernel_initializer=he, use_bias=False),
        BatchNormalization(id="bn_2"),
        Activation(id="act_1", activation="elu"),
        Dense(id="dense_2", units=100, kernel_initializer=he, use_bias=False),
        BatchNormalization(id="bn_3"),
        Activation(id="act_2", activation="elu"),
        Dense(id="dense_3", units=10, activation="softmax"),
    )


def same_but_names(layers: tuple[Layer, ...]) -> list[Layer]:
    return [layer.model_copy(update={"id": "x"}) for layer in layers]


def finished(typist: Typist) -> None:
    document = typist.window.document
    assert same_but_names(document.experiment.layers) == same_but_names(wanted())
    assert not has_errors(document.problems)
    weights = 784 * 300 + 300 * 100 + 100 * 10 + 10
    assert document.parameter_counts == (weights + 2 * (784 + 300 + 100), 2 * (784 + 300 + 100))


def test_layer_by_layer(typist: Typist) -> None:
    typist.press(Qt.Key.Key_1, CONTROL)
    assert typist.focus is typist.window.stack.add_button, "an empty stack offers its button"
    typist.add("flat")
    typist.add("bn")
    typist.dense(300, initializer="He normal", bias=False)
    typist.add("bn")
    typist.add("activation")
    typist.press(Qt.Key.Key_Return)
    typist.choose("field_activation", "ELU")
    typist.press(Qt.Key.Key_1, CONTROL)
    # the three of them once more: select upwards, copy, go to the end, paste, and change the units of the copy
    typist.press(Qt.Key.Key_Up, SHIFT, times=2)
    typist.press(Qt.Key.Key_C, CONTROL)
    typist.press(Qt.Key.Key_V, CONTROL)
    assert [layer.kind for layer in typist.window.document.selected_layers] == [
        "dense", "batch_normalization", "activation",
    ]  # fmt: skip
    typist.press(Qt.Key.Key_Home)
    typist.press(Qt.Key.Key_Down, times=5)
    typist.press(Qt.Key.Key_Return)
    typist.fill("field_units", "100")
    typist.press(Qt.Key.Key_1, CONTROL)
    typist.press(Qt.Key.Key_End)
    typist.dense(10, activation="Softmax")
    finished(typist)
    typist.press(Qt.Key.Key_Z, CONTROL, times=60)
    assert typist.window.document.experiment == EMPTY
    typist.press(Qt.Key.Key_Z, CONTROL | SHIFT, times=60)
    finished(typist)


def test_by_one_transformation_from_the_menu_key(typist: Typist) -> None:
    typist.add("flat")
    typist.add("bn")
    typist.dense(300, activation="ELU", initializer="He normal")
    typist.dense(100, activation="ELU", initializer="He normal")
    typist.dense(10, activation="Softmax")
    steps = typist.window.document.undo_stack.count()
    choose_from_menu(typist, "normalize_before")
    finished(typist)
    assert typist.window.document.undo_stack.count() == steps + 1
    assert typist.window.document.undo_stack.undoText() == "Batch normalization before every activation"


def in_the_last_submenu(typist: Typist) -> bool:
    """Whether it is open; if not, the next key on the way there is pressed.

    A menu that has just come may take the entry under the pointer for a moment.
    """
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    if menu.objectName() == "transformation_menu":
        return True
    chosen = menu.activeAction()
    at_the_end = chosen is not None and chosen == menu.actions()[-1]
    typist.press(Qt.Key.Key_Right if at_the_end else Qt.Key.Key_Up)
    return False


def choose_from_menu(typist: Typist, name: str) -> None:
    """Open the context menu by its key, go into Change the network, and take an entry, all with the arrows."""
    view = typist.window.stack.list
    place = view.visualRect(view.currentIndex()).center()
    QTest.keyClick(view, Qt.Key.Key_Menu)
    if QApplication.activePopupWidget() is None:  # the platform turns the key into this event
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, place, view.viewport().mapToGlobal(place))
        QApplication.sendEvent(view.viewport(), event)
    typist.qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    typist.qtbot.waitUntil(lambda: in_the_last_submenu(typist))
    for _ in range(20):
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        if menu.activeAction() is not None and menu.activeAction().objectName() == name:
            break
        typist.press(Qt.Key.Key_Down)
    typist.press(Qt.Key.Key_Return)
    typist.qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)


def test_tab_goes_from_the_layers_to_the_form_that_was_made_last(typist: Typist) -> None:
    typist.dense(30)
    window = typist.window
    passed: list[QWidget] = []
    while window.runs not in passed and len(passed) < 200:
        typist.press(Qt.Key.Key_Tab)
        passed += [one for one in (window.stack, window.inspector, window.body.tabs, window.runs)
                   if one.isAncestorOf(typist.focus) and (not passed or passed[-1] is not one)]  # fmt: skip
    assert passed == [window.stack, window.inspector, window.body.tabs, window.runs]


def test_shift_tab_is_the_same_way_back(typist: Typist) -> None:
    typist.dense(30)
    there = []
    for _ in range(25):
        typist.press(Qt.Key.Key_Tab)
        there.append(typist.focus)
    back = []
    for _ in range(24):
        typist.press(Qt.Key.Key_Backtab, SHIFT)
        back.append(typist.focus)
    assert back == there[-2::-1]


def test_the_tabs_are_before_their_page_and_more_after_its_fields(typist: Typist) -> None:
    typist.window.body.tabs.bar.setFocus()
    names = []
    for _ in range(20):
        typist.press(Qt.Key.Key_Tab)
        names.append(typist.focus.objectName())
    assert names.index("field_learning_rate") < names.index("field_momentum") < names.index("form_more")


def test_the_key_to_the_settings_selects_the_number_to_type_over_it(typist: Typist) -> None:
    typist.dense(30)
    typist.press(Qt.Key.Key_2, CONTROL)
    typist.type("70")
    typist.press(Qt.Key.Key_Return)
    assert typist.window.document.experiment.layers[0].units == 70


def test_the_key_to_the_settings_finds_a_layer_that_has_some_where_none_is_chosen(typist: Typist) -> None:
    document = typist.window.document
    document.push(EMPTY.replaced(layers=wanted()), "The chapter's network")
    document.select([])
    typist.press(Qt.Key.Key_2, CONTROL)
    assert document.selection == ("bn_1",), "to flatten there is nothing to set"
    document.select(["flatten"])
    typist.press(Qt.Key.Key_2, CONTROL)
    assert document.selection == ("flatten",), "what is chosen stays so"
