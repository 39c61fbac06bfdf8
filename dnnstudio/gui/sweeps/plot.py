"""The target against one varied field: a point a trial, the best one in colour."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from typing import Any

import numpy as np
from PySide6.QtWidgets import QWidget

from dnnstudio.core.study.setting_words import setting_title, setting_value
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial, best_trial
from dnnstudio.core.study.varied import Ranged, value_text
from dnnstudio.core.text import within_words
from dnnstudio.core.ticks import decades
from dnnstudio.gui.base.run_words import FIGURE_TITLES
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card, Choice, ComboBox
from dnnstudio.gui.widgets.charts.axis import Axis, nice_axis
from dnnstudio.gui.widgets.charts.chart import Chart, Dots, Note

BESIDE, MOST_WIDE = 48, 240
"""What a choice has beside its text (frame, margins, arrow), and how wide it may be, in pixels."""
ROOM = 0.01
"""How much the axis of figures that are all alike goes beyond them; of figures above 1, as a share of them."""
TITLE = "Target"
EMPTY = "The trials are drawn here as they end."


def target_title(plan: SweepPlan) -> str:
    """Validation accuracy."""
    name = plan.target.removeprefix("val_")
    return f"Validation {FIGURE_TITLES.get(name, name)}"


def is_logarithmic(plan: SweepPlan, path: str, values: Sequence[Any]) -> bool:
    """Whether the field is drawn with a logarithmic axis: a logarithmic range, or a list over more than a decade."""
    varied = next(one for one in plan.vary if one.path == path)
    if isinstance(varied, Ranged):
        return varied.log
    return bool(min(values) > 0 and max(values) / min(values) > 20)


def places_of(plan: SweepPlan, path: str, trials: Sequence[Trial]) -> tuple[list[float], Axis]:
    """Where the trials lie on the axis of a varied field; choices stand beside each other in their own order."""
    varied = next(one for one in plan.vary if one.path == path)
    values = [trial.values[path] for trial in trials]
    ends = [varied.low, varied.high] if isinstance(varied, Ranged) else list(varied.values)
    title = within_words(setting_title(path))
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in ends):
        names = [value_text(value) for value in ends]
        words = [setting_value(path, value) if isinstance(value, str) else value_text(value) for value in ends]
        ticks = list(zip(map(float, range(len(words))), words, strict=True))
        return [float(names.index(value_text(value))) for value in values], Axis(-0.5, len(names) - 0.5, ticks, title)
    if is_logarithmic(plan, path, ends):
        low, high = log10(min(ends)), log10(max(ends))
        steps = (1, 2, 5) if high - low <= 2 else (1,)
        marks = [(log10(one), f"{one:g}") for one in decades(min(ends), max(ends), steps)]
        margin = max((high - low) * 0.05, 0.05)
        return [log10(value) for value in values], Axis(low - margin, high + margin, marks, f"{title}, logarithmic")
    return [float(value) for value in values], nice_axis(float(min(ends)), float(max(ends)), title)


def figures_axis(plan: SweepPlan, figures: Sequence[float]) -> Axis:
    """The axis of the target. Figures that are all alike get a little room, and accuracies none above 100 %."""
    low, high = min(figures), max(figures)
    is_share = plan.target == "val_accuracy"
    if high > low:
        return nice_axis(low, high, share=is_share)
    if is_share:
        return nice_axis(max(low - ROOM, min(low, 0.0)), min(high + ROOM, max(high, 1.0)), share=True)
    return nice_axis(low, high + ROOM * max(1.0, abs(high)))


class SweepPlot(Card):
    """A chart and the choice of the field that it is drawn against."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, TITLE, parent=parent)
        self.setObjectName("sweep_plot")
        self.against = ComboBox()
        self.against.setObjectName("sweep_against")
        self.against.setAccessibleName("Drawn against")
        self.against.hide()
        self.against.chosen.connect(self._draw)
        self.head.add(self.against)
        self.chart = Chart(theme, name="Validation figure of each trial")
        self.add(self.chart, 1)
        self._plan: SweepPlan | None = None
        self._trials: tuple[Trial, ...] = ()
        self._draw()

    def show_trials(self, plan: SweepPlan, trials: Sequence[Trial]) -> None:
        """Draw the trials that have the figure."""
        if self._plan is None or plan.paths != self._plan.paths:
            self.against.set_choices([Choice(path, within_words(setting_title(path))) for path in plan.paths])
            self.against.set_value(plan.paths[0])
            widest = max(self.against.fontMetrics().horizontalAdvance(one.label) for one in self.against.choices())
            self.against.setMinimumWidth(min(widest + BESIDE, MOST_WIDE))
            self.against.show()
        self._plan = plan
        self._trials = tuple(trial for trial in trials if plan.target in trial.figures)
        self.set_title(target_title(plan))
        self._draw()

    def empty(self) -> None:
        """Show no trial, and no field to draw them against."""
        self._plan, self._trials = None, ()
        self.against.hide()
        self.set_title(TITLE)
        self._draw()

    def _draw(self, _: object = None) -> None:
        plan, path = self._plan, str(self.against.value())
        if plan is None or not self._trials:
            self.chart.set_items(())
            self.chart.set_message(EMPTY)
            return
        x, axis = places_of(plan, path, self._trials)
        y = [trial.figures[plan.target] for trial in self._trials]
        best = best_trial(plan, {trial.number: trial for trial in self._trials})
        items: list[Dots | Note] = [Dots(np.array(x), np.array(y), "planned", 7.0)]
        if best is not None:
            at = self._trials.index(best)
            items += [
                Dots(np.array([x[at]]), np.array([y[at]]), "accent", 10.0),
                Note(x[at], y[at], f"trial {best.number}, best", "accent"),
            ]
        self.chart.set_message("")
        self.chart.set_axes(axis, figures_axis(plan, y))
        self.chart.set_items(items)
