"""The cards of loss and accuracy: per batch and per epoch, with earlier runs for comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.cards import measures
from dnnstudio.gui.plots.cards.measures import Measure
from dnnstudio.gui.plots.curves import Curves, kept_limits
from dnnstudio.gui.plots.items import EventLines
from dnnstudio.gui.plots.legend import LineLegend
from dnnstudio.gui.plots.menu import SMOOTHINGS, PlotMenu
from dnnstudio.gui.plots.sentences import best_sentence, count_words
from dnnstudio.gui.plots.series import LineStyle as CurveStyle
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.plots.smoothing import Smoothing, smoothed
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import Card, Choice, ComboBox, LegendEntry, MiniButton, PlotLegend, label
from dnnstudio.gui.widgets.charts.copies import copies_plot

COMPACT_HEIGHT = 220  # a lower card has its legend in its head: over the plot it would hide half of the curves
OFF = "dropout off"

LOSS = (
    Series("loss", "train", "train", "epochs"),
    Series("clean_loss", f"train, {OFF}", "train", "clean"),
    Series("val_loss", "validation", "validation", "epochs"),
)
ACCURACY = (
    Series("val_accuracy", "validation", "validation", "epochs"),
    Series("accuracy", "train", "train", "epochs"),
    Series("clean_accuracy", f"train, {OFF}", "train", "clean"),
)
RANKS = {"clean": 1, "other": 2, "batches": 3}  # the order in which entries of a one-line legend are left out


@dataclass(frozen=True, slots=True)
class View:
    """Display options of the curves: epochs to smooth over, and whether to show training figures without dropout."""

    smoothing: float = SMOOTHINGS[1]
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Other:
    """An earlier run drawn below the displayed one: its legend name and colour token."""

    name: str
    color: str
    curves: Curves


class PlotCard(Card):
    """A card with a plot, a note in its head, and a menu. `file_wished` carries the requested file type."""

    file_wished = Signal(str)

    def __init__(self, theme: Theme, title: str, plot: CurvePlot, name: str, parent: QWidget | None = None) -> None:
        super().__init__(theme, title, parent=parent)
        self.setObjectName(name)
        self.title = title
        self.plot = plot
        self.head.keep_title()
        self.note = label("", Role.CAPTION)
        self.head.add(self.note)
        self.add(plot, 1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        plot.setAccessibleName(f"Plot of the {title.lower()}")
        plot.setAccessibleDescription("The arrow keys read the curves epoch by epoch.")

    def _add_menu(self, theme: Theme, menu: PlotMenu) -> None:
        """Add the menu button to the head; a right click on the plot opens the same menu."""
        self.menu = menu
        self.more = MiniButton(theme, "dots-three", f"Scale and files of the plot: {self.title.lower()}")
        self.more.setObjectName(f"{self.objectName()}_menu")
        self.more.clicked.connect(lambda: menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4))))
        self.head.add(self.more)
        menu.file_wished.connect(self.file_wished)
        menu.copy_wished.connect(copies_plot(self.plot, menu=False).copy)
        menu.log_chosen.connect(self.plot.set_log)
        self.plot.menu_wanted.connect(menu.popup)

    def values(self) -> list[tuple[str, str, float, float]]:
        """All recorded values for a table: run, curve, epoch and value."""
        return []


class HistoryCard(PlotCard):
    """Loss or accuracy: the batches with a smoothed line, and one mean per epoch for each series."""

    def __init__(
        self,
        theme: Theme,
        measure: Measure,
        name: str,
        series: Sequence[Series],
        *,
        choices: Sequence[Measure] = (),
        legend_at_top: bool,
        logarithmic: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        """`measure` is what is shown; of `choices` a person chooses another once `offer` has been called."""
        batch = measure.column
        color = next(item.color for item in series if item.key == f"val_{batch}")
        drawn = (
            Series("batch", "batches", "train", "batches"),
            Series("smooth", "batches, smoothed", "train", "smooth"),
            *(Series(f"band_{item.key}", item.label, item.color, "band") for item in series),
            *(Series(f"raw_{item.key}", item.label, item.color, "faint") for item in series),
            *series,
            Series("star", "best", color, "star"),
        )
        plot = CurvePlot(theme, drawn, format_ticks=measure.ticks, limits=measure.limits)
        super().__init__(theme, measure.title, plot, name, parent)
        self._series = tuple(series)
        self._batch = batch
        self.measure = measure
        self._curves: Curves | None = None
        self._others: Sequence[Other] = ()
        self._view = View()
        self._told: tuple[Curves, dict[str, float] | None, tuple[Other, ...], View] | None = None
        self._smooth = Smoothing()
        self.events = EventLines(plot.view, theme)
        self.legend = PlotLegend(theme)
        plot.set_legend(self.legend, at_top=legend_at_top)
        self.line_legend = LineLegend(theme, ())
        self.line_legend.hide()
        self.head.add(self.line_legend)
        self._first, self._offered = measure, tuple(choices)
        self.choice = ComboBox([Choice(item, item.title, item.help) for item in choices])
        self.choice.setObjectName(f"{name}_measure")
        self.choice.setAccessibleName("Figure of this plot")
        set_role(self.choice, Role.FLAT)
        self.choice.chosen.connect(self.set_measure)
        self.choice.hide()
        self.head.add(self.choice)
        self._add_menu(theme, PlotMenu(self, smooths=True, logarithmic=logarithmic, clean=f"Training {batch}, {OFF}"))
        plot.pointed.connect(self._on_pointed)

    # ------------------------------------------------------------------------------------------ what is drawn

    def offer(self, offered: bool) -> None:
        """Let a person choose among the card's other measures, or show its own again."""
        if offered != self.choice.isHidden():
            return
        self.choice.setVisible(offered)
        self.set_measure(self._offered[0] if offered else self._first)

    def set_measure(self, measure: Measure) -> None:
        """Show another figure of the history."""
        if measure == self.measure:
            return
        self.measure, self.title = measure, measure.title
        self.head.set_title("" if measure in self._offered else measure.title)
        if measure in self._offered:
            self.choice.set_value(measure)
        self.plot.setAccessibleName(f"Plot of the {measure.title.lower()}")
        self.plot.clear()
        self.plot.set_others(())
        self.plot.set_units(measure.ticks, measure.limits)
        self._told = None
        if self._curves is not None:
            self.show_curves(self._curves, self._others, self._view)

    def _named(self, key: str) -> str:
        """The column of the history that the curve `key` shows: "val_accuracy", or "val_mae" in its place."""
        return key.replace(self._batch, self.measure.column)

    def _column(self, curves: Curves, key: str) -> tuple[Any, Any]:
        return curves.column(self._named(key))

    # ------------------------------------------------------------------------------------------ drawing

    def show_curves(self, curves: Curves, others: Sequence[Other] = (), view: View | None = None) -> None:
        """Draw the run's curves so far, above earlier runs."""
        list(self.drawing(curves, others, view))

    def drawing(self, curves: Curves, others: Sequence[Other] = (), view: View | None = None) -> Iterator[None]:
        """What `show_curves` does, batches, epochs and words: the window may answer after each."""
        self._curves, self._others, self._view = curves, others, view or self._view
        plot, over = self.plot, self._view.smoothing
        with plot.together():
            self._draw_batches(curves, over)
        yield
        with plot.together():
            self._draw_epochs(curves, over)
        self.menu.set_clean(self._view.clean, known=bool(len(curves.column(f"clean_{self._batch}")[0])))
        plot.set_now(None if curves.ended else curves.now)
        self.events.show([(epoch, f"weights changed by {by}") for epoch, by in curves.changes])
        plot.set_message("")
        yield
        told = curves, curves.rows[-1] if curves.rows else None, tuple(others), self._view
        if told != self._told or plot.pointer is not None:
            self._told = told
            self._say()
        else:  # no new epoch since the last update
            plot.place_legend()
        yield

    def _draw_batches(self, curves: Curves, over: float) -> None:
        if self.measure.column == self._batch and len(curves.batch[self._batch]) == len(curves.steps):
            x, y = curves.trace(self._batch)
            self.plot.set_curve("batch", x, y)
            self._set("smooth", x, self._smooth(x, y, over) if over else y[:0])

    def _draw_epochs(self, curves: Curves, over: float) -> None:
        for item in self._series:
            x, y = self._column(curves, item.key)
            if item.style == "clean" and not self._view.clean:
                x, y = x[:0], y[:0]
            means = over >= 1 and len(x) > 1
            self._set(f"raw_{item.key}", x, y if means else y[:0])
            line = smoothed(x, y, over) if means else y
            self._set(item.key, x, line)
            self._set(f"band_{item.key}", *self._band(x, line, *curves.deviation(self._named(item.key))))
        self._draw_others()
        self._set("star", *self._best()[1:])

    def _band(self, x: Floats, y: Floats, epochs: Floats, deviations: Floats) -> tuple[Floats, Floats]:
        """One standard deviation [epochs] to both sides of the line y, as an outline within the plot's limits."""
        known = np.isin(x, epochs)
        if known.sum() < 2:
            return x[:0], y[:0]
        x, y, deviations = x[known], y[known], deviations[np.isin(epochs, x)]
        limits = kept_limits(float(y.min()), float(y.max()), self.measure.limits)
        low, high = (np.clip(y + side * deviations, *limits) for side in (-1, 1))
        return np.concatenate((x, x[::-1])), np.concatenate((high, low[::-1]))

    def _set(self, key: str, x: Any, y: Any) -> None:
        if len(y):
            self.plot.set_curve(key, x, y)
        else:
            self.plot.remove_curve(key)

    def _draw_others(self) -> None:
        found: list[tuple[Series, Any, Any]] = []
        for number, other in enumerate(self._others):
            styles: tuple[tuple[str, CurveStyle], ...] = ((f"val_{self._batch}", "other"), (self._batch, "other_faint"))
            for name, style in styles:
                x, y = self._column(other.curves, name)
                if len(x):
                    found.append((_of_other(other, style, number, f"other_{number}_{name}"), x, y))
        self.plot.set_others([series for series, _, _ in found])
        for series, x, y in found:
            self.plot.set_curve(series.key, x, y)

    def _best(self) -> tuple[int, Any, Any]:
        """The best epoch and the position of its marker, on the validation curve if there is one."""
        nothing = np.empty(0)
        if self._curves is None or not self._curves.best:
            return 0, nothing, nothing
        best = self._curves.best
        for name in (f"val_{self._batch}", self._batch):
            x, y = self._column(self._curves, name)
            if len(x):
                at = x == best
                return best, x[at], y[at]
        return 0, nothing, nothing

    # ------------------------------------------------------------------------------------------ reading

    def _on_pointed(self, epoch: float | None) -> None:
        self.plot.show_pointer(epoch)
        self._say()

    def _say(self) -> None:
        """Show the latest values in the legend, or those under the pointer."""
        pointer = self.plot.pointer
        if self._curves is None or not self._curves.told:
            self._show_entries([], "")
        elif pointer is None:
            last = self._curves.rows[-1]["epoch"] if self._curves.rows else 0.0
            count = count_words(self._curves, last)
            self._show_entries(self._latest(), f"epoch {last:.0f}{count}" if count else "")
        else:
            self._show_entries(*self._at(pointer))

    def _latest(self) -> list[tuple[Series, str]]:
        entries: list[tuple[Series, str]] = []
        assert self._curves is not None
        for item in self._series:
            _, y = self._column(self._curves, item.key)
            if len(y) and (item.style != "clean" or self._view.clean):
                entries.append((item, self.measure.value(float(y[-1]))))
        best, _, y = self._best()
        if len(y):
            star = self.plot.series["star"]
            entries.append((Series("star", f"best: epoch {best}", star.color, "star"), self.measure.value(float(y[0]))))
        for number, other in enumerate(self._others):
            value = other.curves.latest(f"val_{self.measure.column}")
            value = other.curves.latest(self.measure.column) if value is None else value
            if value is not None:
                entries.append((_of_other(other, "other", number), self.measure.value(value)))
        return entries

    def _at(self, pointer: float) -> tuple[list[tuple[Series, str]], str]:
        """The values of the epoch nearest to the pointer, and that of the batch under it."""
        assert self._curves is not None
        entries: list[tuple[Series, str]] = []
        dots: list[tuple[str, float, float]] = []
        whole = max(round(pointer), 1)
        for item in self._series:
            x, y = self._column(self._curves, item.key)
            at = x == whole
            if at.any() and (item.style != "clean" or self._view.clean):
                entries.append((item, self.measure.value(float(y[at][0]))))
                dots.append((item.key, float(whole), float(y[at][0])))
        for number, other in enumerate(self._others):
            for name in (f"val_{self._batch}", self._batch):
                x, y = self._column(other.curves, name)
                if (at := x == whole).any():
                    entries.append((_of_other(other, "other", number), self.measure.value(y[at][0])))
                    dots.append((f"other_{number}_{name}", float(whole), float(y[at][0])))
                    break
        title = f"epoch {whole}{count_words(self._curves, whole)}" if entries else f"epoch {pointer:.1f}"
        batch = self._curves.batch_at(self._batch, pointer) if self.measure.column == self._batch else None
        if batch is not None:
            step, value = batch
            entries.append((Series("batch", f"step {step:,}", "train", "batches"), self.measure.value(value)))
        self.plot.show_pointer(pointer, [dot for dot in dots if dot[0] in self.plot.series])
        return entries, title

    def _show_entries(self, entries: Sequence[tuple[Series, str]], title: str) -> None:
        compact, curves = self._compact, self._curves
        self.head.setToolTip(best_sentence(curves.best_by) if curves is not None and self._best()[0] else "")
        words = [LegendEntry(item.label, item.color, value, item.in_legend, item.mark) for item, value in entries]
        self.legend.set_entries(() if compact else words, title=title)
        self.plot.place_legend()
        self.line_legend.setVisible(compact and bool(entries))
        self.note.setVisible(not self.line_legend.isVisibleTo(self))
        if compact:
            short = [_short(item, value) for item, value in entries]
            self.line_legend.show_entries(sorted(short, key=lambda entry: RANKS.get(entry[0].style, 0)), title=title)

    @property
    def _compact(self) -> bool:
        return self.height() < COMPACT_HEIGHT

    def clear(self, message: str) -> None:
        """No run: a message instead of the curves."""
        self._curves = self._told = None
        self.plot.clear()
        self.plot.set_others(())
        self.plot.show_pointer(None)
        self.plot.set_now(None)
        self.events.show(())
        self.plot.set_message(message)
        self._say()

    def values(self) -> list[tuple[str, str, float, float]]:
        found: list[tuple[str, str, float, float]] = []
        if self._curves is None:
            return found
        others = [(other.name, other.curves) for other in self._others]
        shown = [(self._curves.name or "this run", self._curves), *others]
        for name, curves in shown:
            for item in self._series:
                key, columns = self._named(item.key), self._column(curves, item.key)
                found += [(name, key, x, y) for x, y in zip(*(a.tolist() for a in columns))]  # noqa: B905
            ends, batches = curves.steps.values.tolist(), curves.batch[self._batch].values.tolist()
            if self.measure.column == self._batch and len(ends) == len(batches):
                found += [(name, f"batch_{self._batch}", x, y) for x, y in zip(ends, batches, strict=True)]
        return found

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._say()


def _of_other(other: Other, style: CurveStyle, number: int, key: str = "other") -> Series:
    return Series(key, other.name, other.color, style, number)


def _short(item: Series, value: str) -> tuple[Series, str]:
    """A shorter text, for a single line."""
    if item.style == "star":
        return replace(item, label="best"), item.label.removeprefix("best: epoch ")
    words = item.label.removeprefix("train, ").replace("validation", "val.")
    return replace(item, label=words), value


def loss_card(theme: Theme) -> HistoryCard:
    """The card of the loss, training and validation."""
    return HistoryCard(theme, measures.LOSS, "loss_card", LOSS, legend_at_top=True, logarithmic=True)


def accuracy_card(theme: Theme) -> HistoryCard:
    """The card of the accuracy, or of an error where a number is predicted, training and validation."""
    given = measures.ACCURACY, "accuracy_card", ACCURACY
    return HistoryCard(theme, *given, choices=measures.OF_NUMBERS, legend_at_top=False)
