"""A dialog with every key of the program, which a few typed letters search."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from dnnstudio.gui.help.keys_list import KeyRow, key_rows
from dnnstudio.gui.theme import Role
from dnnstudio.gui.widgets import Dialog, label
from dnnstudio.gui.widgets.charts.copies import copies_table

HEADS = ("Where", "Keys", "What")


class KeysDialog(Dialog):
    """The list of keys; it stays open beside the window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keys_dialog")
        self.setWindowTitle("Keys")
        self.resize(720, 560)
        self._rows: tuple[KeyRow, ...] = key_rows()
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label("Keys", Role.DIALOG_TITLE))
        self.search = QLineEdit()
        self.search.setObjectName("key_search")
        self.search.setAccessibleName("Search the keys")
        self.search.setPlaceholderText("Search: train, copy, Ctrl+Z…")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.show_found)
        column.addWidget(self.search)
        self.table = self._make_table()
        column.addWidget(self.table, 1)
        self.count = label("", Role.CAPTION)
        column.addWidget(self.count)
        self.show_found("")

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self._rows), len(HEADS))
        table.setTabKeyNavigation(False)  # Tab goes on to the next widget
        table.setObjectName("keys_table")
        copies_table(table)
        table.setAccessibleName("Keys")
        table.setHorizontalHeaderLabels(HEADS)
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        for place, row in enumerate(self._rows):
            for number, text in enumerate((row.place, row.keys, row.what)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(place, number, item)
        head = table.horizontalHeader()
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for number in (0, 1):
            head.setSectionResizeMode(number, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        return table

    def show_found(self, words: str) -> None:
        """Show the rows that hold every word."""
        found = 0
        for number, row in enumerate(self._rows):
            holds = row.holds(words)
            found += holds
            self.table.setRowHidden(number, not holds)
        self.count.setText(f"{found} of {len(self._rows)} keys" if words.strip() else f"{len(self._rows)} keys")
