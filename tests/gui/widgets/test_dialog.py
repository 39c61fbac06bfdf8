"""Dialogs on small screens: all of them is on the screen, their content scrolls, and their buttons stay in sight."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Dialog, Limits, NumberField, Window
from dnnstudio.gui.widgets.windows import screen_fit

SMALL = QRect(40, 30, 683, 467)
"""1024 × 700 at a scale of 1.5, on a screen that does not begin at 0."""


class Tall(Dialog):
    """Forty lines above one row of buttons, which is always there."""

    def __init__(self, lines: int = 40, width: int = 300, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column = QVBoxLayout(self)
        for number in range(lines):
            line = QLabel(f"line {number}")
            line.setMinimumSize(width, 30)
            self.column.addWidget(line)
        self.last = line
        row = QHBoxLayout()
        self.accept_button = QPushButton("Accept")
        row.addStretch(1)
        row.addWidget(self.accept_button)
        self.column.addLayout(row)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> QRect:
    monkeypatch.setattr(screen_fit, "available_area", lambda window: QRect(SMALL))
    return SMALL


def in_sight(widget: QWidget, window: QWidget) -> bool:
    return window.rect().contains(QRect(widget.mapTo(window, QPoint(0, 0)), widget.size()))


@pytest.mark.parametrize(("lines", "width"), [(40, 300), (3, 900), (40, 900)])
def test_what_is_larger_than_the_screen_scrolls_above_its_buttons(
    qtbot: QtBot, small: QRect, lines: int, width: int
) -> None:
    dialog = Tall(lines, width)
    qtbot.addWidget(dialog)
    dialog.show()
    assert small.contains(dialog.geometry()), dialog.geometry()
    assert in_sight(dialog.accept_button, dialog)
    assert dialog.minimumSize().boundedTo(small.size()) == dialog.minimumSize()
    area = dialog.findChild(screen_fit.Rolled)
    area.ensureWidgetVisible(dialog.last)
    seen = QRect(dialog.last.mapTo(area.viewport(), QPoint(0, 0)), dialog.last.size())
    assert area.viewport().rect().intersects(seen)


def test_what_fits_does_not_scroll(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=3)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.findChild(screen_fit.Rolled) is None
    assert dialog.width() < 683


def test_a_size_of_its_own_is_limited_too(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=3)
    qtbot.addWidget(dialog)
    dialog.setMinimumSize(QSize(960, 620))
    dialog.resize(1280, 820)
    dialog.show()
    assert small.contains(dialog.geometry())
    inside = 960 - 2 * dialog.column.contentsMargins().left()
    assert dialog.findChild(screen_fit.Rolled).widget().width() == inside


def test_a_dialog_that_grows_while_it_is_shown_scrolls_then(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=10)
    qtbot.addWidget(dialog)
    more = QLabel("more")
    more.setMinimumHeight(400)
    more.hide()
    dialog.column.insertWidget(0, more)
    dialog.show()
    assert dialog.findChild(screen_fit.Rolled) is None
    more.show()
    qtbot.waitUntil(lambda: dialog.findChild(screen_fit.Rolled) is not None)
    qtbot.waitUntil(lambda: small.contains(dialog.geometry()))
    assert more.isVisible()
    assert in_sight(dialog.accept_button, dialog)


def test_a_sentence_that_grows_in_scrolled_content_gets_its_lines(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=20)
    qtbot.addWidget(dialog)
    sentence = QLabel("short")
    sentence.setWordWrap(True)
    dialog.column.insertWidget(0, sentence)
    dialog.show()
    sentence.setText("a sentence of many words " * 20)
    qtbot.waitUntil(lambda: sentence.height() >= sentence.heightForWidth(sentence.width()) > 40)


def test_hidden_parts_stay_hidden_when_the_content_scrolls(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=40)
    qtbot.addWidget(dialog)
    dialog.last.hide()
    dialog.show()
    assert not dialog.last.isVisible()
    dialog.last.show()
    assert dialog.last.isVisible()


def test_a_place_on_a_screen_that_is_gone_becomes_one_on_this(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall(lines=3)
    qtbot.addWidget(dialog)
    dialog.move(5000, -900)
    dialog.show()
    qtbot.waitUntil(lambda: small.contains(dialog.geometry()))


def test_escape_closes_a_window_but_not_while_a_field_takes_back_what_was_typed(qtbot: QtBot, theme: Theme) -> None:
    window = Window()
    qtbot.addWidget(window)
    column = QVBoxLayout(window)
    field = NumberField(theme, title="A number", limits=Limits(ge=0))
    column.addWidget(field)
    field.set_value(3.0)
    window.show()
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "7")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert (window.isVisible(), field.text()) == (True, "3.0")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_every_layout_can_scroll(qtbot: QtBot, small: QRect) -> None:
    """A row as its layout has no foot: all of it scrolls."""
    dialog = Dialog()
    qtbot.addWidget(dialog)
    row: QLayout = QHBoxLayout(dialog)
    for _ in range(3):
        part = QLabel("part")
        part.setMinimumSize(400, 600)
        row.addWidget(part)
    dialog.show()
    assert small.contains(dialog.geometry())
    assert dialog.findChild(screen_fit.Rolled) is not None


def test_the_keyboard_stays_where_the_dialog_put_it_when_its_content_scrolls(qtbot: QtBot, small: QRect) -> None:
    dialog = Tall()
    qtbot.addWidget(dialog)
    first = QLineEdit()
    dialog.column.insertWidget(0, first)
    first.setFocus()
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    assert dialog.findChild(screen_fit.Rolled) is not None
    assert dialog.focusWidget() is first


def test_a_dialog_fits_the_screen_once_its_frame_is_known(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """X11 tells the frame after the window is shown: the title bar was above the edge of the screen."""
    within = QRect(1, 20, 600, 400)

    def area(window: QWidget) -> QRect:
        return within if window.isActiveWindow() else QRect(0, 0, 620, 420)

    monkeypatch.setattr(screen_fit, "available_area", area)
    dialog = Tall()
    qtbot.addWidget(dialog)
    dialog.resize(620, 420)
    with qtbot.waitActive(dialog):
        dialog.show()
        dialog.activateWindow()
    qtbot.waitUntil(lambda: within.contains(dialog.geometry()))
