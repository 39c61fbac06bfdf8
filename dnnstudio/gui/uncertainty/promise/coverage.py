"""How often the set holds the label, a painted line a class: one threshold above, one a class below."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QLineF, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.promise.state import Promised
from dnnstudio.gui.widgets.fitted_text import fitted

ROW, HEAD, AXIS = 34, 26, 24
FIGURES = 62
TICKS_FROM = 150
"""A bar so wide in pixels has a tick at each quarter, a shorter one at each half."""
MANY = 20
"""With more classes than this the forgotten ones come first."""
Align = Qt.AlignmentFlag


@dataclass(frozen=True, slots=True)
class Line:
    """One class, or all: how often either kind of set holds its label."""

    name: str
    one: Share
    by_class: Share
    missed: bool


def lines_of(promised: Promised, names: tuple[str, ...]) -> tuple[Line, ...]:
    """All rows first, then each class; forgotten classes lead where there are many."""
    one, by_class = promised.one.reached, promised.by_class.reached
    missed = set(promised.chosen.missed)
    order = list(range(len(names)))
    if len(names) > MANY:
        order.sort(key=lambda number: number not in missed)
    each = (Line(names[number], one.classes[number], by_class.classes[number], number in missed) for number in order)
    return (Line("All", one.overall, by_class.overall, False), *each)


class CoverageRows(QWidget):
    """The lines, under heads that stay in sight by `CoverageHead`."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("coverage_rows")
        self._theme = theme
        self.lines: tuple[Line, ...] = ()
        self._promise, self._how = 0.9, SetKind.LAC
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_promised(self, promised: Promised, names: tuple[str, ...]) -> None:
        self.lines = lines_of(promised, names)
        self._promise, self._how = float(promised.promise.coverage), promised.how
        self.setFixedHeight(len(self.lines) * ROW + AXIS)
        shown = "; ".join(self._words(line) for line in self.lines[:12])
        self.setAccessibleName(f"How often the set holds the label: {shown}")
        self.update()

    def _words(self, line: Line) -> str:
        parts = []
        for words, share in (("one threshold", line.one), ("per class", line.by_class)):
            low, high = share.interval()
            parts.append(f"{words} {percent(share.value, 1)} ({percent(low, 1)} to {percent(high, 1)})")
        return f"{line.name}: {', '.join(parts)} of {line.one.total:,}" if line.one.total else f"{line.name}: no rows"

    # ------------------------------------------------------------------------------------------ painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        color, shown = self._theme.color, event.rect()
        left, right = bar_edges(self.width())
        bottom = len(self.lines) * ROW
        for number, line in enumerate(self.lines):
            top = number * ROW
            if top <= shown.bottom() and top + ROW >= shown.top():
                if line.missed:
                    painter.fillRect(QRectF(0, top, self.width(), ROW), color("error_soft"))
                painter.setPen(QPen(color("border"), 1))
                painter.drawLine(QLineF(0, top + ROW - 0.5, self.width(), top + ROW - 0.5))
                self._paint_line(painter, line, top, number == 0)
        painter.setFont(self._theme.font(11))
        for quarter in range(0, 5, 1 if right - left > TICKS_FROM else 2):
            x = left + (right - left) * quarter / 4
            painter.setPen(color("text2"))
            painter.drawText(QRectF(x - 30, bottom + 5, 60, 16), Align.AlignCenter, percent(quarter / 4))
        x = left + (right - left) * self._promise
        painter.setPen(QPen(color("accent"), 1.6))
        painter.drawLine(QLineF(x, 0, x, bottom))

    def _paint_line(self, painter: QPainter, line: Line, top: float, first: bool) -> None:
        color, font = self._theme.color, self._theme.font
        left, right = bar_edges(self.width())
        weight = font(12).weight()
        painter.setFont(font(12, weight.DemiBold if first else weight.Normal))
        painter.setPen(color("error" if line.missed else "text"))
        room = int(left) - 8 - (18 if line.missed else 0)
        beside = QRectF(0, top, room, ROW)
        painter.drawText(beside, Align.AlignLeft | Align.AlignVCenter, fitted(painter, line.name, beside))
        if line.missed:
            icon = self._theme.icon("warning-fill", "error_dot")
            painter.drawPixmap(int(left) - 24, int(top + ROW / 2 - 7), icon.pixmap(14, 14))
        chosen_is_class = self._how is SetKind.BY_CLASS
        for share, y, hollow in ((line.one, top + 11, False), (line.by_class, top + 23, True)):
            tone = "wrong" if line.missed and hollow == chosen_is_class else "train"
            self._paint_bar(painter, share, y, left, right, tone, hollow=hollow)
        figures = (line.one, not chosen_is_class), (line.by_class, chosen_is_class)
        for place, (share, chosen) in enumerate(figures):
            box = QRectF(right + 12 + place * FIGURES, top, FIGURES, ROW)
            painter.setFont(font(12, weight.DemiBold if chosen else weight.Normal))
            painter.setPen(color("error" if line.missed and chosen else "text" if chosen else "text2"))
            text = percent(share.value, 1) if share.total else "–"
            painter.drawText(box, Align.AlignRight | Align.AlignVCenter, text)
        painter.setFont(font(12))
        painter.setPen(color("text2"))
        box = QRectF(right + 12 + 2 * FIGURES, top, self.width() - right - 12 - 2 * FIGURES, ROW)
        painter.drawText(box, Align.AlignRight | Align.AlignVCenter, f"{line.one.total:,}")

    def _paint_bar(
        self, painter: QPainter, share: Share, y: float, left: float, right: float, tone: str, *, hollow: bool
    ) -> None:
        if not share.total:
            return
        color, wide = self._theme.color, right - left
        box = QRectF(left, y - 3.5, max(wide * share.value, 1), 7)
        painter.setPen(QPen(color("text3" if tone == "train" else tone), 1) if hollow else Qt.PenStyle.NoPen)
        painter.setBrush(color("surface") if hollow else color(tone))
        painter.drawRoundedRect(box, 2, 2)
        low, high = (left + wide * end for end in share.interval())
        painter.setPen(QPen(color("text"), 1.4))
        painter.drawLine(QLineF(low, y, high, y))
        for end in (low, high):
            painter.drawLine(QLineF(end, y - 3, end, y + 3))

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return QSize(420, len(self.lines) * ROW + AXIS)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = event.pos().y() // ROW
            if 0 <= number < len(self.lines):
                QToolTip.showText(event.globalPos(), self._words(self.lines[number]), self)
                return True
        return super().event(event)


class CoverageHead(QWidget):
    """The names of the columns, and the promise above its line."""

    def __init__(self, theme: Theme, rows: CoverageRows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = rows
        self._texts = ("", "", "")
        self._promise = 0.9
        self.setFixedHeight(HEAD)
        theme.changed.connect(self.update)

    def show_promised(self, promised: Promised, rows: str) -> None:
        self._promise = float(promised.promise.coverage)
        self._texts = ("APS" if promised.how is SetKind.APS else "LAC", "Per class", rows)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        width = self._rows.width()  # narrower than this one beside a scroll bar
        left, right = bar_edges(width)
        painter.setFont(self._theme.font(11))
        painter.setPen(self._theme.color("text2"))
        painter.drawText(QRectF(0, 0, left, HEAD), Align.AlignLeft | Align.AlignVCenter, "Class")
        for place, text in enumerate(self._texts):
            wide = FIGURES if place < 2 else width - right - 12 - 2 * FIGURES
            box = QRectF(right + 12 + place * FIGURES, 0, wide, HEAD)
            painter.drawText(box, Align.AlignRight | Align.AlignVCenter, text)
        painter.setPen(self._theme.color("accent"))
        x = left + (right - left) * self._promise
        words = f"{percent(self._promise)} promised"
        wide = painter.fontMetrics().horizontalAdvance(words)
        start = min(max(x - wide / 2, left), right + 8 - wide)
        painter.drawText(QRectF(start, 0, wide + 2, HEAD), Align.AlignVCenter | Align.AlignLeft, words)


def bar_edges(width: int) -> tuple[float, float]:
    """The pixels of 0 % and 100 %."""
    return (84.0 if width < 520 else 104.0), width - 2 * FIGURES - 12 - 48.0
