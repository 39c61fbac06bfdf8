"""The plot of a learning-rate range test: raw and smoothed loss over the rate, and the chosen rate."""

from __future__ import annotations

import os

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.gui.plots.axis import Axis, prepare
from dnnstudio.gui.plots.curves import round_range
from dnnstudio.gui.plots.sentences import short_number, tick_numbers
from dnnstudio.gui.plots.series import ALPHAS
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_plot

ROOM = 1.15
"""The axis goes so far above the first losses, as a share of them; what explodes leaves it."""

MARKS = ("lowest / 10", "steepest")
"""The words of the suggestions, the lower ones first."""
WORDS_FROM, WORDS_APART = 10, 18
"""How far above the axis the lower words stand, and how far the others above them, in pixels."""


class RatePlot(QWidget):
    """Draws a test while it runs. `rate_chosen` when the line of the chosen rate was dragged."""

    rate_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rate_plot")
        self.setAccessibleName("Loss over the learning rate")
        self._theme = theme
        self._rates: Floats = np.empty(0)
        self._losses: Floats = np.empty(0)
        self._left, self._bottom = Axis("left"), Axis("bottom")
        self.view = pg.PlotWidget(axisItems={"left": self._left, "bottom": self._bottom}, enableMenu=False)
        copies_plot(self.view.viewport())
        prepare(self.view, self._left, self._bottom, left_width=48, bottom_height=40)
        self.raw = pg.PlotDataItem(connect="finite")
        self.smooth = pg.PlotDataItem(connect="finite")
        self.marks = [
            pg.InfiniteLine(angle=90, label=words, labelOpts={"anchors": [(0, 0.5), (0, 0.5)], "fill": "#000"})
            for words in MARKS
        ]
        self.choice = pg.InfiniteLine(angle=90, movable=True)
        self.choice.sigDragged.connect(self._on_dragged)
        self.choice.setHoverPen(None)
        for item in (self.raw, self.smooth, *self.marks, self.choice):
            self.view.addItem(item, ignoreBounds=True)
        self.view.getViewBox().sigResized.connect(self._place_labels)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.clear()

    def clear(self) -> None:
        """Remove all steps."""
        self._rates, self._losses = np.empty(0), np.empty(0)
        for item in (self.raw, self.smooth):
            item.setData([], [])
        for mark in (*self.marks, self.choice):
            mark.hide()
        self._set_axes(1e-6, 10.0)

    def add(self, rates: Floats, losses: Floats) -> None:
        """Add steps of the test."""
        self._rates = np.concatenate([self._rates, rates])
        self._losses = np.concatenate([self._losses, losses])
        self._draw()

    def show_found(self, found: FoundRate) -> None:
        """Show the finished test and its suggestions."""
        self._rates, self._losses = found.rates, found.losses
        self._draw()
        self.smooth.setData(np.log10(found.rates), found.smoothed)
        for mark, rate in zip(self.marks, (found.tenth_of_lowest, found.steepest), strict=True):
            mark.setVisible(rate is not None)
            if rate is not None:
                mark.setValue(float(np.log10(rate)))
        # The words stand to the right of their line: there the next line passes below them.
        for height, mark in enumerate(sorted(self.marks, key=lambda mark: -float(mark.value())), start=1):
            mark.setZValue(height)
        self._fill_labels()

    def set_choice(self, rate: float | None) -> None:
        """Show the chosen rate; None removes its line."""
        self.choice.setVisible(rate is not None)
        if rate is not None:
            self.choice.setValue(float(np.log10(rate)))
            self.setAccessibleDescription(f"The chosen rate is {short_number(rate)}")

    def _draw(self) -> None:
        if len(self._rates):
            self.raw.setData(np.log10(self._rates), self._losses)
            self._set_axes(min(1e-6, float(self._rates[0])), max(10.0, float(self._rates[-1])))

    def _set_axes(self, low: float, high: float) -> None:
        first, last = np.log10(low), np.log10(high)
        self.view.setXRange(first, last, padding=0.012)
        powers = range(int(np.ceil(first - 1e-9)), int(np.floor(last + 1e-9)) + 1)
        self._bottom.setTicks([[(power, short_number(10.0**power)) for power in powers]])
        finite = self._losses[np.isfinite(self._losses)]
        start = float(np.median(finite[: max(5, len(finite) // 10)])) if len(finite) else 1.0
        lowest = float(finite.min()) if len(finite) else 0.0
        highest = start + (ROOM - 1) * abs(start)
        bottom, top, ticks = round_range(min(lowest, 0.0) if lowest < 0.3 * start else lowest, highest)
        self._left.setTicks([list(zip(ticks, tick_numbers(ticks), strict=True))])
        self.view.setYRange(bottom, top, padding=0.02)
        self.view.getViewBox().updateMatrix()  # not while it paints: it would be painted a second time

    def _place_labels(self, _: object = None) -> None:
        height = max(self.view.getViewBox().height(), 1.0)
        for number, mark in enumerate(self.marks):
            mark.label.setPosition(min((WORDS_FROM + number * WORDS_APART) / height, 1.0))

    def _fill_labels(self) -> None:
        """A ground behind the words that a line passes; behind the others it would only hide the loss."""
        first = min(self.marks, key=lambda mark: float(mark.value()))
        for mark in self.marks:
            mark.label.fill = pg.mkBrush(self._theme.tokens().surface if mark is first else None)

    def _on_dragged(self) -> None:
        self.rate_chosen.emit(float(10.0 ** self.choice.value()))

    def _restyle(self) -> None:
        tokens = self._theme.tokens()
        self.view.setBackground(tokens.surface)
        faint = QColor(tokens.train)
        faint.setAlpha(ALPHAS["batches"])
        self.raw.setPen(pg.mkPen(faint, width=1))
        self.smooth.setPen(pg.mkPen(tokens.train, width=2))
        for mark in self.marks:
            mark.setPen(pg.mkPen(tokens.planned, width=1.2, style=Qt.PenStyle.DashLine))
            mark.label.setColor(tokens.text2)
            mark.label.setFont(self._theme.font(11))
        self._fill_labels()
        self.choice.setPen(pg.mkPen(tokens.accent_fill, width=2))
        self.choice.setHoverPen(pg.mkPen(tokens.accent, width=4))
        font = self._theme.font(11)
        for axis in (self._left, self._bottom):
            axis.setTickFont(font)
            axis.setTextPen(pg.mkPen(tokens.text2))
        self._left.setPen(pg.mkPen(QColor(0, 0, 0, 0)))
        self._left.setTickPen(pg.mkPen(tokens.text2))
        self._left.setGrid(tokens.grid_alpha)
        self._bottom.setPen(pg.mkPen(tokens.strong))
        self._bottom.setLabel("learning rate", color=tokens.text2, **{"font-size": "11px"})
