"""Labels: what they tell where there is no room."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from dnnstudio.gui.widgets import ElidedLabel


def test_an_elided_label_keeps_its_tooltip_when_it_gets_another_size(qtbot: QtBot) -> None:
    words = ElidedLabel("older than the weights")
    qtbot.addWidget(words)
    words.setToolTip("0009 B changed shared layers.")
    words.resize(400, 20)
    words.show()
    assert words.toolTip() == "0009 B changed shared layers."
    words.resize(40, 20)
    assert words.toolTip() == "older than the weights\n0009 B changed shared layers."
