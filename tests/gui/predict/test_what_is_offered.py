"""The window of new cases offers what its network can do, from the first moment on, and shows each row at its place."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionComboBox

from dnnstudio.gui.theme import reason_of

from .kit import PICTURES, Opener


def test_of_a_number_without_a_spread_no_doubt_and_no_decision_is_offered(open_window: Opener) -> None:
    """Its inspector has no Decision tab, and nothing is above a threshold."""
    window = open_window("plain number")
    for _ in range(2):  # before and after there are answers
        assert window.bar.kind.isHidden() and window.bar.decision.isHidden()
        assert not window.bar.threshold.isEnabled() and "no dropout" in reason_of(window.bar.threshold)
        window.add([Path("/data/rows 50.csv")])
        open_window.settle()


def test_of_a_number_with_dropout_the_spread_is_asked_about(open_window: Opener) -> None:
    window = open_window("number", Path("/data/rows 50.csv"))
    assert window.bar.threshold.isEnabled() and window.bar.decision.isHidden()


def test_a_network_of_classes_says_that_sets_come_with_the_answers(open_window: Opener) -> None:
    window = open_window("net")
    assert reason_of(window.bar.kind) == "Nothing was answered yet."
    window.add(PICTURES)
    open_window.settle()
    assert window.bar.kind.isEnabled() and not window.bar.decision.isHidden()


@pytest.mark.parametrize("size", [(1280, 820), (1024, 700)])
def test_copied_rows_are_offered_to_a_network_of_tables_alone(open_window: Opener, size: tuple[int, int]) -> None:
    pictures, table = open_window("net", size=size), open_window("table", size=size)
    assert pictures.list.drop.note.isHidden()
    words = pictures.list.drop.words
    assert words.fontMetrics().horizontalAdvance(words.text()) <= words.width()
    assert not table.list.drop.note.isHidden()


def test_a_row_without_an_answer_is_shown_at_the_top(open_window: Opener) -> None:
    window = open_window("net", *PICTURES)
    window.list.select(len(PICTURES) - 1)  # the one that cannot be read
    QApplication.processEvents()
    assert window.side.passes.isHidden()
    assert window.side.case.y() == 0


@pytest.mark.parametrize("best", [3, 128])
@pytest.mark.parametrize("width", [900, 960, 1024, 1120, 1280])
def test_nothing_at_the_head_lies_over_another(open_window: Opener, width: int, best: int) -> None:
    window = open_window("net", *PICTURES, best=best, size=(width, 640))
    QApplication.processEvents()
    row = window.bar.layout()
    assert row is not None and window.width() == width
    shown = [item.widget() for n in range(row.count()) if (item := row.itemAt(n)) is not None]
    places = [one.geometry() for one in shown if one is not None and one.isVisible()]
    assert all(one.right() < next_one.left() for one, next_one in pairwise(places)), places
    assert places[-1].right() <= window.bar.width()


@pytest.mark.parametrize("width", [900, 1024, 1280])
def test_which_weights_answer_is_read_whole(open_window: Opener, width: int) -> None:
    box = open_window("net", *PICTURES, best=128, size=(width, 700)).bar.weights
    QApplication.processEvents()
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    part = QStyle.SubControl.SC_ComboBoxEditField
    room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width() - 2
    assert box.currentText() == "best of epoch 128"
    assert box.fontMetrics().horizontalAdvance(box.currentText()) <= room
