"""The summary table: one row per layer with its arrays below, their roles, totals and memory; can be copied."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from dnnstudio.core.experiment.layers import Variable, times
from dnnstudio.core.experiment.summary_table import SummaryRow, SummaryTable, csv_table, format_table, memory_in_words
from dnnstudio.core.text import count_of
from dnnstudio.gui.base.shortcuts import SUMMARY, bind
from dnnstudio.gui.theme import Role, Theme
from dnnstudio.gui.widgets import Dialog, label, push_button
from dnnstudio.gui.widgets.charts.copies import copies_table

COLUMNS = ("Layer", "Kind", "Output", "Parameters", "Trainable", "Non-trainable")
NUMBERS = (3, 4, 5)
SIZE = QSize(960, 640)
ROW_HEIGHT = 24
ROOM, SIGN = 20, 8
"""Pixels that a name of that many signs takes at most in its column, and what lies around it."""
OPENED_UP_TO = 40
"""So many layers, or fewer, start with the arrays of batch normalization in sight."""


class SummaryDialog(Dialog):
    """Shows `table`. Ctrl+C copies it as text."""

    def __init__(self, theme: Theme, table: SummaryTable, *, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("summary_dialog")
        self.setWindowTitle("Summary")
        self.setModal(True)
        self.resize(SIZE)
        self._theme = theme
        self._table = table
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(label(_headline(table), Role.DIALOG_TITLE, wrap=True))
        self.tree = self._make_tree()
        column.addWidget(self.tree, 1)
        self.memory = label(memory_in_words(table), Role.SMALL, wrap=True)
        self.memory.setObjectName("summary_memory")
        column.addWidget(self.memory)
        column.addLayout(self._make_buttons())
        bind(self, SUMMARY, "Ctrl+C", self.copy_text)

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget()
        tree.setObjectName("summary_table")
        copies_table(tree)
        tree.setAccessibleName("Layers with shapes and parameters")
        tree.setHeaderLabels(COLUMNS)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setUniformRowHeights(True)
        for row in self._table.rows:
            item = self._item(row)
            tree.addTopLevelItem(item)
            partly = bool(row.non_trainable) and not row.frozen
            item.setExpanded(partly and len(self._table.rows) <= OPENED_UP_TO)
        total = _line("Total", "", "", self._table.count, self._table.trainable, self._table.non_trainable)
        for place in range(len(COLUMNS)):
            total.setFont(place, self._theme.font(12, self._theme.font().Weight.DemiBold))
        tree.addTopLevelItem(total)
        header = tree.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for place in NUMBERS:
            tree.headerItem().setTextAlignment(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        tree.setCurrentItem(tree.topLevelItem(0) or total)
        return tree

    def _item(self, row: SummaryRow) -> QTreeWidgetItem:
        shape = "off" if not row.enabled else "?" if row.output_shape is None else times(row.output_shape)
        kind = row.label + (" (frozen)" if row.frozen else "")
        item = _line(row.id, kind, shape, row.count, row.trainable, row.non_trainable)
        item.setToolTip(1, row.error or row.caption)
        if row.error:
            for place in range(3):
                item.setForeground(place, QBrush(self._theme.color("error")))
                item.setToolTip(place, row.error)
        for variable in row.variables:
            item.addChild(self._variable(variable))
        return item

    def _variable(self, variable: Variable) -> QTreeWidgetItem:
        learnt, fixed = (variable.count, None) if variable.trainable else (None, variable.count)
        item = _line(variable.name, variable.role, times(variable.shape), None, learnt, fixed)
        for place in range(len(COLUMNS)):
            item.setForeground(place, QBrush(self._theme.color("text2")))
        item.setToolTip(1, variable.role)
        return item

    def _make_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.said = label("", Role.GOOD)
        self.said.setObjectName("summary_said")
        row.addWidget(self.said)
        row.addStretch(1)
        for name, words, tip, deed in (
            ("copy_text", "Copy as text", "Put the table on the clipboard as lines of text (Ctrl+C)", self.copy_text),
            ("copy_csv", "Copy as CSV", "Put the table on the clipboard for a spreadsheet", self.copy_csv),
        ):
            button = push_button(words, tip=tip)
            button.setObjectName(name)
            button.setAutoDefault(False)
            button.clicked.connect(deed)
            row.addWidget(button)
        close = push_button("Close", Role.PRIMARY)
        close.setObjectName("close_summary")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(close)
        return row

    def copy_text(self) -> None:
        """Copy the table as printed by `dnnstudio summary`."""
        self._copy(format_table(self._table) + "\n", "Copied as text.")

    def copy_csv(self) -> None:
        """Copy the table for a spreadsheet."""
        self._copy(csv_table(self._table), "Copied as CSV.")

    def _copy(self, text: str, words: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.said.setText(words)

    @classmethod
    def show_table(cls, theme: Theme, table: SummaryTable, *, parent: QWidget | None) -> None:
        """Show the table until it is closed."""
        dialog = cls(theme, table, parent=parent)
        dialog.exec()
        dialog.deleteLater()


def _headline(table: SummaryTable) -> str:
    layers = sum(row.enabled for row in table.rows)
    text = f"{count_of(layers, 'layer')}, {count_of(table.count, 'parameter')}"
    return text + (f", {table.non_trainable:,} of them not trained" if table.non_trainable else "")


def _line(
    name: str, kind: str, shape: str, count: int | None, trainable: int | None, fixed: int | None
) -> QTreeWidgetItem:
    item = QTreeWidgetItem([name, kind, shape, *("" if n is None else f"{n:,}" for n in (count, trainable, fixed))])
    item.setSizeHint(0, QSize(ROOM + SIGN * len(name), ROW_HEIGHT))
    for place in NUMBERS:
        item.setTextAlignment(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
