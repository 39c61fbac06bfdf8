"""The learning-rate schedule: its kind, its numbers, a drawn preview, and one sentence."""

from __future__ import annotations

import sys

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, Piecewise, Schedule
from dnnstudio.core.experiment.schedules.units import DURATIONS, converted, in_the_other_unit
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.option_panel import OptionPanel
from dnnstudio.gui.panels.piecewise_table import PiecewiseTable
from dnnstudio.gui.panels.schedule_plot import SchedulePlot
from dnnstudio.gui.panels.schedule_sentences import plan_of, training_rows, whole_preview
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import label, push_button

IN_TABLE = ("boundaries", "rates_between")


class SchedulePanel(OptionPanel):
    """`document.experiment.schedule`. The preview comes from the same formula as the training.

    Counted in the other unit a schedule lasts as long as before. `find_requested` when a rate shall be found by a test.
    """

    find_requested = Signal()

    def __init__(self, document: Document, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(document, theme, "schedule", kinds=SCHEDULE_KINDS, exclude=IN_TABLE, parent=parent)

    def refresh(self, _: object = None) -> None:
        """Show the document as it is now."""
        super().refresh()
        schedule = self.value
        assert isinstance(schedule, Schedule)
        self.table.setVisible(isinstance(schedule, Piecewise))
        if isinstance(schedule, Piecewise):
            self.table.set_value(schedule)
        self._show_durations(schedule)
        preview = whole_preview(self._document)
        self.plot.show_preview(preview)
        self.sentence.setText(preview.sentence)

    def set_position(self, epoch: float | None) -> None:
        """Mark in the preview how far a training has come; None takes the mark away."""
        self.plot.set_position(epoch)

    def _show_durations(self, schedule: Schedule) -> None:
        """Say beside each duration how long that is in the other unit."""
        steps = plan_of(self._document).steps_per_epoch if training_rows(self._document) else None
        for prefix, part in (("", schedule), ("warmup.", schedule.warmup)):
            for name in DURATIONS:
                value, path = getattr(part, name, None), f"{prefix}{name}"
                if isinstance(value, int | float) and path in self.form.paths():
                    unit = part.unit  # type: ignore[union-attr]
                    self.form.set_note(path, f"= {in_the_other_unit(value, unit, steps)}" if steps else "")

    def _edit(self, path: str, value: object) -> None:
        schedule = self.value
        rows = training_rows(self._document)
        if path in ("unit", "warmup.unit") and value in ("epochs", "steps") and rows:
            assert isinstance(schedule, Schedule)
            steps = plan_of(self._document).steps_per_epoch
            if path == "unit":
                after: Schedule = converted(schedule, value, steps)
            else:
                assert schedule.warmup is not None
                after = schedule.replaced(warmup=converted(schedule.warmup, value, steps))
            self._document.push(self._document.experiment.replaced(schedule=after), f"Count in {value}")
            return
        super()._edit(path, value)

    def _edit_table(self, schedule: object, text: str, turns: str) -> None:
        key = f"schedule.{turns}" if turns else None  # turning a number's steps is one edit
        self._document.push(self._document.experiment.replaced(schedule=schedule), text, key)

    def _make_more(self) -> None:
        self.find_button = push_button("Find…", Role.FIELD, tip="Find the highest rate that still works, by a test.")
        self.find_button.setObjectName("find_max_rate")
        self.find_button.clicked.connect(self.find_requested)
        self.form.add_beside("max_rate", self.find_button)
        self.table = PiecewiseTable(self._theme)
        self.table.edited.connect(self._edit_table)
        self.plot = SchedulePlot(self._theme)
        self.sentence = label("", Role.CAPTION, wrap=True)
        self.sentence.setObjectName("schedule_sentence")

    def _fill_column(self) -> None:
        for part in (self.form, self.table, self.advice):
            self.column.addWidget(part)
        self.column.addWidget(self.plot, 100)
        self.column.addWidget(self.sentence)
        self.column.addStretch(1)


if __name__ == "__main__":
    from dnnstudio.gui.widgets.alone import show_alone

    sys.exit(show_alone(SchedulePanel, 320, "default_dnn"))
