"""The first five minutes, beside the window: the README's own words."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextBlock, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Dialog, label, push_button
from dnnstudio.gui.widgets.charts.ring import FocusRing

FILE = "first_minutes.md"
BETWEEN, MARGIN, LINE = 8.0, 10.0, 118.0
"""Pixels between paragraphs and around the text, and the height of a line in percent."""


def first_minutes() -> str:
    """The text as Markdown."""
    return (resource_folder() / "help" / FILE).read_text(encoding="utf-8")


class FirstMinutesDialog(Dialog):
    """Reads along: it stays open while the window is used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("first_minutes")
        self.setWindowTitle("The first five minutes")
        self.resize(560, 680)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(10)
        column.addWidget(label("The first five minutes", Role.DIALOG_TITLE))
        self.text = QTextBrowser()
        self.text.setObjectName("first_minutes_text")
        self.text.setAccessibleName("The first five minutes")
        self.text.setOpenLinks(False)
        FocusRing(self.text)
        self.text.setMarkdown(first_minutes())
        self._space_out()
        column.addWidget(self.text, 1)
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("close_first_minutes")
        close.clicked.connect(self.accept)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)

    def _space_out(self) -> None:
        """Set the paragraphs apart, which Qt's Markdown does not."""
        document = self.text.document()
        document.setDocumentMargin(MARGIN)
        block: QTextBlock = document.begin()
        while block.isValid():
            style = block.blockFormat()
            style.setBottomMargin(BETWEEN)
            style.setLineHeight(LINE, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            QTextCursor(block).setBlockFormat(style)
            block = block.next()
