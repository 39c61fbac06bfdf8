"""No text of the inspector speaks of passes where networks answered, nor of images where rows of a table did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QMenu, QTabBar, QTableView, QWidget

from dnnstudio.core.uncertainty.proportions import Share
from dnnstudio.core.uncertainty.samples import Samples
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


def of_members(samples: Samples) -> Samples:
    """Samples of networks that answered once each, with dropout off: their mean is what dropout off says."""
    rows = replace(samples.rows, deterministic=samples.scores.mean.astype(np.float32))
    return replace(samples, rows=rows, kind="members")


def test_dropout_off_is_not_compared_with_a_mean_that_it_is(open_dialog: Any) -> None:
    dialog = open_dialog(of_members(invent(table=True)))
    told = spoken(dialog)
    for tab in ("accuracy", "calibration"):
        dialog.tabs.set_current(tab)
        told |= spoken(dialog)
    assert not [text for text in told if "as with dropout off" in text or "Dropout off said" in text]
    assert not dialog.accuracy.answer.button("off").isVisible()
    row = dialog.distribution.rows
    assert "dropout off" not in row._words(row.rows()[0])
    dialog.inspection.set_samples(invent(), finished=True)
    dialog.tabs.set_current("accuracy")
    assert dialog.accuracy.answer.button("off").isVisible()


def test_a_decision_without_errors_claims_no_more_than_its_rows_show(open_dialog: Any, engine: StubEngine) -> None:
    samples = invent(rows=36, table=True)
    right = replace(samples, rows=replace(samples.rows, labels=samples.scores.winner.astype(np.int64)))
    dialog = open_dialog(right)
    dialog.tabs.set_current("decision")
    tab = dialog.decision
    answered = tab.decision.referral(right).answered
    high = Share(0, answered).interval()[1]
    assert 0.05 < high < 0.2, "nobody knows from 35 rows that the error is 0.0 %"
    assert f"error here 0.0\u00a0% to {high * 100:.1f}\u00a0%." in tab.origin.text()
    assert tab.second.text().endswith("No answer is wrong.")
    assert "best here" not in tab.curve_card.head.note.text()
    words = [words.text() for words, _ in tab.costs._sums]
    figures = [figure.text() for _, figure in tab.costs._sums]
    assert (words[1].split(",")[0], figures[:3]) == ("1 referral", ["0", "1.5", "1.5"])


def test_a_look_at_errors_of_which_there_are_none_says_so(open_dialog: Any) -> None:
    samples = invent(table=True)
    dialog = open_dialog(replace(samples, rows=replace(samples.rows, labels=samples.scores.winner.astype(np.int64))))
    dialog.tabs.set_current("accuracy")
    assert dialog.accuracy.nothing.text() == "No row was answered wrongly."
    assert dialog.accuracy.nothing.isVisible()
    dialog.inspection.set_samples(invent(), finished=True)
    assert not dialog.accuracy.nothing.isVisible()
