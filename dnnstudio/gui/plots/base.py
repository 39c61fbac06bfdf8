"""One plot in the program's style: curves made once and fed with arrays, round ticks, the half that is still to come.

Nothing here knows of runs; `cards` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPen
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.gui.plots.curves import Floats, bounds, round_range, round_step
from dnnstudio.gui.theme import Role, Theme, Tokens, set_role

pg.setConfigOptions(antialias=True, imageAxisOrder="row-major")

LineStyle = Literal["epochs", "batches", "dotted", "line"]
"""Means with a mark an epoch; the faint trace of every batch; not yet happened; plain."""

LEFT_WIDTH = 44
"""The same for every plot, so that plots above or beside each other line up."""
MARK_ROOM = 5
"""Pixels beyond the last values, so that a mark there is drawn whole."""
SYMBOLS_UP_TO = 60
"""With more epochs than this the marks would touch."""
DASHES: dict[str, list[float]] = {"dotted": [2, 3]}
WIDTHS: dict[str, float] = {"epochs": 2, "batches": 1, "dotted": 1.4, "line": 2}
BATCH_ALPHA = 70
FUTURE_ALPHA = 150


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: its key, its words in the legend, the token of its colour and how it is drawn."""

    key: str
    label: str
    color: str
    style: LineStyle


def pen_for(series: Series, tokens: Tokens) -> QPen:
    """The pen of a curve. Widths are in pixels, whatever the axes' scales."""
    color = QColor(getattr(tokens, series.color))
    if series.style == "batches":
        color.setAlpha(BATCH_ALPHA)
    pen = QPen(color, WIDTHS[series.style])
    pen.setCosmetic(True)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap if series.style in DASHES else Qt.PenCapStyle.RoundCap)
    if series.style in DASHES:
        pen.setDashPattern([length / WIDTHS[series.style] for length in DASHES[series.style]])
    return pen


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis that keeps its end labels: with a grid on, pyqtgraph leaves them out as too near the edge."""

    def boundingRect(self) -> QRectF:
        return QRectF(super().boundingRect().adjusted(-10, -10, 10, 10))


class CurvePlot(QWidget):
    """Curves over the epochs of a plan.

    The x axis is the whole plan, so that a curve grows and nothing jumps. Ticks are three to five round numbers
    that `format_ticks` puts into words; `limits` are values that the y axis never passes (0 and 1 for a share), and
    `include` values that it always shows.
    """

    def __init__(
        self,
        theme: Theme,
        series: Sequence[Series],
        *,
        format_ticks: Callable[[list[float]], list[str]],
        limits: tuple[float | None, float | None] = (None, None),
        include: Sequence[float] = (),
        most_ticks: int = 5,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._format_ticks = format_ticks
        self._limits = limits
        self._most_ticks = most_ticks
        self._include = tuple((value, value) for value in include)
        self.series = {item.key: item for item in series}
        self._shown: dict[str, tuple[Floats, Floats]] = {}
        self._x_end = 1.0
        self._y_ticks: list[float] = []
        self._y_range: tuple[float, float] | None = None
        self._y_shown = (0.0, 1.0)
        self._left = Axis("left")
        self._bottom = Axis("bottom")
        self.view = pg.PlotWidget(axisItems={"left": self._left, "bottom": self._bottom}, enableMenu=False)
        self._set_up_view()
        self._future = pg.LinearRegionItem(values=(0, 1), movable=False)
        self._future.setZValue(-20)
        self._now = pg.InfiniteLine(angle=90)
        self._now.setZValue(-10)
        for item in (self._future, self._now):
            self.view.addItem(item, ignoreBounds=True)
        self.curves = {key: self._new_curve(item) for key, item in self.series.items()}
        self.message = QLabel(self.view)
        set_role(self.message, Role.CAPTION)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.legend: QWidget | None = None
        self._legend_at_top = True
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.set_now(None)
        self.set_x_end(1)
        self._update_y()

    def _set_up_view(self) -> None:
        self.view.hideButtons()
        self.view.setMouseEnabled(x=False, y=False)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        item = self.view.getPlotItem()
        item.setContentsMargins(0, 6, 10, 0)
        item.getViewBox().setDefaultPadding(0.0)
        for axis in (self._left, self._bottom):
            axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0, hideOverlappingLabels=False)
        self._left.setWidth(LEFT_WIDTH)
        self._bottom.setHeight(24)

    def _new_curve(self, series: Series) -> Any:
        curve = pg.PlotDataItem(connect="finite")
        if series.style == "batches":
            curve.setDownsampling(auto=True, method="peak")
            curve.setClipToView(True)
        curve.setZValue({"batches": 0, "dotted": 1, "line": 2, "epochs": 3}[series.style])
        self.view.addItem(curve, ignoreBounds=True)
        return curve

    # ------------------------------------------------------------------------------------------ what is shown

    def set_curve(self, key: str, x: Floats, y: Floats) -> None:
        """Show these points as the curve `key`. Arrays are not copied."""
        self._shown[key] = (x, y)
        curve = self.curves[key]
        curve.setData(x, y)
        if self.series[key].style == "epochs":
            curve.setSymbol("o" if len(x) <= SYMBOLS_UP_TO else None)
        self._update_y()

    def clear(self) -> None:
        """Take all curves away."""
        self._y_range = None
        for key, curve in self.curves.items():
            self._shown.pop(key, None)
            curve.setData([], [])
        self._update_y()

    def points(self, key: str) -> tuple[Floats, Floats] | None:
        """What is shown as the curve `key`."""
        return self._shown.get(key)

    def set_x_end(self, epochs: float) -> None:
        """The x axis goes from 0 to `epochs`."""
        self._x_end = max(float(epochs), 1.0)
        self.view.setXRange(0, self._x_end, padding=0.012)
        step = max(1, round_step(self._x_end / 4))
        ticks = [float(n) for n in range(0, int(self._x_end) + 1, step)]
        self._bottom.setTicks([[(tick, f"{tick:,.0f}") for tick in ticks]])

    def set_now(self, epoch: float | None) -> None:
        """Where the run is: a line there, and a tint over what is still to come. None: no run, or it has ended."""
        shown = epoch is not None and 0 < epoch < self._x_end
        self._now.setVisible(shown)
        self._future.setVisible(shown)
        if shown and epoch is not None:
            self._now.setValue(epoch)
            self._future.setRegion((epoch, 2 * self._x_end))

    def set_message(self, text: str) -> None:
        """A sentence in the middle while there is no curve; "" takes it away."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self._left.setGrid(0 if text else self._theme.tokens().grid_alpha)  # lines would run through the words
        self._place()

    def set_legend(self, legend: QWidget, *, at_top: bool) -> None:
        """The small table in the right corner that the curves leave free."""
        legend.setParent(self.view)
        self.legend = legend
        self._legend_at_top = at_top
        self.place_legend()

    def place_legend(self) -> None:
        """Put the legend into its corner again, after its size changed."""
        if self.legend is not None:
            size = self.legend.sizeHint()
            top = 10 if self._legend_at_top else self.view.height() - 24 - 10 - size.height()
            self.legend.setGeometry(self.view.width() - 16 - size.width(), top, size.width(), size.height())

    @property
    def y_ticks(self) -> list[float]:
        """The values that the left axis names."""
        return list(self._y_ticks)

    def _update_y(self) -> None:
        """Widen the y axis to round numbers around all that is shown; it never narrows while curves grow."""
        found = [bounds(y, robust=self.series[key].style == "batches") for key, (_, y) in self._shown.items()]
        known = [*filter(None, found), *([self._y_range] if self._y_range and self._shown else [])]
        known += self._include if known else ()
        low, high = (min(pair[0] for pair in known), max(pair[1] for pair in known)) if known else (0.0, 1.0)
        if (low, high) == self._y_range and self._y_ticks:
            return
        self._y_range = (low, high) if known else None
        bottom, top, ticks = round_range(low, high, *self._limits, most=self._most_ticks)
        if ticks != self._y_ticks:
            self._y_ticks = ticks
            self._left.setTicks([list(zip(ticks, self._format_ticks(ticks), strict=True))])
        self._y_shown = (bottom, top)
        self._show_y()

    def _show_y(self) -> None:
        """Leave room at both ends for the marks, whatever the height."""
        height = max(self.view.height() - 30, 40)
        self.view.setYRange(*self._y_shown, padding=max(0.02, MARK_ROOM / height))

    # ------------------------------------------------------------------------------------------------ its look

    def _restyle(self) -> None:
        tokens = self._theme.tokens()
        self.view.setBackground(tokens.surface)
        font = QFont(self.font())
        font.setPixelSize(11)
        for axis in (self._left, self._bottom):
            axis.setTickFont(font)
            axis.setTextPen(tokens.text2)
        self._left.setPen(pg.mkPen(QColor(0, 0, 0, 0)))
        self._left.setTickPen(pg.mkPen(tokens.text2))
        self._left.setGrid(0 if self.message.text() else tokens.grid_alpha)
        self._bottom.setPen(pg.mkPen(tokens.strong))
        self._now.setPen(pg.mkPen(tokens.strong, width=1))
        coming = QColor(tokens.inset)
        coming.setAlpha(FUTURE_ALPHA)
        self._future.setBrush(pg.mkBrush(coming))
        for line in self._future.lines:
            line.setPen(pg.mkPen(QColor(0, 0, 0, 0)))
        for key, curve in self.curves.items():
            pen = pen_for(self.series[key], tokens)
            curve.setPen(pen)
            if self.series[key].style == "epochs":
                curve.setSymbolPen(pg.mkPen(pen.color(), width=1.4))
                curve.setSymbolBrush(pg.mkBrush(tokens.surface))
                curve.setSymbolSize(6)

    def _place(self) -> None:
        width, height = self.view.width(), self.view.height()
        self.message.setGeometry(LEFT_WIDTH + 16, 0, max(width - LEFT_WIDTH - 32, 0), max(height - 24, 0))
        self.place_legend()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._place()
        self._show_y()
