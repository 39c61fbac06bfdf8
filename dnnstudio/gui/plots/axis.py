"""The axis used by every plot of this package."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QFrame, QGraphicsItem, QGraphicsSceneMoveEvent

SIDE = 10
"""The room right of a plot, into which its last label may reach."""
OFFSET = 6
"""Between a label and its axis."""
REACH = 40
"""So far beyond its ends an axis takes a label that is still to be moved; pyqtgraph drops what reaches further."""


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis that keeps its end labels, and whole: with a grid on, pyqtgraph drops them as too near to the edge."""

    _bounds: QRectF | None = None
    least_width = 0
    """What an axis at the left takes anyway, so that plots below each other align."""

    def generateDrawSpecs(self, p: QPainter) -> Any:
        """As pyqtgraph's, with a last label as long as "1,500" moved to the left until it ends with the plot."""
        specs = super().generateDrawSpecs(p)
        if specs is None or self.orientation != "bottom":
            return specs
        lines, ticks, texts = specs
        right = self.mapRectFromParent(self.geometry()).right() + SIDE
        return lines, ticks, [(rect.translated(min(right - rect.right(), 0.0), 0.0), *rest) for rect, *rest in texts]

    def setTicks(self, ticks: Any) -> None:
        """As pyqtgraph's; an axis at the left gives its longest label room, as "95.75 %" in a range of one per cent."""
        super().setTicks(ticks)
        if self.orientation == "left" and ticks:
            metrics = QFontMetrics(self.style["tickFont"] or QFont())
            longest = max((metrics.horizontalAdvance(text) for level in ticks for _, text in level), default=0)
            self.setWidth(max(self.least_width, longest + OFFSET + 2))

    def resizeEvent(self, ev: Any = None) -> None:
        super().resizeEvent(ev)
        self.drop_picture()

    def moveEvent(self, event: QGraphicsSceneMoveEvent) -> None:
        super().moveEvent(event)
        self._bounds = None

    def drop_picture(self, _: object = None) -> None:
        """Drop the picture that Qt keeps of the axis, and its bounds. Of another size Qt would take over what it shows
        already, and paint only beyond it, whatever was asked to be painted anew.
        """
        self._bounds = None
        if (mode := self.cacheMode()) != QGraphicsItem.CacheMode.NoCache:
            self.setCacheMode(QGraphicsItem.CacheMode.NoCache)
            self.setCacheMode(mode)

    def setGrid(self, grid: Any) -> None:
        self._bounds = None
        super().setGrid(grid)

    def boundingRect(self) -> QRectF:
        """Kept, since Qt asks half a dozen times a painting."""
        if self._bounds is None:
            self._bounds = QRectF(super().boundingRect().adjusted(-REACH, -SIDE, REACH, SIDE))
        return self._bounds


def prepare(view: pg.PlotWidget, left: Axis, bottom: Axis, *, left_width: int, bottom_height: int) -> None:
    """Configure a plot: no buttons, dragging or frame; axes without tick marks and of fixed size, so that
    plots align.
    """
    view.hideButtons()
    view.setMouseEnabled(x=False, y=False)
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the plot around it may take the keyboard, and shows it
    view.getPlotItem().setContentsMargins(0, 6, SIDE, 0)
    view.getViewBox().setDefaultPadding(0.0)
    for axis in (left, bottom):
        view.getViewBox().sigResized.connect(axis.drop_picture)  # as long as the grid's lines are in it
        axis.setStyle(tickLength=0, tickTextOffset=OFFSET, maxTickLevel=0, hideOverlappingLabels=False)
    left.least_width = left_width
    left.setWidth(left_width)
    bottom.setHeight(bottom_height)
