"""The inspector's window for a network that predicts a number."""

from __future__ import annotations

import csv
import io
from typing import Any

from PySide6.QtWidgets import QWidget

from dnnstudio.core.text import figure
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.asking import AskPath, ask_path
from dnnstudio.gui.uncertainty.frame import InspectorDialog, Kind
from dnnstudio.gui.uncertainty.numbers.answers_tab import AnswersTab, row_sentences
from dnnstudio.gui.uncertainty.numbers.inspection import NumberInspection
from dnnstudio.gui.uncertainty.numbers.intervals_tab import IntervalsTab
from dnnstudio.gui.uncertainty.numbers.rows import NumberList
from dnnstudio.gui.uncertainty.subject import Subject


def table_of(samples: NumberSamples) -> str:
    """One line a row: truth, prediction, spread, error, and what dropout off says."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["row", "true", "predicted", "std", "error", "dropout_off"])
    columns = (samples.rows.truth, samples.summary.mean, samples.summary.std, samples.error, samples.rows.deterministic)
    for row, values in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
        writer.writerow([row, *(f"{value:.9g}" for value in values)])
    return out.getvalue()


class NumbersDialog(InspectorDialog):
    """The list of rows, predicted against true numbers, and intervals."""

    def __init__(
        self,
        theme: Theme,
        engine: Engine,
        subject: Subject,
        *,
        ask: AskPath = ask_path,
        parent: QWidget | None = None,
    ) -> None:
        inspection = NumberInspection()
        super().__init__(theme, engine, subject, inspection, name="numbers", ask=ask, parent=parent)
        self.inspection = inspection
        self.rows = NumberList(theme, inspection)
        self.answers = AnswersTab(theme, inspection)
        self.tabs.add("answers", "Answers", self.answers, tip="Predicted against true numbers, and one row")
        self.intervals = IntervalsTab(theme, inspection)
        self.tabs.add("intervals", "Intervals", self.intervals, tip="Whether intervals hold as often as promised")
        self.answers.chart.setFocusProxy(self.rows.table)  # whose arrow keys choose a row as a press on the plot does
        self.rows.row_chosen.connect(inspection.set_image)
        self.answers.row_chosen.connect(inspection.set_image)
        self.answers.dropout_requested.connect(self._add_dropout)
        kind = Kind(
            list=self.rows,
            step=self.rows.step,
            order=lambda: self.rows.rows.order,
            noun=lambda samples: "row",
            want_validation=self._want_validation,
            figures=self._figures,
            table=table_of,
        )
        self._begin(kind, inspection.samples_changed)

    def focus_list(self) -> None:
        """Let the arrow keys go through the rows."""
        self.rows.table.setFocus()

    # ------------------------------------------------------------------------------------------ of this kind

    def _want_validation(self) -> None:
        self.intervals.set_no_validation(self.sampling.want_validation())

    def _figures(self, samples: Any) -> str:
        row, share = self.inspection.image, self.inspection.percent / 100
        lines = row_sentences(samples, row, self.inspection.promised(), share)
        return "\n".join([f"Predicted {figure(samples.summary.mean[row])}", *lines])
