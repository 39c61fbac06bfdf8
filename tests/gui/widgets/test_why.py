"""Who presses something grey reads why, beside it, and can press what helps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QGroupBox, QLineEdit, QPushButton, QSlider, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Cure, set_reason
from dnnstudio.gui.widgets import Dialog
from dnnstudio.gui.widgets.windows import screen_fit
from dnnstudio.gui.widgets.windows.why import WhyNot, that_helps

REASON = "There is no answer yet."
KINDS: tuple[type[QWidget], ...] = (QPushButton, QComboBox, QLineEdit, QSlider)


@pytest.fixture
def dialog(qtbot: Any) -> Iterator[Dialog]:
    made = Dialog()
    QVBoxLayout(made)
    qtbot.addWidget(made)
    yield made
    made.close()


def placed(dialog: Dialog, what: QWidget) -> QWidget:
    layout = dialog.layout()
    assert layout is not None
    layout.addWidget(what)
    dialog.show()
    QTest.qWaitForWindowExposed(dialog)
    return what


def pressed(what: QWidget) -> WhyNot | None:
    QTest.mouseClick(what, Qt.MouseButton.LeftButton)
    popup = QApplication.activePopupWidget()
    return popup if isinstance(popup, WhyNot) else None


@pytest.mark.parametrize("kind", KINDS)
def test_a_press_says_why_it_is_grey(dialog: Dialog, kind: type[QWidget]) -> None:
    what = placed(dialog, kind())
    set_reason(what, REASON)
    popup = pressed(what)
    assert popup is not None and popup.accessibleName() == REASON
    assert popup.findChild(QPushButton) is None, "nothing helps"
    assert screen_fit.available_area(dialog).contains(popup.geometry())
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    assert QApplication.activePopupWidget() is None and dialog.isVisible()


def test_what_helps_is_pressed_there(dialog: Dialog) -> None:
    done: list[str] = []
    what = placed(dialog, QPushButton("Save"))
    set_reason(what, REASON, Cure("Choose files…", lambda: done.append("chosen")))
    popup = pressed(what)
    assert popup is not None
    button = popup.findChild(QPushButton)
    assert button is not None and button.text() == "Choose files…" and button.hasFocus()
    QTest.keyClick(button, Qt.Key.Key_Return)
    assert done == ["chosen"] and QApplication.activePopupWidget() is None


def test_what_is_greyed_with_its_group_says_why_the_group_is(dialog: Dialog) -> None:
    group = QGroupBox()
    field = QLineEdit(group)
    QVBoxLayout(group).addWidget(field)
    placed(dialog, group)
    set_reason(group, REASON)
    popup = pressed(field)
    assert popup is not None and popup.accessibleName() == REASON


def test_what_can_be_used_is_pressed_as_usual(dialog: Dialog) -> None:
    done: list[bool] = []
    button = QPushButton("Save")
    button.clicked.connect(lambda: done.append(True))
    placed(dialog, button)
    set_reason(button, REASON)
    set_reason(button)
    assert pressed(button) is None and done == [True]


def test_a_reason_goes_with_its_window(dialog: Dialog) -> None:
    """A dialog may be closed by the program, or by what it waited for."""
    what = placed(dialog, QPushButton("Save"))
    set_reason(what, REASON)
    assert pressed(what) is not None
    dialog.reject()
    assert QApplication.activePopupWidget() is None


@pytest.mark.parametrize("gone", [lambda button: button.hide(), lambda button: button.setEnabled(False)])
def test_a_cure_whose_own_button_cannot_be_pressed_is_not_offered(dialog: Dialog, gone: Any) -> None:
    start, what = placed(dialog, QPushButton("Start")), placed(dialog, QPushButton("Save"))
    assert isinstance(start, QPushButton)
    cure = Cure("Start", start.click)
    assert that_helps(cure, dialog) is cure
    gone(start)
    assert that_helps(cure, dialog) is None
    set_reason(what, REASON, cure)
    QApplication.processEvents()  # the layout
    popup = pressed(what)
    assert popup is not None and popup.findChild(QPushButton) is None
