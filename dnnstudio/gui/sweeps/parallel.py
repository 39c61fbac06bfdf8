"""All varied fields and the target at once: one axis each, and the trials within the chosen ranges."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial, best_trial
from dnnstudio.core.text import share_text, within_words
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.sweeps.parallel_axes import Dimension, ParallelAxes
from dnnstudio.gui.sweeps.plot import EMPTY, figures_axis, places_of, target_title
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, ElidedLabel, push_button

HOW = "Draw along an axis to keep the trials of a range."


class ParallelPlot(Card):
    """The axes, what is chosen on them in words, and a button that takes it away. `chosen` when that changes."""

    chosen = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "All settings at once", parent=parent)
        self.setObjectName("sweep_parallel")
        self.said = ElidedLabel("", Role.CAPTION)
        self.said.setObjectName("parallel_said")
        self.clear = push_button("Clear", Role.LINK, tip="Take the ranges on the axes away")
        self.clear.setObjectName("parallel_clear")
        self.axes = ParallelAxes(theme)
        self.axes.setObjectName("parallel_axes")
        self.axes.setToolTip("Draw along an axis to choose a range; click it to take the range away.")
        self.clear.clicked.connect(self.axes.clear)
        self.axes.brushed.connect(self._on_brushed)
        self.head.add(self.clear)
        self.add(self.axes, 1)
        self.add(self.said)
        self._trials: tuple[Trial, ...] = ()
        self._paths: tuple[str, ...] = ()
        self._say()
        self.axes.set_message(EMPTY)

    def show_trials(self, plan: SweepPlan, trials: Sequence[Trial]) -> None:
        """Draw the trials that have the figure."""
        self._trials = tuple(trial for trial in trials if plan.target in trial.figures)
        if plan.paths != self._paths:
            self._paths = plan.paths
            self.axes.brushes.clear()
        self.axes.set_message("" if self._trials else EMPTY)
        if self._trials:
            dimensions = []
            for path in plan.paths:
                values, axis = places_of(plan, path, self._trials)
                dimensions.append(Dimension(setting_title(path), axis, tuple(values)))
            figures = [trial.figures[plan.target] for trial in self._trials]
            dimensions.append(Dimension(target_title(plan), figures_axis(plan, figures), tuple(figures)))
            best = best_trial(plan, {trial.number: trial for trial in self._trials})
            self.axes.show_lines(dimensions, best=None if best is None else self._trials.index(best))
        self._say()

    @property
    def numbers(self) -> frozenset[int] | None:
        """The trials within the chosen ranges, by number; None while nothing is chosen."""
        if not self.axes.brushes or not self._trials:
            return None
        return frozenset(self._trials[line].number for line in self.axes.within())

    def _on_brushed(self) -> None:
        self._say()
        self.chosen.emit()

    def _say(self) -> None:
        self.clear.setVisible(bool(self.axes.brushes))
        words = []
        for place, (low, high) in sorted(self.axes.brushes.items()):
            one = self.axes.dimensions[place]
            words.append(f"{within_words(one.title)} {_range_words(one, low, high)}")
        found = self.numbers
        count = f": {len(found)} of {len(self._trials)}" if found is not None else ""
        self.said.setText(", ".join(words) + count if words else HOW if self._trials else "")


def _range_words(dimension: Dimension, low: float, high: float) -> str:
    """94.0 % to 98.0 %; of choices, their names; of a logarithmic axis, its values."""
    ends = dimension.value_at(low), dimension.value_at(high)
    ticks, name = dimension.axis.ticks, dimension.axis.label
    if name.endswith(", logarithmic"):
        return " to ".join(f"{10**end:.2g}" for end in ends)
    if dimension.axis.low == -0.5:  # choices beside each other
        return " or ".join(text for value, text in ticks if ends[0] <= value <= ends[1]) or "none"
    if ticks and ticks[0][1].endswith("%"):
        return " to ".join(share_text(end) for end in ends)
    return " to ".join(figure(end) for end in ends)
