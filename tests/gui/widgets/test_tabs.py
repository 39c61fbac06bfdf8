"""Tabs that get another width."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.widgets import Tabs


@pytest.mark.parametrize("width", [270, 320, 500])
def test_no_title_stays_scrolled_out_when_there_is_room_again(qtbot: QtBot, width: int) -> None:
    tabs = Tabs()
    qtbot.addWidget(tabs)
    for name in ("layer", "optimizer", "schedule", "training"):
        tabs.add(name, name.capitalize(), QWidget())
    tabs.resize(150, 200)
    with qtbot.waitExposed(tabs):
        tabs.show()
    tabs.set_current("training")
    QCoreApplication.processEvents()
    assert tabs.bar.tabRect(0).left() < 0  # scrolled, so that the last one is seen
    changed: list[str] = []
    tabs.current_changed.connect(changed.append)
    tabs.resize(width, 200)
    QCoreApplication.processEvents()
    tabs.set_visible("layer", False)
    QCoreApplication.processEvents()
    assert tabs.bar.tabRect(1).left() >= 0
    assert (tabs.current(), changed) == ("training", [])
