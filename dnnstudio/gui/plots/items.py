"""Graphics items of a plot: curves, markers, the current position and the tint over future epochs.

These are plain Qt items. pyqtgraph's own call Python for bounds, pixels and transforms several times per paint, which
took longer than painting itself; a live plot is painted ten times a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import ceil, log2

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from pyqtgraph.functions import arrayToQPath
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPaintEngine, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsLineItem, QGraphicsRectItem, QStyleOptionGraphicsItem, QWidget

from dnnstudio.gui.plots.curves import fewer
from dnnstudio.gui.plots.series import LAYERS, Series, brush_for, color_of, pen_for
from dnnstudio.gui.plots.trace import Floats
from dnnstudio.gui.theme import Theme, Tokens
from dnnstudio.gui.widgets.charts.legend import STAR, Mark

MARK_SIZE, STAR_SIZE = 6, 13
MARKS_UP_TO = 60
"""With more epochs than this the marks would touch: every second one has a mark, or every fourth, and so on."""
NOTHING: Floats = np.empty(0)


def on_device(pen: QPen, painter: QPainter) -> QPen:
    """The pen for what `painter` paints on: the width of a cosmetic pen counts the pixels of the device, of which a
    fine screen has several to one of the window's.
    """
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    if ratio == 1.0 or not pen.isCosmetic():
        return pen
    fine = QPen(pen)
    fine.setWidthF(pen.widthF() * ratio)
    return fine


class _Drawn(QGraphicsItem):
    """An item that covers the whole plot and is clipped by it; it is repainted with everything else there."""

    def __init__(self, layer: float) -> None:
        super().__init__()
        self.setZValue(layer)
        self.pen = QPen(Qt.PenStyle.NoPen)
        self.brush = QBrush(Qt.BrushStyle.NoBrush)
        self._area = QRectF(0, 0, 1, 1)
        self._x: Floats = np.empty(0)
        self._y: Floats = np.empty(0)

    def set_look(self, pen: QPen, brush: QBrush | None = None) -> None:
        """Set the pen, whose width is in pixels, and the brush."""
        self.pen, self.brush = pen, brush or QBrush(Qt.BrushStyle.NoBrush)
        self.update()

    def set_area(self, area: QRectF) -> None:
        """Set the plot's range, in axis units."""
        if area != self._area:
            self.prepareGeometryChange()
            self._area = area

    def points(self) -> tuple[Floats, Floats]:
        """The given points, in axis units."""
        return self._x, self._y

    def set_points(self, x: Floats, y: Floats) -> None:
        """Set the points, in axis units; non-finite ones are left out."""
        self._x, self._y = x, y
        self.setVisible(len(x) > 0)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._area


class Curve(_Drawn):
    """Points joined by lines, with a gap at a non-finite one."""

    def __init__(self, layer: float) -> None:
        super().__init__(layer)
        self._path = QPainterPath()

    def set_points(self, x: Floats, y: Floats) -> None:
        super().set_points(x, y)
        self._path = arrayToQPath(*fewer(x, y), connect="finite")

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(on_device(self.pen, painter))
        painter.setBrush(self.brush)
        painter.drawPath(self._path)


class Marks(_Drawn):
    """A mark of fixed pixel size at each point. `pixel` returns a pixel's size in axis units.

    They are drawn in pixels: stroked in axis units, as one path, sixty round ones took 8 ms instead of 0.6. And in one
    or two calls: between any two, another thread of Python may go on and the window wait for it.
    """

    def __init__(self, layer: float, size: float, pixel: Callable[[], tuple[float, float]], *, shape: Mark) -> None:
        super().__init__(layer)
        self._radius = size / 2
        self._shape = shape
        self._pixel = pixel

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        to_device, (wide, high) = painter.worldTransform(), self._pixel()
        across = self._radius * wide * abs(to_device.m11())
        up = self._radius * high * abs(to_device.m22())
        x, y = self._x * to_device.m11() + to_device.dx(), self._y * to_device.m22() + to_device.dy()
        there = np.isfinite(x) & np.isfinite(y)
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = list(zip(x[there].tolist(), y[there].tolist(), strict=True))
        pen = on_device(self.pen, painter)
        painter.setPen(pen)
        painter.setBrush(self.brush)
        if self._shape == "square":
            painter.drawRects([QRectF(right - across, down - up, 2 * across, 2 * up) for right, down in places])
        elif self._shape == "star":
            for right, down in places:
                painter.drawPolygon([QPointF(right + i * across, down + j * up) for i, j in STAR])
        elif painter.paintEngine().type() == QPaintEngine.Type.Raster:
            _draw_rings(painter, [QPointF(*place) for place in places], across + up, pen, self.brush)
        else:
            for right, down in places:
                painter.drawEllipse(QRectF(right - across, down - up, 2 * across, 2 * up))
        painter.setWorldTransform(to_device)


def _draw_rings(painter: QPainter, places: Sequence[QPointF], diameter: float, pen: QPen, brush: QBrush) -> None:
    """Circles drawn by `pen` and filled by `brush`, as a filled disc upon a wider one."""
    for width, color in ((diameter + pen.widthF(), pen.color()), (diameter - pen.widthF(), brush.color())):
        painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(places)


class SeriesItems:
    """The items of one series: its line, its markers, or both."""

    def __init__(
        self, view: pg.PlotWidget, series: Series, pixel: Callable[[], tuple[float, float]], area: QRectF
    ) -> None:
        self._view, self._series = view, series
        layer, star = LAYERS[series.style], series.style == "star"
        self.line = None if star else Curve(layer)
        self.marks: Marks | None = None
        if star or series.style == "epochs":
            self.marks = Marks(layer, STAR_SIZE if star else MARK_SIZE, pixel, shape=series.mark)
        self._items = [item for item in (self.line, self.marks) if item is not None]
        for item in self._items:
            item.set_area(area)
            view.addItem(item, ignoreBounds=True)

    def set_points(self, x: Floats, y: Floats) -> None:
        """Set the points, in axis units, with as many markers as there is space for."""
        if self.line is not None:
            self.line.set_points(x, y)
        if self.marks is not None:
            each = 2 ** max(0, ceil(log2(max(len(x), 1) / MARKS_UP_TO)))
            self.marks.set_points(x[::each], y[::each])

    def clear(self) -> None:
        """Draw nothing."""
        for item in self._items:
            item.set_points(NOTHING, NOTHING)

    def set_area(self, area: QRectF) -> None:
        """Set the plot's range, in axis units."""
        for item in self._items:
            item.set_area(area)

    def set_look(self, tokens: Tokens) -> None:
        """Apply the theme's colours."""
        color, surface = color_of(self._series.color, tokens), QColor(tokens.surface)
        if self.line is not None and self._series.style == "band":
            self.line.set_look(QPen(Qt.PenStyle.NoPen), brush_for(self._series, tokens))
        elif self.line is not None:
            self.line.set_look(pen_for(self._series, tokens))
            if self.marks is not None:
                self.marks.set_look(pg.mkPen(color, width=1.4), QBrush(surface))
        elif self.marks is not None:
            self.marks.set_look(pg.mkPen(surface, width=1), QBrush(color))

    def remove(self) -> None:
        """Remove it from the plot."""
        for item in self._items:
            self._view.removeItem(item)


class UprightLine(QGraphicsLineItem):
    """A vertical line across a plot at one value of x."""

    def __init__(self, layer: float) -> None:
        super().__init__()
        self.setZValue(layer)
        self._x, self._area = 0.0, QRectF(0, 0, 1, 1)

    def value(self) -> float:
        """Its x value."""
        return self._x

    def set_value(self, x: float) -> None:
        """Move it to this x value."""
        self._x = x
        self.setLine(x, self._area.top(), x, self._area.bottom())

    def set_area(self, area: QRectF) -> None:
        """Set the plot's range, in axis units."""
        self._area = area
        self.set_value(self._x)


class EventLines:
    """Dashed vertical lines with a few words along each: moments of a run that its curves alone do not tell."""

    def __init__(self, view: pg.PlotWidget, theme: Theme) -> None:
        self._view, self._theme = view, theme
        self._shown: tuple[tuple[float, str], ...] = ()
        self.lines: list[pg.InfiniteLine] = []
        theme.changed.connect(self._draw)

    def show(self, moments: Sequence[tuple[float, str]]) -> None:
        """Set the lines: an x value in axis units and the words of each."""
        if tuple(moments) != self._shown:
            self._shown = tuple(moments)
            self._draw()

    def _draw(self) -> None:
        tokens = self._theme.tokens()
        for line in self.lines:
            self._view.removeItem(line)
        pen = pg.mkPen(tokens.text3, width=1, style=Qt.PenStyle.DashLine)
        options = {"position": 0.04, "rotateAxis": (1, 0), "anchors": [(0, 0), (0, 1)], "color": tokens.text2}
        self.lines = [
            pg.InfiniteLine(pos=x, angle=90, pen=pen, label=words, labelOpts=dict(options)) for x, words in self._shown
        ]
        for line in self.lines:
            line.setZValue(-8)
            self._view.addItem(line, ignoreBounds=True)


class Tint(QGraphicsRectItem):
    """A filled area from some value of x to the right end of a plot."""

    def __init__(self, layer: float) -> None:
        super().__init__()
        self.setZValue(layer)
        self.setPen(Qt.PenStyle.NoPen)
        self._x, self._area = 0.0, QRectF(0, 0, 1, 1)

    def set_value(self, x: float) -> None:
        """Set where it begins."""
        self._x = x
        self.setRect(QRectF(QPointF(x, self._area.top()), self._area.bottomRight()))

    def set_area(self, area: QRectF) -> None:
        """Set the plot's range, in axis units."""
        self._area = area
        self.set_value(self._x)


def keep_picture(item: QGraphicsItem, keep: bool = True) -> None:
    """Cache the item as a pixmap until it changes: for items that stay while curves grow.

    An exported file needs lines and text instead of pixmaps made for the screen.
    """
    modes = QGraphicsItem.CacheMode
    item.setCacheMode(modes.DeviceCoordinateCache if keep else modes.NoCache)


def keeps_picture(item: QGraphicsItem) -> bool:
    """Whether the item is painted from a cached pixmap."""
    return item.cacheMode() != QGraphicsItem.CacheMode.NoCache
