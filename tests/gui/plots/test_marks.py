"""Marks on curves: drawn in pixels, they look as one path in axis units would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPainterPath, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem

from dnnstudio.gui.plots.items import Marks


@pytest.mark.parametrize("shape", ["round", "square", "star"])
def test_marks_are_where_and_as_large_as_one_path_in_axis_units_would_be(qapp: Any, shape: Any) -> None:
    """The reference is stroked by Qt in axis units; theirs may differ by what smoothing makes of an edge."""
    x, y = np.arange(1.0, 6.0), np.array([0.2, 0.9, np.nan, 0.4, 0.6])
    wide, high = 6 / 200, 1 / 100
    view = QTransform(1 / wide, 0, 0, -1 / high, 7.3, 104.6)
    marks = Marks(0.0, 12, lambda: (wide, high), shape=shape)
    marks.set_look(pg.mkPen("#1040c0", width=1.4), QBrush(QColor("#ffd040")))
    marks.set_points(x, y)
    path = QPainterPath()
    for right, up in zip(x, y, strict=True):
        if np.isfinite(up) and shape == "round":
            path.addEllipse(QPointF(right, up), 6 * wide, 6 * high)
        elif np.isfinite(up) and shape == "square":
            path.addRect(right - 6 * wide, up - 6 * high, 12 * wide, 12 * high)
        elif np.isfinite(up):
            turns = np.arange(10) * np.pi / 5
            radius = np.where(np.arange(10) % 2 == 0, 6, 0.42 * 6)
            corners = zip(right + wide * radius * np.sin(turns), up + high * radius * np.cos(turns), strict=True)
            path.addPolygon([QPointF(*corner) for corner in corners])
            path.closeSubpath()

    def painted(paint: Callable[[QPainter], None]) -> Any:
        image = QImage(220, 120, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setWorldTransform(view)
        paint(painter)
        assert painter.worldTransform() == view
        painter.end()
        return np.array(image.constBits(), dtype=np.uint8).reshape(120, -1, 4)[:, :, :3].astype(int)

    def reference(painter: QPainter) -> None:
        painter.setPen(marks.pen)
        painter.setBrush(marks.brush)
        painter.drawPath(path)

    found, wanted = painted(lambda painter: marks.paint(painter, QStyleOptionGraphicsItem())), painted(reference)
    assert (wanted != 255).any(axis=2).sum() > 300
    assert np.abs(found - wanted).mean(axis=2).max() < 60 and np.abs(found - wanted).mean() < 0.4
