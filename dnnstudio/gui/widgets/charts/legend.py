"""Widgets in and around plots: the legend with the latest values, and the share bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.theme import Theme

LineStyle = Literal["solid", "thin", "dashed", "dotted", "star", "long", "dash_dot", "short"]
Mark = Literal["", "round", "square", "star"]
DASHES: dict[LineStyle, tuple[list[float], float]] = {
    "solid": ([], 2.0),
    "thin": ([], 1.2),
    "star": ([], 2.0),
    "dashed": ([5, 4], 1.2),
    "dotted": ([2, 3], 1.4),
    "long": ([10, 3], 2.0),
    "dash_dot": ([8, 3, 2, 3], 2.0),
    "short": ([4, 2], 2.0),
}
"""Dash pattern (in pen widths' pixels) and width: measured, one of many, measured another way, not yet happened; a
single mark instead of a line; and further lines of one plot."""
SEVERAL: tuple[LineStyle, ...] = ("solid", "long", "dash_dot", "short")
"""The lines of one plot in turn: they differ where colours do not."""


STAR: tuple[tuple[float, float], ...] = tuple(
    (size * sin(turn * pi / 5), -size * cos(turn * pi / 5)) for turn in range(10) for size in (0.42 if turn % 2 else 1,)
)
"""The corners of a five-pointed star of radius 1, to the right and down from its centre."""


def paint_star(painter: QPainter, centre: QPointF, radius: float, color: QColor) -> None:
    """Draw a five-pointed star, the mark of the best."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawPolygon(QPolygonF([centre + QPointF(right, down) * radius for right, down in STAR]))


def paint_mark(painter: QPainter, centre: QPointF, mark: Mark, color: QColor, surface: QColor) -> None:
    """Draw the mark of a curve over its line: hollow, round or square."""
    painter.setPen(QPen(color, 1.4))
    painter.setBrush(surface)
    box = QRectF(centre.x() - 3, centre.y() - 3, 6, 6)
    if mark == "square":
        painter.drawRect(box)
    else:
        painter.drawEllipse(box)


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A legend entry: name, colour token, and the latest value as text; `mark` is the shape on its curve."""

    name: str
    color: str
    value: str = ""
    style: LineStyle = "solid"
    mark: Mark = ""


class PlotLegend(QWidget):
    """A small bordered table of line, name and value over a plot; it ignores the mouse."""

    ROW, PAD, LINE, GAP = 16, 8, 13, 8

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._entries: tuple[LegendEntry, ...] = ()
        self._title = ""
        self._width = 0
        self._picture: QPixmap | None = None
        self.keeps_picture = True
        """Whether it paints itself from a picture: what lies under it is painted again and again."""
        theme.changed.connect(self._forget)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def entries(self) -> tuple[LegendEntry, ...]:
        return self._entries

    @property
    def title(self) -> str:
        return self._title

    def set_entries(self, entries: Sequence[LegendEntry], *, title: str = "") -> None:
        """Show these entries, under a `title` that says where the values are from if they are not the latest.

        The width never shrinks while the names stay, so that nothing moves while values arrive.
        """
        if (tuple(entries), title) == (self._entries, self._title) and self._picture is not None:
            return
        self._picture = None
        self._title = title
        names_before = [entry.name for entry in self._entries]
        self._entries = tuple(entries)
        metrics = QFontMetrics(self._theme.font(11))
        names = max((metrics.horizontalAdvance(entry.name) for entry in entries), default=0)
        values = max((metrics.horizontalAdvance(entry.value) for entry in entries), default=0)
        width = 2 * self.PAD + self.LINE + self.GAP + names + (values + 16 if values else 0)
        width = max(width, 2 * self.PAD + metrics.horizontalAdvance(title))
        self._width = max(width, self._width) if [entry.name for entry in entries] == names_before else width
        words = [title] if title else []
        self.setAccessibleName("; ".join([*words, *(f"{entry.name} {entry.value}".strip() for entry in entries)]))
        self.setVisible(bool(entries))
        self.resize(self.sizeHint())
        self.update()
        if self.keeps_picture and self.isVisible():
            self._draw_picture()  # now, not when all that lies around it is painted too

    def sizeHint(self) -> QSize:
        return QSize(self._width, 2 * self.PAD - 2 + self.ROW * (len(self._entries) + bool(self._title)))

    def _forget(self) -> None:
        self._picture = None
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._picture = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self.keeps_picture:
            self._paint(painter)
            return
        self._draw_picture()
        assert self._picture is not None
        painter.drawPixmap(0, 0, self._picture)

    def _draw_picture(self) -> None:
        ratio = self.devicePixelRatioF()
        if self._picture is not None and self._picture.devicePixelRatio() == ratio:
            return
        self._picture = QPixmap(self.size() * ratio)
        self._picture.setDevicePixelRatio(ratio)
        self._picture.fill(Qt.GlobalColor.transparent)
        brush = QPainter(self._picture)
        self._paint(brush)
        brush.end()

    def _paint(self, painter: QPainter) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color = self._theme.color
        painter.setPen(QPen(color("border"), 1))
        painter.setBrush(color("surface"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setFont(self._theme.font(11))
        if self._title:
            row = QRectF(self.PAD, self.PAD - 1, self.width() - 2 * self.PAD, self.ROW)
            painter.setPen(color("text2"))
            painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._title)
        for index, entry in enumerate(self._entries):
            top = self.PAD - 1 + (index + bool(self._title)) * self.ROW
            middle = top + self.ROW / 2
            dashes, width = DASHES[entry.style]
            pen = QPen(color(entry.color), width)
            if dashes:
                pen.setDashPattern([dash / width for dash in dashes])
            painter.setPen(pen)
            if entry.style == "star":
                paint_star(painter, QPointF(self.PAD + self.LINE / 2, middle), 6, color(entry.color))
            else:
                painter.drawLine(QLineF(self.PAD, middle, self.PAD + self.LINE, middle))
                if entry.mark:
                    at = QPointF(self.PAD + self.LINE / 2, middle)
                    paint_mark(painter, at, entry.mark, color(entry.color), color("surface"))
            left = self.PAD + self.LINE + self.GAP
            row = QRectF(left, top, self.width() - left - self.PAD, self.ROW)
            painter.setPen(color("text2"))
            painter.drawText(row, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, entry.name)
            painter.setPen(color("text"))
            painter.drawText(row, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, entry.value)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: its size, its colour token, and its label ("train 55,000")."""

    value: float
    color: str
    caption: str = ""


CAPTION_GAP = 8.0
"""Pixels that always stay between the captions of a share bar."""
WHERE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def captions_that_fit(widths: Sequence[int], values: Sequence[float], room: int, more: int) -> list[int]:
    """Which captions are shown whole in `room` pixels, from left to right: all, or those of the greatest values and
    then a sign, `more` pixels wide, that there are others. The greatest is always among them.
    """
    if sum(widths) + CAPTION_GAP * (len(widths) - 1) <= room:
        return list(range(len(widths)))
    chosen: list[int] = []
    left = room - more
    for place in sorted(range(len(widths)), key=lambda each: -values[each]):
        left -= widths[place] + int(CAPTION_GAP)
        if chosen and left < 0:
            break
        chosen.append(place)
    return sorted(chosen)


NO_SHARES = "No parts to show yet"


class ShareBar(QWidget):
    """Parts of a whole as a bar 6 px high, with a coloured square and a label for each part below."""

    def __init__(self, theme: Theme, *, thickness: int = 6, captions: bool = True, parent: QWidget | None = None):
        super().__init__(parent)
        self._theme = theme
        self._thickness = thickness
        self._captions = captions
        self._shares: tuple[Share, ...] = ()
        self.setAccessibleName(NO_SHARES)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_shares(self, shares: Sequence[Share]) -> None:
        """Show these parts, in order."""
        self._shares = tuple(shares)
        text = ", ".join(share.caption for share in shares if share.caption)
        self.setAccessibleName(text or NO_SHARES)
        self.setToolTip(text)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, self._thickness + (22 if self._captions else 0))

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        shown = [share for share in self._shares if share.value > 0]
        total = sum(share.value for share in shown)
        if not total:
            painter.setBrush(self._theme.color("hover"))
            painter.drawRoundedRect(QRectF(0, 0, self.width(), self._thickness), 3, 3)
            return
        room = self.width() - 2 * (len(shown) - 1)
        left = 0.0
        for share in shown:
            width = max(room * share.value / total, 2)
            painter.setBrush(self._theme.color(share.color))
            painter.drawRoundedRect(QRectF(left, 0, width, self._thickness), 2, 2)
            left += width + 2
        if self._captions:
            self._paint_captions(painter, shown)

    def _paint_captions(self, painter: QPainter, shown: Sequence[Share]) -> None:
        metrics = QFontMetrics(self._theme.font(11))
        painter.setFont(self._theme.font(11))
        widths = [12 + metrics.horizontalAdvance(share.caption) for share in shown]
        chosen = captions_that_fit(
            widths, [share.value for share in shown], self.width(), metrics.horizontalAdvance("…")
        )
        whole = len(chosen) == len(shown)
        gap = max((self.width() - sum(widths)) / max(len(shown) - 1, 1), 0.0) if whole else CAPTION_GAP
        left, top = 0.0, self._thickness + 8
        for place in chosen:
            share, width = shown[place], min(widths[place], self.width())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(share.color))
            painter.drawRoundedRect(QRectF(left, top + 3, 8, 8), 2, 2)
            painter.setPen(self._theme.color("text2"))
            caption = share.caption
            if width < widths[place]:  # at its own width a caption would be cut by a rounding
                caption = metrics.elidedText(caption, Qt.TextElideMode.ElideRight, width - 12)
            painter.drawText(QRectF(left + 12, top, width, 14), WHERE, caption)
            left += width + gap
        if not whole:
            painter.drawText(QRectF(left, top, self.width() - left, 14), WHERE, "…")
