"""A legend in one line, for the head of a card: line, name and latest value of each curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.gui.plots.series import Series, pen_for
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.legend import paint_mark, paint_star

SWATCH, GAP, BETWEEN = 14, 6, 14
HEIGHT = 18
WHERE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class LineLegend(QWidget):
    """Curves by line, name and value, side by side. Those that do not fit are left out; the first of them has no
    line where its words alone fit.
    """

    def __init__(self, theme: Theme, series: Sequence[Series], *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._series = tuple(series)
        self._values: dict[str, str] = {}
        self._title = ""
        self._shown: tuple[str, tuple[Series, ...], dict[str, str]] | None = None
        self._hint = QSize()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.set_values({})
        theme.changed.connect(self.update)

    def set_series(self, series: Sequence[Series]) -> None:
        """Set the listed curves."""
        if tuple(series) != self._series:
            self._series = tuple(series)
            self.set_values(self._values)

    def set_values(self, values: dict[str, str]) -> None:
        """Set the latest value of each curve as text, by its key."""
        self._values = dict(values)
        shown = (self._title, self._series, values)
        if shown == self._shown:
            return
        self._shown = (self._title, self._series, self._values)
        words = (f"{item.label} {self.value(item.key)}".strip() for item in self._series)
        self.setAccessibleName("; ".join([self._title, *words] if self._title else words))
        if (hint := self.sizeHint()) != self._hint:
            self._hint = hint
            self.updateGeometry()
        self.update()

    def show_entries(self, entries: Sequence[tuple[Series, str]], *, title: str = "") -> None:
        """List these curves and values, after a text that says where the values are from."""
        self._title = title
        self._series = tuple(replace(item, key=f"{n}") for n, (item, _) in enumerate(entries))
        self.set_values({f"{n}": value for n, (_, value) in enumerate(entries)})

    def value(self, key: str) -> str:
        """The displayed value of a curve."""
        return self._values.get(key, "")

    def _fonts(self) -> tuple[QFont, QFont]:
        return self._theme.font(11), self._theme.font(11, QFont.Weight.Medium)

    def _widths(self, item: Series) -> tuple[float, float]:
        plain, strong = (QFontMetrics(font) for font in self._fonts())
        value = self.value(item.key)
        return plain.horizontalAdvance(f"{item.label} "), strong.horizontalAdvance(value) if value else 0

    def sizeHint(self) -> QSize:
        total = sum(SWATCH + GAP + sum(self._widths(item)) + BETWEEN for item in self._series) - BETWEEN
        return QSize(int(max(total, 0) + self._title_width()) + 2, HEIGHT)

    def _title_width(self) -> float:
        words = QFontMetrics(self._fonts()[0]).horizontalAdvance(self._title)
        return words + BETWEEN if self._title else 0

    def minimumSizeHint(self) -> QSize:
        first = self._widths(self._series[0]) if self._series else (0.0, 0.0)
        return QSize(int(sum(first)) + 2, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, strong = self._fonts()
        x, middle = self._title_width(), self.height() / 2
        if self._title:
            painter.setFont(plain)
            painter.setPen(self._theme.color("text2"))
            painter.drawText(QRectF(0, 0, x, self.height()), WHERE, self._title)
        for item in self._series:
            name, value = self._widths(item)
            if x and x + SWATCH + GAP + name + value > self.width() + 1:
                continue
            if x + SWATCH + GAP + name + value > self.width() + 1:
                x -= SWATCH + GAP  # the first one has no room for its line
            elif item.style == "star":
                paint_star(painter, QPointF(x + SWATCH / 2, middle), 6, self._theme.color(item.color))
            else:
                painter.setPen(pen_for(item, self._theme.tokens()))
                painter.drawLine(QPointF(x, middle), QPointF(x + SWATCH, middle))
                if item.mark:
                    paint_mark(
                        painter,
                        QPointF(x + SWATCH / 2, middle),
                        item.mark,
                        self._theme.color(item.color),
                        self._theme.color("surface"),
                    )
            x += SWATCH + GAP
            for font, color, width, text in (
                (plain, "text2", name, item.label),
                (strong, "text", value, self.value(item.key)),
            ):
                painter.setFont(font)
                painter.setPen(self._theme.color(color))
                painter.drawText(QRectF(x, 0, width + 2, self.height()), WHERE, text)
                x += width
            x += BETWEEN
