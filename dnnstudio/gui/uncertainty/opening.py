"""Opens the inspector as a window of its own, and reports whether there is a network to inspect."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.workspace.runs import Weights
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.windows import Windows
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.subject import Subject, key_of

if TYPE_CHECKING:
    from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog
    from dnnstudio.gui.uncertainty.numbers.dialog import NumbersDialog


class UncertaintyOpener(QObject):
    """Tracks the open inspectors, one per network. `refused(UserError)` if there is nothing to inspect.

    `dropout_requested(Subject)`: its network is to be given dropout and trained on.
    """

    refused = Signal(object)
    dropout_requested = Signal(object)
    bug_found = Signal(str, str)

    def __init__(self, theme: Theme, engine: Engine, find: Callable[[], Subject | None], window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._engine, self._find, self._window = theme, engine, find, window
        self.windows: Windows[str, UncertaintyDialog | NumbersDialog] = Windows()
        self._thresholds: dict[str, tuple[str, float]] = {}

    def find(self) -> Subject | None:
        """The network to inspect; None without one. Raises `UserError` if its run cannot be read."""
        return self._find()

    def subject(self) -> Subject | None:
        """The network to inspect; None without one, or if its run cannot be read."""
        try:
            return self._find()
        except UserError:
            return None

    def open(self) -> None:
        """Show the inspector of the selected network, reusing an open one."""
        try:
            subject = self._find()
            if subject is None:
                raise UserError("There is no trained network yet.", "Press Train first, or open a model.")
        except UserError as error:
            self.refused.emit(error)
            return
        self._show(subject).focus_list()

    def open_decision(self, find: Callable[[], Subject | None]) -> None:
        """Show the Decision tab of the network that `find` gives. `refused` where it raises `UserError`."""
        try:
            subject = find()
        except UserError as error:
            self.refused.emit(error)
            return
        if subject is None:
            return
        dialog = self._show(subject)
        dialog.focus_list()
        if "decision" in dialog.tabs.names():
            dialog.tabs.set_current("decision")

    def _show(self, subject: Subject) -> UncertaintyDialog | NumbersDialog:
        return self.windows.show(subject.key, lambda: self._make(subject))

    def threshold(self, model: str | Path, weights: Weights = "last") -> tuple[str, float] | None:
        """The score and the threshold that decide for a network with these weights, once somebody looked at its
        Decision tab.
        """
        key = key_of(model, weights)
        dialog = self.windows.get(key)
        if dialog is not None:
            self._remember(dialog)
        return self._thresholds.get(key)

    def _remember(self, dialog: UncertaintyDialog | NumbersDialog) -> None:
        from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog

        if not isinstance(dialog, UncertaintyDialog) or not dialog.tabs.is_made("decision"):
            return  # a number has no Decision tab, or nobody looked at it
        decision = dialog.decision.decision
        if isfinite(decision.threshold):
            # Of an ensemble one member alone may be asked, which is another network.
            subject, who = dialog.sampling.subject, dialog.sampling.options.who
            self._thresholds[key_of(subject.model_of(who), subject.weights)] = (decision.score, decision.threshold)

    def _make(self, subject: Subject) -> UncertaintyDialog | NumbersDialog:
        # Neither is needed for the first paint.
        from dnnstudio.gui.uncertainty.dialog import UncertaintyDialog
        from dnnstudio.gui.uncertainty.numbers.dialog import NumbersDialog

        kind = NumbersDialog if subject.predicts_number else UncertaintyDialog
        dialog = kind(self._theme, self._engine, subject, parent=self._window)
        dialog.bug_found.connect(self.bug_found)
        dialog.closed.connect(lambda: self._remember(dialog))
        dialog.dropout_requested.connect(lambda: self.dropout_requested.emit(subject))
        return dialog

    def close_all(self) -> None:
        """Close every inspector, at exit."""
        self.windows.close_all()
