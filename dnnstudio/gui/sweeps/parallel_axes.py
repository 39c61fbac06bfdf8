"""Parallel coordinates: an upright axis a varied field and one for the target, a line a trial, brushes on the axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFont, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.axis import Axis
from dnnstudio.gui.widgets.charts.ring import FocusRing
from dnnstudio.gui.widgets.fitted_text import fitted

TOP, BOTTOM, SIDE = 34, 12, 56
PLATE, HANDLE = 14.0, 20.0
GRIP = 9
"""How near, in pixels, a press is at an axis or at an end of a brush."""
LEAST = 0.02
"""A brush that is smaller, as a part of its axis, is none: a click clears."""
STEP = 0.05
"""How far an arrow key moves a brush or its ends."""
Brush = tuple[float, float]
"""Lower and upper end, as parts of the axis from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One axis and where each line crosses it, in its units; None for a line that does not."""

    title: str
    axis: Axis
    values: tuple[float | None, ...]

    def parts(self) -> list[float | None]:
        """Where the lines cross, as parts of the axis from 0 to 1."""
        low, span = self.axis.low, self.axis.high - self.axis.low or 1.0
        return [None if value is None else (value - low) / span for value in self.values]

    def value_at(self, part: float) -> float:
        """The value at a part of the axis."""
        return self.axis.low + part * (self.axis.high - self.axis.low)


class ParallelAxes(QWidget):
    """Lines over axes. `brushed` when another range of an axis is chosen: lines within all of them stand out.

    With the mouse: press on an axis and draw, drag a brush or one of its ends, click to clear it. With the keyboard:
    Left and Right choose an axis, Up and Down move its brush, with Shift its upper end, with Ctrl its lower one, and
    Delete clears it.
    """

    brushed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._dimensions: tuple[Dimension, ...] = ()
        self._best: int | None = None
        self._message = ""
        self.brushes: dict[int, Brush] = {}
        self._axis = 0
        self._drag: tuple[int, str, float, Brush] | None = None
        """Axis, what is dragged (draw, move, low, high), where it was pressed, and the brush at that time."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        FocusRing(self)
        self.setMinimumSize(QSize(200, 110))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("All settings at once")
        self.setAccessibleDescription("Left and Right choose an axis, Up and Down move its range, Delete clears it.")
        theme.changed.connect(self.update)

    # ------------------------------------------------------------------------------------------ what is shown

    def show_lines(self, dimensions: Sequence[Dimension], *, best: int | None) -> None:
        """Draw a line for each value of the dimensions, which have equally many. Brushes stay where they are."""
        if len(dimensions) != len(self._dimensions):
            self.brushes.clear()
            self._axis = 0
        self._dimensions, self._best = tuple(dimensions), best
        self.update()

    def set_message(self, text: str) -> None:
        """Show a message instead; "" removes it."""
        self._message = text
        self.update()

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return self._dimensions

    def within(self) -> list[int]:
        """The lines within all brushes; all of them while there is none."""
        count = len(self._dimensions[0].values) if self._dimensions else 0
        found = set(range(count))
        for place, (low, high) in self.brushes.items():
            parts = self._dimensions[place].parts()
            found &= {line for line, part in enumerate(parts) if part is not None and low <= part <= high}
        return sorted(found)

    def set_brush(self, place: int, brush: Brush | None) -> None:
        """Choose a range of an axis, or none."""
        low, high = brush if brush is not None else (0.0, 0.0)
        low, high = max(min(low, high), 0.0), min(max(low, high), 1.0)
        if high - low < LEAST:
            self.brushes.pop(place, None)
        else:
            self.brushes[place] = low, high
        self.update()
        self.brushed.emit()

    def clear(self) -> None:
        """Take all brushes away."""
        self.brushes.clear()
        self.update()
        self.brushed.emit()

    # ------------------------------------------------------------------------------------------ places

    def axis_x(self, place: int) -> float:
        """The pixel across of an axis."""
        wide = self.width() - 2 * SIDE
        return SIDE + wide * place / max(len(self._dimensions) - 1, 1)

    def part_y(self, part: float) -> float:
        """The pixel down of a part of an axis."""
        return TOP + (1 - part) * (self.height() - TOP - BOTTOM)

    def _part_at(self, y: float) -> float:
        return min(max(1 - (y - TOP) / max(self.height() - TOP - BOTTOM, 1), 0.0), 1.0)

    def _axis_at(self, x: float) -> int | None:
        near = [place for place in range(len(self._dimensions)) if abs(self.axis_x(place) - x) <= GRIP + PLATE / 2]
        return min(near, key=lambda place: abs(self.axis_x(place) - x), default=None)

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._theme
        painter.setFont(theme.font(11))
        if self._message:
            painter.setPen(theme.color("text2"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(QRectF(self.rect()).adjusted(24, 8, -24, -8), flags, self._message)
            return
        within = set(self.within()) if self.brushes else set()
        lines = list(zip(*(dimension.parts() for dimension in self._dimensions), strict=True))
        for number, parts in enumerate(lines):  # those that stand out above the others, the best on top
            if number not in within and number != self._best:
                painter.setPen(QPen(theme.color("planned", 90), 1))
                painter.drawPath(self._curve(parts))
        for number in sorted(within - {self._best}):
            painter.setPen(QPen(theme.color("accent"), 1.5))
            painter.drawPath(self._curve(lines[number]))
        if self._best is not None:
            painter.setPen(QPen(theme.color("accent"), 2.6))
            painter.drawPath(self._curve(lines[self._best]))
        for place, dimension in enumerate(self._dimensions):
            self._paint_axis(painter, place, dimension)

    def _curve(self, parts: Sequence[float | None]) -> QPainterPath:
        path, before = QPainterPath(), None
        for place, part in enumerate(parts):
            if part is None:
                before = None
                continue
            at = QPointF(self.axis_x(place), self.part_y(part))
            if before is None:
                path.moveTo(at)
            else:
                middle = (before.x() + at.x()) / 2
                path.cubicTo(QPointF(middle, before.y()), QPointF(middle, at.y()), at)
            before = at
        return path

    def _paint_axis(self, painter: QPainter, place: int, dimension: Dimension) -> None:
        theme, x = self._theme, self.axis_x(place)
        brush = self.brushes.get(place)
        painter.setPen(QPen(theme.color("strong"), 2))
        painter.drawLine(QLineF(x, self.part_y(0), x, self.part_y(1)))
        room = (self.width() - 2 * SIDE) / max(len(self._dimensions) - 1, 1) - 8 if len(self._dimensions) > 1 else 200
        room = min(max(room, 40.0), 2 * SIDE + 40.0)
        strong = brush is not None or (self.hasFocus() and place == self._axis)
        painter.setFont(theme.font(11, QFont.Weight.DemiBold if strong else QFont.Weight.Normal))
        painter.setPen(theme.color("accent" if strong else "text"))
        left = min(max(x - room / 2, 0.0), self.width() - room)
        head = QRectF(left, 2, room, 18)
        painter.drawText(head, Qt.AlignmentFlag.AlignCenter, fitted(painter, dimension.title, head))
        painter.setFont(theme.font(11))
        metrics, last = painter.fontMetrics(), place == len(self._dimensions) - 1
        for value, words in dimension.axis.ticks:
            part = (value - dimension.axis.low) / (dimension.axis.high - dimension.axis.low or 1.0)
            wide = min(metrics.horizontalAdvance(words) + 4, SIDE - 8)
            box = QRectF(x + 9 if last else x - 9 - wide, self.part_y(part) - 7, wide, 14)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("surface", 210))
            painter.drawRect(box)
            painter.setPen(theme.color("text2"))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, fitted(painter, words, box))
        if brush is not None:
            self._paint_brush(painter, x, brush)

    def _paint_brush(self, painter: QPainter, x: float, brush: Brush) -> None:
        low, high = self.part_y(brush[0]), self.part_y(brush[1])
        painter.setPen(QPen(self._theme.color("accent"), 1.5))
        painter.setBrush(self._theme.color("accent", 50))
        painter.drawRect(QRectF(x - PLATE / 2, high, PLATE, low - high))
        painter.setBrush(self._theme.color("surface"))
        for y in (low, high):
            painter.drawRoundedRect(QRectF(x - HANDLE / 2, y - 3, HANDLE, 6), 3, 3)

    # ------------------------------------------------------------------------------------------ mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._axis_at(event.position().x())
        if event.button() != Qt.MouseButton.LeftButton or place is None or self._message:
            return
        self._axis = place
        y, part = event.position().y(), self._part_at(event.position().y())
        brush = self.brushes.get(place)
        what = "draw"
        if brush is not None:
            ends = {"low": self.part_y(brush[0]), "high": self.part_y(brush[1])}
            near = [name for name, at in ends.items() if abs(at - y) <= GRIP]
            what = near[0] if near else "move" if brush[0] <= part <= brush[1] else "draw"
        self._drag = place, what, part, brush or (part, part)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None:
            return
        place, what, begun, (low, high) = self._drag
        part = self._part_at(event.position().y())
        match what:
            case "low":
                self.set_brush(place, (min(part, high - LEAST), high))
            case "high":
                self.set_brush(place, (low, max(part, low + LEAST)))
            case "move":
                by = min(max(part - begun, -low), 1 - high)
                self.set_brush(place, (low + by, high + by))
            case _:
                self.set_brush(place, (begun, part))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is not None and abs(self._part_at(event.position().y()) - drag[2]) < LEAST / 2:
            self.set_brush(drag[0], None)  # a click

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, last = event.key(), len(self._dimensions) - 1
        if not self._dimensions or self._message:
            super().keyPressEvent(event)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._axis = min(max(self._axis + (1 if key == Qt.Key.Key_Right else -1), 0), last)
            self.update()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = STEP if key == Qt.Key.Key_Up else -STEP
            low, high = self.brushes.get(self._axis, (0.0, 1.0))
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                high = max(high + by, low + LEAST)
            elif event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                low = min(low + by, high - LEAST)
            else:
                by = min(max(by, -low), 1 - high)
                low, high = low + by, high + by
            self.set_brush(self._axis, (low, high))
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.set_brush(self._axis, None)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
