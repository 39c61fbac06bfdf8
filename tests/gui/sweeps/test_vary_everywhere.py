"""Every field of every form can be varied, or a sentence says why not: in the window, and of a transfer's phases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import QApplication

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Dropout
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Transfer
from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.varied import parse_varied
from dnnstudio.gui.forms.row import FormRow
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.sweeps.suggesting import fields_to_vary, suggest
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.optimizer_dialog import OptimizerDialog
from dnnstudio.gui.transfer.phase_row import PhaseFacts, PhaseRow
from dnnstudio.gui.transfer.request import TransferAnswer

from ..window_kit import open_window

DIGITS = load_recipe("digits").experiment
REUSING = DIGITS.replaced(
    transfer=Transfer(
        source="runs/0001 Source",
        reuse=(Reuse(layer="dense_1", source="dense_1"),),
        phases=(Phase(epochs=4, frozen=("dense_1",), optimizer=Adam()), Phase(epochs=8, learning_rate=0.01)),
    )
)


@pytest.fixture
def main(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as window:
        window.engine.start()
        qtbot.waitUntil(lambda: window.document.summary is not None)
        yield window


def vary(row: FormRow) -> None:
    menu = row.field_menu()
    action = menu.findChild(QAction, "vary_field")
    assert action is not None
    action.trigger()
    menu.deleteLater()


@pytest.mark.parametrize("pretraining", [False, True])
def test_every_row_of_every_form_of_the_window_answers_to_vary(main: MainWindow, pretraining: bool) -> None:
    layers = (DIGITS.layers[0], Dropout(id="drop", rate=0.2), *DIGITS.layers[1:])
    before = DIGITS.replaced(layers=layers)
    main.document.push(before.replaced(pretraining=Autoencoder(until="dense_1")) if pretraining else before, "Prepare")
    sweeps, refused, walked = main.workbench.sweeps, list[UserError](), 0
    sweeps.failed.connect(refused.append)
    for layer in ("dense_1", "drop"):
        main.document.select((layer,))
        for row in main.findChildren(FormRow):
            sweeps.begin_fresh()
            refused.clear()
            vary(row)
            cards = sweeps.window.varied.cards if sweeps.window is not None else ()
            assert len(cards) + len(refused) == 1, row.objectName()
            walked += 1
    assert walked > 40


# ---------------------------------------------------------------------------------------------- a transfer's phases


def test_the_phases_are_among_what_the_window_of_sweeps_offers() -> None:
    titles = dict(fields_to_vary(REUSING))
    assert titles["transfer.phases.0.epochs"] == "Phase 1 epochs"
    assert titles["transfer.phases.1.learning_rate"] == "Phase 2 learning rate"
    assert setting_title("transfer.phases.0.optimizer.beta_1") == "Phase 1 beta 1"
    for path in titles:
        parse_varied([f"{path}={suggest(REUSING, path).values}"], REUSING)  # the experiment can hold them


def test_a_phase_s_fields_and_its_menu_ask_to_vary(qtbot: Any, theme: Theme) -> None:
    row = PhaseRow(theme, 0)
    qtbot.addWidget(row)
    row.show_facts(
        PhaseFacts(
            number=0, count=2, frozen="frozen", freezes=True, frozen_tip="", epochs=4, rate=0.1, own_rate=False,
            optimizer=None, experiment_optimizer="SGD", trains="", trains_tip="", current=True,
        )
    )  # fmt: skip
    row.show()
    asked: list[str] = []
    row.vary_requested.connect(asked.append)
    for field in (row.epochs, row.rate):
        place = QPoint(4, 4)
        QApplication.sendEvent(
            field, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, field.mapToGlobal(place))
        )
        menu = QApplication.activePopupWidget()
        assert menu is not None and menu.objectName() == "field_menu"
        action = menu.findChild(QAction, "vary_field")
        assert action is not None
        action.trigger()
        menu.close()
    menu = row.make_menu()
    for name in ("vary_epochs", "vary_learning_rate"):
        next(action for action in menu.actions() if action.objectName() == name).trigger()
    menu.deleteLater()
    assert asked == ["epochs", "learning_rate"] * 2


def test_varying_a_phase_applies_the_transfer_and_opens_the_window_of_sweeps(main: MainWindow) -> None:
    answers: Any = main.workbench.dialogs
    answers.transfer = TransferAnswer(REUSING, "vary", "transfer.phases.1.learning_rate")
    main.actions_["transfer"].trigger()
    assert main.document.experiment == REUSING
    window = main.workbench.sweeps.window
    assert window is not None
    assert [card.path for card in window.varied.cards] == ["transfer.phases.1.learning_rate"]


def test_a_field_of_a_phase_s_optimizer_can_be_varied_too(qtbot: Any, theme: Theme) -> None:
    dialog = OptimizerDialog(theme, DIGITS.replaced(optimizer=Adam()), "Optimizer of phase 1")
    qtbot.addWidget(dialog)
    dialog.show()
    row = next(row for row in dialog.findChildren(FormRow) if row.planned.path == "learning_rate")
    vary(row)
    assert dialog.result() == OptimizerDialog.DialogCode.Accepted
    assert dialog.vary == "learning_rate"
    assert suggest(REUSING, f"transfer.phases.0.optimizer.{dialog.vary}").number
