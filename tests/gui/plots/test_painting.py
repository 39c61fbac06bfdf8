"""What painting a plot costs: nothing is painted twice, and what is kept for painting is what it was made from."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.gui.plots.axis import REACH, SIDE
from dnnstudio.gui.plots.panel import RunPlots

from .test_plots import epoch, plots, started

__all__ = ["plots"]  # a fixture


class Paintings(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, watched: QWidget) -> None:
        super().__init__(watched)
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def process(qapp: QApplication, times: int = 5) -> None:
    """Let the loop run as often: what a painting asks for is done in the turn after it."""
    for _ in range(times):
        qapp.processEvents()


def test_an_axis_that_changes_is_painted_once(qapp: QApplication, plots: RunPlots) -> None:
    """pyqtgraph moves what it shows only while it paints, and all was painted a second time."""
    plot = plots.loss.plot
    process(qapp)
    seen = Paintings(plot.view.viewport())
    for top, epochs in ((1.0, 4), (3.0, 4), (20.0, 4), (20.0, 30), (400.0, 90)):
        plot.set_x_end(epochs)
        plot.set_curve("val_loss", np.arange(1.0, 4.0), np.linspace(0.0, top, 3))
        process(qapp)
        assert seen.count == 1, (top, epochs)
        seen.count = 0


def test_the_bounds_that_an_axis_keeps_are_those_it_has(qapp: QApplication, plots: RunPlots) -> None:
    """Of axes that were resized, moved, given longer labels or other grids, in whatever order."""
    chance, plot = np.random.default_rng(3), plots.loss.plot
    axes = plot._left, plot._bottom
    for _ in range(40):
        match int(chance.integers(4)):
            case 0:
                plot.window().resize(*chance.integers(500, 900, 2).tolist())
            case 1:
                plot.set_curve("val_loss", np.arange(3.0), chance.uniform(0, 10.0 ** chance.integers(-3, 6), 3))
            case 2:
                plot.set_message("Nothing yet." * int(chance.integers(2)))
            case _:
                plot.set_x_end(float(chance.integers(1, 5000)))
        process(qapp, int(chance.integers(0, 4)))
        for axis in axes:
            assert axis.boundingRect() == pg.AxisItem.boundingRect(axis).adjusted(-REACH, -SIDE, REACH, SIDE)


def test_what_other_runs_read_of_the_epochs_is_what_the_rows_say(plots: RunPlots) -> None:
    """A column is read once a row, for several readers, and none of them may change it."""
    plots.begin(started())
    curves = plots.curves
    assert curves is not None
    for number in range(1, 4):
        curves.add_epoch(epoch(number))
        epochs, values = curves.column("val_loss")
        assert epochs.tolist() == list(range(1, number + 1))
        assert values.tolist() == [row["val_loss"] for row in curves.rows]
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0.0
    curves.set_means([{"epoch": 1.0, "val_loss": 9.0}] * 3, [], ends=[3.0])
    assert curves.column("val_loss")[1].tolist() == [9.0, 9.0, 9.0]
