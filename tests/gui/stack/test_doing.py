"""Keyboard, menus, drag and clipboard do what undo takes back."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu
from pytestqt.qtbot import QtBot

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.layers import LAYER_KINDS, BatchNormalization, Dense
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.stack_commands import MIME_TYPE
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.stack.add_menu import kind_of, matching_kinds
from dnnstudio.gui.stack.delegate import CARD


def ids(document: Document) -> list[str]:
    return [layer.id for layer in document.experiment.layers]


def press(view: LayerStackView, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(view.list, key, modifiers)


# ----------------------------------------------------------------------------------------------------- the keyboard


def test_alt_and_arrows_move_the_selected_layers(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1", "drop"])
    press(view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert ids(document) == ["flatten", "hidden_2", "hidden_1", "drop", "output"]
    press(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    press(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert ids(document) == ["hidden_1", "drop", "flatten", "hidden_2", "output"]
    press(view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert ids(document) == ["hidden_1", "drop", "flatten", "hidden_2", "output"]
    assert document.selection == ("hidden_1", "drop")


def test_delete_removes_and_undo_brings_back(view: LayerStackView, document: Document) -> None:
    before = document.experiment
    document.select(["hidden_1", "drop"])
    press(view, Qt.Key.Key_Delete)
    assert ids(document) == ["flatten", "hidden_2", "output"]
    assert document.selection == ("hidden_2",)
    assert document.undo_stack.undoText() == "Delete 2 layers"
    document.undo_stack.undo()
    assert document.experiment == before
    assert document.selection == ("hidden_1", "drop")


def test_ctrl_d_duplicates_under_free_names(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1"])
    press(view, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert ids(document)[1:3] == ["hidden_1", "hidden_3"]
    assert document.selection == ("hidden_3",)
    copied = document.layer("hidden_3")
    assert isinstance(copied, Dense)
    assert copied.units == 300


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_E])
def test_space_and_ctrl_e_switch_layers(view: LayerStackView, document: Document, key: Qt.Key) -> None:
    modifiers = Qt.KeyboardModifier.ControlModifier if key == Qt.Key.Key_E else Qt.KeyboardModifier.NoModifier
    document.select(["drop", "hidden_2"])
    press(view, key, modifiers)
    assert [layer.enabled for layer in document.experiment.layers] == [True, True, False, False, True]
    press(view, key, modifiers)
    assert all(layer.enabled for layer in document.experiment.layers)


def test_ctrl_k_freezes_what_learns(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1", "drop", "hidden_2"])
    press(view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert [row.frozen for row in view.list.layers.rows] == [False, True, False, True, False]
    press(view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert not any(row.frozen for row in view.list.layers.rows)


@pytest.mark.parametrize("key", [Qt.Key.Key_Insert, Qt.Key.Key_Plus])
def test_insert_and_plus_open_the_menu_and_typing_adds(view: LayerStackView, document: Document, key: Qt.Key) -> None:
    document.select(["hidden_1"])
    press(view, key)
    assert view.add_menu.isVisible()
    QTest.keyClicks(view.add_menu.search, "batch")
    QTest.keyClick(view.add_menu.search, Qt.Key.Key_Return)
    assert not view.add_menu.isVisible()
    assert ids(document) == ["flatten", "hidden_1", "bn_1", "drop", "hidden_2", "output"]
    assert isinstance(document.layer("bn_1"), BatchNormalization)


def test_f2_renames_in_the_card(view: LayerStackView, document: Document, qtbot: QtBot) -> None:
    document.select(["drop"])
    press(view, Qt.Key.Key_F2)
    editor = view.list.findChild(QLineEdit, "layer_name_editor")
    assert editor.text() == "drop"
    editor.setText("dropout_a")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: ids(document)[2] == "dropout_a")
    assert document.selection == ("dropout_a",)


def test_a_name_that_is_taken_is_refused_and_nothing_changes(
    view: LayerStackView, document: Document, qtbot: QtBot
) -> None:
    before = document.experiment
    with qtbot.waitSignal(view.failed) as caught:
        view.list.layers.setData(view.list.layers.index(2), "output")
    assert isinstance(caught.args[0], UserError)
    assert document.experiment is before


def test_copy_and_paste_go_through_json_text(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1", "drop"])
    press(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = json.loads(QGuiApplication.clipboard().text())
    assert [layer["kind"] for layer in copied] == ["dense", "dropout"]
    document.select(["output"])
    press(view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert len(ids(document)) == 7
    assert [layer.kind for layer in document.experiment.layers[5:]] == ["dense", "dropout"]
    assert len(document.selection) == 2


def test_pasting_what_is_no_layer_says_so(view: LayerStackView, document: Document, qtbot: QtBot) -> None:
    QGuiApplication.clipboard().setText("hello")
    before = document.experiment
    with qtbot.waitSignal(view.failed) as caught:
        press(view, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert isinstance(caught.args[0], UserError)
    assert document.experiment is before


def test_the_list_takes_its_keys_before_the_window(view: LayerStackView) -> None:
    for key, modifiers, taken in (
        (Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier, True),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, True),
        (Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier, False),
        (Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier, False),
    ):
        event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, key, modifiers)
        event.ignore()
        QApplication.sendEvent(view.list, event)
        assert event.isAccepted() is taken


# --------------------------------------------------------------------------------------------------- menus and drag


def test_the_context_menu_offers_every_deed(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1"])
    menu = QMenu(view)
    view.fill_menu(menu)
    names = {action.objectName() for action in menu.actions()}
    assert names >= set(view.list.deeds)
    assert all(action.isEnabled() for action in menu.actions())
    document.select([])
    empty = QMenu(view)
    view.fill_menu(empty)
    enabled = {action.objectName() for action in empty.actions() if action.isEnabled()}
    assert "add_layer" in enabled
    assert "remove_layers" not in enabled


def test_a_transformation_of_the_network_is_one_step(view: LayerStackView, document: Document) -> None:
    before = document.experiment
    menu = QMenu(view)
    view.fill_menu(menu)
    sub = menu.findChild(QMenu, "transformation_menu")
    next(action for action in sub.actions() if action.objectName() == "normalize_before").trigger()
    assert sum(isinstance(layer, BatchNormalization) for layer in document.experiment.layers) == 2
    document.undo_stack.undo()
    assert document.experiment == before


def drop(view: LayerStackView, row: int, mime: QMimeData, *, upper: bool, inside: bool) -> None:
    """Let go of dragged layers over the upper or lower half of a card."""
    area = view.list.visualRect(view.list.layers.index(row))
    point = QPointF(area.center().x(), area.top() + (5 if upper else CARD - 5))
    event = QDropEvent(point, Qt.DropAction.MoveAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    source = view.list if inside else None
    event.source = lambda: source  # type: ignore[method-assign, assignment]
    view.list.dropEvent(event)


def test_dragging_several_layers_moves_them(view: LayerStackView, document: Document) -> None:
    document.select(["hidden_1", "drop"])
    mime = view.list.layers.mimeData(view.list.selectedIndexes())
    drop(view, 4, mime, upper=False, inside=True)
    assert ids(document) == ["flatten", "hidden_2", "output", "hidden_1", "drop"]
    drop(view, 0, mime, upper=True, inside=True)
    assert ids(document) == ["hidden_1", "drop", "flatten", "hidden_2", "output"]
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert ids(document) == ["flatten", "hidden_1", "drop", "hidden_2", "output"]


def test_layers_dropped_from_another_window_are_copied(view: LayerStackView, document: Document) -> None:
    text = json.dumps([{"kind": "dense", "id": "hidden_1", "units": 7}])
    mime = QMimeData()
    mime.setText(text)
    mime.setData(MIME_TYPE, text.encode())
    drop(view, 0, mime, upper=False, inside=False)
    assert ids(document)[0] == "flatten"
    assert len(ids(document)) == 6
    layer = document.experiment.layers[1]
    assert isinstance(layer, Dense)
    assert layer.units == 7
    assert layer.id != "hidden_1"


# ------------------------------------------------------------------------------------------------------ the add menu


def test_every_kind_is_in_the_menu_once_and_found_by_its_names() -> None:
    assert {kind_of(cls) for cls in matching_kinds("")} == set(LAYER_KINDS)
    for kind, cls in LAYER_KINDS.items():
        assert kind in {kind_of(found) for found in matching_kinds(cls.label)}
        assert kind in {kind_of(found) for found in matching_kinds(cls.keras_class.lower())}


@pytest.mark.parametrize(
    ("typed", "first"), [("den", "dense"), ("drop", "dropout"), ("bn", "batch_normalization"), ("conv", "conv2d")]
)
def test_a_few_letters_find_the_layer(typed: str, first: str) -> None:
    assert kind_of(matching_kinds(typed)[0]) == first


def test_arrows_in_the_search_pass_over_headings(view: LayerStackView) -> None:
    view.show_add_menu()
    menu = view.add_menu
    seen = []
    for _ in range(len(LAYER_KINDS)):
        seen.append(menu.kinds.currentItem().text())
        QTest.keyClick(menu.search, Qt.Key.Key_Down)
    menu.hide()
    assert len(set(seen)) == len(LAYER_KINDS)


def test_a_search_without_a_result_adds_nothing(view: LayerStackView, document: Document) -> None:
    view.show_add_menu()
    QTest.keyClicks(view.add_menu.search, "transformer")
    assert view.add_menu.nothing.isVisibleTo(view.add_menu)
    QTest.keyClick(view.add_menu.search, Qt.Key.Key_Return)
    view.add_menu.hide()
    assert len(ids(document)) == 5


def test_what_keeps_the_network_from_training_comes_first_in_the_stacks_advice(
    view: LayerStackView, document: Document
) -> None:
    document.push(edits.set_value(document.experiment, "layers.output.units", 7), "Seven units")
    worst = next(problem for problem in document.problems if problem.severity == "error")
    assert view.advice.problems[0] is worst
    card = view.advice.cards[0]
    assert worst.fix is None or card.fix_button.text() == worst.fix.label


def test_a_new_layer_goes_after_the_chosen_one_and_before_the_output(view: LayerStackView, document: Document) -> None:
    before = ids(document)
    view.add_button.click()
    view.add_menu.chosen.emit("activation")
    added = document.selection[0]
    assert ids(document) == [*before[:-1], added, before[-1]], "nothing was chosen"
    document.select([before[-1]])
    assert view.commands.insertion_index() == len(before), "the output is chosen"
    document.select([before[0]])
    assert view.commands.insertion_index() == 1
