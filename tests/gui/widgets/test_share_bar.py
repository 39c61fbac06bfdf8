"""The captions below a bar of shares: those that are shown are shown whole, the greatest first."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtGui import QImage

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.legend import CAPTION_GAP, Share, ShareBar, captions_that_fit

MORE = 10


@pytest.mark.parametrize("room", [0, 40, 120, 300, 900])
@pytest.mark.parametrize("widths", [[80], [80, 90], [70, 66, 66, 95]])
def test_captions_that_are_shown_have_room(widths: list[int], room: int) -> None:
    values = [float(width % 7) for width in widths]
    chosen = captions_that_fit(widths, values, room, MORE)
    assert chosen == sorted(set(chosen))
    assert max(range(len(widths)), key=lambda each: values[each]) in chosen
    taken = sum(widths[place] for place in chosen) + CAPTION_GAP * (len(chosen) - 1)
    if len(chosen) < len(widths):
        taken += CAPTION_GAP + MORE
    assert taken <= room or len(chosen) == 1
    hidden = [value for place, value in enumerate(values) if place not in chosen]
    assert max(hidden, default=0.0) <= min(values[place] for place in chosen)


def test_with_room_enough_all_are_shown() -> None:
    assert captions_that_fit([80, 90, 30], [1.0, 5.0, 2.0], 400, MORE) == [0, 1, 2]


def test_the_smallest_give_way_to_the_greatest() -> None:
    assert captions_that_fit([60, 60, 60, 60], [0.1, 0.6, 0.05, 0.25], 150, MORE) == [1, 3]


def test_what_is_not_shown_stands_in_the_tooltip(qtbot: Any, theme: Theme) -> None:
    bar = ShareBar(theme)
    qtbot.addWidget(bar)
    bar.set_shares([Share(0.9, "train", "Sneaker 90 %"), Share(0.1, "validation", "Ankle boot 10 %")])
    bar.resize(110, bar.sizeHint().height())
    assert bar.toolTip() == "Sneaker 90 %, Ankle boot 10 %"
    picture = bar.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    bar.set_shares([Share(0.9, "train", "Sneaker 90 %"), Share(0.1, "validation", "Anything 10 %")])
    assert bar.grab().toImage().convertToFormat(QImage.Format.Format_RGB32) == picture, "it is not cut into nonsense"
