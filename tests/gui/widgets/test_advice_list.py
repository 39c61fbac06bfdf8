"""Advice cards, and an area that scrolls only when it must."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import FlowLayout
from dnnstudio.gui.widgets.advice_list import AdviceList
from dnnstudio.gui.widgets.windows.fit_scroll import FitScroll


def test_no_bar_is_there_only_because_it_takes_the_width_that_would_make_it_needless(qtbot: QtBot) -> None:
    content = QWidget()
    flow = FlowLayout(content, spacing=0)
    for _ in range(6):
        chip = QLabel("")
        chip.setFixedSize(100, 20)
        flow.addWidget(chip)
    area = FitScroll(content)
    qtbot.addWidget(area)
    area.resize(300, 30)  # two lines do not fit: a bar, and with it three lines
    with qtbot.waitExposed(area):
        area.show()
    qtbot.waitUntil(lambda: area.verticalScrollBar().isVisible())
    assert content.heightForWidth(area.viewport().width()) == 60
    area.resize(300, 40)
    qtbot.waitUntil(lambda: not area.verticalScrollBar().isVisible())
    assert content.height() == 40


def test_foldable_advice_shows_what_mends_it_when_pressed(qtbot: QtBot, theme: Theme) -> None:
    document = Document(load_recipe("task_b").experiment)
    advice = AdviceList(document, theme, lambda problem: problem.place == "layers", foldable=True)
    qtbot.addWidget(advice)
    with qtbot.waitExposed(advice):
        advice.show()
    card = advice.cards[0]
    assert card.folded and not card.fix_button.isVisible()
    qtbot.mouseClick(card, Qt.MouseButton.LeftButton)
    assert card.fix_button.isVisible()
    advice.refresh()
    assert not card.folded, "looking again does not fold what was opened"
    card.fold_button.click()
    assert card.folded


def test_an_error_is_never_folded(qtbot: QtBot, theme: Theme) -> None:
    document = Document(load_recipe("task_b").experiment.replaced(layers=()))
    advice = AdviceList(document, theme, lambda problem: problem.severity == "error", foldable=True)
    qtbot.addWidget(advice)
    assert advice.cards and not advice.cards[0].folded
