"""One row that is typed or slid, and the answer that follows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from dnnstudio.core.jobs.cases import (
    Answering,
    AnswerRow,
    InputColumn,
    NetworkFacts,
)
from dnnstudio.gui.predict.case.what_if import STEPS, InputRow
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import ComboBox, ElidedLabel, NumberField

from ..fake_cases import CLASSES
from .kit import Opener, press, words


def test_the_answer_follows_a_slider_one_question_at_a_time(open_window: Opener) -> None:
    window = open_window("table")
    press(open_window, window, "segment_what_if")
    what_if = window.side.what_if
    open_window.qtbot.waitUntil(lambda: what_if.answer is not None)
    size = what_if.rows[0]
    assert size.slider is not None
    for step in range(300, 800, 20):
        size.slider.setValue(step)
    open_window.qtbot.waitUntil(lambda: open_window.asked(AnswerRow)[-1].values[0] == 7.8)
    open_window.settle()
    assert len(open_window.asked(AnswerRow)) < 10
    answer = what_if.answer
    assert answer is not None
    winner = CLASSES[int(answer.values[0].argmax())]
    assert words(window, "what_if_answer").startswith(winner)
    assert open_window.asked(AnswerRow)[-1].by == Answering(model=Path("/runs/table"), samples=100)


def test_typed_values_beyond_training_are_answered_and_said(open_window: Opener) -> None:
    window = open_window("table")
    press(open_window, window, "segment_what_if")
    what_if = window.side.what_if
    size, color, day = what_if.rows
    assert isinstance(size.field, NumberField) and isinstance(color.field, ComboBox)
    size.field.setText("12.5")
    size.field.commit()
    color.field.choose(-1.0)
    day.field.setText("2024-01-20")
    day.field.commit()
    open_window.qtbot.waitUntil(lambda: bool(open_window.asked(AnswerRow)))
    open_window.settle()
    values = what_if.values()
    assert values[0] == 12.5 and np.isnan(values[1]) and values[2] == 19_742.0
    expected = "size is outside of the training rows, which go from 0 to 10."
    open_window.qtbot.waitUntil(lambda: words(window, "what_if_outside") == expected)
    day.field.setText("yesterday")
    day.field.commit()
    assert "write it as 2024-05-31" in day.field.problem


def test_tab_goes_through_the_fields_in_their_order(open_window: Opener) -> None:
    window = open_window("table")
    press(open_window, window, "segment_what_if")
    what_if = window.side.what_if
    wanted = [part for row in what_if.rows for part in (row.field, row.slider) if part is not None]
    with open_window.qtbot.waitActive(window):
        window.activateWindow()
    what_if.take.setFocus()
    reached = []
    for _ in wanted:
        open_window.qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Tab)
        reached.append(window.focusWidget())
    assert reached == wanted


def test_the_chosen_row_begins_the_play(open_window: Opener) -> None:
    window = open_window("table", Path("/data/rows 5.csv"))
    window.list.select(3)
    press(open_window, window, "segment_what_if")
    press(open_window, window, "what_if_take")
    assert window.side.what_if.values() == (3.0, 1.0, 19_740.0)


@pytest.mark.parametrize(("low", "high"), [(4_905.0, 61_524.73), (0.0123, 0.98765), (-7.0, 93.0)])
def test_a_slider_at_its_end_gives_the_end_of_the_training_rows(
    qtbot: Any, theme: Theme, low: float, high: float
) -> None:
    row = InputRow(theme, InputColumn(name="income", low=low, high=high, start=(low + high) / 2), lambda: None)
    assert row.slider is not None
    for widget in (row.title, row.field, row.slider):
        qtbot.addWidget(widget)
    row.slider.setValue(STEPS)
    assert row.value == high
    row.slider.setValue(0)
    assert row.value == low


def test_a_number_of_a_wide_range_is_written_without_a_decimal_nought(qtbot: Any, theme: Theme) -> None:
    row = InputRow(theme, InputColumn(name="income", low=4_905.0, high=61_524.73, start=40_412.0), lambda: None)
    assert row.slider is not None and isinstance(row.field, NumberField)
    for widget in (row.title, row.field, row.slider):
        qtbot.addWidget(widget)
    assert row.field.text() == "40400"


def test_a_column_of_whole_numbers_is_slid_in_whole_numbers(qtbot: Any, theme: Theme) -> None:
    column = InputColumn(name="rooms", low=2.0, high=9.0, whole=True, start=6.0)
    row = InputRow(theme, column, lambda: None)
    assert row.slider is not None and isinstance(row.field, NumberField)
    for widget in (row.title, row.field, row.slider):
        qtbot.addWidget(widget)
    assert row.field.text() == "6"
    values = []
    for step in range(row.slider.maximum() + 1):
        row.slider.setValue(step)
        values.append(row.value)
    assert values == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]


@pytest.mark.parametrize("width", [900, 1024, 1440])
def test_sliders_are_long_enough_to_aim_with_beside_long_names_and_ranges(open_window: Opener, width: int) -> None:
    window = open_window("table", size=(width, 700))
    press(open_window, window, "segment_what_if")
    names = ("yearly_income", "income_of_the_household_before_taxes")
    columns = tuple(InputColumn(name=name, low=-2_500_000.0, high=12_400_000.0) for name in names)
    what_if = window.side.what_if
    what_if.show_network(Answering(model=Path("/runs/table")), NetworkFacts(classes=CLASSES, columns=columns))
    sliders = [row.slider for row in what_if.rows]
    open_window.qtbot.waitUntil(lambda: all(one is not None and one.isVisible() for one in sliders))
    open_window.qtbot.waitUntil(lambda: all(one is not None and one.width() >= 110 for one in sliders))
    inside = what_if.area.widget()
    room = what_if.area.viewport()
    for part in inside.findChildren(QLabel):
        least = 60 if isinstance(part, ElidedLabel) else part.sizeHint().width()
        assert part.isVisible() and part.width() >= least, part.text()
        assert part.mapTo(room, part.rect().bottomRight()).x() <= room.width()
