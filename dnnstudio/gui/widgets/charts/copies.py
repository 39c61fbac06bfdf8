"""Copy and Save for every table and plot: a menu at a right click, which itself chooses nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QAbstractItemModel, QBuffer, QByteArray, QEvent, QIODevice, QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication, QMouseEvent, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QMenu, QTableView, QTreeView, QWidget

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.gui.widgets.windows.save_path import ask_save_path

FINER = 2.0
"""A copied picture has so many pixels for one of the screen's."""
ALL = 20_000_000
"""Rows of a model are fetched in portions; a copy wants all of them, up to so many cells."""


def keeps_choice(view: QAbstractItemView) -> None:
    """A press of the right button on `view` selects nothing: it only asks for the menu."""
    view.viewport().installEventFilter(_LeftOnly(view))


def copies_table(view: QTableView | QTreeView) -> Copies:
    """Give a table its menu with Copy and Save, unless it has one of its own, which takes them by `add_to`."""
    keeps_choice(view)
    return Copies(view, lambda: table_text(view), None)


def copies_plot(plot: QWidget, *, menu: bool = True) -> Copies:
    """Give a plot its menu with Copy and Save as a picture."""
    return Copies(plot, None, lambda: picture_of(plot), menu=menu)


class Copies(QObject):
    """Copies and saves what one widget shows: the cells of a table as text, a plot as a picture."""

    def __init__(
        self,
        widget: QWidget,
        text: Callable[[], str] | None,
        picture: Callable[[], QPixmap] | None,
        *,
        menu: bool = True,
    ) -> None:
        super().__init__(widget)
        self._widget, self._text, self._picture = widget, text, picture
        self.ask: Callable[[str, str], str] = self._ask
        """Asks for a path, from a suggestion and a filter; "" means none was chosen."""
        if menu:
            target = widget.viewport() if isinstance(widget, QAbstractItemView) else widget
            target.installEventFilter(self)

    def add_to(self, menu: QMenu) -> None:
        """Put Copy and Save at the end of a menu."""
        if not menu.isEmpty():
            menu.addSeparator()
        is_table = self._text is not None
        copy = QAction("Copy the table" if is_table else "Copy the picture", menu)
        copy.setObjectName("copy_all")
        copy.triggered.connect(self.copy)
        save = QAction("Save the table (CSV)…" if is_table else "Save the picture (PNG)…", menu)
        save.setObjectName("save_all")
        save.triggered.connect(self.save)
        menu.addActions([copy, save])

    def popup(self, place: QPoint) -> None:
        """Open a menu with Copy and Save alone at a place of the screen."""
        menu = QMenu(self._widget)
        menu.setObjectName("copies_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.add_to(menu)
        menu.popup(place)

    def copy(self) -> None:
        """Put it on the clipboard: cells between tabs for a spreadsheet, or a picture."""
        clipboard = QGuiApplication.clipboard()
        if self._text is not None:
            clipboard.setText(self._text())
        elif self._picture is not None:
            clipboard.setPixmap(self._picture())

    def save(self) -> None:
        """Ask for a path and write there. Raises `UserError`, which the program's hub of errors shows."""
        is_table = self._text is not None
        suffix, words = (".csv", "Table (*.csv)") if is_table else (".png", "Picture (*.png)")
        name = self.ask(f"{self._widget.accessibleName() or 'dnnstudio'}{suffix}", words)
        if not name:
            return
        path = Path(name) if Path(name).suffix else Path(name).with_suffix(suffix)
        write_atomically(path, self._bytes())

    def _bytes(self) -> bytes:
        if self._text is not None:
            return as_csv(self._text()).encode()
        assert self._picture is not None
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self._picture().save(buffer, "PNG")
        buffer.close()
        return bytes(data.data())

    def _ask(self, suggestion: str, words: str) -> str:
        return ask_save_path(self._widget, suggestion, words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ContextMenu or not isinstance(event, QContextMenuEvent):
            return super().eventFilter(watched, event)
        if self._widget.contextMenuPolicy() != Qt.ContextMenuPolicy.DefaultContextMenu:
            return False  # it has a menu of its own, which it may have been given long after this filter
        self.popup(event.globalPos())
        return True


def table_text(view: QTableView | QTreeView) -> str:
    """The shown columns of a table with their heads, cells between tabs; rows of a tree below what they belong to."""
    model = view.model()
    columns = [column for column in range(model.columnCount()) if not view.isColumnHidden(column)]
    heads = [str(model.headerData(column, Qt.Orientation.Horizontal) or "") for column in columns]
    lines = [heads] if any(heads) else []
    _add_rows(model, QModelIndex(), columns, lines)
    return "\n".join("\t".join(_in_one_line(cell) for cell in line) for line in lines)


def as_csv(text: str) -> str:
    """Cells between tabs as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(line.split("\t") for line in text.split("\n"))
    return out.getvalue()


def picture_of(widget: QWidget) -> QPixmap:
    """What the widget shows, finer than the screen, on the ground of its window."""
    picture = QPixmap(widget.size() * FINER)
    picture.setDevicePixelRatio(FINER)
    picture.fill(widget.palette().window().color())
    widget.render(picture)
    return picture


def _add_rows(model: QAbstractItemModel, parent: QModelIndex, columns: list[int], lines: list[list[str]]) -> None:
    while model.canFetchMore(parent) and model.rowCount(parent) * len(columns) < ALL:
        model.fetchMore(parent)
    for row in range(model.rowCount(parent)):
        lines.append([str(model.index(row, column, parent).data() or "") for column in columns])
        _add_rows(model, model.index(row, 0, parent), columns, lines)


def _in_one_line(cell: str) -> str:
    return " ".join(cell.split())


class _LeftOnly(QObject):
    """Lets only the left and the middle button through to a view, which selects by any of them."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        pressed = event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)
        if pressed and isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.RightButton:
            return True
        return super().eventFilter(watched, event)
