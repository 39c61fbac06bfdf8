"""Enables and disables the actions, and updates their tooltips."""

from __future__ import annotations

from PySide6.QtCore import QObject

from dnnstudio.core.errors import UserError
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.reasons import (
    NO_RUN,
    Refusal,
    busy_refusal,
    idle_refusal,
    no_network_refusal,
    training_refusal,
)
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.predict.opening import PredictOpener
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.uncertainty import UncertaintyOpener


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
            runs.all_read,
        ):
            changed.connect(self.refresh)
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """Enable and disable the actions."""
        self._refresh_undo()
        controller, actions = self._controller, self._actions
        actions.set_reason("train", *training_refusal(self._document, controller, actions))
        actions.set_reason("pause", *idle_refusal(controller, actions))
        actions.set_reason("stop", *idle_refusal(controller, actions, ending=True))
        actions.set_reason("save_model", *self._nothing_to_save())
        actions.set_reason("uncertainty", *(self._nothing_to_inspect() or self._no_network()))
        for name in ("predict", "export"):
            actions.set_reason(name, *(("", None) if self._predict.available else self._no_network()))
        begun = controller.run_folder is not None
        actions.set_reason("show_run_folder", "" if begun else f"{NO_RUN[:-1]}, or train.")

    def _nothing_to_save(self) -> Refusal:
        controller, actions, chosen = self._controller, self._actions, self._runs.chosen
        stored = chosen is not None and chosen.has_network and chosen.repeat is None  # that is several networks
        if controller.model is None and not stored:
            if chosen is not None and chosen.repeat is not None:
                return "A repeat is several networks. Unfold it, and choose one of its runs.", None
            return self._no_network()
        return busy_refusal(controller, actions)

    def _no_network(self) -> Refusal:
        """Why there is none at hand: none at all, or none of the chosen run."""
        if not self._predict.available:
            return no_network_refusal(self._controller, self._actions)
        return (NO_RUN if self._runs.chosen is None else "The chosen run has kept no network."), None

    def _nothing_to_inspect(self) -> Refusal | None:
        """None where there is no network at all."""
        try:
            subject = self._uncertainty.find()
        except UserError as error:
            return str(error), None
        return ("", None) if subject is not None else None

    def _refresh_undo(self) -> None:
        undo = self._document.undo_stack
        for name, can, text in (
            ("undo", undo.canUndo(), undo.undoText()),
            ("redo", undo.canRedo(), undo.redoText()),
        ):
            before = "Every edit was taken back." if undo.canRedo() else "Nothing was edited yet."
            nothing = before if name == "undo" else "Nothing was taken back."
            self._actions.set_reason(name, "" if can else nothing)
            self._actions.set_help(name, f"{name.capitalize()}: {text}" if can and text else name.capitalize())
