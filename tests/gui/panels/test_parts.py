"""An area that scrolls only when it must."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.panels.parts import FitScroll
from dnnstudio.gui.widgets import FlowLayout


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
