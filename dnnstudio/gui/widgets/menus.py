"""Heads within menus, what a text field's own menu has, and the button that a menu belongs to.

The title of Qt's own section is not drawn where a style sheet draws the separators.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QMenu


def add_head(menu: QMenu, text: str) -> QAction:
    """Begin a section with a line that names what follows and cannot be chosen."""
    if not menu.isEmpty():
        menu.addSeparator()
    head = menu.addAction(text.replace("&", "&&"))
    head.setObjectName("menu_head")
    head.setEnabled(False)
    return head


def add_usual(menu: QMenu, field: QLineEdit) -> None:
    """Add what the field's own menu has: undo, cut, copy, paste, select all."""
    usual = field.createStandardContextMenu()
    if usual is None:
        return
    usual.setParent(menu, usual.windowFlags())  # else it becomes a part of the menu, and covers its first entries
    menu.addSeparator()
    menu.addActions(usual.actions())


def let_go_of(button: QAbstractButton, menu: QMenu) -> None:
    """Let the button look untouched once its menu has closed: a dialog that opens from it hides that it was left."""

    def forget() -> None:
        if not button.rect().contains(button.mapFromGlobal(QCursor.pos())):
            button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
            button.update()

    menu.aboutToHide.connect(forget)
