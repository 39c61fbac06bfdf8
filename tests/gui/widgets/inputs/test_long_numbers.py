"""Numbers that are longer than their field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import NumberField


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    yield made
    made.deleteLater()


def test_a_number_that_is_too_long_keeps_its_power_of_ten_in_sight(qtbot: QtBot, theme: Theme) -> None:
    """A rate that a sweep drew, 0.0004: with its end cut off it looked like 4."""
    around = QWidget()
    column = QVBoxLayout(around)
    large, small, other = fields = [NumberField(theme, arrows=True) for _ in range(3)]
    for field, value in zip(fields, (4.0478502804039754, 4.0478502804039754e-4, 4.0478502804039754e-5), strict=True):
        field.setFixedWidth(120)
        field.set_value(value)
        column.addWidget(field)
    somewhere = QToolButton()
    column.addWidget(somewhere)
    qtbot.addWidget(around)
    with qtbot.waitActive(around):
        around.show()
        around.activateWindow()
    somewhere.setFocus()
    pictures = [field.grab().toImage() for field in (large, small, other)]
    assert pictures[0] != pictures[1] != pictures[2]
