"""Why a button or a menu entry is grey: one way to disable it, after which its tooltip says the reason."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

REASON = "reason"
"""The property with the sentence, "" while it can be used."""


def set_reason(what: QWidget | QAction, reason: str = "") -> None:
    """Disable `what` for a reason, a sentence that its tooltip adds to what it does; "" enables it."""
    if what.property(REASON) != reason or what.isEnabled() == bool(reason):  # most stay as they are
        usual = _usual_tip(what)
        what.setProperty(REASON, reason)
        what.setEnabled(not reason)
        what.setToolTip("\n".join(part for part in (usual, not_now(reason)) if part))
    if isinstance(what, QAction):
        for menu in what.associatedObjects():
            if isinstance(menu, QMenu):
                menu.setToolTipsVisible(True)


def set_help(what: QWidget | QAction, text: str) -> None:
    """Set what the tooltip says of `what`, without its reason."""
    what.setToolTip("\n".join(part for part in (text, not_now(reason_of(what))) if part))


def reason_of(what: QWidget | QAction) -> str:
    """Why it is grey, or ""."""
    return what.property(REASON) or ""


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
