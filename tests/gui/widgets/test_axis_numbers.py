"""The axes of charts, for any numbers."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.axis import nice_axis
from dnnstudio.gui.widgets.charts.chart import Band, Chart, Dots, Line, Note

ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(ANY, ANY, st.booleans())
@example(0.0, 0.0, False)
@example(1e9, 1e9, False)
@example(5e-324, 5e-324, False)
@example(-1.7e308, 1.7e308, True)
@example(1e18, 1e18 * (1 + 2.3e-16), False)
@example(1e-13, 3e-13, False)
@example(nan, inf, False)
def test_an_axis_is_made_of_any_two_values(one: float, other: float, share: bool) -> None:
    low, high = (one, other) if one != one or other != other else sorted((one, other))
    axis = nice_axis(low, high, share=share)
    values, names = [value for value, _ in axis.ticks], [name for _, name in axis.ticks]
    assert axis.low < axis.high and np.isfinite((axis.low, axis.high)).all() and 3 <= len(values) <= 7
    assert (
        (np.diff(values) > 0).all()
        and len(set(names)) == len(names)
        and (values[0], values[-1]) == (axis.low, axis.high)
    )
    slack = 1e-5 * (axis.high - axis.low) + 1e-100
    if np.isfinite((low, high)).all():
        assert axis.low - slack <= max(low, -1e100) and min(high, 1e100) <= axis.high + slack


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 0, ["0", "0.25", "0.5", "0.75", "1"]),
        (-3, -1, ["-3", "-2.5", "-2", "-1.5", "-1"]),
        (0, 4e-14, ["0", "1e-14", "2e-14", "3e-14", "4e-14"]),
        (5, 5, ["2", "4", "6", "8"]),
    ],
)
def test_ticks_are_the_numbers_that_a_person_would_choose(low: float, high: float, expected: list[str]) -> None:
    assert [name for _, name in nice_axis(low, high).ticks] == expected


@pytest.mark.parametrize("values", [[1e308, -1e308, 1.0], [5e-324] * 3, [nan, inf, -inf], [-3.0, -2.0, -1.0]])
def test_a_chart_is_painted_of_any_values(qtbot: Any, theme: Theme, values: list[float]) -> None:
    chart, y, x = Chart(theme, name="Figures"), np.array(values), np.arange(3.0)
    qtbot.addWidget(chart)
    chart.resize(300, 200)
    chart.set_axes(nice_axis(0, 2), nice_axis(min(values), max(values)))
    chart.set_items([Band(x, y, y, "train"), Line(x, y, "train"), Dots(x, y, "train"), Note(2.0, values[2], "last")])
    chart.set_legend_corner("free")
    assert not chart.grab().isNull()
