"""A picture of how clipping changes a step's direction: Géron's example gradient [0.9, 100], clipped by
both methods.
"""

from __future__ import annotations

from math import hypot

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.experiment.gradient_clipping import EXAMPLE, Gradient, clipped_by_norm, clipped_by_value, turned
from dnnstudio.gui.theme import Theme

GAP, RADIUS, TITLE, WORDS, DRAWING = 8, 6, 22, 34, 66
ARROW = 50.0
"""Length in pixels of the larger component of the clipped gradient."""
KEPT_DEG = 0.5
"""A smaller angle is invisible and counts as unchanged."""

SENTENCES = {
    "": "Clipping bounds the step where the loss is steep: by value it may turn it, by norm the direction stays.",
    "clipvalue": "Each number of the gradient is cut on its own, so the step may lead elsewhere.",
    "clipnorm": "The gradient of each variable is shortened as a whole: each keeps its own direction.",
    "global_clipnorm": "All gradients are shortened by one factor: the step of the whole network keeps its direction.",
}


class ClippingPicture(QWidget):
    """Two tiles: clipped by value, clipped by norm. The one in use has the accent colour."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chosen = ""
        self._limit = 1.0
        self.setObjectName("clipping_picture")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)
        self.show_clipping("", 1.0)

    def show_clipping(self, name: str, limit: float) -> None:
        """Show the effect of the present limit: `name` is the optimizer's field, "" without clipping."""
        if self.toolTip() and (name, limit) == (self._chosen, self._limit):
            return
        self._chosen, self._limit = name, limit
        words = "; ".join(f"{title}: {before} becomes {after}, {turn}" for title, before, after, turn in self.texts())
        self.setAccessibleName(f"The gradient under clipping: {words}")
        self.setToolTip(f"A gradient of {_pair(EXAMPLE)}, dashed, and what clipping leaves of it.")
        self.update()

    def texts(self) -> tuple[tuple[str, str, str, str], ...]:
        """The texts of each tile: title, gradient before and after, and the effect on its direction."""
        before = EXAMPLE
        found = []
        for title, after in zip(self._titles(), self._clipped(), strict=True):
            angle = turned(before, after)
            same = before == after
            turn = "not clipped" if same else "direction kept" if angle < KEPT_DEG else f"turned by {angle:.0f}°"
            found.append((title, _pair(before), _pair(after), turn))
        return tuple(found)

    def _titles(self) -> tuple[str, str]:
        value = self._limit if self._chosen == "clipvalue" else 1.0
        norm = self._limit if self._chosen in ("clipnorm", "global_clipnorm") else 1.0
        name = "Global clip norm" if self._chosen == "global_clipnorm" else "Clip norm"
        return f"Clip value {value:g}", f"{name} {norm:g}"

    def _clipped(self) -> tuple[Gradient, Gradient]:
        value = self._limit if self._chosen == "clipvalue" else 1.0
        norm = self._limit if self._chosen in ("clipnorm", "global_clipnorm") else 1.0
        return clipped_by_value(EXAMPLE, value), clipped_by_norm(EXAMPLE, norm)

    # ------------------------------------------------------------------------------------------ Qt

    def sizeHint(self) -> QSize:
        return QSize(240, TITLE + DRAWING + WORDS)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = (self.width() - GAP) / 2
        chosen = {"clipvalue": 0, "clipnorm": 1, "global_clipnorm": 1}.get(self._chosen, -1)
        for number, (words, after) in enumerate(zip(self.texts(), self._clipped(), strict=True)):
            tile = QRectF(number * (width + GAP), 0, width, self.height()).adjusted(0.5, 0.5, -0.5, -0.5)
            self._paint_tile(painter, tile, words, after, used=number == chosen)

    def _paint_tile(
        self, painter: QPainter, tile: QRectF, words: tuple[str, str, str, str], after: Gradient, *, used: bool
    ) -> None:
        color = self._theme.color
        painter.setPen(QPen(color("accent" if used else "border"), 1))
        painter.setBrush(color("accent_soft" if used else "inset"))
        painter.drawRoundedRect(tile, RADIUS, RADIUS)
        painter.setPen(color("text"))
        painter.setFont(self._theme.font(11, QFont.Weight.Medium))
        title = QRectF(tile.left() + 8, tile.top() + 4, tile.width() - 16, TITLE - 4)
        painter.drawText(title, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words[0])
        origin = QPointF(tile.center().x() - 20, tile.top() + TITLE + DRAWING - 6)
        painter.setPen(QPen(color("strong"), 1))
        painter.drawLine(QLineF(origin.x() - 10, origin.y(), origin.x() + 70, origin.y()))
        painter.drawLine(QLineF(origin.x(), origin.y() + 4, origin.x(), tile.top() + TITLE))
        reach = (DRAWING - 6) / EXAMPLE[1]
        pen = QPen(color("text3"), 1.4)
        pen.setDashPattern([3, 2])
        painter.setPen(pen)
        painter.drawLine(QLineF(origin, origin + QPointF(EXAMPLE[0] * reach, -EXAMPLE[1] * reach)))
        self._paint_arrow(painter, origin, after, used=used)
        painter.setFont(self._theme.font(11))
        painter.setPen(color("text2"))
        line = QRectF(tile.left() + 4, tile.top() + TITLE + DRAWING, tile.width() - 8, WORDS / 2 - 1)
        whole = f"{words[1]} → {words[2]}"
        fits = painter.fontMetrics().horizontalAdvance(whole) <= line.width()
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, whole if fits else f"→ {words[2]}")
        painter.setPen(color("text"))
        painter.drawText(line.translated(0, WORDS / 2 - 2), Qt.AlignmentFlag.AlignCenter, words[3])

    def _paint_arrow(self, painter: QPainter, origin: QPointF, step: Gradient, *, used: bool) -> None:
        tone = self._theme.color("accent" if used else "text2")
        reach = ARROW / max(abs(value) for value in step)
        tip = origin + QPointF(step[0] * reach, -step[1] * reach)
        painter.setPen(QPen(tone, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(QLineF(origin, tip))
        length = hypot(tip.x() - origin.x(), tip.y() - origin.y()) or 1.0
        along = QPointF((tip.x() - origin.x()) / length, (tip.y() - origin.y()) / length)
        across = QPointF(-along.y(), along.x())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone)
        painter.drawPolygon(QPolygonF([tip + along * 2, tip - along * 7 + across * 4, tip - along * 7 - across * 4]))


def _pair(gradient: Gradient) -> str:
    """ "[0.009, 1]", with as many digits as show the effect."""
    return "[" + ", ".join(f"{value:.3g}" for value in gradient) + "]"
