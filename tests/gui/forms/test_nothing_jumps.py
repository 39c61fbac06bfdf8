"""An error moves nothing under the pointer, and its sentence stands below its field: in the form of every kind."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import SOURCE_KINDS
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import LAYER_KINDS, Dense
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS
from dnnstudio.gui.forms import OptionForm
from dnnstudio.gui.forms.row import FormRow
from dnnstudio.gui.forms.spec import specs_of

from .form_driver import FormUser

KINDS = [
    *LAYER_KINDS.values(),
    *OPTIMIZER_KINDS.values(),
    *SCHEDULE_KINDS.values(),
    *SOURCE_KINDS.values(),
]
QUICK = (Dense, SCHEDULE_KINDS["one_cycle"])
CASES = [
    pytest.param(kind, marks=() if kind in QUICK else pytest.mark.thorough, id=kind.__name__)
    for kind in KINDS
    if specs_of(kind)  # a form without fields has nothing to say
]

SENTENCE = "This is a sentence of several words that needs more than one line below a field of a narrow form."


def place_in(widget: QWidget, form: QWidget) -> QRect:
    return QRect(widget.mapTo(form, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("kind", CASES)
def test_a_sentence_stands_below_its_field_and_over_nothing(use: type, kind: type[Option]) -> None:
    form: OptionForm = use(kind).form
    rows = [row for row in form.findChildren(FormRow) if row.isVisible()]
    QCursor.setPos(form.screen().geometry().bottomRight())  # under the pointer a sentence waits
    QApplication.processEvents()
    for row in rows:
        row.refuse(SENTENCE)
    QApplication.processEvents()
    form.resize(320, form.sizeHint().height())
    QApplication.processEvents()
    taken: list[tuple[str, QRect]] = []
    for row in rows:
        said = next(words for words in row.findChildren(QLabel) if words.text() == SENTENCE)
        field, words = place_in(row.editor, form), place_in(said, form)
        assert words.top() >= field.bottom(), f"{row.planned.path}: {words} is over {field}"
        assert said.height() >= said.heightForWidth(said.width()), f"{row.planned.path}: its sentence is cut"
        for path, other in taken:
            assert not other.intersects(words) and not other.intersects(field), f"{row.planned.path} is over {path}"
        taken += [(row.planned.path, words), (row.planned.path, field)]


def test_an_error_does_not_push_the_form_under_the_pointer(use: type, qtbot: QtBot) -> None:
    user: FormUser = use(Dense)
    form = user.form
    rows = sorted(
        (row for row in form.findChildren(FormRow) if row.isVisible()), key=lambda row: place_in(row, form).top()
    )
    below = rows[-1]
    before = place_in(below, form)
    QCursor.setPos(below.mapToGlobal(below.rect().center()))
    qtbot.waitUntil(lambda: below.isAncestorOf(QApplication.widgetAt(QCursor.pos())))
    rows[0].refuse(SENTENCE)
    QApplication.processEvents()
    assert place_in(below, form) == before
    assert QToolTip.text() == SENTENCE, "it is said meanwhile"
    QCursor.setPos(form.mapToGlobal(QPoint(form.width() + 200, 5)))
    said = next(words for words in rows[0].findChildren(QLabel) if words.text() == SENTENCE)
    qtbot.waitUntil(said.isVisible)
    QToolTip.hideText()
