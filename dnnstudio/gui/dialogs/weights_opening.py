"""The way to the dialog "Load weights": the action, the file, and what becomes of the network."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.dialogs.dialogs import Dialogs
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.dialogs.weights_dialog import WeightsDialog


class WeightsOpener(QObject):
    """Asks for a file of weights and opens the dialog over the window."""

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        controller: RunController,
        *,
        dialogs: Dialogs,
        files: FileActions,
        actions: Actions,
    ) -> None:
        super().__init__(window)
        self._window, self._document, self._engine = window, document, engine
        self._controller, self._dialogs, self._files = controller, dialogs, files
        actions.connect({"load_weights": self.ask})

    def ask(self) -> None:
        """Ask for the file, and show what of it fits."""
        refusal = self._refusal()
        if refusal is not None:
            self._files.tell(refusal)
            return
        path = self._dialogs.open_weights(self._window)
        if path is not None:
            self.open(path)

    def open(self, path: Path) -> WeightsDialog | None:
        """Show what of `path` fits the open stack; None where there is none to fit, which is said."""
        data = self._document.summary
        refusal = self._refusal()
        if refusal is not None or data is None:
            self._files.tell(refusal or UserError("The data has not been read yet.", ""))
            return None
        document = self._document
        dialog = WeightsDialog(
            self._engine,
            self._dialogs.theme,
            path,
            document.experiment,
            data,
            file=self._file,
            save=self._save,
            parent=self._window,
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.loaded.connect(self._controller.take_weights)
        dialog.open()
        return dialog

    @property
    def _file(self) -> Path | None:
        """Where the experiment is saved as it is."""
        return None if self._document.modified else self._document.path

    def _save(self) -> Path | None:
        self._files.save()
        return self._file

    def _refusal(self) -> UserError | None:
        """Why no weights can be loaded now."""
        if self._controller.training:
            return UserError("A training is under way.", "Load weights once it has ended.")
        if self._document.summary is None:
            return UserError("The data has not been read yet, so no layer has a shape.", "Choose it first.")
        broken = next((row for row in self._document.shapes if row.error), None)
        if broken is not None:
            return UserError(f"The layer {broken.layer.id} does not fit the one before it.", "Mend the stack first.")
        return None
