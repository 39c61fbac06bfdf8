"""The card: the surface on which the window's contents are placed."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from dnnstudio.gui.theme import Role, Theme, set_role
from dnnstudio.gui.widgets.labels import SectionTitle
from dnnstudio.gui.widgets.panel_texts import text_of

FIELD_HEAD = 28
"""Height of a head that may contain a field, so that nothing moves when the field appears."""


class Card(QFrame):
    """A bordered surface with a head (unless it has no title) and a `body` for widgets."""

    def __init__(
        self,
        theme: Theme,
        title: str = "",
        *,
        icon: str = "",
        note: str = "",
        margin: int = 12,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        set_role(self, Role.CARD)
        column = QVBoxLayout(self)
        column.setContentsMargins(margin, margin - 2, margin, margin)
        column.setSpacing(8)
        self.head = SectionTitle(theme, title, icon=icon, note=note, parent=self)
        self.head.setMinimumHeight(24)
        column.addWidget(self.head)
        self.head.setVisible(bool(title))
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        column.addLayout(self.body, 1)
        if title:
            self._name(title)

    def set_title(self, title: str) -> None:
        """Another title, which is what the card is called aloud too."""
        self.head.set_title(title)
        if self.head.keeps_title:
            self.head.keep_title()
        self._name(title)

    def _name(self, title: str) -> None:
        self.setAccessibleName(title)
        if text := text_of(title):
            self.setWhatsThis(text)
            self.setAccessibleDescription(text)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Add a widget below the present ones."""
        self.body.addWidget(widget, stretch)
