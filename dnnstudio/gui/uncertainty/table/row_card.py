"""One row of a table as names and values, each with its place among the training rows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QScrollArea, QSizePolicy, QToolTip, QWidget

from dnnstudio.core.text import percent
from dnnstudio.core.uncertainty.scores import Floats
from dnnstudio.core.uncertainty.table_rows import ShownColumn
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Card
from dnnstudio.gui.widgets.charts.ring import FocusRing
from dnnstudio.gui.widgets.fitted_text import fitted

HEIGHT = 22
MOST_SHOWN = 7
"""So many columns are in sight at once; the rest is scrolled to."""


def place_words(column: ShownColumn, value: float) -> str:
    """Where the value stands among the training rows: "above 93 %", "12 % have it", "beyond all"."""
    share = column.share_below(value) if column.has_order else column.share_alike(value)
    if share != share:
        return "empty"
    if column.is_outside(value):
        if not column.has_order:
            return "in no row"
        return "above all" if value > column.ordered[-1] else "below all"
    return f"above {percent(share)}" if column.has_order else f"{percent(share)} have it"


class RowPlaces(QWidget):
    """A painted line a column: name, value, a bar with the value's place, and the place in words."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("row_places")
        self._theme = theme
        self._lines: tuple[tuple[ShownColumn, float], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_row(self, columns: tuple[ShownColumn, ...], values: Floats) -> None:
        """Show another row of a table: its stored values [columns]."""
        self._lines = tuple(zip(columns, values.tolist(), strict=True))
        self.setFixedHeight(len(self._lines) * HEIGHT)
        self.setAccessibleName("; ".join(self._words(number) for number in range(min(len(self._lines), 50))))
        self.update()

    def lines(self) -> tuple[str, ...]:
        """Every line in words."""
        return tuple(self._words(number) for number in range(len(self._lines)))

    def _words(self, number: int) -> str:
        column, value = self._lines[number]
        return f"{column.name}: {column.text(value)}, {place_words(column, value)} of the training rows"

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown, width = event.rect(), self.width()
        name_end, value_end, bar_end = width * 0.34, width * 0.56, width - 84.0
        for number, (column, value) in enumerate(self._lines):
            top = number * HEIGHT
            if top > shown.bottom() or top + HEIGHT < shown.top():
                continue
            self._paint_text(painter, QRectF(0, top, name_end - 6, HEIGHT), column.name, "text2")
            self._paint_text(
                painter, QRectF(name_end, top, value_end - name_end, HEIGHT), column.text(value), "text", 1
            )
            outside = column.is_outside(value)
            self._paint_bar(painter, QRectF(value_end + 12, top + HEIGHT / 2 - 3, bar_end - value_end - 12, 6), number)
            words = QRectF(bar_end + 8, top, width - bar_end - 8, HEIGHT)
            self._paint_text(painter, words, place_words(column, value), "hint" if outside else "text2", 1)

    def _paint_text(self, painter: QPainter, box: QRectF, text: str, color: str, right: int = 0) -> None:
        painter.setFont(self._theme.font(12 if color == "text" else 11))
        painter.setPen(self._theme.color(color))
        short = fitted(painter, text, box)
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        painter.drawText(box, side | Qt.AlignmentFlag.AlignVCenter, short)

    def _paint_bar(self, painter: QPainter, bar: QRectF, number: int) -> None:
        """A track with a mark at the share of smaller rows; filled to the share of equal ones where none is smaller."""
        column, value = self._lines[number]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("hover"))
        painter.drawRoundedRect(bar, 3, 3)
        share = column.share_below(value) if column.has_order else column.share_alike(value)
        if share != share:
            return
        painter.setBrush(self._theme.color("hint_dot" if column.is_outside(value) else "accent"))
        if column.has_order:
            half = QRectF(bar.left() + bar.width() * 0.25, bar.top(), bar.width() * 0.5, bar.height())
            mark = self._theme.color("strong")
            painter.fillRect(half, mark)
            painter.drawEllipse(QRectF(bar.left() + (bar.width() - 10) * share, bar.top() - 2, 10, 10))
        elif share > 0:
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(bar.width() * share, 4), bar.height()), 3, 3)

    def sizeHint(self) -> QSize:
        return QSize(300, len(self._lines) * HEIGHT)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = event.pos().y() // HEIGHT
            if 0 <= number < len(self._lines):
                QToolTip.showText(event.globalPos(), self._words(number), self)
                return True
        return super().event(event)


class RowCard(Card):
    """The chosen row of a table; hidden where rows are pictures."""

    def __init__(self, theme: Theme, *, parent: QWidget | None = None) -> None:
        super().__init__(
            theme, "This row", note="dot: its place among the training rows, dark: their middle half", parent=parent
        )
        self.setObjectName("row_card")
        self.places = RowPlaces(theme)
        self.area = QScrollArea()
        self.area.setObjectName("row_values")
        self.area.setWidgetResizable(True)
        FocusRing(self.area)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.places.setProperty("role", "clear")
        self.area.setWidget(self.places)
        self.add(self.area)
        self.hide()

    def show_row(self, columns: tuple[ShownColumn, ...], values: Floats | None) -> None:
        """Show the stored values [columns] of another row; None hides the card."""
        if values is not None:
            self.places.show_row(columns, values)
            self.area.setFixedHeight(min(len(columns), MOST_SHOWN) * HEIGHT)
        self.setVisible(values is not None)
