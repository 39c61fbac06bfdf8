"""The axis: every label is seen whole."""

from __future__ import annotations

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from dnnstudio.gui.plots.axis import Axis, prepare
from dnnstudio.gui.plots.items import keep_picture


@pytest.mark.parametrize("end", [20, 1_500, 100_000])
def test_the_last_label_ends_within_the_plot(qtbot: QtBot, end: int) -> None:
    left, bottom = Axis("left"), Axis("bottom")
    view = pg.PlotWidget(axisItems={"left": left, "bottom": bottom})
    qtbot.addWidget(view)
    prepare(view, left, bottom, left_width=40, bottom_height=24)
    bottom.setTicks([[(0, "0"), (end, f"{end:,}")]])
    view.setXRange(0, end, padding=0)
    view.resize(300, 200)
    with qtbot.waitExposed(view):
        view.show()
    image = QImage(300, 200, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    _, _, texts = bottom.generateDrawSpecs(painter)
    painter.end()
    ends = {text: bottom.mapRectToScene(rect).right() for rect, _, text in texts}
    assert set(ends) == {"0", f"{end:,}"}
    assert ends[f"{end:,}"] <= view.width()


def test_the_labels_at_the_left_begin_within_the_plot(qtbot: QtBot) -> None:
    """Within one per cent they are longer than elsewhere: "5.75 %" was seen of "95.75 %"."""
    left, bottom = Axis("left"), Axis("bottom")
    view = pg.PlotWidget(axisItems={"left": left, "bottom": bottom})
    qtbot.addWidget(view)
    prepare(view, left, bottom, left_width=44, bottom_height=24)
    left.setTicks([[(0.95, "95 %"), (0.9575, "95.75 %"), (0.96, "1,234,567.25")]])
    view.setYRange(0.95, 0.96, padding=0.02)
    view.resize(300, 200)
    with qtbot.waitExposed(view):
        view.show()
    image = QImage(300, 200, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    _, _, texts = left.generateDrawSpecs(painter)
    painter.end()
    assert min(left.mapRectToScene(rect).left() for rect, _, _ in texts) >= 0
    left.setTicks([[(0.95, "0")]])
    assert left.maximumWidth() == 44


def test_an_axis_is_painted_anew_when_its_plot_gets_another_size(qtbot: QtBot) -> None:
    """The picture that is kept of it was stretched by a larger window: two sets of labels stood there."""

    def shown(*sizes: tuple[int, int]) -> QImage:
        left, bottom = Axis("left"), Axis("bottom")
        view = pg.PlotWidget(axisItems={"left": left, "bottom": bottom})
        qtbot.addWidget(view)
        prepare(view, left, bottom, left_width=44, bottom_height=24)
        left.setGrid(40)
        for axis in (left, bottom):
            keep_picture(axis)
            axis.setTicks([[(place, f"{place:g}") for place in (0.0, 0.25, 0.5, 0.75, 1.0)]])
        view.setXRange(0, 1, padding=0)
        view.setYRange(0, 1, padding=0.02)
        for number, size in enumerate(sizes):
            view.resize(*size)
            if number == 0:
                with qtbot.waitExposed(view):
                    view.show()
            QCoreApplication.processEvents()
            image = view.grab().toImage()
        return image

    assert shown((300, 120), (420, 320)) == shown((420, 320))
    assert shown((420, 320), (300, 120)) == shown((300, 120))
