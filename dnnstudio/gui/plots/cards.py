"""The cards of the middle column: loss, accuracy and learning rate of the run that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.experiment import Experiment
from dnnstudio.gui.plots.base import CurvePlot, Series
from dnnstudio.gui.plots.curves import Curves, Floats, planned_rates
from dnnstudio.gui.plots.legend import LineLegend
from dnnstudio.gui.plots.words import short_number, short_numbers, tick_numbers, tick_shares
from dnnstudio.gui.runs_model import figure, share
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, LegendEntry, Limits, NumberField, PlotLegend, Steps, label

LOSS = (
    Series("batch", "batches", "train", "batches"),
    Series("loss", "train", "train", "epochs"),
    Series("val_loss", "validation", "validation", "epochs"),
)
ACCURACY = (
    Series("batch", "batches", "train", "batches"),
    Series("val_accuracy", "validation", "validation", "epochs"),
    Series("accuracy", "train", "train", "epochs"),
)
RATE = (
    Series("actual", "actual", "learning_rate", "line"),
    Series("planned", "planned", "planned", "dotted"),
)


class PlotCard(Card):
    """A card with a plot, and quiet words at the right of its title."""

    def __init__(self, theme: Theme, title: str, plot: CurvePlot, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, title, parent=parent)
        self.setObjectName(name)
        self.plot = plot
        self.note = label("", Role.CAPTION)
        self.head.add(self.note)
        self.add(plot, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        plot.setAccessibleName(f"Plot of the {title.lower()}")


class HistoryCard(PlotCard):
    """Loss or accuracy: the trace of the batches and a mean an epoch for each series."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        name: str,
        series: Sequence[Series],
        *,
        batch: str,
        format_ticks: Callable[[list[float]], list[str]],
        format_value: Callable[[float | None], str],
        limits: tuple[float | None, float | None],
        legend_at_top: bool,
        parent: QWidget | None = None,
    ) -> None:
        plot = CurvePlot(theme, series, format_ticks=format_ticks, limits=limits)
        super().__init__(theme, title, plot, name, parent)
        self._series = [item for item in series if item.key != "batch"]
        self._batch = batch
        self._format_value = format_value
        self.legend = PlotLegend(theme)
        plot.set_legend(self.legend, at_top=legend_at_top)

    def show_curves(self, curves: Curves) -> None:
        """Draw what a run has told so far."""
        if len(curves.batch[self._batch]) == len(curves.steps):
            self.plot.set_curve("batch", *curves.trace(self._batch))
        entries: list[LegendEntry] = []
        for item in self._series:
            x, y = curves.column(item.key)
            if len(x):
                self.plot.set_curve(item.key, x, y)
                entries.append(LegendEntry(item.label, item.color, self._format_value(float(y[-1]))))
        self.legend.set_entries(entries)
        self.plot.place_legend()
        self.plot.set_now(None if curves.ended else curves.now)
        self.plot.set_message("")

    def clear(self, message: str) -> None:
        """No run: a sentence in place of the curves."""
        self.plot.clear()
        self.legend.set_entries(())
        self.plot.set_now(None)
        self.plot.set_message(message)


def loss_card(theme: Theme) -> HistoryCard:
    """The card of the loss, training and validation."""
    return HistoryCard(
        theme,
        "Loss",
        "loss_card",
        LOSS,
        batch="loss",
        format_ticks=tick_numbers,
        format_value=figure,
        limits=(0.0, None),
        legend_at_top=True,
    )


def accuracy_card(theme: Theme) -> HistoryCard:
    """The card of the accuracy, training and validation."""
    return HistoryCard(
        theme,
        "Accuracy",
        "accuracy_card",
        ACCURACY,
        batch="accuracy",
        format_ticks=tick_shares,
        format_value=share,
        limits=(0.0, 1.0),
        legend_at_top=False,
    )


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
        self.field.setFixedWidth(72)
        self.field.committed.connect(self._on_committed)
        self.field.hide()
        self.head.add(self.field)
        self.head.setMinimumHeight(28)  # the field comes and goes, and nothing jumps
        self._planned: tuple[Floats, Floats] = (np.empty(0), np.empty(0))

    def show_plan(self, experiment: Experiment, steps_per_epoch: int, epochs: int) -> None:
        """Draw the planned rate of the whole training."""
        x, y = planned_rates(experiment, steps_per_epoch, epochs)
        if len(x):  # the plan holds from the very start, not only from the end of the first step
            x, y = np.concatenate(([0.0], x)), np.concatenate((y[:1], y))
        self._planned = (x, y)
        self.plot.set_curve("planned", x, y)

    def show_curves(self, curves: Curves) -> None:
        """Draw the rate that was used over the plan."""
        x, y = curves.rate_curve()
        if len(x):
            self.plot.set_curve("actual", np.concatenate(([0.0], x)), np.concatenate((y[:1], y)))
            self.legend.set_values({"actual": short_number(float(y[-1]))})
        planned_x, planned_y = self._planned
        ahead = np.searchsorted(planned_x, curves.now)
        self.plot.set_curve("planned", planned_x[ahead:], planned_y[ahead:])
        self.plot.set_now(None if curves.ended else curves.now)

    def set_live(self, live: bool) -> None:
        """Offer to change the rate while a training is under way."""
        self.field.setVisible(live)
        self.field.set_value(None, placeholder="change")

    def _on_committed(self, value: object) -> None:
        if isinstance(value, int | float):
            self.rate_wished.emit(float(value))
            self.field.set_value(None, placeholder=short_number(float(value)))

    def set_compact(self, compact: bool) -> None:
        """A legend of the actual rate only, for a narrow card."""
        self.legend.set_series(RATE[:1] if compact else RATE)

    def clear(self) -> None:
        """No run: no actual rate."""
        self.plot.clear()
        self.legend.set_values({})
