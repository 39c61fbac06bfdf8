"""Curves are as wide on a fine screen as on any other."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication, QStyleOptionGraphicsItem

from dnnstudio.gui.plots.items import Curve


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0, 3.0])
def test_a_curve_is_two_pixels_of_the_window_wide(qapp: QApplication, ratio: float) -> None:
    """Counted: a level line across a picture of 100 pixels in axis units of 0 to 1."""
    curve, pen = Curve(0.0), QPen(QColor("black"), 2.0)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    curve.set_look(pen)
    curve.set_area(QRectF(0, 0, 1, 1))
    curve.set_points(np.array([0.0, 1.0]), np.array([0.5, 0.5]))
    side = round(100 * ratio)
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(100, 100)
    curve.paint(painter, QStyleOptionGraphicsItem())
    painter.end()
    ink = [1 - QColor(image.pixel(side // 2, row)).lightnessF() for row in range(side)]
    assert sum(ink) / ratio == pytest.approx(2.0, abs=0.1)
