"""What must fit: windows onto the screen, and buttons into their windows."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QApplication,
    QDialog,
    QLayout,
    QScrollArea,
    QStackedLayout,
    QWidget,
)
from shiboken6 import isValid

from dnnstudio.gui.widgets import Window
from dnnstudio.gui.widgets.windows import screen_fit


def place_in(widget: QWidget, window: QWidget) -> QRect:
    """The rectangle of `widget` in the coordinates of `window`."""
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def name_of(widget: QWidget) -> str:
    """A word for the person who reads the complaint."""
    text = getattr(widget, "text", lambda: "")()
    return f"{type(widget).__name__} {widget.objectName()!r} {text if isinstance(text, str) else ''!r}"


def beyond_the_screen(window: QWidget) -> Iterator[str]:
    """A window that is not wholly on the available area."""
    area = screen_fit.available_area(window)
    if not area.contains(window.geometry()):
        yield f"{window.geometry()} is not within {area}"


def scrolls(widget: QWidget, window: QWidget) -> bool:
    """Whether a person can scroll `widget` into sight."""
    above = widget.parentWidget()
    while above is not None and above is not window:
        if isinstance(above, QAbstractScrollArea):
            return True
        above = above.parentWidget()
    return False


def buttons_out_of_sight(window: QWidget) -> Iterator[str]:
    """Enabled buttons that nobody can press: outside the window, or cut off by what they lie in."""
    for button in window.findChildren(QAbstractButton):
        if button.window() is not window or not button.isVisible() or not button.isEnabled() or button.size().isEmpty():
            continue
        place = place_in(button, window)
        if scrolls(button, window):
            continue
        above = button.parentWidget()
        while above is not None:
            if not place_in(above, window).contains(place):
                yield f"{name_of(button)} at {place} lies outside {type(above).__name__} {place_in(above, window)}"
                break
            above = None if above is window else above.parentWidget()


def squeezed_buttons(window: QWidget) -> Iterator[str]:
    """Buttons that are smaller than what stands on them."""
    for button in window.findChildren(QAbstractButton):
        needed = button.minimumSizeHint()
        if button.isVisible() and button.window() is window and button.width() + 1 < needed.width():
            fixed = button.maximumWidth() < needed.width()  # a square with an icon
            if not fixed:
                yield f"{name_of(button)} is {button.width()} wide and needs {needed.width()}"


def feet_out_of_sight(window: QWidget) -> Iterator[str]:
    """Dialogs whose button to accept is scrolled away. The panels of a window of its own scroll with their buttons."""
    if isinstance(window, Window):
        return
    for area in window.findChildren(screen_fit.Rolled):
        for button in area.findChildren(QAbstractButton):
            if button.isVisible() and button.property("role") == "primary" and isinstance(window, QDialog):
                place = QRect(button.mapTo(area.viewport(), QPoint(0, 0)), button.size())
                if not area.viewport().rect().intersects(place):
                    yield f"{name_of(button)} is scrolled away"


def cut_by_scroll_areas(window: QWidget) -> Iterator[str]:
    """What is wider than the scroll area that it lies in, where no bar below scrolls to the rest."""
    for area in window.findChildren(QScrollArea):
        inside = area.widget()
        if inside is None or area.window() is not window or not area.isVisible():
            continue
        if inside.width() > area.viewport().width() and not area.horizontalScrollBar().isVisible():
            yield f"{name_of(area)} is {area.viewport().width()} wide, and what lies in it {inside.width()}"


def overlapping(window: QWidget) -> Iterator[str]:
    """Widgets of one layout that stand on each other, since there is less room than they need."""
    for holder in [window, *window.findChildren(QWidget)]:
        layout = holder.layout()
        if layout is None or isinstance(layout, QStackedLayout) or not holder.isVisible():
            continue
        placed = [widget for widget in widgets_of(layout) if widget.isVisible() and not widget.size().isEmpty()]
        for number, one in enumerate(placed):
            for other in placed[number + 1 :]:
                both = one.geometry().intersected(other.geometry())
                if one.parentWidget() is other.parentWidget() and min(both.width(), both.height()) > 1:
                    yield f"{name_of(one)} {one.geometry()} and {name_of(other)} {other.geometry()}"


def widgets_of(layout: QLayout) -> Iterator[QWidget]:
    """The widgets that `layout` and those in it place."""
    for number in range(layout.count()):
        item = layout.itemAt(number)
        if item is not None and (widget := item.widget()) is not None:
            yield widget
        elif item is not None and (inner := item.layout()) is not None and not isinstance(inner, QStackedLayout):
            yield from widgets_of(inner)


def open_after_escape(window: QWidget) -> Iterator[str]:
    """Secondary windows that Esc does not close, wherever the keyboard is."""
    if isinstance(window, QDialog):
        name = name_of(window.focusWidget() or window)
        QTest.keyClick(window.focusWidget() or window, Qt.Key.Key_Escape)
        QApplication.processEvents()
        if isValid(window) and window.isVisible():
            yield f"Esc in {name} leaves it open"
