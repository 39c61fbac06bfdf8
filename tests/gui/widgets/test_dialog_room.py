"""A dialog of much text takes the height that its lines need, also beyond what Qt gives a window by itself."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QVBoxLayout
from pytestqt.qtbot import QtBot

from dnnstudio.gui.widgets import Dialog, label
from dnnstudio.gui.widgets.windows import screen_fit


def test_no_line_of_a_long_dialog_is_cut(qtbot: QtBot) -> None:
    dialog = Dialog()
    qtbot.addWidget(dialog)
    dialog.setMinimumWidth(400)
    column = QVBoxLayout(dialog)
    room = QApplication.primaryScreen().availableGeometry().height()
    labels = [label("A sentence of some words. " * 12, wrap=True) for _ in range(room * 5 // 6 // 90)]
    for one in labels:
        column.addWidget(one)
    with qtbot.waitExposed(dialog):
        dialog.show()
    assert dialog.height() <= room
    assert all(one.height() >= one.heightForWidth(one.width()) for one in labels)


def test_tab_keeps_its_order_where_the_content_scrolls(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another parent puts what it takes behind all else: the keyboard began at the buttons of the foot."""
    monkeypatch.setattr(screen_fit, "available_area", lambda window: QRect(0, 0, 300, 200))
    dialog = Dialog()
    qtbot.addWidget(dialog)
    column = QVBoxLayout(dialog)
    fields = [QLineEdit() for _ in range(12)]
    for field in fields:
        column.addWidget(field)
    column.addStretch(1)
    foot = QPushButton("Close")
    column.addWidget(foot)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    assert dialog.findChild(screen_fit.Rolled) is not None
    assert dialog.focusWidget() is fields[0]
    seen = []
    for _ in range(len(fields)):
        dialog.focusNextPrevChild(True)
        seen.append(dialog.focusWidget())
    assert seen == [*fields[1:], foot]
