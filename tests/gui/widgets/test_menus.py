"""Heads within menus."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QCursor
from PySide6.QtWidgets import QApplication, QMenu, QToolButton

from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.menus import add_head, let_go_of


def test_a_head_is_drawn_and_cannot_be_chosen(qtbot: Any, qapp: QApplication) -> None:
    theme = Theme(qapp, "light")
    theme.apply()
    menu = QMenu()
    qtbot.addWidget(menu)
    menu.addAction("Before")
    head = add_head(menu, "Salt & pepper")
    assert not head.isEnabled() and menu.actions()[1].isSeparator()
    menu.popup(menu.pos())
    picture = menu.grab(menu.actionGeometry(head)).toImage()
    colors = {QColor(picture.pixel(x, y)).name() for x in range(picture.width()) for y in range(picture.height())}
    assert len(colors) > 3, "letters, not a line"
    menu.close()
    theme.deleteLater()


def test_the_first_head_of_a_menu_has_no_line_above_it(qtbot: Any) -> None:
    menu = QMenu()
    qtbot.addWidget(menu)
    add_head(menu, "wine")
    assert [(action.text(), action.isSeparator()) for action in menu.actions()] == [("wine", False)]


def test_a_button_whose_menu_opened_a_dialog_looks_untouched(qtbot: Any) -> None:
    button = QToolButton()
    qtbot.addWidget(button)
    menu = QMenu(button)
    let_go_of(button, menu)
    button.move(QCursor.pos() + QPoint(400, 400))
    button.show()
    button.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)  # Qt leaves it so: the dialog is modal
    menu.aboutToHide.emit()
    assert not button.underMouse()
