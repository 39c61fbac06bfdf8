"""The settings of a phase's own optimizer, in the same form as in the main window."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.experiment.optimizers import AnyOptimizer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, Dialog, label, push_button


class OptimizerDialog(Dialog):
    """Edits the optimizer of a temporary experiment. `vary` is the path in the optimizer of a field to vary, or ""."""

    def __init__(self, theme: Theme, experiment: Experiment, title: str, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("optimizer_dialog")
        self.setWindowTitle("Optimizer")
        self.setModal(True)
        self.setMinimumWidth(400)
        self.document = Document(experiment, parent=self)
        self.vary = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(title, Role.DIALOG_TITLE))
        card = Card(theme)
        panel = OptimizerPanel(self.document, theme)
        panel.vary_requested.connect(self._vary)
        card.add(panel, 1)
        column.addWidget(card, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for words, name, role, deed in (
            ("Cancel", "cancel", None, self.reject),
            ("Apply", "apply", Role.PRIMARY, self.accept),
        ):
            button = push_button(words, role)
            button.setObjectName(name)
            button.clicked.connect(deed)
            row.addWidget(button)
        button.setDefault(True)
        button.setFocus()
        column.addLayout(row)

    def _vary(self, path: str) -> None:
        self.vary = path.removeprefix("optimizer.")
        self.accept()

    @classmethod
    def ask(
        cls, theme: Theme, experiment: Experiment, optimizer: AnyOptimizer, number: int, *, parent: QWidget | None
    ) -> tuple[AnyOptimizer, str] | None:
        """The optimizer of phase `number` (from 0) with other settings, and the path in it of a field that shall be
        varied, or ""; None if the dialog was cancelled.
        """
        shown = experiment.replaced(optimizer=optimizer, transfer=None)
        dialog = cls(theme, shown, f"Optimizer of phase {number + 1}", parent=parent)
        accepted = dialog.exec() == Dialog.DialogCode.Accepted
        after = dialog.document.experiment.optimizer, dialog.vary
        dialog.deleteLater()
        return after if accepted else None
