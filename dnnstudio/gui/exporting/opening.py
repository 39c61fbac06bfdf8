"""The way to the dialog "Export": the action, for the selected run or the newest network there is."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.exporting.dialog import ExportDialog
from dnnstudio.gui.predict.opening import PredictOpener
from dnnstudio.gui.theme import Theme


class ExportOpener(QObject):
    """Opens the dialog over the window; `networks` knows which network is meant."""

    def __init__(
        self,
        window: QWidget,
        engine: Engine,
        theme: Theme,
        settings: Settings,
        networks: PredictOpener,
        actions: Actions,
    ) -> None:
        super().__init__(window)
        self._window, self._engine, self._theme, self._settings = window, engine, theme, settings
        self._networks = networks
        actions.connect({"export": self.open})

    def open(self) -> ExportDialog | None:
        """Show the dialog; None where there is no network yet, which is said."""
        network = self._networks.network
        if network is None:
            self._networks.refused.emit(UserError("There is no trained network yet.", "Press Train first."))
            return None
        dialog = ExportDialog(self._engine, self._theme, self._settings, network, parent=self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog
