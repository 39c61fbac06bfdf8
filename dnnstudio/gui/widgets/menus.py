"""Heads within menus. The title of Qt's own section is not drawn where a style sheet draws the separators."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu


def add_head(menu: QMenu, text: str) -> QAction:
    """Begin a section with a line that names what follows and cannot be chosen."""
    if not menu.isEmpty():
        menu.addSeparator()
    head = menu.addAction(text.replace("&", "&&"))
    head.setObjectName("menu_head")
    head.setEnabled(False)
    return head
