"""Who presses something grey is told why it is grey, where it stands, with a button for what helps."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QAction, QMouseEvent, QPainterPath, QRegion
from PySide6.QtWidgets import QAbstractButton, QFrame, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Cure, Role, cure_of, reason_of, set_role, set_state
from dnnstudio.gui.widgets.buttons import push_button
from dnnstudio.gui.widgets.labels import label
from dnnstudio.gui.widgets.windows import screen_fit

WIDTH = 320
"""Pixels of a reason's lines, at most."""
CORNER = 8
"""The radius of a message's frame, in pixels."""
GAP = 4
"""Pixels between what is grey and its reason."""


class WhyNot(QFrame):
    """A popup with a reason and, where there is one, the button of its cure. Esc and a press beside it close it."""

    def __init__(self, reason: str, cure: Cure | None, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._window = parent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("why_not")
        self.setAccessibleName(reason)
        set_role(self, Role.MESSAGE)
        set_state(self, "severity", "hint")
        parent.installEventFilter(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 8)
        words = label(reason, Role.BODY, wrap=True, parent=self)
        words.setFixedWidth(min(WIDTH, words.fontMetrics().horizontalAdvance(reason) + 4))
        column.addWidget(words)
        if cure is not None:
            button = push_button(cure.text, Role.FIX, parent=self)
            button.setObjectName("why_not_cure")
            button.clicked.connect(self.close)
            button.clicked.connect(cure.deed)
            column.addWidget(button)
            button.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close with the window, which may be closed by other means than a press."""
        if event.type() == QEvent.Type.Hide and watched is self._window:
            self.close()
        return super().eventFilter(watched, event)

    def show_at(self, grey: QRect) -> None:
        """Show it below that part of the screen, or above where there is no room."""
        self.adjustSize()
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), CORNER, CORNER)
        self.setMask(QRegion(outline.toFillPolygon().toPolygon()))
        area = screen_fit.available_area(self._window)
        below = grey.bottom() + GAP
        top = below if below + self.height() <= area.bottom() else grey.top() - GAP - self.height()
        left = min(grey.left(), area.right() + 1 - self.width())
        self.move(max(left, area.left()), max(top, area.top()))
        self.show()


def tell_why(window: QWidget, event: QEvent) -> bool:
    """Tell why what was pressed in `window` is grey, if it is; True, if the press is used up.

    What is disabled leaves a press to its parents, and so to the window.
    """
    if event.type() != QEvent.Type.MouseButtonPress or not isinstance(event, QMouseEvent):
        return False
    if event.button() != Qt.MouseButton.LeftButton:
        return False
    grey = _grey_at(window, event.position().toPoint())
    if grey is None:
        return False
    cure = that_helps(cure_of(grey), window)
    WhyNot(reason_of(grey), cure, window).show_at(QRect(grey.mapToGlobal(QPoint()), grey.size()))
    return True


def that_helps(cure: Cure | None, window: QWidget) -> Cure | None:
    """The cure, unless it cannot be done now either: its button is grey or hidden, or its action is grey."""
    if cure is None or _has_gone(cure):
        return None
    if not cure.action:
        return cure
    above: QWidget | None = window
    while above is not None:
        action = next((one for one in above.actions() if one.objectName() == f"action_{cure.action}"), None)
        if action is not None:
            return cure if action.isEnabled() else None
        above = above.parentWidget()
    return cure


def _has_gone(cure: Cure) -> bool:
    """Whether what the cure presses cannot be pressed by hand: "Start" while what it starts is under way."""
    pressed = getattr(cure.deed, "__self__", None)  # of `button.click` the button, of `action.trigger` the action
    if isinstance(pressed, QAction):
        return not pressed.isEnabled()
    if isinstance(pressed, QAbstractButton):
        return not pressed.isEnabled() or not pressed.isVisibleTo(pressed.window())
    return False


def _grey_at(window: QWidget, place: QPoint) -> QWidget | None:
    """What is grey for a reason at that place: the widget there, or the one that it is greyed with."""
    one = window.childAt(place)
    while one is not None and not one.isEnabled():
        if reason_of(one):
            return one
        one = one.parentWidget()
    return None
