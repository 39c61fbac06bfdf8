"""Intervals: reached against promised coverage, how wide they are, and the error against what is answered."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from dnnstudio.core.text import count_of, figure, percent, plural
from dnnstudio.core.uncertainty.number_samples import NumberSamples, number_calibration_rows
from dnnstudio.core.uncertainty.numbers import IntervalReliability, error_coverage, error_oracle
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.uncertainty.distribution.tab import clear_scroll
from dnnstudio.gui.uncertainty.numbers.inspection import NumberInspection, Promised, Way
from dnnstudio.gui.uncertainty.sentences import pass_noun
from dnnstudio.gui.widgets import Card, Choice, LegendEntry, Limits, NumberField, Segmented, Steps, label, rule
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis, share_axis
from dnnstudio.gui.widgets.charts.chart import Chart, Dots, Item, Line, Mark
from dnnstudio.gui.widgets.charts.legend import SEVERAL

LEAST, MOST = 50, 99
SHOWN_FROM = 0.1
WAYS = (
    Choice(Way.PLAIN, "Equal width", "Conformal: the same width for every row"),
    Choice(Way.SCALED, "By spread", "Conformal: wider where the {answers} differ more"),
    Choice(
        Way.PASSES,
        "Spread alone",
        "From the spread of the {answers}, without calibration: it leaves out the data's noise",
    ),
)
STYLES = {
    Way.PLAIN: ("equal width", "train", SEVERAL[0]),
    Way.SCALED: ("by spread", "right", SEVERAL[1]),
    Way.PASSES: ("spread alone", "wrong", SEVERAL[2]),
}
FIGURES = (
    ("reached", "Reached", "Share of the true numbers inside their intervals"),
    ("interval", "95 % interval", "Wilson's interval of the reached share"),
    ("width", "Mean width", "Sharpness: how wide the intervals are on average, in the target's unit"),
    ("miscalibration", "Miscalibration", "Mean of |reached − promised| over promises from 10 to 99 %"),
    ("mae", "MAE", "Mean absolute error, in the target's unit"),
    ("rmse", "RMSE", "Root mean squared error, in the target's unit"),
    ("r2", "R²", "1 is perfect, 0 as good as the mean of these rows"),
    ("nll", "Log loss", "Of a Gaussian with the mean and spread of the {answers}, in nats"),
    ("area", "Error–coverage", "Mean error over all shares answered: smaller if a large spread means large errors"),
)


def interval_sentences(inspection: NumberInspection, promised: Promised, reached: Share) -> tuple[str, str]:
    """Headline, and what the intervals rest on."""
    samples, share = inspection.samples, inspection.percent / 100
    assert samples is not None
    width = promised.intervals.mean_width
    wide = f"{figure(width)} wide on average" if np.isfinite(width) else "without ends"
    first = f"{percent(share)} promised, {percent(reached.value, 1)} reached on the {samples.rows.title}; {wide}."
    if inspection.way is Way.PASSES:
        return first, (
            f"From the spread of the {plural(pass_noun(samples))} alone, which is the doubt of the model: the noise of "
            "the data is left out, so these intervals are mostly too narrow."
        )
    assert promised.calibration is not None and inspection.validation is not None
    rows = len(number_calibration_rows(inspection.validation))
    return first, (
        f"{reached.hits:,} of {reached.total:,} true numbers lie inside. Width set on {count_of(rows, 'row')}, half of "
        f"the {count_of(len(inspection.validation.rows), 'validation row')}, drawn at random. Where "
        "these also chose the epoch, "
        "the promise is a little too good."
    )


class IntervalsTab(QWidget):
    """Sets the promise in the inspection, which the Answers tab follows."""

    def __init__(self, theme: Theme, inspection: NumberInspection, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("intervals_tab")
        self._theme = theme
        self._inspection = inspection
        self._no_validation = ""
        self.reliability = Chart(theme, name="Reached against promised coverage")
        self.reliability.setMinimumHeight(150)
        self.curve = Chart(theme, name="Mean absolute error against the share that is answered", left=56)
        self.curve.setMinimumHeight(130)
        middle = QVBoxLayout()
        middle.setSpacing(8)
        middle.addWidget(self._make_head())
        for title, note, chart, share in (
            ("Coverage against promise", "on the line: as often as promised", self.reliability, 3),
            ("Error against coverage", "answering the rows of smallest spread first", self.curve, 2),
        ):
            card = Card(theme, title, note=note, margin=16)
            card.add(chart, 1)
            middle.addWidget(card, share)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._make_figures())
        column.addStretch(1)
        area = clear_scroll(side, "intervals_side")
        area.setFixedWidth(264)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        row.setSpacing(8)
        row.addLayout(middle, 1)
        row.addWidget(area)
        for changed in (inspection.samples_changed, inspection.validation_changed, inspection.promise_changed):
            changed.connect(self.refresh)

    def _make_head(self) -> Card:
        card = Card(self._theme, margin=16)
        self.title = label("", Role.HEADLINE, wrap=True)
        self.title.setObjectName("intervals_headline")
        self.second = label("", Role.CAPTION, wrap=True)
        self.second.setObjectName("intervals_origin")
        self.problem = label("", Role.ERROR, wrap=True)
        self.problem.setObjectName("too_few_rows")
        self.problem.hide()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName("interval_slider")
        self.slider.setAccessibleName("Right in at least this share of cases")
        self.slider.setRange(LEAST, MOST)
        self.slider.setPageStep(5)
        self.slider.setMinimumHeight(22)
        self.slider.setMinimumWidth(60)
        self.slider.setValue(self._inspection.percent)
        self.slider.valueChanged.connect(self._set_percent)
        limits = Limits(ge=LEAST, le=MOST)
        self.field = NumberField(
            self._theme, title="Coverage", integer=True, limits=limits, steps=Steps.LINEAR, step_size=1
        )
        self.field.setObjectName("field_interval")
        self.field.setAccessibleName("Promised coverage, per cent")
        self.field.setFixedWidth(52)
        self.field.set_value(self._inspection.percent)
        self.field.committed.connect(lambda value: self.slider.setValue(int(value)) if isinstance(value, int) else None)
        self.way = Segmented(self._theme, WAYS)
        for choice in WAYS:
            self._inspection.words.say(self.way.button(choice.value).setToolTip, choice.help)
        self.way.setObjectName("interval_way")
        self.way.set_value(self._inspection.way)
        self.way.chosen.connect(lambda value: self._inspection.set_promise(way=Way(str(value))))
        self._words = label("Right in at least", Role.FORM), label("% of cases", Role.FORM)
        controls = QHBoxLayout()
        controls.setSpacing(8)
        controls.addWidget(self._words[0])
        controls.addWidget(self.slider, 1)
        controls.addWidget(self.field)
        controls.addWidget(self._words[1])
        controls.addSpacing(8)
        controls.addWidget(self.way)
        for widget in (self.title, self.second, self.problem, rule()):
            card.add(widget)
        card.body.addLayout(controls)
        return card

    def _make_figures(self) -> Card:
        card = Card(self._theme, "Figures", margin=12)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self.cells = {}
        for number, (name, words, tip) in enumerate(FIGURES):
            title, cell = label(words, Role.FORM), label("–", Role.NUMBER)
            cell.setObjectName(f"number_{name}")
            cell.setAlignment(Qt.AlignmentFlag.AlignRight)
            for part in (title, cell):
                self._inspection.words.say(part.setToolTip, tip)
            self.cells[name] = cell
            grid.addWidget(title, number, 0)
            grid.addWidget(cell, number, 1)
        grid.setColumnStretch(0, 1)
        card.body.addLayout(grid)
        return card

    # ------------------------------------------------------------------------------------------ what is promised

    def set_no_validation(self, why: str) -> None:
        """Set why there are no validation rows to calibrate on."""
        self._no_validation = why
        self.refresh()

    def _set_percent(self, value: int) -> None:
        self.field.set_value(value)
        self._inspection.set_promise(percent=value)

    # ------------------------------------------------------------------------------------------ what is shown

    def refresh(self) -> None:
        samples = self._inspection.samples
        if samples is None or not self.isVisible():
            return
        self.way.setVisible(not samples.is_single)
        self.way.set_value(self._inspection.way)
        promised = self._inspection.promised()
        self._show_words(promised)
        curves = {way: self._inspection.reliability(way) for way in self._ways(samples)}
        self._draw_reliability(curves)
        self._draw_curve(samples)
        self._show_figures(samples, promised, curves[self._inspection.way])

    @staticmethod
    def _ways(samples: NumberSamples) -> tuple[Way, ...]:
        return (Way.PLAIN,) if samples.is_single else tuple(Way)

    def _reached(self, promised: Promised) -> Share:
        samples, rows = self._inspection.samples, self._inspection.counted()
        assert samples is not None
        held = promised.intervals.covered(samples.rows.truth)[rows]
        return Share(int(held.sum()), len(rows))

    def _show_words(self, promised: Promised | None) -> None:
        self.problem.hide()
        if promised is None:
            self.title.setText("No promise without rows to calibrate on." if self._no_validation else "Calibrating.")
            why = f"{self._no_validation} Keep some rows for validation, and train again."
            waiting = "The validation rows are being sampled; half of them set the width."
            self.second.setText(why if self._no_validation else waiting)
            return
        first, second = interval_sentences(self._inspection, promised, self._reached(promised))
        self.title.setText(first)
        self.second.setText(second)
        if promised.missing and promised.calibration is not None:
            needed = promised.calibration.promise.rows_needed
            self.problem.setText(
                f"{percent(self._inspection.percent / 100)} needs {count_of(needed, 'row')} to calibrate on; there are "
                f"{promised.calibration.rows:,}. Promise less, or keep more validation rows."
            )
            self.problem.show()

    def _draw_reliability(self, curves: dict[Way, IntervalReliability | None]) -> None:
        ends = np.array([0.0, 1.0])
        items: list[Item] = [Line(ends, ends, "planned", "dashed", 1.2)]
        items.append(Mark(self._inspection.percent / 100, color="accent"))
        entries = []
        for way, found in curves.items():
            if found is not None:
                words, color, style = STYLES[way]
                y = np.array([share.value for share in found.reached])
                chosen = way is self._inspection.way
                items += [
                    Line(found.promised, y, color, style, 2.2 if chosen else 1.4),
                    Dots(found.promised, y, color, 3),
                ]
                entries.append(LegendEntry(words, color, f"off by {percent(found.miscalibration, 1)}", style))
        self.reliability.set_message("")
        self.reliability.set_axes(share_axis(0, 1, 0.2, "promised"), share_axis(0, 1, 0.2))
        self.reliability.set_items(items)
        self.reliability.legend.set_entries([*entries, LegendEntry("as promised", "planned", "", "dashed")])
        self.reliability.set_legend_corner("beside")

    def _draw_curve(self, samples: NumberSamples) -> None:
        if samples.is_single:
            self.curve.legend.set_entries([])
            self.curve.set_message("Without a spread nothing says which rows to leave to a person.")
            return
        truth, summary = samples.rows.truth, samples.summary
        found, best = error_coverage(truth, summary.mean, summary.std), error_oracle(truth, summary.mean)
        held = found.coverage >= SHOWN_FROM
        top = float(max(found.mae[held].max(), samples.scores.mae))
        axis = nice_axis(0.0, top or 1.0)
        self.curve.set_message("")
        self.curve.set_axes(share_axis(0, 1, 0.25, "answered"), Axis(0, axis.high, axis.ticks))
        self.curve.set_items(
            [
                Mark(samples.scores.mae, upright=False, color="planned", style="dotted"),
                Line(best.coverage[held], best.mae[held], "planned", "dashed", 1.2),
                Line(found.coverage[held], found.mae[held], "accent"),
            ]
        )
        self.curve.legend.set_entries(
            [
                LegendEntry(f"by spread of {plural(pass_noun(samples))}", "accent", figure(found.area)),
                LegendEntry("at random", "planned", figure(samples.scores.mae), "dotted"),
                LegendEntry("best possible", "planned", figure(best.area), "dashed"),
            ]
        )
        self.curve.set_legend_corner("beside")

    def _show_figures(
        self, samples: NumberSamples, promised: Promised | None, curve: IntervalReliability | None
    ) -> None:
        scores = samples.scores
        texts = dict.fromkeys(self.cells, "–")
        texts |= {"mae": figure(scores.mae), "rmse": figure(scores.rmse), "r2": f"{scores.r2:.3f}"}
        if np.isfinite(scores.nll):
            texts["nll"] = f"{scores.nll:.3f}"
        if not samples.is_single:
            area = error_coverage(samples.rows.truth, samples.summary.mean, samples.summary.std).area
            texts["area"] = figure(area)
        if promised is not None:
            reached = self._reached(promised)
            low, high = reached.interval()
            texts["reached"] = percent(reached.value, 1)
            texts["interval"] = f"{percent(low, 1)} – {percent(high, 1)}"
            width = promised.intervals.mean_width
            texts["width"] = figure(width) if np.isfinite(width) else "infinite"
        if curve is not None:
            texts["miscalibration"] = percent(curve.miscalibration, 1)
        for name, text in texts.items():
            self.cells[name].setText(text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < 900
        self._words[0].setVisible(not narrow)
        self._words[1].setText("%" if narrow else "% of cases")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
