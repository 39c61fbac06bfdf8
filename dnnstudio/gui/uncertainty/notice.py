"""What an inspector shows instead of empty frames, until there is something to inspect."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget

from dnnstudio.gui.theme import Role, set_role

WAITING = "The answers come here once the engine is free. While it trains, they wait for the training to end."
WORKING = "The first answers come in a moment."
NOTHING = "Nothing was sampled, so there is nothing to show. Press Sample again."


class Notice(QLabel):
    """A sentence over the whole of another widget, its sibling, whose place it follows; "" takes it away."""

    def __init__(self, covered: QWidget) -> None:
        super().__init__(covered.parentWidget())
        self._covered = covered
        self.setObjectName("notice")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        set_role(self, Role.GROUND)
        covered.installEventFilter(self)
        self.say("")

    def say(self, text: str) -> None:
        """Show a sentence, or what is below."""
        self.setText(text)
        self.setVisible(bool(text))
        self._cover()

    def _cover(self) -> None:
        self.setGeometry(self._covered.geometry())
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self._cover()
        return False
