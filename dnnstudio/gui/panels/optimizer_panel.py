"""The optimizer: which one, its numbers, and what clipping does to its steps."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget

from dnnstudio.core.clipping import clipping_of, with_clipping
from dnnstudio.core.errors import UserError
from dnnstudio.core.optimizers import CLIPPINGS, OPTIMIZER_KINDS, Optimizer
from dnnstudio.gui.document import Document
from dnnstudio.gui.panels.clipping_picture import SENTENCES, ClippingPicture
from dnnstudio.gui.panels.option_panel import OptionPanel, title_at
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import label


class OptimizerPanel(OptionPanel):
    """`document.experiment.optimizer`, with one sentence on what it is good for.

    Choosing a clipping takes the place of another one, in the same undo step.
    """

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
        optimizer = self.value
        assert isinstance(optimizer, Optimizer)
        name, limit = clipping_of(optimizer) or ("", 1.0)
        self.picture.show_clipping(name, limit)
        self._clipping_sentence.setText(SENTENCES[name])

    def _make_more(self) -> None:
        self._sentence = label("", Role.CAPTION, wrap=True)
        self._sentence.setObjectName("optimizer_sentence")
        self.picture = ClippingPicture(self._theme)
        self._clipping_sentence = label("", Role.CAPTION, wrap=True)
        self._clipping_sentence.setObjectName("clipping_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.advice, self._sentence, self.picture, self._clipping_sentence):
            self.column.addWidget(part)
        self.column.addStretch(1)

    def _edit(self, path: str, value: object) -> None:
        optimizer = self.value
        if path not in CLIPPINGS or not isinstance(value, int | float) or not isinstance(optimizer, Optimizer):
            super()._edit(path, value)
            return
        try:
            after = self._document.experiment.replaced(optimizer=with_clipping(optimizer, path, float(value)))
        except (UserError, ValueError) as error:
            self.failed.emit(error if isinstance(error, UserError) else UserError(str(error), "Choose another number."))
            self.refresh()
            return
        # With the field's own key as for any other: turning its arrows is one step.
        title = title_at(optimizer, path).lower()
        self._document.push(after, f"Change {title}", f"{self._path}.{path}")


if __name__ == "__main__":
    from dnnstudio.gui.panels.alone import show_alone

    sys.exit(show_alone(OptimizerPanel, 320))
