"""Undo is undo: in every editor of every form of the window, a committed value is taken back and done again by key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data.sources import SOURCE_KINDS
from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from dnnstudio.gui.base.job_client import JobClient
from dnnstudio.gui.data.augmentation.window import AugmentationWindow
from dnnstudio.gui.pretraining.window import ReconstructionsWindow
from dnnstudio.gui.run_table.window import RunWindow
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.sweeps.window import SweepWindow
from dnnstudio.gui.uncertainty.frame import InspectorDialog
from dnnstudio.gui.widgets import ComboBox, CommitField, Segmented, Toggle
from dnnstudio.gui.widgets.windows.dialog import Window

from ..window_kit import open_window

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
EDITORS = (CommitField, ComboBox, Segmented, Toggle)
REDO = ((Qt.Key.Key_Z, CONTROL | SHIFT), (Qt.Key.Key_Y, CONTROL))


class Hand:
    """Types into the editors of one part of the window, and takes back what was typed."""

    def __init__(self, qtbot: Any, window: MainWindow) -> None:
        self.qtbot, self.window = qtbot, window
        self.tried: set[str] = set()
        """Names of editors that took another value."""
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(QApplication.focusWidget() or self.window, key, modifiers)

    def show(self, experiment: Experiment, tab: str) -> None:
        self.window.document.new(experiment)
        if tab == "layer":
            self.window.document.select([experiment.layers[0].id])
            self.window.body.show_layer()
        else:
            self.window.body.tabs.set_current(tab)
        QApplication.processEvents()

    def walk(self, part: QWidget) -> None:
        """Try every editor of `part` that a person can reach, folded options included."""
        for fold in part.findChildren(QWidget, "form_more"):
            if fold.isVisible() and not fold.isChecked():
                fold.click()
        QApplication.processEvents()
        for name in editors_in(part):
            for key in (Qt.Key.Key_Return, Qt.Key.Key_Tab):
                self._try(part, name, key)

    def _try(self, part: QWidget, name: str, commit: Qt.Key) -> None:
        document = self.window.document
        QApplication.processEvents()
        found = editors_in(part)
        editor, before, shown = found[name], document.experiment, {each: shown_by(one) for each, one in found.items()}
        self._enter(editor, commit)
        after = document.experiment
        if after == before:  # refused, or nothing else can be chosen
            editor.setFocus(Qt.FocusReason.TabFocusReason)
            self.press(Qt.Key.Key_Escape)
            return
        self.tried.add(name)
        self.press(Qt.Key.Key_Z, CONTROL)
        assert document.experiment == before, f"Ctrl+Z does not take back {name}"
        QApplication.processEvents()
        assert {each: shown_by(one) for each, one in editors_in(part).items()} == shown, (
            f"after Ctrl+Z, {name} shows another value"
        )
        for key, modifiers in REDO:
            self.press(key, modifiers)
            assert document.experiment == after, f"redo does not bring {name} back"
            self.press(Qt.Key.Key_Z, CONTROL)
            assert document.experiment == before, f"a second Ctrl+Z does not take back {name}"

    def _enter(self, editor: QWidget, commit: Qt.Key) -> None:
        if isinstance(editor, CommitField):
            before = self.window.document.experiment
            for text in (other_text(editor.text()), "2 × 2", "0.5"):
                editor.setFocus(Qt.FocusReason.TabFocusReason)
                editor.selectAll()
                self.qtbot.keyClicks(editor, text)
                self.press(commit)
                if self.window.document.experiment != before:
                    break
        elif isinstance(editor, ComboBox):
            editor.setFocus(Qt.FocusReason.TabFocusReason)
            last = editor.currentIndex() == editor.count() - 1
            self.press(Qt.Key.Key_Up if last else Qt.Key.Key_Down)
        elif isinstance(editor, Segmented):
            other = next(choice.value for choice in editor.choices() if choice.value != editor.value())
            editor.button(other).setFocus(Qt.FocusReason.TabFocusReason)
            self.press(Qt.Key.Key_Space)
        else:
            editor.setFocus(Qt.FocusReason.TabFocusReason)
            self.press(Qt.Key.Key_Space)


def editors_in(part: QWidget) -> dict[str, QWidget]:
    """By name, which the form gives by the field; those without one are told apart by their order."""
    found: dict[str, QWidget] = {}
    for one in part.findChildren(QWidget):
        if isinstance(one, EDITORS) and one.isVisible() and one.isEnabled():
            name = f"{one.parentWidget().objectName()}/{one.objectName()}"
            while name in found:
                name += "'"
            found[name] = one
    return found


def shown_by(editor: QWidget) -> object:
    if isinstance(editor, CommitField):
        return editor.text()
    return editor.isChecked() if isinstance(editor, Toggle) else editor.value()


def other_text(text: str) -> str:
    """Another text of the same kind: the last digit is another one."""
    for place in reversed(range(len(text))):
        if text[place].isdigit():
            return f"{text[:place]}{int(text[place]) % 8 + 1}{text[place + 1 :]}"
    return f"{text}1"


def digits() -> Experiment:
    return load_recipe("digits").experiment


def with_layer(kind: str) -> Experiment:
    layer = edits.new_layer(digits().replaced(layers=()), kind, id="first")
    return digits().replaced(layers=(layer,))


def with_optimizer(kind: str) -> Experiment:
    return digits().replaced(optimizer=OPTIMIZER_KINDS[kind]())


def with_schedule(kind: str) -> Experiment:
    return digits().replaced(schedule=SCHEDULE_KINDS[kind].new())


def with_source(kind: str) -> Experiment:
    return digits().replaced(data=digits().data.replaced(source=SOURCE_KINDS[kind].new()))


QUICK = {"layer": ["dense"], "optimizer": ["adam"], "schedule": ["piecewise"], "data": ["csv"]}
MAKERS: dict[str, tuple[Callable[[str], Experiment], list[str]]] = {
    "layer": (with_layer, list(LAYER_KINDS)),
    "optimizer": (with_optimizer, list(OPTIMIZER_KINDS)),
    "schedule": (with_schedule, list(SCHEDULE_KINDS)),
    "data": (with_source, list(SOURCE_KINDS)),
    "training": (lambda _: digits(), [""]),
}


def part_of(window: MainWindow, name: str) -> QWidget:
    if name == "data":
        window.data.details_button.setChecked(True)
        return window.data
    return window.inspector if name == "layer" else window.body.tabs.page(name)


@pytest.fixture
def hand(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Hand]:
    with open_window(qtbot, qapp, tmp_path, size=(1590, 990)) as made:
        yield Hand(qtbot, made)


def walk_over(hand: Hand, part: str, kinds: list[str]) -> None:
    make, _ = MAKERS[part]
    for kind in kinds:
        hand.show(make(kind), "optimizer" if part == "data" else part)
        hand.walk(part_of(hand.window, part))


@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=() if part == "schedule" else pytest.mark.thorough) for part in MAKERS]
)
def test_what_is_committed_is_taken_back_and_done_again(hand: Hand, part: str) -> None:
    walk_over(hand, part, QUICK.get(part, [""]))
    assert hand.tried


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", QUICK)
def test_so_it_is_for_every_kind(hand: Hand, part: str) -> None:
    _, kinds = MAKERS[part]
    walk_over(hand, part, kinds)
    assert len(hand.tried) > 3, sorted(hand.tried)


def test_while_something_is_typed_undo_is_about_the_text(hand: Hand) -> None:
    hand.show(with_layer("dense"), "layer")
    before = hand.window.document.experiment
    field = part_of(hand.window, "layer").findChild(CommitField, "field_units")
    assert isinstance(field, CommitField)
    shown = field.text()
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    hand.qtbot.keyClicks(field, "77")
    hand.press(Qt.Key.Key_Z, CONTROL)
    assert field.text() in (shown, "7", "") and hand.window.document.experiment == before


def test_a_window_that_changes_the_experiment_takes_it_back_by_key(
    qtbot: Any, qapp: QApplication, tmp_path: Path
) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        document, client = window.document, JobClient(window.engine)
        beside: tuple[Window, ...] = (
            SweepWindow(window.theme, parent=window),
            AugmentationWindow(window.theme, document, client, parent=window),
            Window(window),
        )
        before = document.experiment
        for other in beside:
            document.push(edits.set_value(document.experiment, "seed", 7), "Change the seed")
            with qtbot.waitActive(other):
                other.show()
                other.activateWindow()
            qtbot.keyClick(other.focusWidget() or other, Qt.Key.Key_Z, CONTROL)
            assert (document.experiment == before) is other.changes_experiment, type(other).__name__
            document.undo_stack.setIndex(0)
            with qtbot.waitSignal(window.actions_["keys"].triggered, timeout=1000):
                qtbot.keyClick(other.focusWidget() or other, Qt.Key.Key_F1)
            other.close()
    changing = {SweepWindow, AugmentationWindow, InspectorDialog, ReconstructionsWindow}
    assert all(kind.changes_experiment for kind in changing) and not RunWindow.changes_experiment, "it has an own undo"
