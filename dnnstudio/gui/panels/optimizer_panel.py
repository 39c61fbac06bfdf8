"""The optimizer: which one, and its numbers."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget

from dnnstudio.core.optimizers import OPTIMIZER_KINDS
from dnnstudio.gui.document import Document
from dnnstudio.gui.panels.option_panel import OptionPanel
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import label


class OptimizerPanel(OptionPanel):
    """`document.experiment.optimizer`, with one sentence on what it is good for."""

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, "optimizer", kinds=OPTIMIZER_KINDS, parent=parent)

    def refresh(self, _: object = None) -> None:
        """Show the document as it is now."""
        super().refresh()
        note = type(self.value).help
        if not self._document.experiment.schedule.uses_base_rate:
            schedule = self._document.experiment.schedule.label
            note += f" The schedule {schedule} sets the learning rate, so the one above is not used."
        self._sentence.setText(note)

    def _make_more(self) -> None:
        self._sentence = label("", Role.CAPTION, wrap=True)
        self._sentence.setObjectName("optimizer_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.advice, self._sentence):
            self.column.addWidget(part)
        self.column.addStretch(1)


if __name__ == "__main__":
    from dnnstudio.gui.panels.alone import show_alone

    sys.exit(show_alone(OptimizerPanel, 320))
