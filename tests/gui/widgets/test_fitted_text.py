"""Text that a widget paints by itself: elided where it does not fit, and told in full by a tooltip there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import NumberField
from dnnstudio.gui.widgets.fitted_text import WholeTexts, fitted

AREA = QRect(10, 10, 60, 20)
LONG = "a name that is longer than its place"


class Painted(QWidget):
    """Paints one text in its place."""

    text = LONG
    shown = ""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.shown = fitted(painter, self.text, AREA)
        painter.drawText(AREA, 0, self.shown)


def test_what_is_elided_is_told_where_it_stands_and_no_longer_than_it_does(qtbot: QtBot) -> None:
    widget = Painted()
    qtbot.addWidget(widget)
    widget.resize(200, 60)
    with qtbot.waitExposed(widget):
        widget.show()
    qtbot.waitUntil(lambda: widget.shown.endswith("…"))
    tips = widget.findChild(WholeTexts)
    assert isinstance(tips, WholeTexts) and tips.at(QPoint(150, 50)) == ""
    place = AREA.center()
    QApplication.sendEvent(widget, QHelpEvent(QHelpEvent.Type.ToolTip, place, widget.mapToGlobal(place)))
    assert QToolTip.text() == LONG
    widget.text = "short"
    widget.repaint()
    assert widget.shown == "short" and tips.at(place) == ""
    QToolTip.hideText()


def test_a_number_too_long_for_its_field_is_told_whole_while_nobody_types_there(
    qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial's rate has seventeen digits."""
    theme = Theme(qapp, "light")
    theme.apply()
    field = NumberField(theme, arrows=True)
    field.setFixedWidth(120)
    field.set_value(0.0087319077393992)
    qtbot.addWidget(field)
    with qtbot.waitExposed(field):
        field.show()
    field.clearFocus()
    field.repaint()
    tips, place = field.findChild(WholeTexts), QPoint(30, field.height() // 2)
    assert isinstance(tips, WholeTexts) and tips.at(place) == "0.0087319077393992" == field.text()
    with monkeypatch.context() as typing:
        typing.setattr(field, "hasFocus", lambda: True)
        field.repaint()
        assert tips.at(place) == "", "all of it can be reached"
    field.set_value(0.01)
    field.repaint()
    assert tips.at(place) == "" and field.text() == "0.01"
    theme.deleteLater()
