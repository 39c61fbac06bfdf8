"""The card of the learning rate: what was used, over what is planned; never smoothed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.recorded_rates import SAME
from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.cards.curve_cards import Other, PlotCard
from dnnstudio.gui.plots.curves import Curves, planned_rates, same_points
from dnnstudio.gui.plots.legend import LineLegend
from dnnstudio.gui.plots.menu import PlotMenu
from dnnstudio.gui.plots.sentences import short_number, short_numbers
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import LegendEntry, Limits, NumberField, PlotLegend, Steps
from dnnstudio.gui.widgets.card import FIELD_HEAD

RATE = (
    Series("actual", "actual", "learning_rate", "line"),
    Series("planned", "planned", "planned", "dotted"),
)
FIELD, NARROW_FIELD = 72, 60
"""Widths of the field, so that the title beside it is seen whole in the narrowest window too."""
OFFER, SHORT_OFFER = "change", "set"
"""What stands in the field before there is a rate; the second where the first would be cut."""
NARROW = Series("actual", "", "learning_rate", "line")


class RateCard(PlotCard):
    """The learning rate: what was used, over what is planned. `rate_wished` when a live training shall take another."""

    rate_wished = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        plot = CurvePlot(theme, RATE, format_ticks=short_numbers, limits=(0.0, None), include=(0.0,), most_ticks=3)
        super().__init__(theme, "Learning rate", plot, "rate_card", parent)
        self.legend = LineLegend(theme, RATE)
        self.note.hide()
        self.head.add(self.legend)
        self.field = NumberField(theme, title="The rate", limits=Limits(gt=0, le=1e6), steps=Steps.FACTOR)
        self.field.setObjectName("live_rate")
        self.field.setAccessibleName("Learning rate from now on")
        self.field.setToolTip("Train on with another rate: type it and press Enter. The schedule keeps its shape.")
        self.field.setFixedWidth(FIELD)
        self.field.committed.connect(self._on_committed)
        self.field.hide()
        self.head.add(self.field)
        self.head.setMinimumHeight(FIELD_HEAD)
        self._planned: tuple[Floats, Floats] = (np.empty(0), np.empty(0))
        self._ended: tuple[int, ...] = ()
        self._curves: Curves | None = None
        self._others: Sequence[Other] = ()
        self._live = self._compact = False
        self.readout = PlotLegend(theme)
        plot.set_legend(self.readout, at_top=False)
        self.readout.hide()
        self._add_menu(theme, PlotMenu(self, smooths=False, logarithmic=True))
        plot.pointed.connect(self._on_pointed)

    def show_plan(self, experiment: Experiment, steps_per_epoch: int, epochs: int, ended: tuple[int, ...] = ()) -> None:
        """Draw the planned rate of the whole training; its first phases have `ended` after so many epochs [phases]."""
        self._ended = ended
        x, y = planned_rates(experiment, steps_per_epoch, epochs, ended)
        self._planned = _from_the_start(x, y)
        self.plot.set_curve("planned", *self._planned)

    def show_plan_alone(self, experiment: Experiment, steps_per_epoch: int, epochs: int) -> None:
        """Draw the planned rate and nothing else: no run is shown. Most edits leave it as it is."""
        planned = _from_the_start(*planned_rates(experiment, steps_per_epoch, epochs))
        shown = self.plot.points("planned")
        if self._curves is not None or shown is None or not same_points(planned, shown):
            self.clear()
            self.show_plan(experiment, steps_per_epoch, epochs)

    def show_curves(self, curves: Curves, others: Sequence[Other] = ()) -> None:
        """Draw the rate that was used over the plan, and those of runs of before."""
        self._curves, self._others = curves, others
        if curves.ended_phases != self._ended:  # one ended before its time, and what comes is nearer
            self.show_plan(curves.experiment, curves.steps_per_epoch, curves.epochs, curves.ended_phases)
        x, y = curves.rate_curve()
        if len(x):
            self.plot.set_curve("actual", *_from_the_start(x, y))
            self._show_rate(short_number(float(y[-1])))
        series = [Series(f"other_{n}", other.name, other.color, "other", n) for n, other in enumerate(others)]
        self.plot.set_others(series)
        for item, other in zip(series, others, strict=True):
            self.plot.set_curve(item.key, *_from_the_start(*other.curves.rate_curve()))
        planned_x, planned_y = self._planned
        ahead = np.searchsorted(planned_x, curves.now)
        if curves.stopped_early:
            ahead = np.intp(len(planned_x))
        self.plot.set_curve("planned", planned_x[ahead:], planned_y[ahead:] * changed_in_flight(curves))
        self.plot.set_now(None if curves.ended else curves.now)
        if self.plot.pointer is not None:
            self._on_pointed(self.plot.pointer)

    def set_live(self, live: bool) -> None:
        """Offer to change the rate while a training is under way."""
        self._live = live
        self.field.set_value(None, placeholder=SHORT_OFFER if self._compact else OFFER)
        self._fit()

    def _show_rate(self, words: str) -> None:
        """Say the rate of now in the legend, and in the field where there is no room for both."""
        self.legend.set_values({"actual": words})
        if self._compact and not self.field.hasFocus():
            self.field.set_value(None, placeholder=words)

    def _on_committed(self, value: object) -> None:
        if isinstance(value, int | float):
            self.rate_wished.emit(float(value))
            self.field.set_value(None, placeholder=short_number(float(value)))

    def set_compact(self, compact: bool) -> None:
        """A legend of the actual rate only, for a narrow card; while the rate can be changed the field says it."""
        self._compact = compact
        self.field.setFixedWidth(NARROW_FIELD if compact else FIELD)
        self.field.set_value(None, placeholder=SHORT_OFFER if self._compact else OFFER)
        self.legend.set_series((NARROW,) if compact else RATE)
        self._fit()

    def _fit(self) -> None:
        self.field.setVisible(self._live)
        self.legend.setVisible(not (self._compact and self._live))

    def clear(self) -> None:
        """No run: no actual rate."""
        self._curves, self._others = None, ()
        self.plot.clear()
        self.plot.set_others(())
        self._on_pointed(None)
        self.legend.set_values({})

    def _on_pointed(self, epoch: float | None) -> None:
        """Read the rates at the pointer: that of the step which was, or will be, under way there."""
        dots: list[tuple[str, float, float]] = []
        entries: list[LegendEntry] = []
        for item in (*RATE, *(self.plot.series[f"other_{n}"] for n in range(len(self._others)))):
            points = self.plot.points(item.key)
            if (
                epoch is None
                or points is None
                or not len(points[0])
                or not points[0][0] <= epoch <= points[0][-1] + 1e-9
            ):
                continue
            x, y = points
            place = min(int(np.searchsorted(x, epoch - 1e-9)), len(x) - 1)
            dots.append((item.key, epoch, float(y[place])))
            style = "dotted" if item.style == "dotted" else "solid"
            entries.append(LegendEntry(item.label, item.color, short_number(float(y[place])), style))  # type: ignore[arg-type]
        self.plot.show_pointer(epoch, dots)
        title = ""
        if epoch is not None:
            title = f"epoch {epoch:.3g}"
            if self._curves is not None and (batch := self._curves.batch_at("loss", epoch)) is not None:
                title += f" · step {batch[0]:,}"
        self.readout.set_entries(entries, title=title)
        self.plot.place_legend()

    def values(self) -> list[tuple[str, str, float, float]]:
        found: list[tuple[str, str, float, float]] = []
        name = self._curves.name if self._curves is not None else ""
        shown: list[tuple[str, str, Any]] = [(name or "plan", "planned", self._planned)]
        if self._curves is not None:
            shown.insert(0, (name or "this run", "actual", self._curves.rate_curve()))
        shown += [(other.name, "actual", other.curves.rate_curve()) for other in self._others]
        for run, curve, (x, y) in shown:
            found += [(run, curve, *pair) for pair in zip(x.tolist(), y.tolist(), strict=True)]
        return found


def changed_in_flight(curves: Curves) -> float:
    """What the rest of the plan is multiplied by: not 1 where a plateau has cut the rate.

    A change by hand is in the experiment of the run, so in its plan; that of a run of 0.1.0 is not.
    """
    if not len(curves.rates):
        return 1.0
    step = round(float(curves.steps.values[-1]) * curves.steps_per_epoch) - 1
    courses = curves.courses()
    phase = 1
    while phase < len(courses) and step >= (length := courses[phase - 1].steps):
        step -= length
        phase += 1
    course = courses[phase - 1]
    for change in curves.experiment.rate_changes:
        begins = change.at * (curves.steps_per_epoch if change.unit == "epochs" else 1)
        if change.phase == phase and begins > step:
            return 1.0  # what comes was set after the last step, whatever the rate of that one was
    planned = float(course.rates([step])[0])
    factor = float(curves.rates.values[-1]) / planned if planned > 0 else 1.0
    return factor if abs(factor - 1.0) > SAME else 1.0


def _from_the_start(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """A rate holds from the start of its step, not only from its end."""
    return (np.concatenate(([0.0], x)), np.concatenate((y[:1], y))) if len(x) else (x, y)
