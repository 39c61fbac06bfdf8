"""Predicted against true numbers with their intervals, the chosen row, and what a large spread says of the error."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, figure, percent, plural
from dnnstudio.core.uncertainty.number_samples import NumberSamples
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.numbers.inspection import NumberInspection, Promised
from dnnstudio.gui.uncertainty.sentences import pass_noun
from dnnstudio.gui.uncertainty.table.row_card import RowCard
from dnnstudio.gui.widgets import AdviceCard, Card, LegendEntry, label
from dnnstudio.gui.widgets.charts.axis import nice_axis
from dnnstudio.gui.widgets.charts.chart import Chart, Dots, Item, Line, Whiskers

DRAWN = 400
"""So many rows are drawn at most, evenly spaced over all."""
NO_SPREAD = (
    "Nothing in this network is random, so it gives one number for each row. Dropout gives different passes; so do "
    "several networks trained with different seeds (Ctrl+F5). Intervals by calibration need neither."
)


def answer_sentences(samples: NumberSamples) -> tuple[str, str]:
    """Headline and second line: the errors, beside that of a constant answer."""
    scores = samples.scores
    source = "one prediction" if samples.is_single else f"the mean of {count_of(samples.passes, pass_noun(samples))}"
    better = "better" if scores.mae < samples.baseline else "no better"
    return (
        f"Off by {figure(scores.mae)} on average, {better} than the {figure(samples.baseline)} of a constant answer.",
        f"Mean absolute error of {source} over {count_of(scores.rows, 'row')}, in the target's own unit; the constant "
        f"is the mean of the training targets. Root mean squared error {figure(scores.rmse)}, R² {scores.r2:.3f}.",
    )


def row_sentences(samples: NumberSamples, row: int, promised: Promised | None, share: float) -> tuple[str, ...]:
    """What is said of one row, a fact a line."""
    summary, truth = samples.summary, float(samples.rows.truth[row])
    lines = []
    if not samples.is_single:
        lines.append(f"Spread of {plural(pass_noun(samples))} {figure(summary.std[row])} (standard deviation).")
        if samples.passes > 1:
            lines.append(f"Standard error of the mean {figure(summary.standard_error[row])}.")
        off, mean = samples.rows.deterministic[row], summary.mean[row]
        if samples.kind != "members" or not np.isclose(mean, off, rtol=1e-4):  # members without dropout have none off
            lines.append(f"With dropout off {figure(off)}.")
    lines.append(f"True {figure(truth)}: off by {figure(float(samples.error[row]), signed=True)}.")
    if promised is not None:
        low, high = float(promised.intervals.low[row]), float(promised.intervals.high[row])
        inside = "holds" if low <= truth <= high else "misses"
        lines.append(f"The {percent(share)} interval {figure(low)} to {figure(high)} {inside} it.")
    return tuple(lines)


class AnswersTab(QWidget):
    """`row_chosen(row)` for a press on the plot; `dropout_requested` where nothing is random."""

    row_chosen = Signal(int)
    dropout_requested = Signal()

    def __init__(self, theme: Theme, inspection: NumberInspection, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("answers_tab")
        self._inspection = inspection
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("answers_headline")
        self.second = label("", Role.BODY, wrap=True)
        head = Card(theme, margin=16)
        head.add(self.title)
        head.add(self.second)
        self.chart = Chart(theme, name="Predicted against true numbers, with intervals", left=60)
        self.chart.setMinimumHeight(200)
        self.chart.pressed.connect(self._on_pressed)
        self.card = Card(theme, "Predicted and true", margin=16)
        self.card.add(self.chart, 1)
        self.row_card = RowCard(theme)
        self.answer = label("", Role.HEADLINE, wrap=True)
        self.answer.setObjectName("number_answer")
        self.facts = label("", Role.BODY, wrap=True)
        self.facts.setObjectName("number_facts")
        self.chosen = Card(theme, "This row", margin=12)
        self.chosen.add(self.answer)
        self.chosen.add(self.facts)
        self.no_spread = AdviceCard(theme, "No spread to show", NO_SPREAD, fix="Add dropout and train on")
        self.no_spread.setObjectName("no_spread")
        self.no_spread.fix_requested.connect(self.dropout_requested)
        self.no_spread.hide()
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(head)
        middle.addWidget(self.card, 1)
        middle.addWidget(self.row_card)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.chosen)
        column.addWidget(self.no_spread)
        column.addStretch(1)
        area = clear_scroll(side, "answers_side")
        area.setFixedWidth(264)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        for changed in (
            inspection.samples_changed,
            inspection.image_changed,
            inspection.validation_changed,
            inspection.promise_changed,
        ):
            changed.connect(self.refresh)

    def _drawn(self, samples: NumberSamples) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        count = len(samples.rows)
        return np.unique(np.linspace(0, count - 1, min(count, DRAWN)).round().astype(np.int64))

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        first, second = answer_sentences(samples)
        self.title.setText(first)
        self.second.setText(second)
        promised, row = self._inspection.promised(), self._inspection.image
        share = self._inspection.percent / 100
        self.answer.setText(f"{figure(samples.summary.mean[row])}")
        self.facts.setText("\n".join(row_sentences(samples, row, promised, share)))
        self.no_spread.setVisible(samples.is_single)
        values = samples.rows.values
        self.row_card.show_row(samples.rows.table, None if values is None else values[row])
        self._draw(samples, promised)

    def _draw(self, samples: NumberSamples, promised: Promised | None) -> None:
        rows, row = self._drawn(samples), self._inspection.image
        truth, mean = samples.rows.truth, samples.summary.mean
        low, high = float(min(truth.min(), mean.min())), float(max(truth.max(), mean.max()))
        axis = nice_axis(low, high if high > low else low + 1)
        y_axis = nice_axis(low, high if high > low else low + 1)
        line = np.array([axis.low, axis.high])
        items: list[Item] = [Line(line, line, "planned", "dashed", 1.2)]
        entries = [LegendEntry("predicted = true", "planned", "", "dashed")]
        if promised is not None and not promised.missing:
            ends = promised.intervals
            held = ends.covered(truth)
            for inside, color in ((True, "train"), (False, "wrong")):
                those = rows[held[rows] == inside]
                items.append(Whiskers(truth[those], ends.low[those], ends.high[those], color))
                items.append(Dots(truth[those], mean[those], color, 2.5 if inside else 5, hollow=not inside))
            entries.append(LegendEntry("interval holds it", "train", f"{int(held.sum()):,}"))
            entries.append(LegendEntry("interval misses it", "wrong", f"{int((~held).sum()):,}", mark="round"))
        else:
            items.append(Dots(truth[rows], mean[rows], "train", 2.5))
        items.append(Dots(truth[row : row + 1], mean[row : row + 1], "accent", 6, hollow=True))
        self.chart.set_axes(type(axis)(axis.low, axis.high, axis.ticks, "true"), y_axis)
        self.chart.set_items(items)
        self.chart.legend.set_entries(entries)
        self.chart.set_legend_corner("free")
        self.chart.set_message("")
        left_out = "" if len(rows) == len(truth) else f"{len(rows):,} of {count_of(len(truth), 'row')}; "
        self.card.head.set_note(f"{left_out}upright: predicted, with its {self._inspection.percent} % interval")

    def _on_pressed(self, x: float, y: float) -> None:
        """Choose the drawn row nearest to the press."""
        samples = self._inspection.samples
        if samples is None:
            return
        rows = self._drawn(samples)
        size = float(np.ptp(samples.rows.truth)) or 1.0
        away = np.hypot((samples.rows.truth[rows] - x) / size, (samples.summary.mean[rows] - y) / size)
        self.row_chosen.emit(int(rows[int(away.argmin())]))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
