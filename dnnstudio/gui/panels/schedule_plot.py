"""Preview of a schedule: the planned learning rate over the epochs."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QLinearGradient, QShowEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.gui.panels.schedule_sentences import Preview, length
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.copies import copies_plot

LABEL_ROOM = 0.12
"""Tick labels nearer than this share of the axis would touch: the later one is left out."""
FILL_ALPHA = (14, 70)
"""At the axis and at the highest rate."""


class _Axis(pg.AxisItem):  # type: ignore[misc]
    """With a grid on, pyqtgraph drops the end labels; a larger bounding box keeps them."""

    def boundingRect(self) -> QRectF:
        return QRectF(super().boundingRect().adjusted(-10, -10, 10, 10))


class SchedulePlot(QWidget):
    """One curve with a soft fill. `set_position` marks a training's progress."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.preview: Preview | None = None
        self._position: float | None = None
        self.setObjectName("schedule_plot")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(220)
        self._left, self._bottom = _Axis("left"), _Axis("bottom")
        self.view = pg.PlotWidget(axisItems={"left": self._left, "bottom": self._bottom}, enableMenu=False)
        copies_plot(self.view.viewport())
        self.view.setMenuEnabled(False)
        self.view.hideButtons()
        self.view.setMouseEnabled(x=False, y=False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.view.viewport().setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.view.getPlotItem().setContentsMargins(0, 6, 10, 0)
        self.view.getViewBox().setDefaultPadding(0)
        self.curve = pg.PlotDataItem(antialias=True)
        self.now_line = pg.InfiniteLine(angle=90, movable=False)
        self._dot = pg.ScatterPlotItem(size=10)
        for item in (self.curve, self.now_line, self._dot):
            self.view.addItem(item)
        for axis in (self._left, self._bottom):
            axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0, hideOverlappingLabels=False)
        self._left.setWidth(40)
        self._bottom.setHeight(24)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        theme.changed.connect(self._restyle)
        self._restyle()

    def show_preview(self, preview: Preview) -> None:
        """Show these rates."""
        self.preview = preview
        self.curve.setData(preview.epochs, preview.rates)
        top = float(preview.rates.max())
        end = preview.ticks[-1]
        # A small margin above, or the line would be clipped at the highest rate.
        self.view.setRange(xRange=(0, end), yRange=(0, top * 1.02), padding=0)
        self._bottom.setTicks([[(tick, text) for tick, text in zip(*tick_texts(preview.ticks), strict=True)]])
        self._left.setTicks([[(0, "0"), (top / 2, ""), (top, rate_text(top))]])
        self._fill()
        self.setAccessibleName(f"Planned learning rate over {length(end, 'epochs')}, at most {rate_text(top)}")
        self.setAccessibleDescription(preview.sentence)
        self._place_mark()

    def set_position(self, epoch: float | None) -> None:
        """Mark a training's progress, in epochs; None removes the mark."""
        self._position = epoch
        if self.isVisible():
            self._place_mark()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._place_mark()  # a hidden plot does not follow a training

    def _place_mark(self) -> None:
        shown = self._position is not None and self.preview is not None
        self.now_line.setVisible(shown)
        self._dot.setVisible(shown)
        if self._position is not None and self.preview is not None:
            rate = float(np.interp(self._position, self.preview.epochs, self.preview.rates))
            self.now_line.setPos(self._position)
            self._dot.setData([self._position], [rate])

    def _fill(self) -> None:
        """A soft fill below the curve; its gradient is in the plot's own coordinates."""
        top = float(self.preview.rates.max()) if self.preview is not None else 1.0
        fill, color = QLinearGradient(0, 0, 0, top), self._theme.color("learning_rate")
        for at, alpha in zip((0.0, 1.0), FILL_ALPHA, strict=True):
            color.setAlpha(alpha)
            fill.setColorAt(at, color)
        self.curve.setFillLevel(0)
        self.curve.setFillBrush(QBrush(fill))

    def _restyle(self) -> None:
        colors, font = self._theme.tokens(), self._theme.font(11)
        self.view.setBackground(colors.surface)
        line = QColor(colors.learning_rate)
        self.curve.setPen(pg.mkPen(line, width=2))
        self._fill()
        self.now_line.setPen(pg.mkPen(colors.strong, width=1, style=Qt.PenStyle.DashLine))
        self._dot.setBrush(pg.mkBrush(colors.learning_rate))
        self._dot.setPen(pg.mkPen(colors.surface, width=1.5))
        for axis in (self._left, self._bottom):
            axis.setTickFont(font)
            axis.setTextPen(pg.mkPen(colors.text2))
        self._left.setPen(pg.mkPen(None))
        self._left.setTickPen(pg.mkPen(colors.text2))
        self._left.setGrid(colors.grid_alpha)
        self._bottom.setPen(pg.mkPen(colors.strong))

    def sizeHint(self) -> QSize:
        return QSize(200, 190)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, 110)

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() == event.Type.FontChange:
            self._restyle()


def tick_texts(ticks: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The ticks with room for a label, and the labels; the first inner one says "epoch"."""
    end = ticks[-1]
    kept = [ticks[0]]
    for tick in ticks[1:-1]:
        if tick - kept[-1] >= end * LABEL_ROOM and end - tick >= end * LABEL_ROOM:
            kept.append(tick)
    kept.append(end)
    if len(kept) == 2:  # a label at the very end would be clipped, so it is centred
        kept.insert(1, end / 2)
    words = [f"{tick:.3g}" for tick in kept]
    roomy = len(kept) > 2 and min(kept[1], kept[2] - kept[1]) > end * 0.2
    if roomy:
        words[1] = f"epoch {words[1]}"
    return tuple(kept), tuple(words)


def rate_text(rate: float) -> str:
    """ "0.05", "1e-4": short enough for an axis."""
    return f"{rate:.3g}" if rate >= 0.001 else f"{rate:.1e}".replace("e-0", "e-").replace(".0e", "e")
