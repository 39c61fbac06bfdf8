"""The passes' outputs for one image: one row per class with density, dots, mean and 90 % interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QLineF, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dnnstudio.core.text import count_of, percent
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.sentences import Words, spread
from dnnstudio.gui.widgets.fitted_text import fitted

Floats = NDArray[np.float64]
TALL, THIN, AXIS = (58, 78), (22, 32), 26
MOST_TALL = 6
TALL_FROM = 0.02
"""Classes whose mean is smaller get a thin row."""
MOST_DOTS = 400
POINTS = 81
BINS = 25
DOT = 4
HALF_LATER_MS = 25
TALL_WORK = 8
"""A tall row takes as long to draw as so many thin ones."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassRow:
    """One class of one image."""

    name: str
    passes: Floats
    off: float
    votes: int
    color: str

    @property
    def mean(self) -> float:
        return float(self.passes.mean())

    @property
    def deviation(self) -> float:
        return float(self.passes.std())

    @property
    def interval(self) -> tuple[float, float]:
        """The interval that contains 90 % of the passes."""
        low, high = np.quantile(self.passes, (0.05, 0.95))
        return float(low), float(high)


def density(values: Floats, points: Floats) -> Floats:
    """Gaussian kernel density on 0…1, reflected at both ends so that no mass is lost. Its maximum is 1."""
    width = float(np.clip(1.06 * values.std() * len(values) ** -0.2, 0.008, 0.15))
    near = 6 * width  # reflections from further away contribute nothing
    everything = np.concatenate([values, -values[values < near], 2 - values[values > 1 - near]]) / width
    heights = np.exp(-0.5 * np.square(points[:, None] / width - everything[None])).sum(axis=1)
    return np.asarray(heights / heights.max())


def shown_range(values: Floats) -> tuple[float, float]:
    """The range of the density: the passes with a small margin."""
    margin = float(np.clip(1.5 * values.std() * len(values) ** -0.2, 0.008, 0.1))
    return max(0.0, float(values.min()) - margin), min(1.0, float(values.max()) + margin)


@cache
def _scatter(number: int) -> Floats:
    """The vertical position of each dot in its row, 0…1: random but reproducible."""
    return np.random.default_rng(number).uniform(0, 1, MOST_DOTS)


class DistributionRows(QWidget):
    """Painted rows, most probable class on top. `style` is "violin" or "histogram"."""

    def __init__(self, theme: Theme, words: Words, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("distribution_rows")
        self.setAccessibleName("What was said, once it is known")
        self._said = words
        self._theme = theme
        self._rows: tuple[ClassRow, ...] = ()
        self._style = "violin"
        self._has_off = True
        self._dots: dict[tuple[str, float], QPixmap] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._lower = QTimer(self, singleShot=True, interval=HALF_LATER_MS)
        self._lower.timeout.connect(lambda: self.update(self._halves()[1]))
        theme.changed.connect(self.update)

    def rows(self) -> tuple[ClassRow, ...]:
        return self._rows

    def set_rows(self, rows: tuple[ClassRow, ...], *, in_turns: bool = False, has_off: bool = True) -> None:
        """Set the rows, with a mark for dropout off if that is an answer of its own.

        `in_turns`: repaint the upper half now and the lower half soon, if no row changes its height.

        Painted at once, ten rows would block the event loop for more than half a frame. That nearly improbable classes
        swap places between the halves cannot be noticed in so short a time.
        """
        before = self._tall()
        self._rows, self._has_off = rows, has_off
        self.setMinimumHeight(sum(TALL[0] if tall else THIN[0] for tall in self._tall()) + AXIS)
        best = "; ".join(f"{row.name} {self._figure(row)}" for row in rows[:3])
        self.setAccessibleName(
            f"{'What it said' if self._is_single else self._said.nouns.said('What each {answer} said')}: {best}"
        )
        if in_turns and rows and before == self._tall():
            self.update(self._halves()[0])
            self._lower.start()
        else:
            self._lower.stop()
            self.update()

    def _halves(self) -> tuple[QRect, QRect]:
        """The upper and the lower rows, so that each part is about half of the work."""
        work = np.cumsum([TALL_WORK if tall else 1 for tall in self._tall()])
        upper = int(np.searchsorted(work, work[-1] / 2)) + 1
        edge = round(self._places()[min(upper, len(work) - 1)][0])
        return QRect(0, 0, self.width(), edge), QRect(0, edge, self.width(), self.height() - edge)

    def set_style(self, style: object) -> None:
        self._style = str(style)
        self.update()

    @property
    def _is_single(self) -> bool:
        """Whether there is one prediction instead of many passes; it is drawn as bars."""
        return bool(self._rows) and len(self._rows[0].passes) == 1

    def _tall(self) -> list[bool]:
        if self._is_single:
            return [False] * len(self._rows)
        return [number == 0 or (number < MOST_TALL and row.mean >= TALL_FROM) for number, row in enumerate(self._rows)]

    def _places(self) -> list[tuple[float, float, bool]]:
        """Top, height and whether it is tall, for each row; spare height is distributed."""
        tall = self._tall()
        least = sum(TALL[0] if is_tall else THIN[0] for is_tall in tall)
        most = sum(TALL[1] if is_tall else THIN[1] for is_tall in tall)
        share = min(max((self.height() - AXIS - least) / max(most - least, 1), 0.0), 1.0)
        places, top = [], 0.0
        for is_tall in tall:
            low, high = TALL if is_tall else THIN
            height = low + share * (high - low)
            places.append((top, height, is_tall))
            top += height
        return places

    def _edges(self) -> tuple[float, float]:
        """The pixels of 0 % and 100 %."""
        narrow = self.width() < 520
        return (76.0 if narrow else 92.0), self.width() - (92.0 if narrow else 104.0)

    # ------------------------------------------------------------------------------------------ painting

    def _paint_grid(self, painter: QPainter, bottom: float) -> None:
        left, right = self._edges()
        color = self._theme.color
        painter.setFont(self._theme.font(11))
        for quarter in range(5):
            x = left + (right - left) * quarter / 4
            painter.setPen(QPen(color("border"), 1))
            painter.drawLine(QLineF(x, 0, x, bottom))
            painter.setPen(color("text2"))
            box = QRectF(x - 30, bottom + 6, 60, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, percent(quarter / 4))

    def _paint_row(self, painter: QPainter, row: ClassRow, top: float, height: float, tall: bool, number: int) -> None:
        left, right = self._edges()
        color = self._theme.color
        middle = top + height / 2
        weight = self._theme.font(12).weight()
        font = self._theme.font(12, weight.DemiBold if number == 0 else weight.Normal)
        painter.setFont(font)
        painter.setPen(color("text" if tall else "text2"))
        name = fitted(painter, row.name, QRectF(0, middle - 10, left - 8, 20))
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, middle - 10, left - 8, 20), Qt.AlignmentFlag.AlignLeft | centre, name)
        value = QRectF(right + 4, middle - (17 if tall else 10), self.width() - right - 4, 20)
        painter.drawText(value, Qt.AlignmentFlag.AlignRight | centre, self._figure(row))
        if tall:
            painter.setFont(self._theme.font(11))
            painter.setPen(color("text2"))
            votes = count_of(row.votes, "vote")
            painter.drawText(value.translated(0, 16), Qt.AlignmentFlag.AlignRight | centre, votes)
        ground = QColor(row.color)
        if tall:
            self._paint_density(painter, row, top + 4, height * 0.52 - 4, ground)
            self._paint_dots(painter, row, top + height * 0.74, height * 0.2, ground, number)
            self._paint_mean(painter, row, top + height * 0.62)
        elif self._is_single:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(left, middle - 5, max((right - left) * row.mean, 1.5), 10), 2, 2)
        else:
            self._paint_dots(painter, row, middle - 4, 8, ground, number)

    def _figure(self, row: ClassRow) -> str:
        if not self._is_single:
            return spread(row.mean, row.deviation)
        return percent(row.mean, 1) if row.mean >= 0.0005 else f"under {percent(0.001, 1)}"

    def _x(self, value: float) -> float:
        left, right = self._edges()
        return left + (right - left) * value

    def _paint_density(self, painter: QPainter, row: ClassRow, top: float, height: float, ground: QColor) -> None:
        base = top + height
        fill = QColor(ground)
        fill.setAlpha(60 if not self._theme.tokens().dark else 80)
        if self._style == "histogram":
            counts, edges = np.histogram(row.passes, bins=BINS, range=(0, 1))
            painter.setPen(QPen(ground, 1))
            painter.setBrush(fill)
            for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
                if count:
                    tall = height * count / counts.max()
                    painter.drawRect(QRectF(self._x(start) + 0.5, base - tall, self._x(end) - self._x(start) - 1, tall))
            return
        low, high = shown_range(row.passes)
        points = np.linspace(low, high, POINTS)
        heights = density(row.passes, points) * height
        left, right = self._edges()
        across, up = left + (right - left) * points, base - heights
        outline = [QPointF(x, y) for x, y in zip(across.tolist(), up.tolist(), strict=True)]
        around = [QPointF(self._x(low), base), *outline, QPointF(self._x(high), base)]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawPolygon(QPolygonF(around))
        painter.setPen(QPen(ground, 1.4))
        painter.drawPolyline(QPolygonF(around if low <= 0 or high >= 1 else outline))

    def _paint_dots(
        self, painter: QPainter, row: ClassRow, top: float, height: float, ground: QColor, number: int
    ) -> None:
        left, right = self._edges()
        shown = row.passes[:MOST_DOTS]
        up = top + _scatter(number)[: len(shown)] * height
        across = left + (right - left) * shown
        stamp = self._dot(ground)
        half = (DOT + 2) / 2
        # Dots on the same pixel are drawn once: most passes give an improbable class almost nothing.
        places = {(round(x), round(y)) for x, y in zip((across - half).tolist(), (up - half).tolist(), strict=True)}
        for x, y in places:
            painter.drawPixmap(x, y, stamp)

    def _dot(self, ground: QColor) -> QPixmap:
        """One pass as a pixmap: painted once, then copied a thousand times."""
        ratio = self.devicePixelRatioF()
        key = (ground.name(), ratio)
        if key not in self._dots:
            side = round((DOT + 2) * ratio)
            stamp = QPixmap(side, side)
            stamp.setDevicePixelRatio(ratio)
            stamp.fill(Qt.GlobalColor.transparent)
            painter = QPainter(stamp)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            color = QColor(ground)
            color.setAlpha(150)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(DOT / 2 + 1, DOT / 2 + 1), DOT / 2, DOT / 2)
            painter.end()
            self._dots[key] = stamp
        return self._dots[key]

    def _paint_mean(self, painter: QPainter, row: ClassRow, y: float) -> None:
        color = self._theme.color
        low, high = row.interval
        painter.setPen(QPen(color("text"), 2))
        painter.drawLine(QLineF(self._x(low), y, self._x(high), y))
        painter.setPen(QPen(color("surface"), 1))
        painter.setBrush(color("text"))
        painter.drawEllipse(QPointF(self._x(row.mean), y), 5, 5)
        if self._has_off:
            paint_diamond(painter, self._theme, QPointF(self._x(row.off), y), 6.5)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        places = self._places()
        bottom = places[-1][0] + places[-1][1] if places else 0.0
        self._paint_grid(painter, bottom)
        shown = event.rect()
        for number, (row, (top, height, tall)) in enumerate(zip(self._rows, places, strict=True)):
            if top > shown.bottom() + 1 or top + height < shown.top():
                continue
            if number:
                painter.setPen(QPen(self._theme.color("border"), 1))
                painter.drawLine(QLineF(0, top, self.width(), top))
            self._paint_row(painter, row, top, height, tall, number)

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return QSize(520, self.minimumHeight())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            for row, (top, height, _) in zip(self._rows, self._places(), strict=True):
                if top <= event.pos().y() < top + height:
                    QToolTip.showText(event.globalPos(), self._words(row), self)
                    return True
        return super().event(event)

    def _words(self, row: ClassRow) -> str:
        if self._is_single:
            return f"{row.name}: {percent(row.mean, 1)}"
        low, high = row.interval
        answers = self._said.nouns.said("{answers}")
        return (
            f"{row.name}: mean {percent(row.mean, 1)}, standard deviation {percent(row.deviation, 1)},\n"
            f"90 % of the {answers} from {percent(low, 1)} to {percent(high, 1)},\n"
            f"{row.votes:,} of {len(row.passes):,} {answers} put it first"
            + (f"; dropout off {percent(row.off, 1)}" if self._has_off else "")
        )


def paint_diamond(painter: QPainter, theme: Theme, at: QPointF, size: float) -> None:
    """The mark of the deterministic prediction."""
    painter.setPen(QPen(theme.color("text"), 1.8))
    painter.setBrush(theme.color("surface"))
    corners = ((0, -size), (size, 0), (0, size), (-size, 0))
    painter.drawPolygon(QPolygonF([at + QPointF(x, y) for x, y in corners]))


class DistributionKey(QWidget):
    """The legend: one pass, mean and 90 % of the passes, deterministic prediction."""

    def __init__(self, theme: Theme, words: Words, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._said = words
        self._has_off = True
        self.setFixedHeight(20)
        words.say(
            self.setAccessibleName,
            "Dots: one {answer}; disc and bar: mean and 90 % of the {answers}; diamond: dropout off",
        )

    def set_off(self, shown: bool) -> None:
        """Whether the mark of dropout off is drawn, and so explained."""
        self._has_off = shown
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setFont(self._theme.font(11))
        metrics, y, x = painter.fontMetrics(), 10.0, 4.0
        for sign, text in (
            ("dots", "one {answer}"),
            ("mean", "mean and 90 % of the {answers}"),
            ("off", "dropout off"),
        ):
            if sign == "off" and not self._has_off:
                continue
            words = self._said.nouns.said(text)
            width = 22.0 if sign == "mean" else 14.0
            if sign == "dots":
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self._theme.tokens().series[0]))
                for across, up in ((1, 2), (5, -2), (10, 1)):
                    painter.drawEllipse(QPointF(x + across, y + up), 2, 2)
            elif sign == "mean":
                painter.setPen(QPen(color("text"), 2))
                painter.drawLine(QLineF(x, y, x + 22, y))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color("text"))
                painter.drawEllipse(QPointF(x + 11, y), 4.5, 4.5)
            else:
                paint_diamond(painter, self._theme, QPointF(x + 6, y), 5.5)
            painter.setPen(color("text2"))
            painter.drawText(QPointF(x + width + 8, y + 4), words)
            x += width + 8 + metrics.horizontalAdvance(words) + 20
