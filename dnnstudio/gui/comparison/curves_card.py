"""Learning curves of a comparison: the mean of each start with markers, every seed as a thin line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from dnnstudio.core.text import share_text
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.comparison.histories import Histories
from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.sentences import tick_numbers, tick_shares
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, Choice, LegendEntry, PlotLegend, Segmented, label
from dnnstudio.gui.widgets.charts.copies import copies_plot

STARTS = (("transfer", "transferred", "learning_rate"), ("scratch", "from scratch", "validation"))
"""Start, words, token of its colour: the first and the second model's."""
FIGURES = (
    Choice("val_accuracy", "Validation accuracy", "Share of the validation rows that were right after each epoch"),
    Choice("val_loss", "Validation loss", "Loss on the validation rows after each epoch"),
)


class CurvesCard(Card):
    """Shows `Histories`. The plot is recreated for each number of seeds, whose thin lines it contains."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Learning curves", icon="chart-line", parent=parent)
        self.setObjectName("comparison_curves")
        self._theme = theme
        self._seeds: tuple[int, ...] = ()
        self._histories: Histories | None = None
        self._plot: CurvePlot | None = None
        self._legend: PlotLegend | None = None
        self.choice = Segmented(theme, FIGURES)
        self.choice.setObjectName("comparison_figure")
        self.choice.setAccessibleName("Which figure the curves show")
        self.choice.set_value("val_accuracy")
        self.choice.chosen.connect(self._make_plot)
        self.head.add(label("line: mean; thin: each seed", Role.CAPTION))
        self.head.add(self.choice)
        self.begin(())

    @property
    def plot(self) -> CurvePlot:
        """The present plot."""
        assert self._plot is not None
        return self._plot

    def begin(self, seeds: Sequence[int]) -> None:
        """Create the curves for these seeds."""
        self._seeds = tuple(seeds)
        self._histories = None
        self._make_plot()

    def show_histories(self, histories: Histories) -> None:
        """Draw the curves so far."""
        self._histories = histories
        if not histories.has("val_accuracy") and histories.has("val_loss") and self.choice.value() != "val_loss":
            self.choice.set_value("val_loss")  # regression has no accuracy
            self._make_plot()
            return
        self._draw()

    def _make_plot(self, _: object = None) -> None:
        accuracy = self.choice.value() == "val_accuracy"
        series = [Series(start, words, color, "epochs") for start, words, color in STARTS]
        series += [
            Series(f"{start} {seed}", words, color, "batches") for start, words, color in STARTS for seed in self._seeds
        ]
        plot = CurvePlot(
            self._theme,
            series,
            format_ticks=tick_shares if accuracy else tick_numbers,
            limits=(0.0, 1.0) if accuracy else (0.0, None),
        )
        plot.setAccessibleName("Learning curves from scratch and transferred")
        plot.menu_wanted.connect(copies_plot(plot, menu=False).popup)
        legend = PlotLegend(self._theme)
        plot.set_legend(legend, at_top=not accuracy)
        if self._plot is not None:
            self.body.removeWidget(self._plot)
            self._plot.hide()
            self._plot.deleteLater()
        self._plot, self._legend = plot, legend
        self.add(plot, 1)
        self._draw()

    def _draw(self) -> None:
        plot, legend, name = self.plot, self._legend, str(self.choice.value())
        assert legend is not None
        histories = self._histories
        entries: list[LegendEntry] = []
        for start, words, color in STARTS if histories is not None else ():
            assert histories is not None
            for seed in self._seeds:
                x, y = histories.curve(start, seed, name)
                if len(x):
                    plot.set_curve(f"{start} {seed}", x, y)
            x, y = histories.mean(start, name)
            if len(x):
                plot.set_curve(start, x, y)
                value = share_text(float(y[-1])) if name == "val_accuracy" else figure(float(y[-1]))
                entries.append(LegendEntry(words, color, value))
        if histories is not None:
            plot.set_x_end(histories.epochs)
        legend.set_entries(entries)
        plot.place_legend()
        plot.set_message("" if entries else "The curves are drawn here while both train.")
