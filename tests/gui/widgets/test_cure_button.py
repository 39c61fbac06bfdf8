"""After a cure by one click the keyboard is where it was, and what was being typed has been committed before."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import AdviceCard, Limits, NumberField, WarningStrip


@pytest.mark.parametrize("kind", [AdviceCard, WarningStrip])
def test_the_focus_stays_where_it_was(qtbot: QtBot, theme: Theme, kind: type[AdviceCard] | type[WarningStrip]) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    fields = [NumberField(theme, title=f"Number {number}", limits=Limits(ge=0)) for number in range(3)]
    card = kind(theme, "A problem", fix="Mend it")
    for widget in (fields[0], card, *fields[1:]):
        column.addWidget(widget)
    done: list[object] = []
    fields[1].committed.connect(done.append)
    card.fix_requested.connect(lambda: done.append("mended"))
    card.fix_requested.connect(card.hide)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    fields[1].setFocus()
    fields[1].selectAll()
    qtbot.keyClicks(fields[1], "7")
    qtbot.mouseClick(card.fix_button, Qt.MouseButton.LeftButton)
    assert done == [7, "mended"]
    assert not card.isVisible() and window.focusWidget() is fields[1]
