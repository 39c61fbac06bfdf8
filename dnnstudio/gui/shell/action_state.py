"""Enables and disables the actions, and updates their tooltips."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.predict.opening import PredictOpener
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.uncertainty import UncertaintyOpener

TRAIN_HELP = "Train a fresh network; the curves are drawn live."


class ActionState(QObject):
    """Follows the document and the runs. Controllers manage the actions that they connect themselves."""

    def __init__(
        self,
        actions: Actions,
        document: Document,
        controller: RunController,
        runs: RunsPanel,
        uncertainty: UncertaintyOpener,
        predict: PredictOpener,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._actions = actions
        self._document = document
        self._controller = controller
        self._uncertainty = uncertainty
        self._predict = predict
        self._runs = runs
        # Listen to `experiment_changed`, not to the undo stack: `QUndoStack` also emits while it is being destroyed.
        for changed in (
            document.experiment_changed,
            document.summary_changed,
            controller.activity_changed,
            controller.run_started,
            controller.run_ended,
            controller.model_changed,
            runs.run_chosen,
        ):
            changed.connect(self.refresh)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Enable and disable the actions."""
        self._refresh_undo()
        controller, actions = self._controller, self._actions
        errors = [problem for problem in self._document.problems if problem.severity == "error"]
        idle = not controller.training
        actions["train"].setEnabled(idle and not errors)
        actions.set_help("train", errors[0].title if errors else TRAIN_HELP)
        actions["pause"].setEnabled(controller.activity in ("training", "paused"))
        actions["stop"].setEnabled(controller.training and controller.activity != "stopping")
        chosen = self._runs.chosen
        stored = chosen is not None and chosen.has_network and chosen.repeat is None  # that is several networks
        actions["save_model"].setEnabled((controller.model is not None or stored) and idle)
        actions["uncertainty"].setEnabled(self._uncertainty.subject() is not None)
        for name in ("predict", "export"):
            actions[name].setEnabled(self._predict.network is not None)
        actions["show_run_folder"].setEnabled(controller.run_folder is not None)

    def _refresh_undo(self) -> None:
        undo = self._document.undo_stack
        for name, can, text in (
            ("undo", undo.canUndo(), undo.undoText()),
            ("redo", undo.canRedo(), undo.redoText()),
        ):
            self._actions[name].setEnabled(can)
            self._actions.set_help(name, f"{name.capitalize()}: {text}" if can and text else name.capitalize())
