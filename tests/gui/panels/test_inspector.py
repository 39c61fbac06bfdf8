"""The form of the selected layers: edits, advice, names."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.inspector import InspectorPanel
from dnnstudio.gui.panels.option_panel import title_at
from dnnstudio.gui.theme import Theme


def shown(qtbot: QtBot, panel: QWidget, width: int = 320, height: int = 700) -> None:
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    qtbot.waitExposed(panel)


def dense(document: Document, layer_id: str) -> Dense:
    layer = document.layer(layer_id)
    assert isinstance(layer, Dense)
    return layer


# ------------------------------------------------------------------------------------------------------- inspector


def test_the_inspector_follows_the_selection(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    assert panel.nothing_selected.isVisible()
    assert not panel.area.isVisible()
    document.select(["hidden_1"])
    assert (panel.name.text(), panel.kind.text()) == ("hidden_1", "Dense")
    assert "units" in panel.form.paths()
    assert "id" not in panel.form.paths()
    document.select(["drop"])
    assert "rate" in panel.form.paths()
    assert not panel.lock.isVisible()


def test_an_edit_in_the_form_is_one_step_with_a_name(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    panel.form.edited.emit("units", 77)
    assert dense(document, "hidden_1").units == 77
    assert document.undo_stack.undoText() == "Change units of hidden_1"
    panel.form.edited.emit("units", 78)
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert dense(document, "hidden_1").units == 30


def test_typing_in_the_field_reaches_the_document(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    field = panel.findChild(QLineEdit, "field_units")
    field.selectAll()
    QTest.keyClicks(field, "64")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert dense(document, "hidden_1").units == 64


def test_many_layers_are_edited_in_one_step(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1", "hidden_2"])
    assert (panel.name.text(), panel.kind.text()) == ("2 layers", "Dense")
    before = document.experiment
    panel.form.edited.emit("activation", "selu")
    assert [dense(document, name).activation for name in ("hidden_1", "hidden_2")] == ["selu", "selu"]
    assert dense(document, "output").activation == "softmax"
    document.undo_stack.undo()
    assert document.experiment == before


def test_layers_of_several_kinds_share_their_common_fields(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1", "drop"])
    assert panel.kind.text() == "several kinds"
    assert "units" not in panel.form.paths()


def test_the_parameter_count_stands_beside_trainable(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    assert panel.form.row("trainable").note.text() == f"{64 * 30 + 30:,} parameters"
    panel.resize(240, 700)
    assert panel.form.row("trainable").note.text() == f"{64 * 30 + 30:,} params"
    assert panel.weights.text() == "Weights 64 × 30 + 30"


def test_advice_names_its_field_and_its_fix_clears_it(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_2"])
    problem = next(problem for problem in panel.advice.problems if problem.field == "kernel_initializer")
    card = panel.advice.cards[list(panel.advice.problems).index(problem)]
    assert card.isVisible()
    assert panel.marks()["kernel_initializer"] == "hint"
    QTest.mouseClick(card.fix_button, Qt.MouseButton.LeftButton)
    assert isinstance(dense(document, "hidden_2").kernel_initializer, HeNormal)
    assert problem.fix is not None
    assert document.undo_stack.undoText() == problem.fix.label
    assert not any(found.field == "kernel_initializer" for found in panel.advice.problems)
    assert panel.marks() == {}


def test_the_lock_freezes_and_thaws(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1", "hidden_2"])
    QTest.mouseClick(panel.lock, Qt.MouseButton.LeftButton)
    assert not dense(document, "hidden_1").trainable
    assert not dense(document, "hidden_2").trainable
    QTest.mouseClick(panel.lock, Qt.MouseButton.LeftButton)
    assert dense(document, "hidden_1").trainable


def test_a_layer_is_renamed_in_the_head(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    QTest.mouseDClick(panel.name, Qt.MouseButton.LeftButton)
    panel.name_editor.setText("first")
    QTest.keyClick(panel.name_editor, Qt.Key.Key_Return)
    assert document.layer("first") is not None
    assert panel.name.text() == "first"
    panel.edit_name()
    panel.name_editor.setText("output")
    with qtbot.waitSignal(panel.failed) as caught:
        QTest.keyClick(panel.name_editor, Qt.Key.Key_Return)
    assert isinstance(caught.args[0], UserError)
    assert panel.name.text() == "first"


def test_escape_leaves_the_name(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    panel.edit_name()
    panel.name_editor.setText("other")
    QTest.keyClick(panel.name_editor, Qt.Key.Key_Escape)
    assert document.layer("hidden_1") is not None
    assert document.undo_stack.count() == 0


def test_reset_gives_defaults_back_but_keeps_units(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    document.select(["hidden_1"])
    menu = QMenu(panel)
    panel.fill_menu(menu)
    next(action for action in menu.actions() if action.text().startswith("Reset")).trigger()
    assert dense(document, "hidden_1") == Dense(id="hidden_1", units=30)


def test_a_nested_field_has_the_title_a_person_knows() -> None:
    layer = Dense(id="a", units=3, kernel_regularizer={"l2": 0.1})
    assert title_at(layer, "kernel_regularizer.l2") == "L2"
    assert title_at(layer, "units") == "Units"


def test_layers_without_an_option_in_common_say_so(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = InspectorPanel(document, theme)
    shown(qtbot, panel)
    said = panel.findChild(QLabel, "nothing_selected")
    assert isinstance(said, QLabel)
    document.select(["flatten", "hidden_1", "drop"])
    assert not said.isHidden() and "no option in common" in said.text()
    document.select(["hidden_1", "hidden_2"])
    assert said.isHidden()
    document.select([])
    assert not said.isHidden() and "Select a layer" in said.text()
