"""The line above the cards that says which trained layers the network starts from."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets import ElidedLabel, IconLabel, push_button


class StartLine(QFrame):
    """ "Starts from run 9 · 3 cloned, 1 shared", with a button to change it."""

    edit_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, Role.INSET)
        self.setObjectName("start_line")
        self.setFixedHeight(30)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 4, 0)
        row.setSpacing(8)
        self.words = ElidedLabel("", Role.CAPTION)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.edit = push_button("Edit…", Role.LINK, tip="Choose which trained layers the network starts from.")
        self.edit.setObjectName("edit_transfer")
        self.edit.setAccessibleName("Edit the reused layers")
        self.edit.clicked.connect(self.edit_requested)
        row.addWidget(IconLabel(theme, "swap", color="accent", size=14))
        row.addWidget(self.words, 1)
        row.addWidget(self.edit)
        self.hide()

    def show_words(self, words: str, tip: str, *, can_edit: bool = True) -> None:
        """Show the text; "" hides the line."""
        self.edit.setVisible(can_edit)
        self.words.setText(words)
        self.words.set_hint(tip)
        self.setVisible(bool(words))
