"""The cards of loss and accuracy: what a run measured, batch by batch and epoch by epoch, and runs of before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.curves import Curves, Smoothing, smoothed
from dnnstudio.gui.plots.legend import LineLegend
from dnnstudio.gui.plots.menu import SMOOTHINGS, PlotMenu
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.plots.words import tick_numbers, tick_shares
from dnnstudio.gui.runs_model import figure, share
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Card, LegendEntry, MiniButton, PlotLegend, label
from dnnstudio.gui.widgets.plots import LineStyle

COMPACT_HEIGHT = 220
"""A card lower than this has its legend in its head: over the plot it would hide half of the curves."""
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
RANKS = {"clean": 1, "other": 2, "batches": 3}
"""What of a legend in one line is left out first."""
STYLES: dict[str, LineStyle] = {"clean": "dashed", "star": "star", "batches": "thin"}


@dataclass(frozen=True, slots=True)
class View:
    """How a person wants the curves: smoothed over so many epochs, and with the figures without dropout."""

    smoothing: float = SMOOTHINGS[1]
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Other:
    """A run of before, drawn under the one that is shown: its name in the legend and the token of its colour."""

    name: str
    color: str
    curves: Curves


class PlotCard(Card):
    """A card with a plot, quiet words at the right of its title, and a menu. `file_wished` carries the kind of file."""

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
        """Put the button of the menu at the end of the head; a right click on the plot opens it as well."""
        self.menu = menu
        self.more = MiniButton(theme, "dots-three", f"Scale and files of the plot: {self.title.lower()}")
        self.more.setObjectName(f"{self.objectName()}_menu")
        self.more.clicked.connect(lambda: menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4))))
        self.head.add(self.more)
        menu.file_wished.connect(self.file_wished)
        menu.log_chosen.connect(self.plot.set_log)
        self.plot.menu_wanted.connect(menu.popup)

    def values(self) -> list[tuple[str, str, float, float]]:
        """Everything that was measured: run, curve, epoch and value, for a table."""
        return []


class HistoryCard(PlotCard):
    """Loss or accuracy: the batches with a smoothed line over them, and a mean an epoch for each series."""

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
        logarithmic: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        color = next(item.color for item in series if item.key == f"val_{batch}")
        drawn = (
            Series("batch", "batches", "train", "batches"),
            Series("smooth", "batches, smoothed", "train", "smooth"),
            *(Series(f"raw_{item.key}", item.label, item.color, "faint") for item in series),
            *series,
            Series("star", "best", color, "star"),
        )
        plot = CurvePlot(theme, drawn, format_ticks=format_ticks, limits=limits)
        super().__init__(theme, title, plot, name, parent)
        self._series = tuple(series)
        self._batch = batch
        self._format_value = format_value
        self._curves: Curves | None = None
        self._others: Sequence[Other] = ()
        self._view = View()
        self._told: tuple[Curves, int, tuple[Other, ...], View] | None = None
        self._smooth = Smoothing()
        self.legend = PlotLegend(theme)
        plot.set_legend(self.legend, at_top=legend_at_top)
        self.line_legend = LineLegend(theme, ())
        self.line_legend.hide()
        self.head.add(self.line_legend)
        self._add_menu(theme, PlotMenu(self, smooths=True, logarithmic=logarithmic, clean=f"Training {batch}, {OFF}"))
        plot.pointed.connect(self._on_pointed)

    # ------------------------------------------------------------------------------------------ drawing

    def show_curves(self, curves: Curves, others: Sequence[Other] = (), view: View | None = None) -> None:
        """Draw what a run has told so far, over runs of before."""
        self._curves, self._others, self._view = curves, others, view or self._view
        plot, over = self.plot, self._view.smoothing
        with plot.together():
            self._draw_all(curves, over)
        self.menu.set_clean(self._view.clean, known=bool(len(curves.column(f"clean_{self._batch}")[0])))
        plot.set_now(None if curves.ended else curves.now)
        plot.set_message("")
        told = curves, len(curves.rows), tuple(others), self._view
        if told != self._told or plot.pointer is not None:
            self._told = told
            self._say()
        else:  # of the epochs there is nothing new to say
            plot.place_legend()

    def _draw_all(self, curves: Curves, over: float) -> None:
        if len(curves.batch[self._batch]) == len(curves.steps):
            x, y = curves.trace(self._batch)
            self.plot.set_curve("batch", x, y)
            self._set("smooth", x, self._smooth(x, y, over) if over else y[:0])
        for item in self._series:
            x, y = curves.column(item.key)
            if item.style == "clean" and not self._view.clean:
                x, y = x[:0], y[:0]
            means = over >= 1 and len(x) > 1
            self._set(f"raw_{item.key}", x, y if means else y[:0])
            self._set(item.key, x, smoothed(x, y, over) if means else y, marks=not means)
        self._draw_others()
        self._set("star", *self._best()[1:])

    def _set(self, key: str, x: Any, y: Any, *, marks: bool = True) -> None:
        if len(y):
            self.plot.set_curve(key, x, y, marks=marks)
        else:
            self.plot.remove_curve(key)

    def _draw_others(self) -> None:
        found: list[tuple[Series, Any, Any]] = []
        for number, other in enumerate(self._others):
            for name, style in ((f"val_{self._batch}", "other"), (self._batch, "other_faint")):
                x, y = other.curves.column(name)
                if len(x):
                    found.append((Series(f"other_{number}_{name}", other.name, other.color, style), x, y))  # type: ignore[arg-type]
        self.plot.set_others([series for series, _, _ in found])
        for series, x, y in found:
            self.plot.set_curve(series.key, x, y)

    def _best(self) -> tuple[int, Any, Any]:
        """The best epoch, and where its mark lies: on the validation rows' curve, where there is one."""
        nothing = np.empty(0)
        if self._curves is None or not self._curves.best:
            return 0, nothing, nothing
        best = self._curves.best
        for name in (f"val_{self._batch}", self._batch):
            x, y = self._curves.column(name)
            if len(x):
                at = x == best
                return best, x[at], y[at]
        return 0, nothing, nothing

    # ------------------------------------------------------------------------------------------ reading

    def _on_pointed(self, epoch: float | None) -> None:
        self.plot.show_pointer(epoch)
        self._say()

    def _say(self) -> None:
        """Put the latest values into the legend, or those of where a person points."""
        pointer = self.plot.pointer
        if self._curves is None or not self._curves.told:
            self._show_entries([], "")
        elif pointer is None:
            self._show_entries(self._latest(), "")
        else:
            self._show_entries(*self._at(pointer))

    def _latest(self) -> list[tuple[Series, str]]:
        entries: list[tuple[Series, str]] = []
        assert self._curves is not None
        for item in self._series:
            _, y = self._curves.column(item.key)
            if len(y) and (item.style != "clean" or self._view.clean):
                entries.append((item, self._format_value(float(y[-1]))))
        best, _, y = self._best()
        if len(y):
            star = self.plot.series["star"]
            entries.append((Series("star", f"best: epoch {best}", star.color, "star"), self._format_value(float(y[0]))))
        for other in self._others:
            value = other.curves.latest(f"val_{self._batch}")
            value = other.curves.latest(self._batch) if value is None else value
            if value is not None:
                entries.append((Series("other", other.name, other.color, "other"), self._format_value(value)))
        return entries

    def _at(self, pointer: float) -> tuple[list[tuple[Series, str]], str]:
        """The values at the epoch next to the pointer, and that of the batch under it."""
        assert self._curves is not None
        entries: list[tuple[Series, str]] = []
        dots: list[tuple[str, float, float]] = []
        whole = max(round(pointer), 1)
        for item in self._series:
            x, y = self._curves.column(item.key)
            at = x == whole
            if at.any() and (item.style != "clean" or self._view.clean):
                entries.append((item, self._format_value(float(y[at][0]))))
                dots.append((item.key, float(whole), float(y[at][0])))
        for number, other in enumerate(self._others):
            for name in (f"val_{self._batch}", self._batch):
                x, y = other.curves.column(name)
                if (at := x == whole).any():
                    entries.append((Series("other", other.name, other.color, "other"), self._format_value(y[at][0])))
                    dots.append((f"other_{number}_{name}", float(whole), float(y[at][0])))
                    break
        title = f"epoch {whole}" if entries else f"epoch {pointer:.1f}"
        if (batch := self._curves.batch_at(self._batch, pointer)) is not None:
            step, value = batch
            entries.append((Series("batch", f"step {step:,}", "train", "batches"), self._format_value(value)))
        self.plot.show_pointer(pointer, [dot for dot in dots if dot[0] in self.plot.series])
        return entries, title

    def _show_entries(self, entries: Sequence[tuple[Series, str]], title: str) -> None:
        compact = self._compact
        words = [LegendEntry(item.label, item.color, value, STYLES.get(item.style, "solid")) for item, value in entries]
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
        """No run: a sentence in place of the curves."""
        self._curves = self._told = None
        self.plot.clear()
        self.plot.set_others(())
        self.plot.show_pointer(None)
        self.plot.set_now(None)
        self.plot.set_message(message)
        self._say()

    def values(self) -> list[tuple[str, str, float, float]]:
        found: list[tuple[str, str, float, float]] = []
        if self._curves is None:
            return found
        shown = [(_name(self._curves), self._curves), *((other.name, other.curves) for other in self._others)]
        for name, curves in shown:
            for item in self._series:
                found += [(name, item.key, x, y) for x, y in zip(*(a.tolist() for a in curves.column(item.key)))]  # noqa: B905
            ends, batches = curves.steps.values.tolist(), curves.batch[self._batch].values.tolist()
            if len(ends) == len(batches):
                found += [(name, f"batch_{self._batch}", x, y) for x, y in zip(ends, batches, strict=True)]
        return found

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._say()


def _name(curves: Curves) -> str:
    return curves.name or "this run"


def _short(item: Series, value: str) -> tuple[Series, str]:
    """The same with fewer words, for a line."""
    if item.style == "star":
        return Series(item.key, "best", item.color, item.style), item.label.removeprefix("best: epoch ")
    words = item.label.removeprefix("train, ").replace("validation", "val.")
    return Series(item.key, words, item.color, item.style), value


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
        logarithmic=True,
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
