"""The axis of every plot of this package."""

from __future__ import annotations

import os

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QFrame


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis that keeps its end labels: with a grid on, pyqtgraph leaves them out as too near the edge."""

    def boundingRect(self) -> QRectF:
        return QRectF(super().boundingRect().adjusted(-10, -10, 10, 10))


def prepare(view: pg.PlotWidget, left: Axis, bottom: Axis, *, left_width: int, bottom_height: int) -> None:
    """No buttons, no dragging, no frame; axes without tick marks, of a fixed size so that plots line up."""
    view.hideButtons()
    view.setMouseEnabled(x=False, y=False)
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.getPlotItem().setContentsMargins(0, 6, 10, 0)
    view.getViewBox().setDefaultPadding(0.0)
    for axis in (left, bottom):
        axis.setStyle(tickLength=0, tickTextOffset=6, maxTickLevel=0, hideOverlappingLabels=False)
    left.setWidth(left_width)
    bottom.setHeight(bottom_height)
