"""A small plot painted from arrays: lines, bands, bars, dots and marks between two labelled axes.

One function paints everything on any painter, so that the screen, PNG and SVG show the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.ticks import FARTHEST
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.axis import Axis
from dnnstudio.gui.widgets.charts.copies import copies_plot
from dnnstudio.gui.widgets.charts.legend import DASHES as LEGEND_DASHES
from dnnstudio.gui.widgets.charts.legend import SEVERAL, PlotLegend
from dnnstudio.gui.widgets.charts.notes import boxes_of, place_note

Floats = NDArray[np.float64]
DASHES: dict[str, list[float]] = {name: dashes for name, (dashes, _) in LEGEND_DASHES.items()}
MOST_POINTS = 400
"""A line of more points looks the same and costs more."""
POINTS_OF_A_LINE = 60
CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")
LEFT, RIGHT, TOP, BOTTOM, LABEL = 44, 12, 8, 24, 16
TO_THE_AXIS = 6
"""Pixels between the labels at the left and the plot."""
BETWEEN = 6
"""Pixels between two labels of the axis below."""
PLATE = 225
"""Opacity of the plate behind the words of a note."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    x: Floats
    y: Floats
    color: str
    style: str = "solid"
    width: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    x: Floats
    low: Floats
    high: Floats
    color: str
    alpha: int = 55


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Boxes from `low` to `high` between `left` and `right`; hollow ones have only an outline."""

    left: Floats
    right: Floats
    low: Floats
    high: Floats
    color: str
    alpha: int = 255
    hollow: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Dots:
    x: Floats
    y: Floats
    color: str
    size: float = 5.0
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A line across the plot at one value of an axis, with a label at its end."""

    value: float
    upright: bool = True
    color: str = "strong"
    style: str = "dashed"


@dataclass(frozen=True, slots=True)
class Note:
    """Text at a point; `side` is its position relative to the point: right, left, or above (centred on it)."""

    x: float
    y: float
    text: str
    color: str = "text2"
    side: str = "right"


@dataclass(frozen=True, slots=True, eq=False)
class Whiskers:
    """Upright lines from `low` to `high` at each x."""

    x: Floats
    low: Floats
    high: Floats
    color: str
    alpha: int = 90


Item = Line | Band | Bars | Dots | Mark | Note | Whiskers


class Chart(QWidget):
    """A chart; `set_axes` and `set_items` define it, `pressed(x, y)` reports a click in the axes' units."""

    pressed = Signal(float, float)

    def __init__(self, theme: Theme, *, name: str = "Plot", left: int = LEFT, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._left, self._least_left = left, left
        self._x = Axis(0, 1, [])
        self._y = Axis(0, 1, [])
        self._items: tuple[Item, ...] = ()
        self._message = ""
        self.legend = PlotLegend(theme, parent=self)
        self.legend.hide()
        self._legend_corner = "top_left"
        self.setAccessibleName(name)
        self.setMinimumSize(160, 110)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)
        copies_plot(self)

    # ------------------------------------------------------------------------------------------ what is shown

    def set_axes(self, x: Axis, y: Axis) -> None:
        self._x, self._y = x, y
        wide = QFontMetricsF(self._theme.font(11)).horizontalAdvance
        self._left = max([self._least_left, *(ceil(wide(text)) + TO_THE_AXIS for _, text in y.ticks)])
        self.update()

    def set_items(self, items: Sequence[Item]) -> None:
        """Set the items, back to front."""
        self._items = tuple(items)
        self.update()

    def set_message(self, text: str) -> None:
        """Show a message instead of the plot; "" removes it."""
        self._message = text
        self.legend.setVisible(not text and bool(self.legend.entries()))
        self.update()

    def set_legend_corner(self, corner: str) -> None:
        """top_left, top_right, bottom_left, bottom_right; beside: then the plot leaves space for it on its right; or
        free: the corner in which it covers the fewest points, the upper ones first.
        """
        self._legend_corner = corner
        self.place_legend()

    def place_legend(self) -> None:
        """Move the legend to its corner after its size has changed."""
        if self._legend_corner == "free":
            points = self._marked_points()
            places = [self._legend_place(corner) for corner in CORNERS]
            place = min(places, key=lambda one: sum(weight for at, weight in points if one.contains(at)))
            for note in self._items:  # a word at the upper edge keeps its room
                if isinstance(note, Note) and note.side == "above" and place.intersects(self.place_of(note)):
                    place.moveTop(self.place_of(note).bottom() + 2)
        else:
            place = self._legend_place(self._legend_corner)
        self.legend.setGeometry(place.toRect())

    def _legend_place(self, corner: str) -> QRectF:
        area, size = self.area(), self.legend.sizeHint()
        x = area.right() - size.width() - 6 if corner.endswith("right") else area.left() + 10
        if corner == "beside":
            x = area.right() + 16
        y = area.bottom() - size.height() - 8 if corner.startswith("bottom") else area.top() + 8
        return QRectF(round(x), round(y), size.width(), size.height())

    def _marked_points(self) -> list[tuple[QPointF, int]]:
        """Pixels that a legend should not cover, with how bad that would be: dots before lines."""
        points: list[tuple[QPointF, int]] = []
        for item in self._items:
            match item:
                case Dots():
                    points += [(self.place(float(x), float(y)), 20) for x, y in zip(item.x, item.y, strict=True)]
                case Note():
                    words = self.place_of(item)
                    points += [(at, 40) for at in (words.bottomLeft(), words.center(), words.bottomRight())]
                case Line() if item.style in SEVERAL:
                    held = np.isfinite(item.y)
                    along = np.linspace(0, max(int(held.sum()) - 1, 0), POINTS_OF_A_LINE)
                    count = np.arange(held.sum())
                    if len(count):
                        x, y = np.interp(along, count, item.x[held]), np.interp(along, count, item.y[held])
                        points += [(self.place(a, b), 1) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        return points

    @property
    def items(self) -> tuple[Item, ...]:
        return self._items

    def area(self) -> QRectF:
        """The plot area, in pixels."""
        below = BOTTOM + (LABEL if self._x.label else 0)
        beside = self.legend.sizeHint().width() + 16 if self._legend_corner == "beside" and self.legend.entries() else 0
        wide = max(self.width() - self._left - RIGHT - beside, 10)
        top = max(TOP, round(self._reach) + 1)
        return QRectF(self._left, top, wide, max(self.height() - top - below, 10))

    @property
    def _reach(self) -> float:
        """How many pixels a dot on the edge of the plot stands out of it."""
        return max((item.size + item.hollow for item in self._items if isinstance(item, Dots)), default=0)

    def place(self, x: float, y: float) -> QPointF:
        """The pixel of a value."""
        area = self.area()
        across = (x - self._x.low) / (self._x.high - self._x.low or 1)
        up = (y - self._y.low) / (self._y.high - self._y.low or 1)
        return QPointF(area.left() + across * area.width(), area.bottom() - up * area.height())

    # ------------------------------------------------------------------------------------------ painting

    def _paint_axes(self, painter: QPainter, area: QRectF) -> None:
        theme = self._theme
        painter.setFont(theme.font(11))
        grid = theme.color("text", theme.tokens().grid_alpha)
        for value, text in self._y.ticks:
            y = self.place(0, value).y()
            painter.setPen(QPen(grid, 1))
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            painter.setPen(theme.color("text2"))
            box = QRectF(0, y - 8, self._left - TO_THE_AXIS, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.setPen(QPen(theme.color("strong"), 1))
        painter.drawLine(QLineF(area.left(), area.bottom() + 0.5, area.right(), area.bottom() + 0.5))
        painter.setPen(theme.color("text2"))
        free = 0.0
        for value, text in self._x.ticks:
            x, half = self.place(value, 0).x(), painter.fontMetrics().horizontalAdvance(text) / 2
            if x - half < free:  # it would run into the one before
                continue
            free = x + half + BETWEEN
            box = QRectF(self._label_left(x, 2 * half), area.bottom() + 5, 2 * half, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, text)
        if self._x.label:
            box = QRectF(area.left(), area.bottom() + BOTTOM - 2, area.width(), LABEL)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._x.label)

    def _label_left(self, x: float, wide: float) -> float:
        """Where the words below a value begin: their middle is under it, as far as they stay within the chart."""
        return max(min(x - wide / 2, self.width() - wide), 0.0)

    def _polygon(self, x: Floats, y: Floats) -> QPolygonF:
        if len(x) > MOST_POINTS:
            keep = np.unique(np.linspace(0, len(x) - 1, MOST_POINTS).round().astype(int))
            x, y = x[keep], y[keep]
        held = np.abs(y) <= FARTHEST
        area, wide, high = self.area(), self._x.high - self._x.low or 1, self._y.high - self._y.low or 1
        across = area.left() + (x[held] - self._x.low) / wide * area.width()
        down = area.bottom() - (y[held] - self._y.low) / high * area.height()
        return QPolygonF([QPointF(a, b) for a, b in zip(across.tolist(), down.tolist(), strict=True)])

    def _paint_item(self, painter: QPainter, item: Item) -> None:
        color = self._theme.color
        match item:
            case Line():
                painter.setPen(_pen(color(item.color), item.width, item.style))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawPolyline(self._polygon(item.x, item.y))
            case Band():
                held = (np.abs(item.low) <= FARTHEST) & (np.abs(item.high) <= FARTHEST)
                x = np.concatenate([item.x[held], item.x[held][::-1]])
                y = np.concatenate([item.high[held], item.low[held][::-1]])
                around = self._polygon(x, y)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color(item.color, item.alpha))
                painter.drawPolygon(around)
            case Bars():
                painter.setPen(_pen(color(item.color), 1.2, "solid") if item.hollow else Qt.PenStyle.NoPen)
                painter.setBrush(Qt.BrushStyle.NoBrush if item.hollow else color(item.color, item.alpha))
                for left, right, low, high in zip(item.left, item.right, item.low, item.high, strict=True):
                    painter.drawRect(QRectF(self.place(left, high), self.place(right, low)))
            case Dots():
                painter.setPen(_pen(color(item.color), 2, "solid") if item.hollow else Qt.PenStyle.NoPen)
                painter.setBrush(QBrush(color("surface" if item.hollow else item.color)))
                held = (np.abs(item.x) <= FARTHEST) & (np.abs(item.y) <= FARTHEST)
                for x, y in zip(item.x[held], item.y[held], strict=True):
                    painter.drawEllipse(self.place(float(x), float(y)), item.size, item.size)
            case Whiskers():
                painter.setPen(QPen(color(item.color, item.alpha), 1.4))
                for x, low, high in zip(item.x, item.low, item.high, strict=True):
                    painter.drawLine(QLineF(self.place(float(x), float(low)), self.place(float(x), float(high))))
            case Mark():
                area = self.area()
                painter.setPen(_pen(color(item.color), 1.2, item.style))
                at = self.place(item.value, item.value)
                if item.upright:
                    painter.drawLine(QLineF(at.x(), area.top(), at.x(), area.bottom()))
                else:
                    painter.drawLine(QLineF(area.left(), at.y(), area.right(), at.y()))
            case Note():
                self._paint_note(painter, item)

    def place_of(self, note: Note) -> QRectF:
        """The rectangle of a note's words, in pixels."""
        at, metrics = self.place(note.x, note.y), QFontMetricsF(self._theme.font(11))
        words = QSizeF(metrics.horizontalAdvance(note.text) + 1, metrics.height())
        if note.side == "above":
            left = min(max(at.x() - words.width() / 2, self.area().left() + 2), self.width() - words.width() - 2)
            return QRectF(QPointF(left, at.y() + 4 - metrics.ascent()), words)
        around = [dots for dots in self._items if isinstance(dots, Dots)]
        beside = max((dots.size + 4 for dots in around if _holds(dots, note)), default=10)
        within = QRectF(self.rect()).adjusted(self.area().left() - 1, 0, -1, 0)
        boxes = [box for dots in around for box in boxes_of(map(self.place, dots.x, dots.y), dots.size, len(dots.x))]
        return place_note(at, words, beside, note.side, within, boxes)

    def _paint_note(self, painter: QPainter, note: Note) -> None:
        painter.setFont(self._theme.font(11))
        painter.setPen(self._theme.color(note.color))
        place = self.place_of(note)
        if note.side != "above":  # a line of the grid would strike the words through
            painter.fillRect(place.adjusted(-1, 1, 1, -1), self._theme.color("surface", PLATE))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, note.text)

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return self.minimumSize()  # it takes the available space; a scroll area must not grow for it

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._message:
            painter.setFont(self._theme.font(11))
            painter.setPen(self._theme.color("text2"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(24, 8, -24, -8), flags, self._message)
            return
        area = self.area()
        self._paint_axes(painter, area)
        reach = self._reach
        painter.setClipRect(area.adjusted(-max(8, reach), -max(6, reach), max(10, reach), max(6, reach)))
        for item in self._items:
            self._paint_item(painter, item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.place_legend()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._tell(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._tell(event)

    def _tell(self, event: QMouseEvent) -> None:
        area, at = self.area(), event.position()
        across = min(max((at.x() - area.left()) / area.width(), 0.0), 1.0)
        up = min(max((area.bottom() - at.y()) / area.height(), 0.0), 1.0)
        x = self._x.low + across * (self._x.high - self._x.low)
        self.pressed.emit(x, self._y.low + up * (self._y.high - self._y.low))


def _holds(dots: Dots, note: Note) -> bool:
    """Whether the note is beside one of these dots, and not over it."""
    return note.side != "above" and bool(np.any((dots.x == note.x) & (dots.y == note.y)))


def _pen(color: QColor, width: float, style: str) -> QPen:
    pen = QPen(color, width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if DASHES[style]:
        pen.setDashPattern([length / width for length in DASHES[style]])
    return pen
