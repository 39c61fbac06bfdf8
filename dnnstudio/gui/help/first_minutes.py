"""The first five minutes, beside the window: the README's own words."""

from __future__ import annotations

from PySide6.QtWidgets import QTextBrowser, QVBoxLayout, QWidget

from dnnstudio.core.resources import resource_folder
from dnnstudio.gui.widgets import Dialog
from dnnstudio.gui.widgets.charts.ring import FocusRing

FILE = "first_minutes.md"


def first_minutes() -> str:
    """The text as Markdown."""
    return (resource_folder() / "help" / FILE).read_text(encoding="utf-8")


class FirstMinutesDialog(Dialog):
    """Reads along: it stays open while the window is used."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("first_minutes")
        self.setWindowTitle("The first five minutes")
        self.resize(520, 640)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        self.text = QTextBrowser()
        self.text.setObjectName("first_minutes_text")
        self.text.setAccessibleName("The first five minutes")
        self.text.setOpenLinks(False)
        FocusRing(self.text)
        self.text.setMarkdown(first_minutes())
        column.addWidget(self.text)
