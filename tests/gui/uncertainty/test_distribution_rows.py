"""The rows of a distribution: while passes come in they are drawn in two turns, and then look as drawn at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from PySide6.QtGui import QImage, QPaintEvent
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty.distribution.rows import ClassRow, DistributionRows
from dnnstudio.gui.uncertainty.sentences import Words


def rows_of(means: tuple[float, ...], *, passes: int) -> tuple[ClassRow, ...]:
    source = np.random.default_rng(passes)
    return tuple(
        ClassRow(f"class {number}", np.clip(source.normal(mean, 0.02, passes), 0, 1), mean, 3, "#3366cc")
        for number, mean in enumerate(means)
    )


MEANS = (0.5, 0.3, 0.15, 0.01, 0.01, 0.01, 0.01, 0.005, 0.004, 0.001)


class Paintings(QObject):
    """What of a widget was painted, turn by turn."""

    def __init__(self) -> None:
        super().__init__()
        self.areas: list[QRect] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False


@pytest.fixture
def drawn(qtbot: QtBot, theme: Theme) -> Any:
    """Makes a widget that has shown `rows`, and what notes its paintings from then on."""

    def make(rows: tuple[ClassRow, ...]) -> tuple[DistributionRows, Paintings]:
        widget, paintings = DistributionRows(theme, Words()), Paintings()
        qtbot.addWidget(widget)
        widget.installEventFilter(paintings)
        widget.resize(560, 520)
        widget.set_rows(rows)
        with qtbot.waitExposed(widget):
            widget.show()
        widget.repaint()
        paintings.areas.clear()
        return widget, paintings

    return make


def picture(widget: DistributionRows) -> QImage:
    return widget.grab().toImage()


@pytest.mark.display
def test_rows_drawn_in_turns_are_the_upper_ones_and_then_the_lower(qtbot: QtBot, drawn: Any) -> None:
    widget, paintings = drawn(rows_of(MEANS, passes=20))
    first, second, *others = rows_of(MEANS, passes=60)
    widget.set_rows((second, first, *others), in_turns=True)
    qtbot.waitUntil(lambda: len(paintings.areas) == 2)
    upper, lower = paintings.areas
    assert upper.bottom() + 1 == lower.top()
    assert upper.united(lower) == widget.rect()
    top_of_third = widget._places()[2][0]
    assert upper.height() == round(top_of_third)  # two of the three that are tall


def test_what_is_drawn_in_turns_looks_as_drawn_at_once(drawn: Any) -> None:
    """Each half by itself into one picture, against the whole."""
    widget, _ = drawn(rows_of(MEANS, passes=60))
    whole = picture(widget)
    for half in widget._halves():
        part = widget.grab(half).toImage()
        assert part == whole.copy(half)


@pytest.mark.display
@pytest.mark.parametrize("change", ["tall", "fewer", "at once"])
def test_rows_that_need_other_room_are_drawn_at_once(change: str, qtbot: QtBot, drawn: Any) -> None:
    first = rows_of(MEANS, passes=20)
    widget, paintings = drawn(first)
    others = {
        "fewer": first[:-1],
        "tall": (*first[:3], replace(first[3], passes=np.full(20, 0.2)), *first[4:]),
        "at once": first,
    }
    widget.set_rows(others[change], in_turns=change != "at once")
    qtbot.waitUntil(lambda: bool(paintings.areas))
    assert paintings.areas[0] == widget.rect()
    assert not widget._lower.isActive()
