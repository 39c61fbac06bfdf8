"""Where the keyboard is can be seen, and Tab never stays where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from dnnstudio.gui.widgets.windows.reading_order import stops

LEAST = 40
"""Pixels that the focus changes: two sides of the smallest button."""


def pixels(widget: QWidget) -> Any:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.array(image.constBits(), copy=True).view(np.uint32).reshape(image.height(), -1) & 0xFFFFFF


def ringed(widget: QWidget, color: QColor, edge: int = 2) -> int:
    """How many pixels of the widget's edge have that colour."""
    same = pixels(widget) == (color.rgb() & 0xFFFFFF)
    return int(same.sum() - same[edge:-edge, edge:-edge].sum())


def unseen(window: QWidget, widgets: Sequence[QWidget]) -> list[str]:
    """The widgets among these that look the same with the keyboard."""
    names = []
    for widget in widgets:
        if not isValid(widget) or not widget.isVisible() or not widget.isEnabled():
            continue  # the keyboard in another one has changed what is shown
        if (before := QApplication.focusWidget()) is not None:
            before.clearFocus()
        plain = pixels(widget)
        widget.setFocus(Qt.FocusReason.TabFocusReason)
        if not widget.hasFocus():
            names.append(f"{_name(widget)} does not take it")
            continue
        shown = pixels(widget)
        if shown.shape == plain.shape and (shown != plain).sum() < LEAST:
            names.append(_name(widget))
    return names


def keyboard_unseen(window: QWidget) -> Iterator[str]:
    """Widgets of a window that look the same with the keyboard and without."""
    if _activated(window):
        yield from unseen(window, stops((window,)))


def tab_kept(window: QWidget) -> Iterator[str]:
    """Widgets that keep Tab to themselves, so that the keyboard never leaves them."""
    every = stops((window,)) if _activated(window) else []
    for widget in every if len(every) > 1 else []:
        if isValid(widget) and widget.isVisible() and widget.isEnabled():
            widget.setFocus(Qt.FocusReason.TabFocusReason)
            QTest.keyClick(widget, Qt.Key.Key_Tab)
            if isValid(widget) and widget.hasFocus():
                yield _name(widget)


def _activated(window: QWidget) -> bool:
    if not window.isActiveWindow():
        window.activateWindow()
        QTest.qWaitForWindowActive(window, 500)
    return window.isActiveWindow()


def _name(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()!r}"
