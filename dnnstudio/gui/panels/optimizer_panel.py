"""The optimizer: which one, its numbers, and what clipping does to its steps."""

from __future__ import annotations

import sys

from PySide6.QtWidgets import QWidget

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.gradient_clipping import clipping_of, with_clipping
from dnnstudio.core.experiment.optimizers import CLIPPINGS, OPTIMIZER_KINDS, Optimizer
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.clipping_picture import SENTENCES, ClippingPicture
from dnnstudio.gui.panels.option_panel import OptionPanel, title_at
from dnnstudio.gui.theme import Role, Theme, set_reason
from dnnstudio.gui.widgets import label

OWN_OPTIMIZERS = "Every phase has an optimizer of its own, set in Reuse layers…."
OWN_RATES = "Every phase has a learning rate of its own, set in Reuse layers…."
FOR_THE_NEXT = " A training is under way: what is changed here is for the next run."
RATE_OF_THIS = " The field beside the learning-rate plot changes the rate of this one."


class OptimizerPanel(OptionPanel):
    """`document.experiment.optimizer`, with one sentence on what it is good for.

    Choosing a clipping takes the place of another one, in the same undo step.
    """

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, "optimizer", kinds=OPTIMIZER_KINDS, parent=parent)

    _activity = "idle"

    @property
    def _training(self) -> bool:
        return self._activity != "idle"

    def refresh(self, _: object = None) -> None:
        """Show the document as it is now."""
        super().refresh()
        note, schedule = type(self.value).help, self._document.experiment.schedule
        if not schedule.uses_base_rate:
            note += f" The schedule {schedule.label} sets the learning rate, so the one above is not used."
        phases = self._document.experiment.transfer.phases if self._document.experiment.transfer is not None else ()
        rates = [phase.learning_rate is not None or phase.optimizer is not None for phase in phases]
        optimizers = [phase.optimizer is not None for phase in phases]
        if self._training:
            note += FOR_THE_NEXT if self._activity == "repeating" else FOR_THE_NEXT + RATE_OF_THIS
        for own, what in ((rates, "a learning rate"), (optimizers, "an optimizer")):
            if any(own):
                numbers = ", ".join(str(number) for number, has in enumerate(own, start=1) if has)
                which = "Each phase" if all(own) else f"Phase {numbers}"
                note += f" {which} has {what} of its own, set in Reuse layers…"
        self.sentence.setText(note)
        set_reason(self.form, OWN_OPTIMIZERS if phases and all(optimizers) else "")
        by_schedule = "" if schedule.uses_base_rate else f"The schedule {schedule.label} sets the learning rate."
        self._set_unused("learning_rate", by_schedule or (OWN_RATES if phases and all(rates) else ""))
        cycled = getattr(schedule, "momentum_low", None) is not None
        self._set_unused("momentum", f"The schedule {schedule.label} sets the momentum." if cycled else "")
        optimizer = self.value
        assert isinstance(optimizer, Optimizer)
        name, limit = clipping_of(optimizer) or ("", 1.0)
        self.picture.show_clipping(name, limit)
        self._clipping_sentence.setText(SENTENCES[name])

    def _set_unused(self, path: str, reason: str) -> None:
        """Let a field be edited unless there is a reason why the training does not use it."""
        if path in self.form.paths():
            for widget in self.form.row(path).stops():
                set_reason(widget, reason)

    def set_activity(self, activity: str) -> None:
        """What the run controller does: while it trains, what is edited here is for the next run."""
        before, self._activity = self._training, activity
        if before != self._training:
            self.refresh()

    def _make_more(self) -> None:
        self.sentence = label("", Role.CAPTION, wrap=True)
        self.sentence.setObjectName("optimizer_sentence")
        self.picture = ClippingPicture(self._theme)
        self._clipping_sentence = label("", Role.CAPTION, wrap=True)
        self._clipping_sentence.setObjectName("clipping_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.advice, self.sentence, self.picture, self._clipping_sentence):
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
    from dnnstudio.gui.widgets.alone import show_alone

    sys.exit(show_alone(OptimizerPanel, 320))
