"""The two small dialogs beside the large one: which layers are frozen, and which classes are task B's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPushButton
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import FASHION_CLASSES, Classes, Data, FashionMNIST, FirstRows
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Phase, Reuse, Transfer
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.frozen_dialog import FrozenDialog
from dnnstudio.gui.transfer.optimizer_dialog import OptimizerDialog
from dnnstudio.gui.transfer.phase_bar import PhaseBar, Stretch
from dnnstudio.gui.transfer.split_dialog import SplitDialog, Tasks

from .conftest import A, B, press, write

PLAN = B.replaced(
    transfer=Transfer(source="x", reuse=(Reuse(layer="bn", source="bn"),), phases=(Phase(epochs=2), Phase(epochs=3)))
)
CLOTHES = A.replaced(
    name="Clothes",
    data=Data(source=FashionMNIST(), validation=FirstRows(count=5000)),
    layers=(*A.layers[:-1], A.layers[-1].replaced(units=10)),
)


@pytest.fixture
def frozen(qtbot: QtBot, theme: Theme) -> Iterator[FrozenDialog]:
    dialog = FrozenDialog(theme, PLAN, 1)
    with qtbot.waitExposed(dialog):
        dialog.show()
    yield dialog
    dialog.close()
    dialog.deleteLater()


@pytest.fixture
def split(qtbot: QtBot, theme: Theme) -> Iterator[SplitDialog]:
    dialog = SplitDialog(theme, CLOTHES, FASHION_CLASSES)
    with qtbot.waitExposed(dialog):
        dialog.show()
    yield dialog
    dialog.close()
    dialog.deleteLater()


# ------------------------------------------------------------------------------------------------------ frozen layers


def test_layers_are_frozen_by_click(frozen: FrozenDialog) -> None:
    QTest.keyClick(frozen.boxes["hidden_1"], Qt.Key.Key_Space)
    QTest.keyClick(frozen.boxes["bn"], Qt.Key.Key_Space)
    assert frozen.entries == ("hidden_1", "bn")
    QTest.keyClick(frozen.boxes["hidden_1"], Qt.Key.Key_Space)
    assert frozen.entries == ("bn",)
    assert frozen.norm.isVisible() and "inference mode" in frozen.norm.text()


def test_layers_are_frozen_by_range(frozen: FrozenDialog) -> None:
    frozen.first.choose("hidden_2")
    frozen.last.choose("hidden_1")
    press(frozen, "freeze_range")
    assert frozen.entries == ("hidden_1", "bn", "hidden_2"), "either end may come first"
    frozen.first.choose("bn")
    frozen.last.choose("bn")
    press(frozen, "free_range")
    assert frozen.entries == ("hidden_1", "hidden_2")


def test_layers_are_frozen_by_a_pattern_that_stays_a_pattern(frozen: FrozenDialog) -> None:
    frozen.boxes["hidden_1"].click()
    frozen.pattern.setFocus()
    QTest.keyClicks(frozen.pattern, "hiden_*")
    assert frozen.matches.text() == "No layer has such a name."
    assert not frozen.by_name.isEnabled()
    write(frozen, "freeze_pattern", "hidden_*")
    assert frozen.entries == ("hidden_*",), "names that the pattern fits are not kept beside it"
    assert frozen.matches.text() == "By name: hidden_*."
    assert frozen.boxes["hidden_2"].isChecked() and frozen.boxes["hidden_2"].text().endswith("by hidden_*")
    frozen.boxes["hidden_2"].click()
    assert frozen.entries == ("hidden_1",)
    press(frozen, "freeze_none")
    assert frozen.entries == ()
    assert frozen.isVisible(), "Return in the pattern does not close the dialog"


def test_the_answer_is_the_experiment_with_that_phase_alone_changed(qapp: QApplication, theme: Theme) -> None:
    def act() -> None:
        dialog = qapp.activeModalWidget()
        assert isinstance(dialog, FrozenDialog)
        dialog.boxes["bn"].click()
        _button(dialog, "apply").click()

    QTimer.singleShot(0, act)
    after = FrozenDialog.ask(theme, PLAN, 1, parent=None)
    assert after is not None and after.transfer is not None
    assert [phase.frozen for phase in after.transfer.phases] == [(), ("bn",)]


def test_a_phase_s_optimizer_has_the_same_form_as_the_experiment_s(qapp: QApplication, theme: Theme) -> None:
    def act() -> None:
        dialog = qapp.activeModalWidget()
        assert isinstance(dialog, OptimizerDialog)
        write(dialog, "field_beta_1", "0.5")
        _button(dialog, "apply").click()

    QTimer.singleShot(0, act)
    after = OptimizerDialog.ask(theme, PLAN, Adam(learning_rate=0.2), 1, parent=None)
    assert after == (Adam(learning_rate=0.2, beta_1=0.5), "")


# ---------------------------------------------------------------------------------------------------------- two tasks


def test_it_opens_with_the_chapter_s_tasks(split: SplitDialog) -> None:
    assert split.tasks == Tasks(*split_into_tasks(CLOTHES))
    assert split.tasks.b.data.classes == Classes(keep=(5, 6), positive=6)
    assert split.tasks.b.data.train_limit == 200
    assert split.outcome.text() == "A: 8 classes, all rows.  B: Sandal or Shirt, the first 200 training rows."


def test_other_classes_and_rows_can_be_chosen(split: SplitDialog) -> None:
    press(split, "task_b_0")
    write(split, "task_b_rows", "50")
    assert split.positive.value() == 6, "the question stays while its class is there"
    split.positive.choose("each")
    assert split.tasks is not None
    assert split.tasks.b.data.classes == Classes(keep=(0, 5, 6))
    assert split.tasks.b.data.train_limit == 50
    assert split.tasks.b.layers[-1].units == 3
    assert split.tasks.a.data.classes.keep == (1, 2, 3, 4, 7, 8, 9)


def test_too_few_classes_are_refused_in_one_sentence(split: SplitDialog) -> None:
    press(split, "task_b_5")
    assert split.tasks is None and not split.split.isEnabled()
    assert split.problem.text().startswith("That leaves 9 classes for task A and 1 for task B; each needs two or more.")
    press(split, "task_b_5")
    assert split.problem.text() == "" and split.split.isEnabled()


def test_a_stack_without_an_output_is_refused(qtbot: QtBot, theme: Theme) -> None:
    dialog = SplitDialog(theme, Experiment(data=CLOTHES.data), FASHION_CLASSES)
    assert dialog.problem.text() == "The stack does not end in a Dense layer. Add one as the output."
    dialog.deleteLater()


def test_few_classes_take_the_last_two(qtbot: QtBot, theme: Theme) -> None:
    dialog = SplitDialog(theme, CLOTHES, ("a", "b", "c", "d"))
    assert dialog.tasks is not None and dialog.tasks.b.data.classes == Classes(keep=(2, 3), positive=3)
    dialog.deleteLater()


def test_one_key_gives_both_tasks(qapp: QApplication, theme: Theme) -> None:
    def act() -> None:
        dialog = qapp.activeModalWidget()
        assert isinstance(dialog, SplitDialog)
        QTest.keyClick(dialog, Qt.Key.Key_Return)

    QTimer.singleShot(0, act)
    tasks = SplitDialog.ask(theme, CLOTHES, FASHION_CLASSES, parent=None)
    assert tasks == Tasks(*split_into_tasks(CLOTHES))


def _button(dialog: QDialog, name: str) -> QPushButton:
    button = dialog.findChild(QPushButton, name)
    assert button is not None
    return button


def test_left_and_right_choose_a_phase_on_the_bar(qtbot: QtBot, theme: Theme) -> None:
    bar = PhaseBar(theme)
    qtbot.addWidget(bar)
    bar.show_stretches([Stretch(1, "first", True), Stretch(2, "second", False)], 0)
    asked: list[int] = []
    bar.chosen.connect(asked.append)
    qtbot.keyClick(bar, Qt.Key.Key_Left)  # there is none before the first
    qtbot.keyClick(bar, Qt.Key.Key_Right)
    assert asked == [1] and bar.focusPolicy() == Qt.FocusPolicy.TabFocus
