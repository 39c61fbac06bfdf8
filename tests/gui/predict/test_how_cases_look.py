"""How cases look: their pictures, their names, the threshold, and the list's scroll bar."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter

from dnnstudio.gui.predict.rows.row_delegate import RowDelegate
from dnnstudio.gui.predict.words import ask_line, shown_threshold, threshold_step
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.theme.theme import Choice

from .kit import PICTURES, Opener


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_pictures_are_shown_as_their_files_store_them(open_window: Opener, theme: Theme, choice: Choice) -> None:
    """A photo that is dark on light must not look light on dark beside the sentence that says so."""
    window = open_window("net", Path("/new/paper 0.png"))
    theme.apply(choice)
    picture = window.pictures.image(0)
    assert picture is not None
    stored = window.cases.blocks[0].pictures
    assert stored is not None
    for y, x in ((0, 0), (3, 4)):
        assert picture.pixelColor(x, y).getRgb()[:3] == (int(stored[0, y, x]),) * 3


def test_a_row_of_a_table_is_named_by_its_number_above_its_file(
    open_window: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number tells rows apart, so that it is what is never cut."""
    written: list[str] = []
    write = RowDelegate._write

    def noted(self: RowDelegate, painter: QPainter, area: QRect, text: str, *given: Any, **named: Any) -> None:
        written.append(text)
        write(self, painter, area, text, *given, **named)

    monkeypatch.setattr(RowDelegate, "_write", noted)
    name = "a long name of a file of many rows " * 3 + "50.csv"
    window = open_window("table", Path("/data") / name, size=(1024, 700))
    window.list.view.grab()
    assert {"Row 1", "Row 2", "Row 10", name} <= set(written)


def test_the_sentence_and_the_bar_name_one_threshold(open_window: Opener) -> None:
    window = open_window("number", Path("/data/rows 50.csv"))
    for threshold in (0.04094, 0.5, 1.23456):
        window.cases.threshold = threshold
        window._show_promise()
        shown = window.bar.threshold.value()
        assert isinstance(shown, int | float) and shown == pytest.approx(threshold, rel=1e-3)
        assert ask_line(window.cases, 0).endswith(f" is above {shown:,}.")
    assert shown_threshold(21_067.3) == 21_067


@pytest.mark.parametrize(
    ("highest", "threshold", "step"),
    [(0.4, 0.36, 0.005), (60_000.0, 21_067.0, 1000.0), (600.0, 123.4, 10.0), (0.02, 0.01, 0.0002), (0.4, 50.0, 0.5)],
)
def test_the_threshold_steps_by_the_size_of_the_doubts(
    open_window: Opener, highest: float, threshold: float, step: float
) -> None:
    """A spread of prices is in thousands: a step of 0.005 would not be seen."""
    window = open_window("number", Path("/data/rows 50.csv"))
    known = window.cases.calibration
    assert known is not None
    window.cases.promise.calibration = replace(known, uncertainties=np.linspace(0.0, highest, len(known)))
    window._on_threshold(threshold)
    open_window.qtbot.keyClick(window.bar.threshold, Qt.Key.Key_Up)
    open_window.qtbot.keyClick(window.bar.threshold, Qt.Key.Key_Return)
    assert window.cases.threshold == pytest.approx(threshold + step)


def test_the_threshold_steps_by_thousandths_while_no_doubt_is_known() -> None:
    assert threshold_step(None, None) == threshold_step(0.0, np.zeros(0)) == 0.005


def test_a_list_that_needs_no_scrolling_has_no_handle(open_window: Opener) -> None:
    window = open_window("net", *PICTURES[:2])
    bar = window.list.view.verticalScrollBar()
    assert not bar.isEnabled()
    window = open_window("table", Path("/data/rows 50.csv"), size=(1024, 700))
    assert window.list.view.verticalScrollBar().isEnabled()


def test_how_many_more_are_in_a_set_is_never_cut(open_window: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, int, int]] = []
    chip = RowDelegate._chip

    def noted(self: RowDelegate, painter: QPainter, area: QRect, x: int, text: str, **named: Any) -> int:
        end = chip(self, painter, area, x, text, **named)
        drawn.append((text, end - x, painter.fontMetrics().horizontalAdvance(text)))
        return end

    monkeypatch.setattr(RowDelegate, "_chip", noted)
    window = open_window("table", Path("/data/rows 50.csv"), size=(1024, 700))
    window._on_coverage(0.97)
    for width in range(900, 1500, 7):
        window.resize(width, 700)
        window.list.view.grab()
    more = [(wide, words) for text, wide, words in drawn if text.startswith("+")]
    assert more
    assert all(wide >= words + 14 for wide, words in more), sorted(set(more))
