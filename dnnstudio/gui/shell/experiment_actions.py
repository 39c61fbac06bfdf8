"""Actions on the experiment as a whole: its name and seed, and the table of its layers."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.stack import LayerStackView


class ExperimentActions(QObject):
    """Handlers of the actions "describe" and "summary"."""

    def __init__(
        self, window: QWidget, document: Document, dialogs: Dialogs, actions: Actions, stack: LayerStackView
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._dialogs = dialogs
        self._stack = stack
        actions.connect({"describe": self.ask_name_and_seed, "summary": self.show_summary})
        stack.summary_requested.connect(self.show_summary)

    def show_summary(self) -> None:
        """Show the table of all layers."""
        self._dialogs.summary(self._window, self._stack.summary_table())

    def ask_name_and_seed(self) -> None:
        """Ask for the experiment's name and seed."""
        after = self._dialogs.name_and_seed(self._window, self._document.experiment)
        if after is not None:
            self._document.push(after, "Change name and seed")
