"""A message may name files and folders of any length."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import MessageBar


def test_a_long_name_does_not_make_the_message_bar_as_wide(theme: Theme, qtbot: QtBot) -> None:
    bar = MessageBar(theme)
    qtbot.addWidget(bar)
    bar.show()
    name = f"{'experiment' * 24}.json"
    bar.show_message(f"{name} was open last.", lead="Go on where you were?", action="Open it")
    assert bar.minimumSizeHint().width() < 1000
    assert bar.message() == f"Go on where you were? {name} was open last."
    tips = [one.toolTip() for one in bar.findChildren(QLabel) if one.toolTip()]
    assert tips == [bar.message()]
    bar.show_message("Saved.")
    assert not [one.toolTip() for one in bar.findChildren(QLabel) if one.toolTip()]
