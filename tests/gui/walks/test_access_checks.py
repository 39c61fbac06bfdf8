"""The checks of access find what they look for: each with a fault that is planted, and without one."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.theme.theme import Choice
from dnnstudio.gui.widgets.gallery import Gallery

from .access_checks import contrast, controls_out_of_reach, controls_without_name, faint_text


class Words(QWidget):
    """Paints its words by itself, as delegates and plots do."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self.color = QColor(color)
        self.setMinimumSize(160, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.color)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "painted words")


def shown(qtbot: QtBot, *widgets: QWidget) -> QWidget:
    window = QWidget()
    window.setAutoFillBackground(True)
    column = QVBoxLayout(window)
    for widget in widgets:
        column.addWidget(widget)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def test_a_button_without_words_has_no_name(theme: Theme, qtbot: QtBot) -> None:
    named, silent = QToolButton(), QToolButton()
    silent.setObjectName("silent")
    named.setAccessibleName("Copy")
    found = list(controls_without_name(shown(qtbot, named, silent, QPushButton("Go"))))
    assert found == ["QToolButton(silent)"]


def test_a_button_that_takes_no_focus_is_out_of_reach(theme: Theme, qtbot: QtBot) -> None:
    far, near = QPushButton("Far"), QPushButton("Near")
    far.setObjectName("far")
    far.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    assert list(controls_out_of_reach(shown(qtbot, far, near))) == ["QPushButton(far)"]


def test_faint_words_are_found_whoever_paints_them(theme: Theme, qtbot: QtBot) -> None:
    label, good, off = QLabel("faint label"), QLabel("good label"), QLabel("of a thing that cannot be used")
    label.setStyleSheet("color: #9098A8")
    off.setStyleSheet("color: #9098A8")
    off.setEnabled(False)
    found = list(faint_text(shown(qtbot, label, good, off, Words("#A0A0A0"), Words("#202020"))))
    assert [text.split('"')[1] for text in found] == ["faint label", "painted words"]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(QColor("#000000"), QColor("#FFFFFF")) == pytest.approx(21)
    assert contrast(QColor("#767676"), QColor("#FFFFFF")) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("choice", ["light", "dark", "contrast"])
def test_every_widget_of_the_gallery_can_be_read(theme: Theme, qtbot: QtBot, choice: Choice) -> None:
    theme.apply(choice)
    gallery = Gallery(theme)
    qtbot.addWidget(gallery)
    with qtbot.waitExposed(gallery):
        gallery.show()
    assert list(faint_text(gallery)) == []
