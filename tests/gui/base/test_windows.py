"""One window per thing."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from dnnstudio.gui.base.windows import Windows, in_front


class Note(QWidget):
    closed = Signal()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        event.accept()


def test_a_thing_has_one_window_until_it_is_closed(qtbot: Any) -> None:
    windows = Windows[str, Note]()
    first = windows.show("a", Note)
    assert windows.show("a", Note) is first and first.isVisible()
    other = windows.show("b", Note)
    assert other is not first and list(windows) == [first, other]
    first.close()
    assert "a" not in windows and windows.get("a") is None
    qtbot.waitUntil(lambda: not isValid(first))
    assert windows.show("a", Note) is not first
    windows.close_all()
    assert len(windows) == 0


def test_closing_all_reaches_windows_that_others_close_on_the_way(qtbot: Any) -> None:
    windows = Windows[int, Note]()
    first, second = windows.show(1, Note), windows.show(2, Note)
    first.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    second.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    first.closed.connect(second.close)
    windows.close_all()
    assert len(windows) == 0 and not second.isVisible()
    first.deleteLater()
    second.deleteLater()


def test_what_is_asked_is_put_on_the_window_that_a_person_is_at(qtbot: Any) -> None:
    main, stranger = QWidget(), QWidget()
    above = QWidget(main, Qt.WindowType.Window)
    for widget in (main, stranger):
        qtbot.addWidget(widget)
    for active, wanted in ((main, main), (above, above), (stranger, main)):
        active.show()
        active.activateWindow()
        qtbot.waitUntil(lambda active=active: QApplication.activeWindow() is active)
        assert in_front(main) is wanted
