"""No text of the inspector speaks of passes where networks answered, nor of images where rows of a table did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMenu, QTabBar, QTableView, QWidget

from dnnstudio.gui.uncertainty.frame import InspectorDialog
from dnnstudio.gui.uncertainty.numbers.dialog import NumbersDialog

from .conftest import StubEngine, invent
from .test_numbers import invent_numbers

TIP, TEXT = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.DisplayRole


def of_model(model: QAbstractItemModel) -> Iterator[Any]:
    for row in range(min(model.rowCount(QModelIndex()), 3)):
        for column in range(model.columnCount(QModelIndex()) if isinstance(model, QAbstractTableModel) else 1):
            yield from (model.index(row, column).data(role) for role in (TIP, TEXT, Qt.ItemDataRole.AccessibleTextRole))


def texts_of(widget: QWidget) -> Iterator[Any]:
    """All that a person can read of one widget, or hear."""
    yield from (widget.toolTip(), widget.accessibleName(), widget.accessibleDescription())
    if isinstance(widget, QLabel | QAbstractButton):
        yield widget.text()
    if isinstance(widget, QMenu):
        for action in widget.actions():
            yield from (action.text(), action.toolTip())
    if isinstance(widget, QTabBar):
        for index in filter(widget.isTabVisible, range(widget.count())):
            yield from (widget.tabText(index), widget.tabToolTip(index))
    if isinstance(widget, QComboBox):
        yield from of_model(widget.model())
    if hasattr(widget, "images"):
        yield from of_model(widget.images)
    if isinstance(widget, QTableView):
        for section in range(widget.model().columnCount()):
            for role in (TIP, TEXT):
                yield widget.model().headerData(section, Qt.Orientation.Horizontal, role)


def is_shown(widget: QWidget, dialog: QWidget) -> bool:
    return isinstance(widget, QMenu) or widget.isVisibleTo(dialog)


def spoken(dialog: InspectorDialog) -> set[str]:
    """All texts of the window, tab by tab, but for the choice of who answers, which names all of them."""
    found: set[str] = set()
    for name in dialog.tabs.names():
        if not dialog.tabs.bar.isTabVisible(dialog.tabs.names().index(name)):
            continue
        dialog.tabs.set_current(name)
        for widget in dialog.findChildren(QWidget):
            if is_shown(widget, dialog) and widget.objectName() != "who_answers":
                found |= {text for text in texts_of(widget) if isinstance(text, str)}
    return found


def naming(texts: set[str], *words: str) -> set[str]:
    """The texts that hold one of the words, also in the plural; what is a mask a pass is a setting of dropout."""
    pattern = re.compile(rf"\b({'|'.join(words)})(e?s)?\b", re.IGNORECASE)
    return {text for text in texts if pattern.search(text) and "mask" not in text and "a pass," not in text}


@pytest.mark.parametrize("table", [False, True])
def test_networks_are_not_called_passes_nor_rows_images(
    open_dialog: Any, engine: StubEngine, qtbot: Any, table: bool
) -> None:
    samples = replace(invent(table=table), kind="members")
    dialog = open_dialog(samples)
    dialog.bar._options.who = "members"  # as one is asked who has an ensemble
    dialog.bar.show_busy(False)
    engine.answer(replace(invent(table=table, part="validation"), kind="members"))
    texts = spoken(dialog)
    assert not naming(texts, "pass", *(["image"] if table else []))
    assert naming(texts, "network") and "{" not in "".join(texts)
    dialog.sampling.progressed.emit(2, 5, 3.0)
    assert dialog.bar.status.text().startswith("Network 2 of 5")
    dialog.resize(1024, 700)
    dialog.tabs.set_current("distribution")
    title = dialog.distribution.card.head._title
    qtbot.waitUntil(lambda: title.text() == "What each network said")
    qtbot.waitUntil(lambda: title.width() >= title.sizeHint().width())
    row = dialog.distribution.rows
    assert "90 % of the networks" in row._words(row.rows()[0])


def test_passes_of_pictures_are_called_so_also_after_networks(open_dialog: Any) -> None:
    dialog = open_dialog(replace(invent(table=True), kind="members"))
    dialog.inspection.set_samples(invent(), finished=True)
    texts = spoken(dialog)
    assert {"What each pass said of one image", "The image before (Alt+Left)", "Save all passes (NPZ)…"} <= texts
    assert not naming(texts, "networks")


@pytest.mark.parametrize("kind", ["members", "dropout"])
def test_numbers_are_of_networks_or_of_passes(
    qtbot: Any, theme: Any, engine: StubEngine, subject: Any, kind: Any
) -> None:
    dialog = NumbersDialog(theme, engine, subject)
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.bar._options.who = "members" if kind == "members" else "run"
    engine.answer(replace(invent_numbers(), kind=kind))
    texts = spoken(dialog)
    assert not naming(texts, "image", "pass" if kind == "members" else "network")
    assert naming(texts, "network" if kind == "members" else "pass")
