"""The learning-rate schedule: its kind, its numbers, a drawn preview, and one sentence."""

from __future__ import annotations

import sys

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.schedules import SCHEDULE_KINDS, Schedule
from dnnstudio.gui.document import Document
from dnnstudio.gui.panels.option_panel import OptionPanel
from dnnstudio.gui.panels.schedule_plot import SchedulePlot
from dnnstudio.gui.panels.schedule_words import plan_of, preview_of
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import label, push_button


class SchedulePanel(OptionPanel):
    """`document.experiment.schedule`. The preview comes from the same formula as the training.

    `find_requested` when a rate shall be found by a test.
    """

    find_requested = Signal()

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, "schedule", kinds=SCHEDULE_KINDS, parent=parent)

    def refresh(self, _: object = None) -> None:
        """Show the document as it is now."""
        super().refresh()
        schedule = self.value
        assert isinstance(schedule, Schedule)
        preview = preview_of(schedule, plan_of(self._document))
        self.plot.show_preview(preview)
        self._sentence.setText(preview.sentence)

    def set_position(self, epoch: float | None) -> None:
        """Mark in the preview how far a training has come; None takes the mark away."""
        self.plot.set_position(epoch)

    def _make_more(self) -> None:
        self.find_button = push_button("Find…", Role.FIELD, tip="Find the highest rate that still works, by a test.")
        self.find_button.setObjectName("find_max_rate")
        self.find_button.clicked.connect(self.find_requested)
        self.form.add_beside("max_rate", self.find_button)
        self.plot = SchedulePlot(self._theme)
        self._sentence = label("", Role.CAPTION, wrap=True)
        self._sentence.setObjectName("schedule_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.advice):
            self.column.addWidget(part)
        self.column.addWidget(self.plot, 100)
        self.column.addWidget(self._sentence)
        self.column.addStretch(1)


if __name__ == "__main__":
    from dnnstudio.gui.panels.alone import show_alone

    sys.exit(show_alone(SchedulePanel, 320, "default_dnn"))
