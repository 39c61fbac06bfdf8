"""Opens the comparison of the open experiment's transfer."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.windows import Windows
from dnnstudio.gui.comparison.training import ComparisonTraining
from dnnstudio.gui.comparison.window import ComparisonWindow
from dnnstudio.gui.dialogs.where_field import AskPath
from dnnstudio.gui.repeats.training import MakeRunner, local_runner
from dnnstudio.gui.theme import Theme

NOTHING_REUSED = "The experiment reuses no trained layers, so there is nothing to compare. Choose some by Reuse layers…"


class ComparisonOpener(QObject):
    """One window at a time for each experiment. `trained` when one of them has new runs."""

    trained = Signal()

    def __init__(
        self,
        window: QWidget,
        document: Document,
        controller: RunController,
        actions: Actions,
        theme: Theme,
        make_runner: MakeRunner = local_runner,
        *,
        ask_join_file: AskPath = lambda parent: None,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._document = document
        self._controller = controller
        self._actions = actions
        self._theme = theme
        self.make_runner = make_runner
        self._ask_join_file = ask_join_file
        self._closing = False
        self.windows = Windows[Experiment, ComparisonWindow]()
        actions.connect({"compare_transfer": self.open})
        document.experiment_changed.connect(self._show_availability)
        self._show_availability()

    def open(self) -> None:
        """Show the comparison of the open experiment, reusing an open window."""
        experiment = self._document.experiment
        self.windows.show(experiment, lambda: self._make(experiment))

    def _make(self, experiment: Experiment) -> ComparisonWindow:
        training = ComparisonTraining(self._controller, self.make_runner)
        for over in (training.answered, training.cancelled, training.refused):
            over.connect(self._on_trained)
        return ComparisonWindow(
            self._theme,
            training,
            experiment,
            self._controller.workspace,
            self.base(),
            ask_join_file=self._ask_join_file,
            parent=self._window,
        )

    def _on_trained(self, *_: object) -> None:
        if not self._closing:
            self.trained.emit()

    def base(self) -> Path:
        """The folder against which a relative source is resolved: the experiment file's, or that of the recipes."""
        path = self._document.path
        return path.parent if path is not None else resource_folder() / "recipes"

    def close_all(self) -> None:
        """End every comparison and close its window, at exit."""
        self._closing = True
        for window in self.windows:
            window.training.close()
        self.windows.close_all()

    def _show_availability(self, _: object = None) -> None:
        reuses = self._document.experiment.transfer is not None
        self._actions.set_reason("compare_transfer", "" if reuses else NOTHING_REUSED, self._actions.doing("transfer"))
