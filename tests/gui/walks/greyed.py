"""Checks for every window: what is grey says why, in its tooltip and where it is pressed, as `set_reason` has it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)

from dnnstudio.gui.base.shortcuts import WHY
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme.reasons import not_now
from dnnstudio.gui.widgets.windows.why import WhyNot
from dnnstudio.gui.widgets.windows.why_list import WhyList

from .access_checks import is_own, place_of
from .right_clicks import menus_at

CONTROLS: tuple[type[QWidget], ...] = (QAbstractButton, QComboBox, QAbstractSlider, QLineEdit, QPlainTextEdit)


def grey_without_reason(window: QWidget) -> Iterator[str]:
    """Disabled buttons, fields, lists and sliders, and entries of menus that buttons and right clicks open, without a
    word on why.
    """
    for control in [one for kind in CONTROLS for one in window.findChildren(kind)]:
        if not control.isVisible() or control.window() is not window or control.objectName().startswith("qt_"):
            continue
        if not control.isEnabled() and not isinstance(control, QScrollBar) and not _tells_above(control):
            yield f"{place_of(control)} {getattr(control, 'text', str)()!r}: {control.toolTip()!r}"
    for menu in _menus(window):
        yield from _grey_entries(menu)
    for view in window.findChildren(QAbstractItemView):
        own = view.contextMenuPolicy() == Qt.ContextMenuPolicy.CustomContextMenu or is_own(view, "contextMenuEvent")
        if own and view.isVisible() and view.model() is not None and view.model().rowCount():
            with menus_at(view) as menus:
                for menu in menus:
                    yield from _grey_entries(menu)


def press_without_answer(window: QWidget) -> Iterator[str]:
    """Grey buttons, fields, lists and sliders that say nothing to who presses them: neither a popup nor the main
    window's message bar.
    """
    for control in [one for kind in CONTROLS for one in window.findChildren(kind)]:
        seen = control.visibleRegion().boundingRect()
        if not control.isVisible() or control.isEnabled() or control.window() is not window or seen.isEmpty():
            continue
        if isinstance(control, QScrollBar) or control.objectName().startswith("qt_"):
            continue
        QTest.mousePress(control, Qt.MouseButton.LeftButton, pos=seen.center())
        popup = QApplication.activePopupWidget()
        if isinstance(popup, WhyNot):
            told = popup.accessibleName()
            popup.close()
        else:
            told = window.messages.text() if isinstance(window, MainWindow) else ""
        QTest.mouseRelease(control, Qt.MouseButton.LeftButton, pos=seen.center())
        if not any(told and line.removeprefix(not_now(" ")[:-1]) in told for line in _lines_above(control)):
            yield f"{place_of(control)} {getattr(control, 'text', str)()!r} says {told!r}"
    if isinstance(window, MainWindow):  # as it was before: its message takes room, and the cards give way
        window.messages.clear()
        until_settled = time.monotonic() + 0.5
        while time.monotonic() < until_settled:
            QApplication.processEvents()


def untold_to_the_keyboard(window: QWidget) -> Iterator[str]:
    """Grey buttons, fields, lists and sliders that the list of what is grey, which a key opens, does not tell of."""
    grey = [
        control
        for control in (one for kind in CONTROLS for one in window.findChildren(kind))
        if control.isVisible() and not control.isEnabled() and control.window() is window
        if not isinstance(control, QScrollBar) and not control.objectName().startswith("qt_")
    ]
    keys = [one for one in window.findChildren(QShortcut) if one.key() == QKeySequence(WHY) and one.parent() is window]
    if not keys:
        if grey:
            yield f"{WHY} does nothing"
        return
    keys[0].activated.emit()
    popup = QApplication.activePopupWidget()
    if not isinstance(popup, WhyList):
        yield f"{WHY} shows no list"
        return
    told = [popup.rows.item(row).text().partition("\n")[::2] for row in range(popup.rows.count())]
    yield from (f"a row of the list without a name or a reason: {row}" for row in told if not all(row))
    if QApplication.focusWidget() not in (popup, popup.rows):
        yield "the keyboard does not come to the list"
    for row, one in enumerate(popup.grey):
        popup.rows.setCurrentRow(row)
        if popup.cure.isVisible() != (one.cure is not None):
            yield f"{one.names}: what helps is not offered"
    popup.close()
    reasons = [not_now(reason) for _, reason in told]
    for control in grey:
        if not any(line in reasons for line in _lines_above(control)):
            yield f"{place_of(control)} {getattr(control, 'text', str)()!r} is not told of"


def _menus(window: QWidget) -> Iterator[QMenu]:
    """The menus that are made; what fills one when it opens fills it now."""
    for menu in [*([window] if isinstance(window, QMenu) else []), *window.findChildren(QMenu)]:
        menu.aboutToShow.emit()
        yield menu


def _grey_entries(menu: QMenu) -> Iterator[str]:
    for action in menu.actions():
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _grey_entries(below)
        if action.isSeparator() or action.isEnabled() or not action.isVisible() or action.objectName() == "menu_head":
            continue
        if not _tells(action):
            yield f"menu {menu.objectName() or menu.title()}: {action.text()!r}: {action.toolTip()!r}"
        elif not menu.toolTipsVisible():
            yield f"menu {menu.objectName() or menu.title()} does not show why {action.text()!r} is grey"


def _tells(what: QWidget | QAction) -> bool:
    beginning = not_now(" ").rstrip()
    return any(line.startswith(beginning) and line.endswith((".", "…")) for line in what.toolTip().split("\n"))


def _lines_above(control: QWidget) -> Iterator[str]:
    """The reasons of the control and of what it is greyed with."""
    one: QWidget | None = control
    beginning = not_now(" ").rstrip()
    while one is not None and not one.isEnabled():
        yield from (line for line in one.toolTip().split("\n") if line.startswith(beginning))
        one = one.parentWidget()


def _tells_above(control: QWidget) -> bool:
    """Whether the control or what it is greyed with says why."""
    one: QWidget | None = control
    while one is not None and not one.isEnabled():
        if _tells(one):
            return True
        one = one.parentWidget()
    return False
