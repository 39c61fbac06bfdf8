"""The axis of every plot of this package."""

from __future__ import annotations

import os

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import pyqtgraph as pg
from PySide6.QtCore import QRectF


class Axis(pg.AxisItem):  # type: ignore[misc]
    """An axis that keeps its end labels: with a grid on, pyqtgraph leaves them out as too near the edge."""

    def boundingRect(self) -> QRectF:
        return QRectF(super().boundingRect().adjusted(-10, -10, 10, 10))
