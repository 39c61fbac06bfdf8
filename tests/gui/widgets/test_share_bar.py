"""The captions below a bar of shares: they fill the room, and never lie over each other."""

from __future__ import annotations

import pytest

from dnnstudio.gui.widgets.charts.legend import CAPTION_GAP, spread_captions


@pytest.mark.parametrize("room", [0, 40, 120, 300, 900])
@pytest.mark.parametrize("widths", [[80], [80, 90], [70, 66, 66, 95]])
def test_captions_fit_and_never_overlap(widths: list[int], room: int) -> None:
    given, gap = spread_captions(widths, room)
    assert all(0 <= one <= wish for one, wish in zip(given, widths, strict=True))
    assert len(widths) == 1 or gap >= CAPTION_GAP
    taken = sum(given) + gap * (len(given) - 1)
    assert taken <= max(room, CAPTION_GAP * (len(given) - 1)) + 1e-9


def test_with_room_enough_they_reach_from_edge_to_edge() -> None:
    given, gap = spread_captions([80, 90, 30], 400)
    assert (given, gap) == ([80, 90, 30], 100.0)
