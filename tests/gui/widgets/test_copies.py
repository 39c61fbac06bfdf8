"""Copy and Save of tables and plots, and right clicks that choose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QTableWidget, QTableWidgetItem, QTreeWidget, QTreeWidgetItem, QWidget

from dnnstudio.gui.widgets.charts.copies import copies_plot, copies_table, table_text


def a_table(qtbot: Any) -> QTableWidget:
    table = QTableWidget(2, 3)
    table.setHorizontalHeaderLabels(["Name", "Hidden", "Note"])
    for row, cells in enumerate((("a", "x", "one, two"), ("b", "x", "three\nlines"))):
        for column, text in enumerate(cells):
            table.setItem(row, column, QTableWidgetItem(text))
    table.setColumnHidden(1, True)
    qtbot.addWidget(table)
    table.show()
    return table


def test_a_copy_holds_the_columns_that_are_shown(qtbot: Any) -> None:
    copies_table(a_table(qtbot)).copy()
    assert QGuiApplication.clipboard().text() == "Name\tNote\na\tone, two\nb\tthree lines"


def test_a_file_quotes_what_csv_must(qtbot: Any, tmp_path: Path) -> None:
    copies = copies_table(a_table(qtbot))
    copies.ask = lambda suggestion, words: str(tmp_path / "figures")
    copies.save()
    assert (tmp_path / "figures.csv").read_text() == 'Name,Note\na,"one, two"\nb,three lines\n'


def test_rows_of_a_tree_stand_below_their_own(qtbot: Any) -> None:
    tree = QTreeWidget()
    qtbot.addWidget(tree)
    tree.setHeaderLabels(["Layer"])
    QTreeWidgetItem(QTreeWidgetItem(tree, ["outer"]), ["inner"])
    assert table_text(tree) == "Layer\nouter\ninner"


def test_a_plot_is_copied_twice_as_fine(qtbot: Any, tmp_path: Path) -> None:
    plot = QWidget()
    qtbot.addWidget(plot)
    plot.resize(40, 30)
    copies = copies_plot(plot)
    copies.copy()
    assert QGuiApplication.clipboard().image().width() == 80
    copies.ask = lambda suggestion, words: str(tmp_path / "plot.png")
    copies.save()
    assert QImage(str(tmp_path / "plot.png")).height() == 60


def test_a_right_press_chooses_nothing(qtbot: Any) -> None:
    table = a_table(qtbot)
    copies_table(table)
    place = table.visualItemRect(table.item(1, 0)).center()
    qtbot.mousePress(table.viewport(), Qt.MouseButton.RightButton, pos=place)
    assert not table.selectedItems()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [item.text() for item in table.selectedItems()] == ["b"]


def test_a_menu_of_its_own_that_a_table_gets_later_stays_its_menu(qtbot: Any) -> None:
    table = a_table(qtbot)
    copies_table(table)
    table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    asked: list[QPoint] = []
    table.customContextMenuRequested.connect(asked.append)
    place, inside = QPoint(5, 5), table.viewport()
    QApplication.sendEvent(inside, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, inside.mapToGlobal(place)))
    assert asked == [place]
    assert QApplication.activePopupWidget() is None
