"""Tabs: known by name, made when they are needed, and read whole."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme, set_state
from dnnstudio.gui.widgets import Tabs
from dnnstudio.gui.widgets.tabs import LETTERS


def _show(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    with qtbot.waitActive(widget):
        widget.activateWindow()


def test_a_page_of_later_is_made_once_when_it_is_needed(theme: Theme, qtbot: QtBot) -> None:
    tabs, made = Tabs(), []

    def make() -> QLineEdit:
        made.append(QLineEdit("later"))
        return made[-1]

    tabs.add("now", "Now", QLineEdit())
    tabs.add_later("later", "Later", make)
    tabs.add_later("asked", "Asked", QLineEdit)
    _show(qtbot, tabs)
    assert made == [] and not tabs.is_made("later")
    tabs.set_current("later")
    assert [tabs.pages.currentWidget()] == made and made[0].isVisible()
    assert tabs.page("later") is made[0] and tabs.is_made("later")
    assert isinstance(tabs.page("asked"), QLineEdit) and tabs.current() == "later"


def test_tabs_are_known_by_name_and_take_the_room_of_the_page_in_sight(theme: Theme, qtbot: QtBot) -> None:
    tabs = Tabs()
    tall = QWidget()
    tall.setMinimumHeight(500)
    tabs.add("layer", "Layer", tall)
    tabs.add("optimizer", "Optimizer", QLineEdit())
    _show(qtbot, tabs)
    high = tabs.minimumSizeHint().height()
    with qtbot.waitSignal(tabs.current_changed) as told:
        qtbot.keyClick(tabs.bar, Qt.Key.Key_Right)
    assert told.args == ["optimizer"] and tabs.current() == "optimizer"
    assert tabs.minimumSizeHint().height() < high
    tabs.set_visible("layer", False)
    assert tabs.names() == ("layer", "optimizer") and isinstance(tabs.page("optimizer"), QLineEdit)


def test_titles_of_tabs_stand_closer_where_the_last_would_be_cut_off(qtbot: QtBot, theme: Theme) -> None:
    tabs = Tabs(margin=0)
    for title in ("Layer", "Optimizer", "Schedule", "Training"):
        tabs.add(title.lower(), title, QWidget())
    _show(qtbot, tabs)
    font = tabs.bar.font()
    font.setPixelSize(LETTERS)  # they are smaller yet, as there is no room
    words = sum(QFontMetrics(font).horizontalAdvance(tabs.bar.tabText(index)) + 2 for index in range(4))
    for width, tight in ((words + 70, "false"), (words + 30, "true"), (words + 70, "false")):
        tabs.resize(width, 100)
        qtbot.waitUntil(lambda tight=tight: tabs.bar.property("tight") == tight)
        tabs.bar.setCurrentIndex(3)
        tabs.bar.setCurrentIndex(0)
        assert tabs.bar.tabRect(0).left() >= 0, "the bar is scrolled though all would fit"
        last = tabs.bar.tabRect(3)
        assert last.left() + tabs.bar.fontMetrics().horizontalAdvance("Training") <= width


def test_a_bar_with_the_keyboard_on_it_looks_so(qtbot: QtBot, theme: Theme) -> None:
    tabs = Tabs()
    field = QLineEdit()
    tabs.add("layer", "Layer", field)
    tabs.add("training", "Training", QWidget())
    _show(qtbot, tabs)
    field.setFocus()
    before, size = tabs.bar.grab().toImage(), tabs.bar.tabRect(0)
    tabs.bar.setFocus()
    assert tabs.bar.grab().toImage() != before
    assert tabs.bar.tabRect(0) == size


def test_ctrl_tab_goes_through_the_tabs_in_sight_whatever_has_the_keyboard(theme: Theme, qtbot: QtBot) -> None:
    window = QWidget()
    column, field, tabs = QVBoxLayout(window), QLineEdit(), Tabs()
    column.addWidget(field)
    column.addWidget(tabs)
    for name in ("a", "b", "c", "d"):
        tabs.add(name, name.upper(), QLineEdit())
    tabs.set_visible("b", False)
    _show(qtbot, window)
    shown = []
    for shift in (False, False, False, True):
        field.setFocus()
        modifiers = Qt.KeyboardModifier.ControlModifier
        if shift:
            modifiers |= Qt.KeyboardModifier.ShiftModifier
        qtbot.keyClick(field, Qt.Key.Key_Tab, modifiers)
        shown.append(tabs.current())
    assert shown == ["c", "d", "a", "d"]
    tabs.page("d").setFocus()
    qtbot.keyClick(tabs.page("d"), Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
    assert tabs.current() == "a" and tabs.page("a").hasFocus(), "the keyboard goes along"


@pytest.mark.parametrize("narrow", [False, True])
def test_no_title_is_cut_off_at_any_width(theme: Theme, qtbot: QtBot, narrow: bool) -> None:
    theme.apply("contrast")
    tabs = Tabs(margin=12)
    set_state(tabs.bar, "narrow", narrow)
    for name in ("Layer", "Optimizer", "Schedule", "Training"):
        tabs.add(name, name, QLineEdit())
    _show(qtbot, tabs)
    for width in range(256, 330):
        tabs.resize(width, 300)
        assert tabs.bar.sizeHint().width() <= tabs.bar.width(), width


def test_ctrl_tab_puts_the_keyboard_on_what_is_read_first(theme: Theme, qtbot: QtBot) -> None:
    """The schedule's kind, not "More" below it, which was made before."""
    window, tabs = QWidget(), Tabs()
    QVBoxLayout(window).addWidget(tabs)
    here, page = QLineEdit(), QWidget()
    tabs.add("a", "A", here)
    tabs.add("b", "B", page)
    lower, upper = QLineEdit(page), QLineEdit(page)
    column = QVBoxLayout(page)
    column.addWidget(upper)
    column.addWidget(lower)
    _show(qtbot, window)
    for wanted in (upper, lower):  # later where it was
        here.setFocus()
        qtbot.keyClick(here, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
        assert QApplication.focusWidget() is wanted
        lower.setFocus()
        qtbot.keyClick(lower, Qt.Key.Key_Tab, Qt.KeyboardModifier.ControlModifier)
        assert QApplication.focusWidget() is here
