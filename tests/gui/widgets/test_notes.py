"""Words beside a point of a chart: within the chart, and over no other point where there is room."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, QSizeF
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.axis import nice_axis
from dnnstudio.gui.widgets.charts.chart import Chart, Line, Note
from dnnstudio.gui.widgets.charts.legend import LegendEntry
from dnnstudio.gui.widgets.charts.notes import boxes_of, place_note

WITHIN, WORDS = QRectF(0, 0, 320, 200), QSizeF(70, 14)


def dots(*places: tuple[float, float]) -> list[QRectF]:
    return boxes_of((QPointF(x, y) for x, y in places), 7.0, len(places))


@pytest.mark.parametrize(
    ("at", "others", "corner"),
    [
        ((100, 100), [], (110, 93)),  # right of it
        ((100, 100), [(150, 100)], (20, 93)),  # another dot is there: left
        ((100, 100), [(150, 100), (40, 100)], (65, 110)),  # and there too: below
        ((100, 100), [(150, 100), (40, 100), (60, 115), (140, 115)], (65, 76)),  # above
        ((300, 100), [], (220, 93)),  # the edge
        ((300, 100), [(250, 100)], (230, 110)),
        ((100, 3), [], (65, 13)),  # the upper edge: below
    ],
)
def test_words_stand_where_there_is_room(
    at: tuple[float, float], others: list[tuple[float, float]], corner: tuple[float, float]
) -> None:
    place = place_note(QPointF(*at), WORDS, 10, "right", WITHIN, dots(*others))
    assert (place.x(), place.y()) == corner


def test_wherever_a_point_lies_its_words_are_in_the_chart() -> None:
    chance = random.Random(1)
    for _ in range(500):
        at = QPointF(chance.uniform(0, 320), chance.uniform(0, 200))
        cloud = dots(*((chance.uniform(0, 320), chance.uniform(0, 200)) for _ in range(chance.randrange(60))))
        place = place_note(at, WORDS, 10, chance.choice(("left", "right")), WITHIN, cloud)
        assert WITHIN.contains(place)


def test_a_cloud_of_dots_is_not_kept_clear_of() -> None:
    assert boxes_of((QPointF(0, 0) for _ in range(501)), 3.0, 501) == []


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("width", [260, 420, 800])
def test_the_legend_leaves_the_words_at_the_upper_edge_their_room(
    qtbot: QtBot, theme: Theme, at: float, width: int
) -> None:
    chart = Chart(theme)
    qtbot.addWidget(chart)
    chart.resize(width, 240)
    chart.set_axes(nice_axis(0, 1), nice_axis(0, 1))
    x = np.linspace(0, 1, 50)
    chart.set_items(
        [Line(x, 0.9 - 0.9 * x, "train"), Line(x, 0.05 * x, "val"), Note(at, 1.0, "now: 10 referred", side="above")]
    )
    chart.legend.set_entries(
        [LegendEntry("mutual information", "train", "0.256"), LegendEntry("others", "val", "0.044")]
    )
    chart.set_legend_corner("free")
    note = chart.items[-1]
    assert isinstance(note, Note)
    assert not QRectF(chart.legend.geometry()).intersects(chart.place_of(note))
    assert chart.rect().contains(chart.legend.geometry())
