"""The painted rows: kept while more rows come, and drawn anew when anything about them changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication

from dnnstudio.gui.predict.rows.row_delegate import Places, RowDelegate
from dnnstudio.gui.predict.window import PredictWindow
from dnnstudio.gui.theme import Theme

from .kit import PICTURES, Opener

Change = Callable[[PredictWindow], object]


def test_rows_that_come_leave_those_shown_as_they_were_painted(
    open_window: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    draw = RowDelegate._paint_answer

    def counted(
        self: RowDelegate, painter: QPainter, area: QRect, where: Places, place: int, *, selected: bool
    ) -> None:
        drawn.append(place)
        draw(self, painter, area, where, place, selected=selected)

    monkeypatch.setattr(RowDelegate, "_paint_answer", counted)
    window = open_window("table", Path("/data/rows 300.csv"))
    window.list.view.grab()
    QApplication.processEvents()
    drawn.clear()
    for block in list(window.cases.blocks):
        window.cases.add(block)
        window.list.refresh()
        window.list.view.grab()
    assert len(window.list.rows.order) == 600
    assert drawn == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda window: window.cases.correct(0, "pig"), id="corrected"),
        pytest.param(lambda window: window.cases.confirm(0), id="confirmed"),
        pytest.param(lambda window: window._on_threshold(0.0), id="threshold"),
        pytest.param(lambda window: window._on_coverage(0.5), id="coverage"),
        pytest.param(lambda window: window.list.select(1), id="selected"),
    ],
)
def test_a_row_that_changes_is_painted_anew(open_window: Opener, change: Change) -> None:
    window = open_window("net", *PICTURES)
    window.list.select(0)
    before = window.list.view.viewport().grab().toImage()
    change(window)
    window._show_promise()
    assert window.list.view.viewport().grab().toImage() != before


def test_another_theme_paints_all_rows_anew(open_window: Opener, theme: Theme) -> None:
    window = open_window("net", *PICTURES)
    painted = window.list.delegate._painted
    window.list.view.grab()
    light = {key: row.toImage() for key, row in painted.items()}
    theme.apply("dark")
    try:
        window.list.view.grab()
        dark = {key: row.toImage() for key, row in painted.items()}
    finally:
        theme.apply("light")
    assert light.keys() == dark.keys()
    assert all(light[key] != dark[key] for key in light)
