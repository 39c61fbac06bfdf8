"""A network as a diagram: one bar per layer, as wide as its output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10, prod

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.layers import Layer, RandomLayer, Shape, times
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import LayerShape, infer_shapes
from dnnstudio.core.planning.pretraining import trained_experiment
from dnnstudio.gui.theme import Theme, icons
from dnnstudio.gui.widgets.fitted_text import fitted

ROW, SMALLEST_ROW = 26, 15
NARROWEST = 0.1
"""The share of the whole width that even one number gets."""
SAME_FROM = 4
"""So many equal layers in a row, or more, are drawn once with their number."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the layer, its width (0 to 1), and how many equal layers it stands for."""

    shape: LayerShape
    width: float
    count: int = 1

    @property
    def layer(self) -> Layer:
        return self.shape.layer

    @property
    def title(self) -> str:
        name = type(self.layer).label
        return f"{self.count} × {name}" if self.count > 1 else name


def bars_of(experiment: Experiment, *, together: bool = True, input_shape: Shape | None = None) -> tuple[Bar, ...]:
    """The bars of a network, from input to output; with `together`, long runs of equal layers share one bar with a
    count.

    What is trained is drawn: of a pretraining the encoder and what is added above it. Without an input shape, that of
    the experiment's data is used.
    """
    summary = known_summary(experiment.data)
    shape = input_shape or (summary.input_shape if summary else None)
    rows = infer_shapes(trained_experiment(experiment, shape).active_layers, shape)
    sizes = [prod(row.output_shape) if row.output_shape is not None else 0 for row in rows]
    largest = max([*sizes, 10])
    bars: list[Bar] = []
    for row, size in zip(rows, sizes, strict=True):
        width = NARROWEST + (1 - NARROWEST) * (log10(size) / log10(largest) if size > 1 else 0.0)
        bars.append(Bar(row, width))
    return _without_repeats(bars) if together else tuple(bars)


def _without_repeats(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Replace `SAME_FROM` or more repetitions of one or two layers by one with a count."""
    found: list[Bar] = []
    start = 0
    while start < len(bars):
        length, count = 1, 1
        for size in (1, 2, 3):
            stretch = [_look(bar) for bar in bars[start : start + size]]
            times_ = 1
            while [_look(b) for b in bars[start + times_ * size : start + (times_ + 1) * size]] == stretch:
                times_ += 1
            if times_ >= SAME_FROM and times_ * size > length * count:
                length, count = size, times_
        found += [Bar(bar.shape, bar.width, count) for bar in bars[start : start + length]]
        start += length * count
    return tuple(found)


def _look(bar: Bar) -> tuple[object, ...]:
    """The visible properties of a layer: everything but its name."""
    return type(bar.layer), bar.layer.caption(bar.shape.input_shape), bar.shape.output_shape


def paint_bar(painter: QPainter, area: QRectF, bar: Bar, theme: Theme, *, radius: float = 3) -> None:
    """One bar centred in `area`: filled for a trainable layer, dashed for a random one."""
    colors = theme.tokens()
    width = max(area.width() * bar.width, 3.0)
    box = QRectF(area.center().x() - width / 2, area.top(), width, area.height()).adjusted(0.5, 0.5, -0.5, -0.5)
    random, learns = isinstance(bar.layer, RandomLayer), bar.layer.has_weights
    pen = QPen(QColor(colors.accent if learns else colors.strong), 1)
    if random:
        pen.setStyle(Qt.PenStyle.CustomDashLine)
        pen.setDashPattern([3, 2])
        pen.setColor(QColor(colors.text3))
    painter.setPen(pen)
    painter.setBrush(QColor(colors.accent_soft if learns else colors.surface if random else colors.inset))
    painter.drawRoundedRect(box, radius, radius)


class StackDrawing(QWidget):
    """The diagram of an experiment's network: each layer's kind, settings and bar."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stack_drawing")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self.bars: tuple[Bar, ...] = ()
        theme.changed.connect(self.update)

    def show_experiment(self, experiment: Experiment, input_shape: Shape | None = None) -> None:
        """Show this network; see `bars_of`."""
        self.bars = bars_of(experiment, input_shape=input_shape)
        words = [f"{bar.title}: {bar.layer.caption(bar.shape.input_shape) or bar.layer.label}" for bar in self.bars]
        self.setAccessibleName("The network, from input to output")
        self.setAccessibleDescription("; ".join(words) + ".")
        self.setMinimumHeight(SMALLEST_ROW * len(self.bars))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, ROW * max(len(self.bars), 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        del event
        if not self.bars:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = min(float(ROW), self.height() / len(self.bars))
        for number, bar in enumerate(self.bars):
            self._paint_row(painter, QRectF(0, number * height, self.width(), height), bar)
        painter.end()

    def _paint_row(self, painter: QPainter, row: QRectF, bar: Bar) -> None:
        colors, theme = self._theme.tokens(), self._theme
        words = row.width() * 0.56
        icon = QRectF(row.left(), row.center().y() - 7, 14, 14)
        icons.paint(painter, icon.toRect(), bar.layer.icon, QColor(colors.text2))
        name_font, caption_font = theme.font(12, painter.font().Weight.Medium), theme.font(11)
        left = row.left() + 22
        painter.setFont(name_font)
        painter.setPen(QColor(colors.text))
        name_width = QFontMetrics(name_font).horizontalAdvance(bar.title)
        place = QRectF(left, row.top(), name_width + 2, row.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, bar.title)
        room = int(words - name_width - 22 - 10)
        caption = bar.layer.caption(bar.shape.input_shape)
        if caption and room > 24:
            painter.setFont(caption_font)
            painter.setPen(QColor(colors.text2))
            place = QRectF(left + name_width + 8, row.top(), room, row.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, fitted(painter, caption, place))
        shape_width = 76.0
        bars = QRectF(row.left() + words, row.top(), row.width() - words - shape_width, row.height())
        paint_bar(painter, bars.adjusted(0, 2, 0, -2), bar, theme)
        if bar.shape.output_shape is not None:
            painter.setFont(caption_font)
            painter.setPen(QColor(colors.text2))
            end = QRectF(row.right() - shape_width, row.top(), shape_width, row.height())
            painter.drawText(end, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                             times(bar.shape.output_shape))  # fmt: skip
