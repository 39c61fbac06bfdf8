"""Why a button or a menu entry is grey: one way to disable it, after which its tooltip says the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QAction, QMouseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QMenu, QWidget

REASON, CURE = "reason", "cure"
"""The property with the sentence, "" while it can be used, and the attribute with what helps."""


@dataclass(frozen=True, slots=True)
class Cure:
    """What helps where something cannot be done: the label of a button, and what it does.

    `action` names the action of the main window that is triggered, if it is one: it helps only while it can be done.
    """

    text: str
    deed: Callable[[], object]
    action: str = ""


def set_reason(what: QWidget | QAction, reason: str = "", cure: Cure | None = None) -> None:
    """Disable `what` for a reason, a sentence that its tooltip adds to what it does; "" enables it.

    Who presses a grey widget is told the reason, with a button for the `cure` (`windows.why`).
    """
    vars(what)[CURE] = cure if reason else None
    if what.property(REASON) != reason or what.isEnabled() == bool(reason):  # most stay as they are
        usual = _usual_tip(what)
        what.setProperty(REASON, reason)
        what.setEnabled(not reason)
        what.setToolTip("\n".join(part for part in (usual, not_now(reason)) if part))
    if isinstance(what, QAbstractButton):
        _hear_presses(what, heard=bool(reason))
    if isinstance(what, QAction):
        for menu in what.associatedObjects():
            if isinstance(menu, QMenu):
                menu.setToolTipsVisible(True)


class _Presses(QObject):
    """Hands a press of a grey button on to its window, as all else that is grey does: by Qt a button keeps it."""

    def eventFilter(self, button: QObject, event: QEvent) -> bool:
        if not isinstance(event, QMouseEvent) or event.type() != QEvent.Type.MouseButtonPress:
            return False
        if not isinstance(button, QWidget) or button.isEnabled():
            return False
        window = button.window()
        place = button.mapTo(window, event.position())
        buttons = event.button(), event.buttons(), event.modifiers()
        return QApplication.sendEvent(window, QMouseEvent(event.type(), place, event.globalPosition(), *buttons))


_presses: list[_Presses] = []


def _hear_presses(button: QAbstractButton, *, heard: bool) -> None:
    if heard and not _presses:
        _presses.append(_Presses())
    if heard:
        button.installEventFilter(_presses[0])  # once, however often it is asked for
    elif _presses:
        button.removeEventFilter(_presses[0])


def set_help(what: QWidget | QAction, text: str) -> None:
    """Set what the tooltip says of `what`, without its reason."""
    what.setToolTip("\n".join(part for part in (text, not_now(reason_of(what))) if part))


def reason_of(what: QWidget | QAction) -> str:
    """Why it is grey, or ""."""
    return what.property(REASON) or ""


def cure_of(what: QWidget | QAction) -> Cure | None:
    """What helps where it is grey, if anything does."""
    cure: Cure | None = vars(what).get(CURE)
    return cure


def not_now(reason: str) -> str:
    """The line of a tooltip that says a reason."""
    return f"Not now: {reason}" if reason else ""


def _usual_tip(what: QWidget | QAction) -> str:
    """The tooltip without the reason. An entry without one says its text, which Qt gives it."""
    line, tip = not_now(reason_of(what)), what.toolTip()
    tip = tip.removesuffix(line).removesuffix("\n") if line else tip
    return "" if isinstance(what, QAction) and not line and tip == _qt_tip(what) else tip


def _qt_tip(action: QAction) -> str:
    return action.text().replace("&", "").removesuffix("...").removesuffix("…")
