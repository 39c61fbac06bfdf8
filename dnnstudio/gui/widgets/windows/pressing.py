"""Return presses the button that has the keyboard, in every window, as Space does by Qt."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QCheckBox, QPushButton, QRadioButton, QWidget


def pressed_by_return(window: QWidget, event: QEvent) -> bool:
    """Press the focused button of `window`, if `event` is a Return that the button has left to the window.

    A tick or a choice leaves it to the window's default button, where there is one. True, if the key is used up.
    """
    if event.type() != QEvent.Type.KeyPress or not isinstance(event, QKeyEvent):
        return False
    if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return False
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return False
    button = window.focusWidget()
    if not isinstance(button, QAbstractButton) or not button.isEnabled():
        return False
    if isinstance(button, QCheckBox | QRadioButton) and _has_default(window):
        return False
    if not event.isAutoRepeat():
        press(button)
    return True


def press(button: QAbstractButton) -> None:
    """What a click does, a menu included."""
    button.click()


def _has_default(window: QWidget) -> bool:
    return any(button.isDefault() and button.isVisible() for button in window.findChildren(QPushButton))
