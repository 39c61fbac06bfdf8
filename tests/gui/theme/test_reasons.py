"""What is grey says why in its tooltip, after what it does."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import reason_of, set_help, set_reason


def test_a_grey_button_says_what_it_does_and_why_not(qtbot: QtBot) -> None:
    button = QPushButton("Save")
    qtbot.addWidget(button)
    button.setToolTip("Write a file.")
    set_reason(button, "There is nothing yet.")
    assert not button.isEnabled() and reason_of(button) == "There is nothing yet."
    assert button.toolTip() == "Write a file.\nNot now: There is nothing yet."
    set_reason(button, "It is being written.")
    assert button.toolTip() == "Write a file.\nNot now: It is being written."
    set_help(button, "Write another file.")
    assert button.toolTip() == "Write another file.\nNot now: It is being written."
    set_reason(button)
    assert button.isEnabled() and button.toolTip() == "Write another file."


def test_a_grey_menu_entry_shows_why_where_it_did_not_show_tooltips(qtbot: QtBot) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    action: QAction = menu.addAction("&Rename…")
    set_reason(action, "Choose one.")
    assert action.toolTip() == "Not now: Choose one." and menu.toolTipsVisible()
    set_reason(action)
    assert action.isEnabled() and "Not now" not in action.toolTip()
