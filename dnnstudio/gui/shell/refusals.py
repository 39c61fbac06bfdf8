"""Says in the message bar why an action cannot be done, for as long as that is true."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.shell.message_line import MessageLine
from dnnstudio.gui.theme import Cure


class Refusals(QObject):
    """Owned by the window."""

    def __init__(self, actions: Actions, messages: MessageLine, parent: QObject) -> None:
        super().__init__(parent)
        self._actions = actions
        self._messages = messages
        self._told = ("", "", 0)
        """The last action that was refused, the reason, and the number of its message."""
        self._followed: set[str] = set()

    def say_why(self, name: str) -> None:
        """Say why an action cannot be done now, with a button for what helps."""
        cure, reason = self._actions.cure(name), self._actions.reason(name)
        lead = f"{self._actions[name].text().rstrip('…')} is not possible now."
        if cure is None:
            self._messages.say(lead, reason, "hint")
        else:
            self._messages.say(lead, reason, "hint", cure.text, lambda: self._cure(cure))
        self._told = name, reason, self._messages.said
        if name not in self._followed:
            self._followed.add(name)
            self._actions[name].changed.connect(lambda: self._on_changed(name))

    def _on_changed(self, name: str) -> None:
        """It can be done now, or cannot for another reason: what was said is not true any more."""
        told, reason, number = self._told
        if told == name and number == self._messages.said and self._actions.reason(name) != reason:
            self._messages.clear()

    def _cure(self, cure: Cure) -> None:
        self._messages.clear()
        try:
            cure.deed()
        except UserError as error:
            self._messages.say(error.message, error.hint, "error")
