"""Checks for every window: a right click on a table or plot offers Copy and Save, and chooses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyqtgraph as pg
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QTableView, QTreeView, QWidget

from dnnstudio.gui.widgets.charts.chart import Chart

SELECTS = {"layer_list", "library_table"}
"""Lists whose menu is about what is selected: a right click on another row would ask about a row that is not meant."""


def without_copies(window: QWidget) -> Iterator[str]:
    """Tables and plots without a menu that copies and saves them."""
    for kind in (QTableView, QTreeView, Chart, pg.PlotWidget):
        for widget in window.findChildren(kind):
            if widget.isVisible() and not isinstance(widget.window(), QMenu):
                offered = offered_at(widget)
                if not offered & {"copy_all", "plot_copy"} or not offered & {"save_all", "plot_png"}:
                    yield f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()}: {sorted(offered)}"


def own_menu_hidden(window: QWidget) -> Iterator[str]:
    """Tables with a menu of their own in whose place a right click brings up Copy and Save alone."""
    for widget in window.findChildren(QAbstractItemView):
        own = widget.contextMenuPolicy() == Qt.ContextMenuPolicy.CustomContextMenu
        if own and widget.isVisible() and widget.model() is not None and widget.model().rowCount():
            row = widget.model().index(0, 0)
            below = widget.indexBelow(row) if isinstance(widget, QTreeView) else row  # the first row may head a group
            if offered_at(widget, below if below.isValid() else row) == {"copy_all", "save_all"}:
                yield f"{type(widget).__name__} {widget.objectName() or widget.accessibleName()}"


def offered_at(widget: QWidget, row: QModelIndex | None = None) -> set[str]:
    """The names of the actions in the menu that a right click on a row, its first one or its middle brings up."""
    with menus_at(widget, row) as menus:
        return {action.objectName() for menu in menus for action in menu.actions()}


@contextmanager
def menus_at(widget: QWidget, row: QModelIndex | None = None) -> Iterator[list[QMenu]]:
    """The menus that such a right click brings up, closed at the end."""
    inside = widget.viewport() if hasattr(widget, "viewport") else widget
    place = inside.rect().center()
    if isinstance(widget, QAbstractItemView) and widget.model() is not None and widget.model().rowCount():
        place = widget.visualRect(row or widget.model().index(0, 0)).center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, inside.mapToGlobal(place))
    QApplication.sendEvent(inside, event)
    menus = [one for one in QApplication.topLevelWidgets() if isinstance(one, QMenu) and one.isVisible()]
    try:
        yield menus
    finally:
        for menu in menus:
            menu.close()


def chosen_by_right_clicks(window: QWidget) -> Iterator[str]:
    """Lists and tables in which a press of the right button selects another row."""
    for view in window.findChildren(QAbstractItemView):
        model = view.model()
        if not view.isVisible() or model is None or view.objectName() in SELECTS or isinstance(view.window(), QMenu):
            continue
        for row in range(min(model.rowCount(), 3)):
            place = view.visualRect(model.index(row, 0))
            if view.viewport().rect().contains(place.center()):
                before = state_of(view)
                QTest.mousePress(view.viewport(), Qt.MouseButton.RightButton, pos=place.center())
                QTest.mouseRelease(view.viewport(), Qt.MouseButton.RightButton, pos=QPoint(place.center()))
                if state_of(view) != before:
                    yield f"{type(view).__name__} {view.objectName() or view.accessibleName()}"
                    break


def state_of(view: QAbstractItemView) -> tuple[QModelIndex, list[tuple[int, int]]]:
    chosen = view.selectionModel().selectedIndexes() if view.selectionModel() is not None else []
    return view.currentIndex(), sorted((index.row(), index.column()) for index in chosen)
