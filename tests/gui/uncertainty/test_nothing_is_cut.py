"""The inspector in a narrow window and with many classes: no column, title, figure or point is cut or covered."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QScrollArea, QStyle, QStyleOptionComboBox, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.uncertainty import UncertaintyDialog
from dnnstudio.gui.uncertainty.table.rows_table import WIDEST, RowsTable
from dnnstudio.gui.widgets import SectionTitle
from dnnstudio.gui.widgets.charts.chart import Chart, Dots

from .conftest import StubEngine, invent

SIZES = ((1024, 700), (1280, 820))
KINDS = {
    "pictures": {"classes": 10},
    "two classes": {"classes": 2, "table": True, "single": True},
    "hundred classes": {"classes": 100, "table": True, "single": True, "rows": 600},
    "table with dropout": {"classes": 4, "table": True},
}
TABS = ("distribution", "accuracy", "calibration", "decision", "promise")


@pytest.fixture(params=[pytest.param(case, id=f"{case[0]} {case[1][0]}") for case in product(KINDS, SIZES)])
def dialog(request: Any, open_dialog: Any, engine: StubEngine, qtbot: QtBot) -> UncertaintyDialog:
    kind, size = request.param
    options: dict[str, Any] = KINDS[kind]
    made: UncertaintyDialog = open_dialog(invent(**options))
    made.resize(*size)
    if len(engine.tickets) > 1:
        engine.answer(invent(**options | {"part": "validation", "seed": 3}))
    return made


def shown(tab: str, dialog: UncertaintyDialog, qtbot: QtBot) -> QWidget:
    dialog.tabs.set_current(tab)
    page = dialog.tabs.page(tab)
    qtbot.waitUntil(page.isVisible)
    qtbot.waitUntil(lambda: page.width() > 500)
    return page


def test_what_stands_in_a_column_of_cards_is_no_wider_than_it(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    for tab in TABS:
        for area in shown(tab, dialog, qtbot).findChildren(QScrollArea):
            inside = area.widget()
            if area.isVisible() and area.objectName().endswith("_side"):
                qtbot.waitUntil(lambda: inside.width() <= area.viewport().width())  # noqa: B023


def test_titles_of_cards_are_whole(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    for tab in TABS:
        for head in shown(tab, dialog, qtbot).findChildren(SectionTitle):
            if head.isVisible():
                assert head._title.width() >= head._title.sizeHint().width(), (tab, head._title.text())


def test_the_list_s_title_is_whole(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    shown("distribution", dialog, qtbot)
    (title,) = (one for one in dialog.kind.list.findChildren(SectionTitle) if one.isVisible())
    assert title._title.width() >= title._title.sizeHint().width()


def test_figures_and_names_of_classes_are_whole(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    shown("accuracy", dialog, qtbot)
    table = dialog.accuracy.table
    for column in range(table.columnCount()):
        if column or table.rowCount() < 100:
            assert table.columnWidth(column) >= table.sizeHintForColumn(column), column
    last = table.columnCount() - 1
    table.item(0, last).setText("10,000")  # the test part of a usual data set, by class
    assert table.columnWidth(last) >= table.sizeHintForColumn(last)
    if dialog.width() >= 1280 and table.rowCount() < 100:
        table.item(0, 0).setText("T-shirt/top")  # the longest of Fashion-MNIST's
        assert table.columnWidth(0) >= table.sizeHintForColumn(0)
    table.item(0, 1).setText("100.0")
    assert table.columnWidth(1) >= table.sizeHintForColumn(1)


def test_columns_of_the_list_are_as_wide_as_their_heads_and_cells(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    table = dialog.findChild(RowsTable)
    assert table is not None
    for tab in ("distribution", "promise"):
        shown(tab, dialog, qtbot)
        if not table.isVisible():
            return
        seen = table.columnViewportPosition(2) + 50
        assert tab == "promise" or seen <= table.viewport().width(), "what was said is out of sight"
        if tab == "distribution" and dialog.width() >= 1280 and table.model().rowCount() < 600:
            assert table.columnViewportPosition(4) <= table.viewport().width(), "the label is cut"
        metrics = table.horizontalHeader().fontMetrics()
        for column in range(3):
            head = str(table.model().headerData(column, Qt.Orientation.Horizontal))
            words = max(metrics.horizontalAdvance(line) for line in head.split("\n"))
            needed = max(table.sizeHintForColumn(column), words + 22)  # the style sheet's padding
            assert table.columnWidth(column) >= min(needed, WIDEST), (tab, column)


def test_the_name_of_the_score_that_decides_is_whole(dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    shown("decision", dialog, qtbot)
    combo: QComboBox = dialog.decision.score
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    room = combo.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, combo
    )
    assert combo.fontMetrics().horizontalAdvance(combo.currentText()) <= room.width(), combo.currentText()
    card = dialog.decision.curve_card
    button = dialog.decision.cheapest
    assert button.mapTo(card, QPoint(button.width(), 0)).x() <= card.width() - 12
    assert button.width() >= button.sizeHint().width()


@pytest.mark.parametrize("tab", ["calibration", "decision"])
def test_the_legend_covers_no_point(tab: str, dialog: UncertaintyDialog, qtbot: QtBot) -> None:
    page = shown(tab, dialog, qtbot)
    charts = [one for one in page.findChildren(Chart) if one.isVisible() and one.legend.entries()]
    assert charts
    for chart in charts:
        covered = QRect(chart.legend.geometry())
        for dots in (item for item in chart.items if isinstance(item, Dots)):
            for x, y in zip(dots.x, dots.y, strict=True):
                assert not covered.contains(chart.place(float(x), float(y)).toPoint()), (x, y, covered)


@pytest.fixture(params=[(1440, 900), (1024, 700)], ids=["1440", "1024"])
def many(request: Any, open_dialog: Any) -> UncertaintyDialog:
    """The Decision tab of a usual test part, with costs of many digits."""
    made: UncertaintyDialog = open_dialog(invent(rows=10_000, single=True))
    made.resize(*request.param)
    return made


def test_sums_of_ten_thousand_rows_are_whole(many: UncertaintyDialog, qtbot: QtBot) -> None:
    shown("decision", many, qtbot)
    many.decision._inspection.set_validation(invent(rows=2000, single=True, part="validation", seed=3))
    costs = many.decision.costs
    for name, price in (("wrong", 54321), ("referral", 12345.5)):
        costs.fields[name].set_value(price)
        costs._take(name, price)
    area = many.decision.findChild(QScrollArea, "decision_side")
    assert area is not None
    figures = [figure for _, figure in costs._sums]
    qtbot.waitUntil(lambda: all(one.width() >= one.minimumSizeHint().width() for one in figures))  # laid out
    assert area.widget().width() <= area.viewport().width()
    assert all(len(figure.text()) > 8 for figure in figures), "digits enough"
    for one in (*figures, *area.widget().findChildren(QPushButton), *many.decision.targets.outcomes.values()):
        if one.isVisible():
            assert isinstance(one, QPushButton | QLabel)
            right = one.mapTo(area.viewport(), QPoint(one.width(), 0)).x()
            assert right <= area.viewport().width() and one.width() >= one.minimumSizeHint().width(), one.text()
    for words, _ in costs._sums:
        assert words.height() >= words.heightForWidth(words.width()), words.text()
