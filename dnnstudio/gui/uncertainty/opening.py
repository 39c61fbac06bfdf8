"""Opens the inspector beside the main window, and says when there is something to open it on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.engine_thread import Engine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.subject import Subject

if TYPE_CHECKING:
    from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog


class UncertaintyOpener(QObject):
    """Knows the inspectors that are open: one a network. `refused(UserError)` when there is nothing to look at."""

    refused = Signal(object)
    bug_found = Signal(str, str)

    def __init__(self, theme: Theme, engine: Engine, find: Callable[[], Subject | None], window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._engine, self._find, self._window = theme, engine, find, window
        self.dialogs: dict[str, UncertaintyDialog] = {}

    def subject(self) -> Subject | None:
        """What would be opened; None without a network or where its run cannot be read."""
        try:
            return self._find()
        except UserError:
            return None

    def open(self) -> None:
        """Show the inspector of the chosen network, the one that is open already if there is one."""
        try:
            subject = self._find()
            if subject is None:
                raise UserError("There is no trained network yet.", "Press Train first, or open a model.")
            if not subject.has_dropout:
                raise UserError(
                    "This network has no dropout layer, so every pass would say the same.",
                    "Add a Dropout layer and train it.",
                )
        except UserError as error:
            self.refused.emit(error)
            return
        key = str(subject.model)
        dialog = self.dialogs.get(key)
        if dialog is None:
            from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog  # the first painting need not wait for it

            dialog = UncertaintyDialog(self._theme, self._engine, subject, parent=self._window)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.closed.connect(lambda: self.dialogs.pop(key, None))
            dialog.bug_found.connect(self.bug_found)
            self.dialogs[key] = dialog
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()
        dialog.images.grid.setFocus()

    def close_all(self) -> None:
        """The program ends."""
        for dialog in tuple(self.dialogs.values()):
            dialog.close()
