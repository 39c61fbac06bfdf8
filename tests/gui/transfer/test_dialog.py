"""The transfer dialog: what it offers, what it returns for which clicks and keys, and how it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import Data, FashionMNIST
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.dialog import TransferDialog
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest
from dnnstudio.gui.transfer.sources import SourceReader

from ..fake_engine import FakeEngine
from .conftest import A, B, OpenDialog, press, store, write


def modes(answer: TransferAnswer | None) -> dict[str, str]:
    assert answer is not None and answer.experiment.transfer is not None
    return {item.layer: item.mode for item in answer.experiment.transfer.reuse}


# ------------------------------------------------------------------------------------------------------- the source


def test_it_opens_on_the_newest_run_of_another_task(open_dialog: OpenDialog, workspace: Path) -> None:
    store(workspace, 10, B)
    store(workspace, 11, A.replaced(data=Data(source=FashionMNIST())))
    dialog = open_dialog()
    assert dialog.source is not None and dialog.source.short == "run 9"
    assert [choice.label for choice in dialog.top.sources.choices()][:1] == ["run 11 · Task A"]
    assert dialog.pairs.source_head.detail.text() == "val. 91.2\u00a0% (weights of the end), run 9, Digits, 8 classes"
    assert dialog.pairs.target_head.detail.text() == "100 training rows, one output"
    assert dialog.foot.sentence.text() == "Shapes fit. 3 layers cloned, 1 new."


def test_cancel_returns_nothing(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible() and dialog.answer is None


def test_apply_returns_all_but_the_output_cloned(open_dialog: OpenDialog, workspace: Path) -> None:
    dialog = open_dialog()
    press(dialog, "apply")
    assert dialog.answer is not None and dialog.answer.deed == "apply"
    assert modes(dialog.answer) == {"hidden_1": "clone", "bn": "clone", "hidden_2": "clone"}
    transfer = dialog.answer.experiment.transfer
    assert transfer is not None and transfer.source == str(workspace / "runs" / "0009 Task A")
    assert [(phase.epochs, phase.frozen) for phase in transfer.phases] == [
        (4, ("hidden_1", "bn", "hidden_2")),
        (16, ()),
    ]
    assert dialog.answer.experiment.replaced(transfer=None) == B


def test_in_a_file_of_the_workspace_the_source_is_named_relatively(open_dialog: OpenDialog, workspace: Path) -> None:
    dialog = open_dialog(document=workspace / "experiments" / "b.json")
    press(dialog, "apply_and_train")
    assert dialog.answer is not None and dialog.answer.deed == "train"
    assert dialog.answer.experiment.transfer is not None
    assert dialog.answer.experiment.transfer.source == "../runs/0009 Task A"


def test_the_source_asked_for_comes_first(open_dialog: OpenDialog, workspace: Path) -> None:
    wanted = store(workspace, 3, A.replaced(name="Older"))
    dialog = open_dialog(source=wanted)
    assert dialog.source is not None and dialog.source.place == wanted


def test_a_model_file_is_read_by_the_engine(open_dialog: OpenDialog, tmp_path: Path, qtbot: QtBot) -> None:
    file = tmp_path / "given.keras"
    file.write_bytes(b"a model")
    dialog = open_dialog(choose_file=lambda parent: file)
    press(dialog, "open_source_file")
    assert dialog.foot.sentence.text() == "given.keras is being read."
    assert not dialog.foot.apply.isEnabled()
    qtbot.waitUntil(lambda: dialog.source is not None and dialog.source.place == file)
    assert dialog.top.sources.value() == file
    assert dialog.pairs.row_of("hidden_1") is not None
    assert dialog.pairs.build_strip.isVisible(), "its layers differ: one hidden layer of 7 units"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not a model", "broken.keras is not a model file."), (None, "broken.keras does not exist.")],
)
def test_a_damaged_file_is_one_sentence_and_changes_nothing(
    open_dialog: OpenDialog, tmp_path: Path, qtbot: QtBot, content: bytes | None, words: str
) -> None:
    file = tmp_path / "broken.keras"
    if content is not None:
        file.write_bytes(content)
    dialog = open_dialog(choose_file=lambda parent: file)
    before = dialog.draft
    press(dialog, "open_source_file")
    qtbot.waitUntil(lambda: words in dialog.foot.sentence.text())
    assert dialog.draft == before
    assert dialog.source is not None and dialog.top.sources.value() == dialog.source.place
    assert dialog.foot.apply.isEnabled(), "the plan from before can still be applied"


def test_a_run_without_a_model_is_refused(open_dialog: OpenDialog, workspace: Path) -> None:
    dialog = open_dialog()
    empty = workspace / "runs" / "0043 empty"
    empty.mkdir()
    dialog.choose(empty)
    assert dialog.foot.sentence.text() == "0043 empty holds no trained model."


def test_rows_of_another_shape_are_one_sentence(open_dialog: OpenDialog, workspace: Path) -> None:
    other = store(workspace, 12, A.replaced(name="Clothes", data=Data(source=FashionMNIST())))
    dialog = open_dialog()
    dialog.choose(other)
    assert dialog.foot.sentence.text() == "The source reads rows of 28 × 28, but this data has 8 × 8."
    assert not dialog.foot.apply.isEnabled() and not dialog.foot.train.isEnabled()
    row = dialog.pairs.row_of("hidden_1")
    assert row is not None and not row.modes.button("clone").isEnabled()
    assert row.modes.button("clone").toolTip().endswith("its kernel is 64 × 6, but 784 × 6 in the source.")


def test_while_the_workspace_is_searched_nothing_is_said_to_be_missing(
    open_dialog: OpenDialog, workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SourceReader._read_some
    monkeypatch.setattr(SourceReader, "_read_some", lambda reader: None)
    dialog = open_dialog(wait=False)
    assert dialog.pairs.empty_title.text() == "Looking for trained models…"
    assert dialog.top.sources.placeholderText() == "looking for models…"
    while dialog._reader.searching:
        read(dialog._reader)
    assert dialog.source is not None
    assert dialog.pairs.empty.isHidden()
    assert dialog.top.searched


def test_without_any_model_splitting_is_offered(open_dialog: OpenDialog, tmp_path: Path, qtbot: QtBot) -> None:
    dialog = open_dialog(workspace=tmp_path / "empty", wait=False)
    assert dialog.pairs.empty_title.text() == "There is no trained model yet."
    assert not dialog.foot.apply.isEnabled()
    press(dialog, "split_from_dialog")
    assert dialog.answer == TransferAnswer(B, "split")


def test_a_source_of_the_same_task_is_remarked_on(open_dialog: OpenDialog, workspace: Path) -> None:
    mine = store(workspace, 10, B)
    dialog = open_dialog(source=mine)
    assert dialog.pairs.split_strip.isVisible()
    press(dialog, "split_strip_button")
    assert dialog.answer is not None and dialog.answer.deed == "split"


# ------------------------------------------------------------------------------------------------------- the layers


def test_clicks_on_modes_change_what_is_returned(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    press(dialog, "share_bn")
    press(dialog, "new_hidden_2")
    assert dialog.foot.sentence.text() == "Shapes fit. 1 layer cloned, 1 shared, 2 new."
    press(dialog, "apply")
    assert modes(dialog.answer) == {"hidden_1": "clone", "bn": "share"}


def test_a_shared_layer_is_warned_of_and_cloned_by_one_press(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    assert not dialog.pairs.strip.isVisible()
    press(dialog, "share_hidden_1")
    assert dialog.pairs.strip.accessibleName() == "hidden_1 is shared."
    assert dialog.pairs.strip.accessibleDescription().startswith("In phase 2 its weights change in run 9 too")
    press(dialog, "clone_instead")
    assert not dialog.pairs.strip.isVisible()
    press(dialog, "apply")
    assert set(modes(dialog.answer).values()) == {"clone"}


def test_a_layer_that_does_not_fit_says_why(open_dialog: OpenDialog) -> None:
    other = B.replaced(
        layers=(B.layers[0], Dense(id="hidden_1", units=5, activation="relu"), *B.layers[2:]),
    )
    dialog = open_dialog(other)
    row = dialog.pairs.row_of("hidden_1")
    assert row is not None
    assert row.note.text() == "its kernel is 64 × 5, but 64 × 6 in the source"
    assert not row.modes.button("clone").isEnabled() and not row.modes.button("share").isEnabled()
    assert "Nothing is reused" in dialog.foot.sentence.text()


def test_the_network_is_built_from_the_source(open_dialog: OpenDialog) -> None:
    small = B.replaced(layers=(Flatten(id="flatten"), Dense(id="output", units=1, activation="sigmoid")))
    dialog = open_dialog(small)
    assert not dialog.foot.apply.isEnabled()
    press(dialog, "build_from_source")
    assert dialog.foot.sentence.text() == "Shapes fit. 3 layers cloned, 1 new."
    press(dialog, "apply")
    assert dialog.answer is not None
    assert dialog.answer.experiment.layers == B.layers


def test_a_range_and_none(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    assert dialog.pairs.which.value() == "all"
    dialog.pairs.which.choose("range")
    dialog.pairs.first.choose("bn")
    assert dialog.foot.sentence.text() == "Shapes fit. 2 layers cloned, 2 new."
    assert dialog.pairs.which.value() == "range"
    dialog.pairs.which.choose("none")
    assert dialog.foot.sentence.text().startswith("Nothing is reused")
    assert not dialog.foot.apply.isEnabled()
    dialog.pairs.which.choose("all")
    assert dialog.foot.sentence.text() == "Shapes fit. 3 layers cloned, 1 new."
    press(dialog, "new_bn")
    assert dialog.pairs.which.value() is None and dialog.pairs.which.placeholderText() == "As chosen below"


# -------------------------------------------------------------------------------------------- a transfer that is there


def test_it_opens_with_the_transfer_that_is_there(open_dialog: OpenDialog, workspace: Path) -> None:
    place = store(workspace, 4, A.replaced(name="Four"))
    given = Transfer(
        source=str(place),
        reuse=(Reuse(layer="hidden_1", source="hidden_1", mode="share"),),
        phases=(Phase(epochs=3, frozen=("hidden_*",)), Phase(epochs=5), Phase(epochs=7)),
    )
    dialog = open_dialog(B.replaced(transfer=given))
    assert dialog.draft.transfer == given
    assert dialog.source is not None and dialog.source.place == place
    assert len([row for row in dialog.phases.rows if row.isVisible()]) == 3
    press(dialog, "remove_transfer")
    assert dialog.answer == TransferAnswer(B, "remove")


def test_a_source_that_is_gone_is_said_and_the_phases_stay(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    gone = Transfer(source="task_a.json", reuse=(Reuse(layer="bn", source="bn"),), phases=(Phase(epochs=2),))
    dialog = open_dialog(B.replaced(transfer=gone), wait=False)
    qtbot.waitUntil(lambda: dialog.source is not None)
    assert dialog.pairs.split_strip.accessibleName() == 'The source "task_a.json" is not a trained model here.'
    assert dialog.pairs.split_strip.accessibleDescription().startswith("Run 9 stands in for it")
    press(dialog, "apply")
    assert modes(dialog.answer) == {"bn": "clone"}
    assert dialog.answer is not None and dialog.answer.experiment.transfer is not None
    assert dialog.answer.experiment.transfer.phases == gone.phases


# -------------------------------------------------------------------------------------------------------- the phases


def test_the_frozen_button_acts_on_the_phase_in_sight(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    press(dialog, "frozen_hidden_2")
    trains = dialog.phases.rows[0].trains.text()
    assert trains == "33 of 447 parameters: hidden_2 and output", "28 of hidden_2 and 5 of the output"
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    dialog.phases.rows[1].epochs.setFocus()
    qtbot.waitUntil(dialog.phases.rows[1].epochs.hasFocus)
    press(dialog, "frozen_bn")
    press(dialog, "apply")
    assert dialog.answer is not None and dialog.answer.experiment.transfer is not None
    assert [phase.frozen for phase in dialog.answer.experiment.transfer.phases] == [("hidden_1", "bn"), ("bn",)]


def test_epochs_rate_and_optimizer_of_a_phase(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    write(dialog, "phase_1_epochs", "7")
    write(dialog, "phase_2_rate", "0.25")
    dialog.phases.rows[0].optimizer.choose("adam")
    assert dialog.phases.head.note.text() == "23 epochs in all"
    assert [stretch.words for stretch in dialog.phases.bar.stretches] == [
        "1 · frozen · 7 epochs",
        "2 · unfrozen · 16 epochs",
    ]
    press(dialog, "apply")
    assert dialog.answer is not None and dialog.answer.experiment.transfer is not None
    first, second = dialog.answer.experiment.transfer.phases
    assert (first.epochs, first.learning_rate) == (7, None)
    assert first.optimizer is not None and first.optimizer.kind == "adam"
    assert (second.epochs, second.learning_rate, second.optimizer) == (16, 0.25, None)


def test_phases_are_added_moved_and_removed(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    press(dialog, "add_phase")
    assert dialog.phases.head.note.text() == "36 epochs in all"
    menu = dialog.phases.rows[0].make_menu()
    {action.objectName(): action for action in menu.actions()}["move_phase_down"].trigger()
    {action.objectName(): action for action in menu.actions()}["remove_phase"].trigger()
    menu.deleteLater()
    assert dialog.draft.transfer is not None
    assert [(phase.epochs, len(phase.frozen)) for phase in dialog.draft.transfer.phases] == [(4, 3), (16, 0)]


def test_a_phase_that_freezes_everything_is_refused(open_dialog: OpenDialog) -> None:
    every = Transfer(source="x", reuse=(Reuse(layer="bn", source="bn"),), phases=(Phase(epochs=2, frozen=("*",)),))
    dialog = open_dialog(B.replaced(transfer=every), wait=False)
    dialog.choose(dialog._request.workspace / "runs" / "0009 Task A")
    assert dialog.foot.sentence.text() == "Phase 1 freezes every layer, so nothing can be learnt in it."
    assert dialog.phases.rows[0].trains.text() == "nothing: every layer is frozen"
    assert not dialog.foot.apply.isEnabled()


# ------------------------------------------------------------------------------------------------------ the keyboard


def test_everything_is_within_the_keyboard_s_reach(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    dialog.top.sources.setFocus()
    seen: list[str] = []
    for _ in range(80):
        focus = dialog.focusWidget()
        assert focus is not None
        seen.append(focus.objectName())
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    wanted = {"source", "open_source_file", "which_layers", "clone_hidden_1", "frozen_bn", "add_phase"}
    wanted |= {"phase_1_frozen", "phase_1_epochs", "phase_2_rate", "phase_2_optimizer", "phase_2_more"}
    assert wanted | {"cancel", "apply", "apply_and_train"} <= set(seen)
    read = (
        "source",
        "which_layers",
        "clone_hidden_1",
        "frozen_bn",
        "add_phase",
        "phase_1_epochs",
        "phase_2_rate",
        "apply",
    )
    assert sorted(read, key=seen.index) == list(read)


def test_every_control_can_be_named_and_taught(open_dialog: OpenDialog) -> None:
    dialog = open_dialog()
    press(dialog, "share_bn")
    nameless, silent = [], []
    for kind in (QAbstractButton, QComboBox, QLineEdit):
        for control in dialog.findChildren(kind):
            if control.isVisible():
                nameless += [control] if not control.objectName() else []
                silent += [control.objectName()] if not control.toolTip() else []
    assert nameless == []
    assert silent in ([], ["clone_instead"])


def test_arrows_choose_a_mode_and_ctrl_enter_applies_and_trains(open_dialog: OpenDialog, qtbot: QtBot) -> None:
    dialog = open_dialog()
    with qtbot.waitActive(dialog):
        dialog.activateWindow()
    row = dialog.pairs.row_of("hidden_1")
    assert row is not None
    row.modes.button("clone").setFocus()
    QTest.keyClick(row.modes.button("clone"), Qt.Key.Key_Right)
    assert row.modes.value() == "share"
    QTest.keyClick(dialog, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert dialog.answer is not None and dialog.answer.deed == "train"
    assert modes(dialog.answer)["hidden_1"] == "share"


def test_while_something_trains_it_can_only_be_applied(open_dialog: OpenDialog) -> None:
    dialog = open_dialog(training=True)
    assert dialog.foot.apply.isEnabled() and not dialog.foot.train.isEnabled()


def test_ask_gives_nothing_when_it_is_cancelled(qapp: QApplication, theme: Theme, workspace: Path) -> None:
    engine: Any = FakeEngine()
    unread = TransferRequest(B, None, None, workspace, engine, lambda parent: None)
    assert _ask_and_press(qapp, theme, unread, "cancel") == "The data is not read yet, so its shape is not known."
    engine.shutdown()
    engine.deleteLater()


def _ask_and_press(app: QApplication, theme: Theme, request: TransferRequest, name: str) -> str:
    """Run the dialog, press a button, and give the sentence that was in sight."""
    said: list[str] = []

    def act() -> None:
        dialog = app.activeModalWidget()
        assert isinstance(dialog, TransferDialog)
        said.append(dialog.foot.sentence.text())
        button = dialog.findChild(QPushButton, name)
        assert button is not None
        button.click()

    QTimer.singleShot(0, act)
    assert TransferDialog.ask(theme, request, parent=None) is None
    return said[0]
