"""The words below an axis stand under their values, also the last ones."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.axis import Axis
from dnnstudio.gui.widgets.charts.chart import Chart


@pytest.mark.parametrize("text", ["0.5", "10"])
def test_the_last_label_stands_under_its_value(qtbot: Any, theme: Theme, text: str) -> None:
    chart = Chart(theme, name="Figures")
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    chart.set_axes(Axis(0.0, 1.05, [(1.0, text)]), Axis(0.0, 1.0, []))
    with qtbot.waitExposed(chart):
        chart.show()
    at, below = chart.place(1.0, 0.0).x(), round(chart.area().bottom()) + 6
    ratio, picture = chart.devicePixelRatio(), chart.grab().toImage()
    ground = picture.pixelColor(QPoint(2, below) * ratio).name()
    inked = [
        x
        for x in range(chart.width() - 1)
        if any(picture.pixelColor(QPoint(x, below + y) * ratio).name() != ground for y in range(12))
    ]
    assert abs((inked[0] + inked[-1]) / 2 - at) <= 2
