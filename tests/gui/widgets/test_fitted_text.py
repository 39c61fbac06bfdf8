"""Text that a widget paints by itself: elided where it does not fit, and told in full by a tooltip there."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget
from pytestqt.qtbot import QtBot

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
