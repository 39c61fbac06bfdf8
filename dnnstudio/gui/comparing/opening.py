"""Opens the comparison of the open experiment's transfer."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.actions import Actions
from dnnstudio.gui.asking import Asking
from dnnstudio.gui.comparing.window import ComparisonWindow
from dnnstudio.gui.document import Document
from dnnstudio.gui.engine_thread import Engine
from dnnstudio.gui.run_controller import RunController
from dnnstudio.gui.theme import Theme


class ComparisonOpener(QObject):
    """One window at a time for each experiment."""

    def __init__(
        self,
        window: QWidget,
        document: Document,
        engine: Engine,
        controller: RunController,
        actions: Actions,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._engine = engine
        self._controller = controller
        self._actions = actions
        self._theme = theme
        self.windows: dict[Experiment, ComparisonWindow] = {}
        actions.connect({"compare_transfer": self.open})
        document.experiment_changed.connect(self._show_availability)
        self._show_availability()

    def open(self) -> None:
        """Show the comparison of the open experiment, the one that is open already if there is one."""
        experiment = self._document.experiment
        window = self.windows.get(experiment)
        if window is None:
            asking = Asking(self._engine, self._controller.submit)
            window = ComparisonWindow(
                self._theme, asking, experiment, self._controller.workspace, self.base(), parent=self._window
            )
            window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            window.closed.connect(lambda: self.windows.pop(experiment, None))
            self.windows[experiment] = window
        window.show()
        window.raise_()
        window.activateWindow()

    def base(self) -> Path:
        """What a relative source starts from: the folder of the experiment's file, or that of the recipes."""
        path = self._document.path
        return path.parent if path is not None else resource_folder() / "recipes"

    def close_all(self) -> None:
        """The program ends."""
        for window in tuple(self.windows.values()):
            window.close()

    def _show_availability(self, _: object = None) -> None:
        can = self._document.experiment.transfer is not None
        self._actions["compare_transfer"].setEnabled(can)
