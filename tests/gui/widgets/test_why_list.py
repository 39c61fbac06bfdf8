"""The key that shows what is grey in a window, why, and what helps: for who cannot press it by the mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget

from dnnstudio.gui.help.keys_list import key_rows
from dnnstudio.gui.theme import Cure, Theme, set_reason
from dnnstudio.gui.widgets import Dialog, push_button
from dnnstudio.gui.widgets.windows.why_list import NOTHING, WhyList

CHOOSE, BUSY = "Choose one model in the table.", "It is being read."


class Models(Dialog):
    """Two buttons that are grey for one reason, a field of a grey panel, and one that can be used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.helped: list[QWidget | None] = []
        self.search = QLineEdit()
        self.open_, self.clone = push_button("&Open"), push_button("Clone")
        self.panel = QWidget()
        self.inside = QLineEdit()
        self.inside.setAccessibleName("Layers")
        inner = QVBoxLayout(self.panel)
        inner.addWidget(self.inside)
        column = QVBoxLayout(self)
        for part in (self.search, self.open_, self.clone, self.panel):
            column.addWidget(part)
        cure = Cure("Choose the first", lambda: self.helped.append(self.focusWidget()))
        for button in (self.open_, self.clone):
            set_reason(button, CHOOSE, cure)
        set_reason(self.panel, BUSY)


@pytest.fixture
def models(qtbot: Any, theme: Theme) -> Iterator[Models]:
    made = Models()
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.search.setFocus()
    yield made
    made.close()
    made.deleteLater()


def asked(qtbot: Any, window: QWidget) -> WhyList:
    QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_F1, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), WhyList))
    popup = QApplication.activePopupWidget()
    assert isinstance(popup, WhyList)
    return popup


def test_the_key_shows_each_reason_once_with_what_it_is_the_reason_of(qtbot: Any, models: Models) -> None:
    popup = asked(qtbot, models)
    assert [(one.names, one.reason) for one in popup.grey] == [(("Open", "Clone"), CHOOSE), (("Layers",), BUSY)]
    assert popup.accessibleName() == "3 controls grey, and why"
    role = Qt.ItemDataRole.AccessibleTextRole
    assert popup.rows.item(0).data(role) == f"Open, Clone. {CHOOSE}"
    assert QApplication.focusWidget() is popup.rows and popup.cure.text() == "Choose the first"
    popup.close()


def test_return_presses_what_helps_and_the_keyboard_is_back_where_it_was(qtbot: Any, models: Models) -> None:
    popup = asked(qtbot, models)
    QTest.keyClick(popup.rows, Qt.Key.Key_Return)
    assert models.helped == [models.search]
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
    assert QApplication.focusWidget() is models.search


def test_where_nothing_helps_return_does_nothing_and_escape_closes(qtbot: Any, models: Models) -> None:
    popup = asked(qtbot, models)
    QTest.keyClick(popup.rows, Qt.Key.Key_Down)
    assert popup.chosen is not None and popup.chosen.reason == BUSY and popup.cure.isHidden()
    QTest.keyClick(popup.rows, Qt.Key.Key_Return)
    assert popup.isVisible() and not models.helped
    QTest.keyClick(popup.rows, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
    assert models.isVisible() and QApplication.focusWidget() is models.search


def test_where_nothing_is_grey_it_says_so(qtbot: Any, models: Models) -> None:
    for part in (models.open_, models.clone, models.panel):
        set_reason(part)
    popup = asked(qtbot, models)
    assert popup.title.text() == NOTHING and popup.rows.isHidden()
    QTest.keyClick(popup, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)


def test_it_goes_with_its_window(qtbot: Any, models: Models) -> None:
    asked(qtbot, models)
    models.close()
    assert QApplication.activePopupWidget() is None


def test_an_action_that_cannot_be_done_either_is_not_offered(qtbot: Any, models: Models) -> None:
    action = QAction("Train", models)
    action.setObjectName("action_train")
    models.addAction(action)
    set_reason(models.panel, BUSY, Cure("Train", action.trigger, "train"))
    popup = asked(qtbot, models)
    assert popup.grey[1].cure is not None
    popup.close()
    action.setEnabled(False)
    popup = asked(qtbot, models)
    assert popup.grey[1].cure is None
    popup.close()


def test_the_key_is_listed_among_those_of_every_window() -> None:
    assert any(row.keys == "Ctrl+F1" and row.place == "Every window" for row in key_rows())
