"""In which corner of a plot the legend lies."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect

from dnnstudio.gui.plots.corner import choose, hidden_by


def test_a_legend_stays_for_a_few_points_and_goes_for_many() -> None:
    here, there = (True, False), (False, True)
    rest = {(False, False): 50, (True, True): 50}
    assert choose(here, here, ({here: 3, there: 0} | rest).__getitem__) == here
    assert choose(here, here, ({here: 4, there: 0} | rest).__getitem__) == there
    assert choose(here, here, ({here: 10, there: 4} | rest).__getitem__) == here
    area, many = QRect(10, 10, 20, 20), np.linspace(0, 99, 100)  # every second one is looked at
    assert hidden_by(area, [(many, np.full(100, 15.0)), (np.full(100, np.nan), many)]) == 9
    few = (np.array([5.0, 55.0, np.nan]), np.array([15.0, 15.0, 15.0]))  # a line behind it, and no point of it
    assert hidden_by(area, [few]) == 8
    assert hidden_by(area, [(few[0], few[1] + 50)]) == 0
