"""The few lines of the data panel that stand for a person's own data."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.data import Column, DataSummary, Digits, Table
from dnnstudio.gui.data.own_data import OwnDataSummary
from dnnstudio.gui.theme import Theme

TABLE = Table(
    path="/d/t.csv",
    columns=(Column(name="a"), Column(name="b", kind="id", role="ignored"), Column(name="y", role="target")),
)


def summary(*notes: str) -> DataSummary:
    return DataSummary((1,), ("p", "q"), True, (8, 2, 2), notes=notes)


def test_a_table_is_one_line_and_what_its_reader_noticed(qtbot: Any, qapp: QApplication) -> None:
    own = OwnDataSummary(Theme(qapp))
    qtbot.addWidget(own)
    own.show_data(TABLE, summary("Line 4 left out.", "Two columns are named a.", "A third thing."))
    assert own.words.text() == "Predicts y from 1 column"
    assert own.notes == ("Line 4 left out.", "Two columns are named a. And 1 more.")
    with qtbot.waitSignal(own.columns_requested):
        own.columns_button.click()


def test_notes_of_other_sources_are_shown_too_and_nothing_without_any(qtbot: Any, qapp: QApplication) -> None:
    own = OwnDataSummary(Theme(qapp))
    qtbot.addWidget(own)
    own.show_data(Digits(), summary("3 files left out."))
    assert own.shows_anything
    assert own.notes == ("3 files left out.",)
    assert own.columns_button.isHidden() or own.head.isHidden()
    own.show_data(Digits(), summary())
    assert not own.shows_anything
