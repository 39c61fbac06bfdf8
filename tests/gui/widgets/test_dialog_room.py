"""A dialog of much text takes the height that its lines need, also beyond what Qt gives a window by itself."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QVBoxLayout
from pytestqt.qtbot import QtBot

from dnnstudio.gui.widgets import Dialog, label


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
