"""Return presses whatever button has the keyboard, in the main window and in every dialog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication, QCheckBox, QMenu, QToolButton, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Chip, Choice, MiniButton, Segmented, Toggle, push_button
from dnnstudio.gui.widgets.buttons import PushButton
from dnnstudio.gui.widgets.windows import pressing
from dnnstudio.gui.widgets.windows.dialog import Dialog
from dnnstudio.gui.widgets.windows.reading_order import stops

from ..window_kit import open_window

RETURNS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@pytest.fixture
def dialog(qtbot: Any, theme: Theme) -> Dialog:
    shown = Dialog()
    qtbot.addWidget(shown)
    QVBoxLayout(shown)
    return shown


def put(qtbot: Any, dialog: Dialog, *widgets: QWidget) -> None:
    layout = dialog.layout()
    assert layout is not None
    for widget in widgets:
        layout.addWidget(widget)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()


@pytest.mark.parametrize("key", RETURNS)
def test_return_presses_every_kind_of_button_and_never_the_primary_one(
    qtbot: Any, theme: Theme, dialog: Dialog, key: Qt.Key
) -> None:
    primary = push_button("Done")
    primary.setDefault(True)
    primary.clicked.connect(dialog.reject)
    segments = Segmented(theme, (Choice(1, "One"), Choice(2, "Two")))
    plain: list[QAbstractButton] = [Toggle(theme), Chip(theme, "7", checkable=True), MiniButton(theme, "x", "Close")]
    plain += [QToolButton(), push_button("Other")]
    put(qtbot, dialog, *plain, segments, primary)
    for button in (*plain, segments.button(2)):
        button.setFocus()
        with qtbot.waitSignal(button.clicked, timeout=0, raising=False) as pressed:
            qtbot.keyClick(button, key)
        assert pressed.signal_triggered, type(button).__name__
    assert segments.value() == 2 and plain[0].isChecked() and not plain[1].isChecked() and dialog.isVisible()


@pytest.mark.parametrize("default", [False, True])
def test_return_on_a_tick_is_for_the_default_button_where_there_is_one(
    qtbot: Any, dialog: Dialog, default: bool
) -> None:
    tick, primary = QCheckBox("With limits"), push_button("Done")
    primary.setDefault(default)
    primary.clicked.connect(dialog.accept)
    put(qtbot, dialog, tick, primary)
    tick.setFocus()
    qtbot.keyClick(tick, Qt.Key.Key_Return)
    assert (tick.isChecked(), dialog.isVisible()) == (not default, not default)


@pytest.mark.parametrize(
    ("kind", "key"), [("tool", Qt.Key.Key_Return), ("push", Qt.Key.Key_Return), ("push", Qt.Key.Key_Down)]
)
def test_return_and_down_open_the_menu_of_a_button(qtbot: Any, dialog: Dialog, kind: str, key: Qt.Key) -> None:
    menu = QMenu(dialog)
    menu.addAction("One")
    tool, push = QToolButton(), push_button("Vary…")
    tool.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button: QToolButton | PushButton = tool if kind == "tool" else push
    button.setMenu(menu)
    put(qtbot, dialog, tool, push)
    button.setFocus()
    seen: list[bool] = []
    menu.aboutToShow.connect(lambda: (seen.append(True), QTimer.singleShot(0, menu, menu.close)))
    qtbot.keyClick(button, key)
    assert seen == [True] and dialog.focusWidget() is button


def test_return_presses_every_button_of_the_main_window(
    qtbot: Any, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_window(qtbot, qapp, tmp_path) as window:
        with qtbot.waitActive(window):
            window.activateWindow()
        pressed: list[QAbstractButton] = []
        monkeypatch.setattr(pressing, "press", pressed.append)
        monkeypatch.setattr(PushButton, "click", lambda button: pressed.append(button))
        buttons = [stop for stop in stops((window,)) if isinstance(stop, QAbstractButton)]
        for button in buttons:
            button.setFocus()
            qtbot.keyClick(button, Qt.Key.Key_Return)
        assert pressed == buttons and len(buttons) > 30
        opened: list[QMenu] = []
        with_menus = [one for one in buttons if isinstance(one, QToolButton) and one in window.toolbar.children()]
        menus = [menu for one in with_menus if (menu := one.menu()) is not None]
        for menu in menus:
            menu.aboutToShow.connect(lambda menu=menu: (opened.append(menu), QTimer.singleShot(0, menu, menu.close)))
        for button in with_menus:
            if button.menu() is not None:
                button.setFocus()
                qtbot.keyClick(button, Qt.Key.Key_Down)
                qtbot.waitUntil(lambda button=button: button.menu() in opened)
        assert opened == menus and len(menus) > 4
