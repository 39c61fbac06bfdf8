"""One plot in the program's style: persistent curves updated with arrays, round ticks, a tint over future epochs.

It knows nothing of runs; `cards` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from dnnstudio.gui.plots.axis import Axis, prepare
from dnnstudio.gui.plots.corner import X_MARGIN, Corner, choose, hidden_by, in_pixels, places
from dnnstudio.gui.plots.curves import round_step, same_points
from dnnstudio.gui.plots.items import SeriesItems, Tint, UprightLine, keep_picture
from dnnstudio.gui.plots.scale import Scale, drawn, known_range, logarithmic, straight
from dnnstudio.gui.plots.series import OTHERS, Series, color_of
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import PlotLegend
from dnnstudio.gui.widgets.charts.ring import FocusRing

pg.setConfigOptions(antialias=True, imageAxisOrder="row-major")

LEFT_WIDTH = 44
"""The same for every plot, so that adjacent plots align."""
MARK_ROOM = 5  # pixels beyond the last values, so that a mark there is not clipped
FUTURE_ALPHA, TICK_ROOM = 150, 18  # the latter in pixels of height per tick label


class CurvePlot(QWidget):
    """Curves over the epochs of a plan.

    The x axis spans the whole plan, so that a curve grows without rescaling. Ticks are three to five round numbers
    formatted by `format_ticks`; `limits` bound the y axis (0 and 1 for a share), and `include` are values that a linear
    one always contains. `pointed` carries the epoch under the mouse or keyboard cursor, or None; `menu_wanted` the
    screen position for a context menu.
    """

    pointed = Signal(object)
    menu_wanted = Signal(object)

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
        self._ranges: dict[str, tuple[float, float] | None] = {}
        self._together = False
        self._scaled_for: tuple[float, float, int] | None = None
        self.x_end = 0.0
        self._y_range: tuple[float, float] | None = None
        self._log = False
        self._scale = Scale(0.0, 1.0, (), (), ())
        self._pointer: float | None = None
        self._left = Axis("left")
        self._bottom = Axis("bottom")
        self.view = pg.PlotWidget(axisItems={"left": self._left, "bottom": self._bottom}, enableMenu=False)
        self._set_up_view()
        self.future, self.now_line, self._pointer_line = Tint(-20), UprightLine(-10), UprightLine(-5)
        self._dots = pg.ScatterPlotItem(size=7)
        self._dots.setZValue(20)
        self._dots.hide()  # pyqtgraph takes as long to paint none as a few
        self._area = QRectF(0, 0, 1, 1)
        self.view.addItem(self._dots, ignoreBounds=True)
        for item in (self.future, self.now_line, self._pointer_line):
            self.view.addItem(item, ignoreBounds=True)
        self.curves = {key: self._new_curve(item) for key, item in self.series.items()}
        self.message = QLabel(self.view)
        set_role(self.message, Role.CAPTION)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.message.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.legend: PlotLegend | None = None
        self._usual_corner: Corner = (True, False)
        self._corner = self._usual_corner
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        theme.changed.connect(self._restyle)
        self._restyle()
        self.set_now(None)
        self._pointer_line.hide()
        self.set_x_end(1)
        self._update_y()

    def _set_up_view(self) -> None:
        prepare(self.view, self._left, self._bottom, left_width=LEFT_WIDTH, bottom_height=24)
        for axis in (self._left, self._bottom):
            keep_picture(axis)
        self.view.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.view.viewport().installEventFilter(self)
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._on_menu)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        FocusRing(self)

    def _new_curve(self, series: Series) -> SeriesItems:
        return SeriesItems(self.view, series, self._pixel, self._area)

    def _pixel(self) -> tuple[float, float]:
        """Width and height of a pixel in axis units."""
        box = self.view.getViewBox()
        (left, right), (bottom, top) = box.viewRange()
        return (right - left) / max(box.width(), 1.0), (top - bottom) / max(box.height(), 1.0)

    # ------------------------------------------------------------------------------------------ what is shown

    def set_curve(self, key: str, x: Floats, y: Floats) -> None:
        """Set the points of the curve `key`; per-epoch means get markers. Arrays are not copied."""
        before = self._shown.get(key)
        if before is not None and same_points(before, (x, y)):
            return
        self._shown[key] = (x, y)
        self._draw(key)
        if not self._together:
            self._update_y()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Context for changing several curves: the axis is updated once, at the end."""
        self._together = True
        try:
            yield
        finally:
            self._together = False
            self._update_y()

    def remove_curve(self, key: str) -> None:
        """Remove one curve; the axis stays unchanged."""
        if self._shown.pop(key, None) is not None:
            self.curves[key].clear()

    def _draw(self, key: str) -> None:
        x, y = self._shown[key]
        self._ranges[key] = known_range(y, robust=self.series[key].style in ("batches", "smooth"), log=self._log)
        self.curves[key].set_points(x, drawn(y, log=self._log))

    def set_others(self, series: Sequence[Series]) -> None:
        """Set the curves of other runs; those no longer included are removed."""
        others = {key for key, item in self.series.items() if item.style in OTHERS}
        wanted = {item.key: item for item in series}
        for key in others:
            if self.series[key] != wanted.get(key):
                self.remove_curve(key)
                self.curves.pop(key).remove()
                del self.series[key]
        for key, item in wanted.items():
            if key not in self.series:
                self.series[key] = item
                self.curves[key] = self._new_curve(item)
                self.curves[key].set_look(self._theme.tokens())

    def set_units(
        self, format_ticks: Callable[[list[float]], list[str]], limits: tuple[float | None, float | None]
    ) -> None:
        """Write the y axis otherwise, and bound it otherwise: another figure is shown from now on."""
        self._format_ticks, self._limits = format_ticks, limits
        self._y_range = self._scaled_for = None

    def set_log(self, log: bool) -> None:
        """Switch between a logarithmic and a linear y axis."""
        if log != self._log:
            self._log = log
            self._y_range = self._scaled_for = None
            for key in self._shown:
                self._draw(key)
            self._update_y()
            self.point_at(self._pointer)
            self.place_legend()

    def clear(self) -> None:
        """Remove all curves."""
        self._y_range = None
        for key in list(self._shown):
            self.remove_curve(key)
        self._update_y()

    def points(self, key: str) -> tuple[Floats, Floats] | None:
        """The points of the curve `key`."""
        return self._shown.get(key)

    def set_x_end(self, epochs: float) -> None:
        """Set the x axis to 0 … `epochs`."""
        if (end := max(float(epochs), 1.0)) == self.x_end:
            return
        self.x_end = end
        self.view.setXRange(0, end, padding=X_MARGIN)
        self._show_y()
        ticks = [float(n) for n in range(0, int(end) + 1, max(1, round_step(end / 4)))]
        self._bottom.setTicks([[(tick, f"{tick:,.0f}") for tick in ticks]])

    def set_now(self, epoch: float | None) -> None:
        """The run's position: a line there, and a tint over later epochs. None: no run, or it has ended."""
        shown = epoch is not None and 0 < epoch < self.x_end
        self.now_line.setVisible(shown)
        self.future.setVisible(shown)
        if shown and epoch is not None:
            self.now_line.set_value(epoch)
            self.future.set_value(epoch)

    def set_message(self, text: str) -> None:
        """A centred message while there is no curve; "" removes it."""
        if text == self.message.text():
            return
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self._left.setGrid(0 if text else self._theme.tokens().grid_alpha)  # grid lines would run through the text
        self._place()

    def set_legend(self, legend: PlotLegend, *, at_top: bool) -> None:
        """Show the legend in the right corner that the curves leave free."""
        legend.setParent(self.view)
        self.legend = legend
        self._usual_corner = self._corner = (at_top, False)
        self.place_legend()

    def place_legend(self) -> None:
        """Move the legend to the corner where it covers least, away from the pointer."""
        if self.legend is None:
            return
        found = places(self.legend.sizeHint(), self.view.size(), LEFT_WIDTH)
        corner = self._corner
        if self._pointer is not None:
            corner = (corner[0], self._pointer > self.x_end / 2)
        else:
            curves = list(self._in_pixels())
            corner = self._corner = choose(corner, self._usual_corner, lambda each: hidden_by(found[each], curves))
        self.legend.setGeometry(found[corner])

    def _in_pixels(self) -> Iterator[tuple[Floats, Floats]]:
        """The curves that a legend should not cover, in view pixels."""
        scale, view = self._scale, self.view.size()
        span = (scale.top - scale.bottom) or 1.0
        for key, (x, y) in self._shown.items():
            if self.series[key].style in ("epochs", "clean", "smooth", "other"):
                down = (scale.top - drawn(y, log=self._log)) / span
                yield in_pixels(x / self.x_end, down, view, LEFT_WIDTH, y_margin=self._y_margin)

    @property
    def _y_margin(self) -> float:
        """Room for markers at both ends of the y axis, whatever the height, as a share of its span."""
        return max(0.02, MARK_ROOM / max(float(self.view.height()) - 30, 40))

    @property
    def y_ticks(self) -> list[float]:
        """The labelled values of the left axis."""
        return list(self._scale.ticks)

    def _update_y(self) -> None:
        """Extend the y axis to round numbers around all curves; it never shrinks while curves grow."""
        known = [
            *filter(None, (self._ranges[key] for key in self._shown)),
            *([self._y_range] if self._y_range and self._shown else []),
        ]
        known += self._include if known and not self._log else ()
        low, high = (min(pair[0] for pair in known), max(pair[1] for pair in known)) if known else (0.0, 1.0)
        most = min(max((self.view.height() - 30) // TICK_ROOM, 3), self._most_ticks)
        if (low, high, most) == self._scaled_for and self._scale.ticks:
            return
        self._scaled_for = (low, high, most)
        self._y_range = (low, high) if known else None
        before = self._scale
        if self._log and known:
            self._scale = logarithmic(low, high, most=most)
        else:
            self._scale = straight(low, high, self._limits, most=most, words=self._format_ticks)
        if (self._scale.places, self._scale.words) != (before.places, before.words):
            self._left.setTicks([list(zip(self._scale.places, self._scale.words, strict=True))])
        self._show_y()

    def _show_y(self) -> None:
        self.view.setYRange(self._scale.bottom, self._scale.top, padding=self._y_margin)
        self.view.getViewBox().updateMatrix()  # while it paints, as pyqtgraph does, it would be painted a second time
        span = self._scale.top - self._scale.bottom
        self._area = QRectF(-self.x_end, self._scale.bottom - span, 3 * self.x_end, 3 * span)
        for item in (self.future, self.now_line, self._pointer_line):
            item.set_area(self._area)
        for curve in self.curves.values():
            curve.set_area(self._area)

    # ------------------------------------------------------------------------------------------- pointing at it

    def show_pointer(self, epoch: float | None, dots: Sequence[tuple[str, float, float]] = ()) -> None:
        """A line at `epoch`, and a dot on the curve `key` at each (key, x, y); None removes them."""
        if epoch is self._pointer is None:
            return
        self._pointer = epoch
        self._pointer_line.set_value(epoch or 0.0)
        self._pointer_line.setVisible(epoch is not None)
        self._dots.setVisible(epoch is not None)
        tokens = self._theme.tokens()
        places = np.array([(x, y) for _, x, y in dots], dtype=np.float64).reshape(-1, 2)
        heights = drawn(places[:, 1], log=self._log)
        seen = np.isfinite(heights)
        brushes = [pg.mkBrush(color_of(self.series[key].color, tokens)) for key, _, _ in dots]
        self._dots.setData(places[seen, 0], heights[seen], brush=[b for b, ok in zip(brushes, seen, strict=True) if ok])

    @property
    def pointer(self) -> float | None:
        """The epoch under the pointer."""
        return self._pointer

    def point_at(self, epoch: float | None) -> None:
        within = epoch is not None and 0 <= epoch <= self.x_end and bool(self._shown)
        self.pointed.emit(epoch if within else None)

    def _on_menu(self, place: Any) -> None:
        self.menu_wanted.emit(self.view.viewport().mapToGlobal(place))

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
        self.now_line.setPen(pg.mkPen(tokens.strong, width=1))
        coming = QColor(tokens.inset)
        coming.setAlpha(FUTURE_ALPHA)
        self.future.setBrush(pg.mkBrush(coming))
        self._pointer_line.setPen(pg.mkPen(tokens.text3, width=1))
        self._dots.setPen(pg.mkPen(tokens.surface, width=1.2))
        for curve in self.curves.values():
            curve.set_look(tokens)

    def _place(self) -> None:
        width, height = self.view.width(), self.view.height()
        self.message.setGeometry(LEFT_WIDTH + 16, 0, max(width - LEFT_WIDTH - 32, 0), max(height - 24, 0))
        self.place_legend()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._update_y()
        self._place()
        self._show_y()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove:
            box = self.view.getViewBox()
            place = self.view.mapToScene(event.position().toPoint())  # type: ignore[attr-defined]
            inside = box.sceneBoundingRect().adjusted(-4, 0, 4, 0).contains(place)
            self.point_at(min(max(box.mapSceneToView(place).x(), 0.0), self.x_end) if inside else None)
        elif event.type() == QEvent.Type.Leave:
            self.point_at(None)
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        now = self.x_end if self._pointer is None else self._pointer
        places = {
            Qt.Key.Key_Left: max(np.ceil(now) - 1, 0.0),
            Qt.Key.Key_Right: min(np.floor(now) + 1, self.x_end),
            Qt.Key.Key_Home: min(1.0, self.x_end),
            Qt.Key.Key_End: self.x_end,
        }
        if event.key() in places:
            self.point_at(float(places[Qt.Key(event.key())]))
        elif event.key() == Qt.Key.Key_Menu:
            self.menu_wanted.emit(self.mapToGlobal(self.rect().center()))
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: Any) -> None:
        super().focusInEvent(event)
        found = [x[-1] for x, _ in self._shown.values() if len(x)]
        self.point_at(float(max(found)) if found else None)

    def focusOutEvent(self, event: Any) -> None:
        super().focusOutEvent(event)
        self.point_at(None)
