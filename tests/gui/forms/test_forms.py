"""Forms: every field of every record can be set, is told of under the right path, and is refused with a sentence."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import SOURCE_KINDS, Classes, Data, FirstRows, Fraction
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import LAYER_KINDS, BatchNormalization, Conv2D, Dense, Dropout
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Experiment, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, OneCycle, Piecewise, Warmup
from dnnstudio.gui.forms import OptionForm, value_at
from dnnstudio.gui.forms.nested import NestedEditor
from dnnstudio.gui.forms.spec import EditorKind, spec_at, specs_of
from dnnstudio.gui.theme import Theme

from .form_driver import FormUser, fields_of

RECORDS: list[type[Option]] = [
    *LAYER_KINDS.values(),
    *OPTIMIZER_KINDS.values(),
    *SCHEDULE_KINDS.values(),
    *SOURCE_KINDS.values(),
    Classes,
    FirstRows,
    Fraction,
    Data,
    EarlyStopping,
    Training,
    Warmup,
]


def _name(kind: type[Option]) -> str:
    return kind.__name__


# ----------------------------------------------------------------------------------- every field of every record


@pytest.mark.parametrize("kind", RECORDS, ids=_name)
def test_the_form_offers_every_field(theme: Theme, qtbot: QtBot, kind: type[Option]) -> None:
    form = OptionForm(theme, kind)
    qtbot.addWidget(form)
    offered = [path for path in form.paths() if "." not in path]
    assert sorted(offered) == sorted(fields_of(kind))


@pytest.mark.parametrize("kind", RECORDS, ids=_name)
def test_every_field_can_be_set_and_is_told_under_its_path(use: type, kind: type[Option]) -> None:
    names = [name for name in fields_of(kind) if spec_at(kind, name).editor is not EditorKind.NESTED]
    for name in names:
        user: FormUser = use(kind)
        if name.startswith("momentum_") and kind is OneCycle:
            continue  # these two go only together: their own test is below
        value = user.set_other(name)
        assert user.told and user.told[-1][0] == name, name
        assert type(user.told[-1][1]) is type(value) and user.told[-1][1] == value, name
        assert value_at(user.record, name) == value


def _nested_fields() -> list[tuple[type[Option], str]]:
    return [
        (kind, spec.name)
        for kind in (*RECORDS, Experiment)
        for spec in specs_of(kind)
        if spec.editor is EditorKind.NESTED
    ]


@pytest.mark.parametrize(("kind", "name"), _nested_fields(), ids=lambda item: getattr(item, "__name__", item))
def test_every_kind_of_a_nested_record_can_be_chosen(use: type, kind: type[Option], name: str) -> None:
    user: FormUser = use(kind, only=(name,))
    spec = spec_at(kind, name)
    for inner in spec.kinds:
        if type(value_at(user.record, name)) is inner:
            continue
        user.choose_kind(name, inner)
        assert user.told[-1][0] == name and type(user.told[-1][1]) is inner
        assert type(value_at(user.record, name)) is inner
        offered = [path for path in user.form.paths() if path.startswith(f"{name}.") and path.count(".") == 1]
        assert sorted(offered) == sorted(f"{name}.{field}" for field in fields_of(inner))
    if spec.optional:
        user.choose_kind(name, None)
        assert user.told[-1] == (name, None)


def _fields_of_nested_records() -> list[tuple[type[Option], str, type[Option]]]:
    """One place for each kind of nested record: a dense layer, data, training, a schedule."""
    return [
        (kind, name, inner)
        for kind, name in _nested_fields()
        if (kind, name) in {(Dense, "kernel_initializer"), (Dense, "kernel_regularizer"), (Dense, "kernel_constraint")}
        or kind in (Data, Training)
        or (kind is Experiment and name in ("optimizer", "schedule"))
        or (kind is OneCycle and name == "warmup")
        for inner in spec_at(kind, name).kinds
    ]


@pytest.mark.parametrize(
    ("kind", "name", "inner"), _fields_of_nested_records(), ids=lambda i: getattr(i, "__name__", i)
)
def test_every_field_of_a_nested_record_can_be_set(
    use: type, kind: type[Option], name: str, inner: type[Option]
) -> None:
    for field in fields_of(inner):
        if field.startswith("momentum_") and inner is OneCycle:
            continue
        if spec_at(inner, field).editor is EditorKind.NESTED:
            continue
        user: FormUser = use(kind.new().replaced(**{name: inner.new()}), only=(name,))
        path = f"{name}.{field}"
        value = user.set_other(path)
        assert user.told[-1] == (path, value), path
        assert value_at(user.record, path) == value


@pytest.mark.parametrize("kind", RECORDS, ids=_name)
def test_every_field_has_a_name_for_tests_and_for_those_who_cannot_see(
    theme: Theme, qtbot: QtBot, kind: type[Option]
) -> None:
    form = OptionForm(theme, kind)
    qtbot.addWidget(form)
    for path in form.paths():
        if not form.row(path).editor.stops():
            continue  # the head of a nested record that is always there
        name = "field_" + path.replace(".", "__")
        editor = form.row(path).editor
        if isinstance(editor, NestedEditor) and path in form.paths() and editor.path == path and editor.combo is None:
            name += "" if editor.toggle is not None else "_kind"
        widget = form.findChild(QWidget, name)
        assert isinstance(widget, QWidget), path
        assert widget.accessibleName() and widget.toolTip(), path


@pytest.mark.parametrize("kind", [Dense, Conv2D, BatchNormalization, Adam, OneCycle, Data], ids=_name)
def test_tab_reaches_every_editor_in_the_order_of_the_rows(use: type, qtbot: QtBot, kind: type[Option]) -> None:
    user: FormUser = use(kind)
    wanted = [stop for path in user.form.paths() if path in user.form._rows for stop in user.form.row(path).stops()]
    wanted = [stop for stop in wanted if stop.isVisible() and stop.focusPolicy() & Qt.FocusPolicy.TabFocus]
    wanted[0].setFocus()
    qtbot.waitUntil(wanted[0].hasFocus)
    reached: list[QWidget | None] = []
    for _ in range(len(wanted) + 1):
        reached.append(QApplication.focusWidget())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    more = user.form.more_button
    assert [stop for stop in reached if stop is not more][: len(wanted)] == sorted(
        wanted,
        key=lambda stop: next(row.planned.advanced for row in user.form._rows.values() if row.isAncestorOf(stop)),
    )


# ------------------------------------------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    ("kind", "path", "text", "sentence"),
    [
        (Dense, "units", "-3", "Units must be a whole number from 1 to 1,000,000."),
        (Dropout, "rate", "1.2", "Rate must be at least 0 and below 1."),
        (SGD, "learning_rate", "0", "Learning rate must be above 0 and at most 1,000,000."),
        (Dense, "id", "2nd layer", "Name must start with a letter and hold only letters, digits, _ and -."),
        (Conv2D, "kernel_size", "3", "Kernel size must be 2 whole numbers, such as 3 × 3."),
        (Conv2D, "kernel_size", "3, x, 4.5", "Kernel size must be 2 whole numbers, such as 3 × 3."),
        (Classes, "keep", "4", "Keep needs at least 2 numbers."),
        (Dense, "kernel_regularizer.l2", "-0.1", "L2 must be at least 0."),
    ],
)
def test_what_is_impossible_is_refused_under_the_field(
    use: type, kind: type[Option], path: str, text: str, sentence: str
) -> None:
    user: FormUser = use(kind)
    line = user.line(path)
    before = line.text()
    user.type(line, text)
    assert user.told == [] and line.text() == text
    said = user.form.row(path).findChild(QLabel, "field_" + path.partition(".")[0] + "_problem")
    assert isinstance(said, QLabel) and said.isVisible() and said.text() == sentence
    assert said.height() == said.heightForWidth(said.width()) <= user.form.row(path).height() - 28
    QTest.keyClick(line, Qt.Key.Key_Escape)
    assert line.text() == before and said.isHidden()


def test_an_edit_refused_by_the_document_is_explained_under_the_field(use: type) -> None:
    user: FormUser = use(Dense)
    user.form.edited.disconnect()
    user.form.edited.connect(lambda path, value: user.form.refuse(path, "This name is taken."))
    user.type(user.line("id"), "other")
    assert user.form.row("id").problem == "This name is taken."
    QTest.keyClick(user.line("id"), Qt.Key.Key_Escape)
    assert user.line("id").text() == "layer"


def test_two_fields_that_only_go_together_are_told_together(use: type) -> None:
    user: FormUser = use(Piecewise)
    user.type(user.line("boundaries"), "5, 10, 15")
    assert user.told == []
    assert user.form.row("boundaries").problem == (
        "Piecewise has 3 boundaries and 3 rates; it needs one rate more than boundaries."
    )
    user.type(user.line("rates_between"), "0.1 0.05 0.01 0.001")
    wanted = Piecewise(boundaries=(5.0, 10.0, 15.0), rates_between=(0.1, 0.05, 0.01, 0.001))
    assert user.told == [("", wanted)]
    assert user.form.row("boundaries").problem == "" and user.line("boundaries").text() == "5, 10, 15"


def test_what_waits_for_another_field_survives_edits_in_between(use: type) -> None:
    user: FormUser = use(Piecewise)
    user.type(user.line("boundaries"), "5, 10, 15")
    user.choose_kind("warmup", Warmup)
    assert user.line("boundaries").text() == "5, 10, 15"
    user.type(user.line("rates_between"), "0.1 0.05 0.01 0.001")
    assert user.record.boundaries == (5.0, 10.0, 15.0) and user.record.warmup == Warmup()


def test_what_was_given_up_by_escape_waits_no_longer(use: type) -> None:
    user: FormUser = use(Piecewise)
    user.type(user.line("boundaries"), "5, 10, 15")
    QTest.keyClick(user.line("boundaries"), Qt.Key.Key_Escape)
    user.type(user.line("rates_between"), "0.1 0.05 0.01 0.001")
    assert user.told == [] and user.form.row("rates_between").problem.startswith("Piecewise has 2 boundaries and 4")


def test_switching_on_one_end_of_the_momentum_waits_for_the_other(use: type) -> None:
    user: FormUser = use(OneCycle)
    for name in ("momentum_low", "momentum_high"):
        user.form.row(name).editor.stops()[0].click()
    assert user.told == [("", OneCycle(momentum_low=0.85, momentum_high=0.95))]


def test_a_refused_field_is_forgotten_when_another_record_is_shown(use: type) -> None:
    user: FormUser = use(Piecewise)
    user.type(user.line("boundaries"), "5, 10, 15")
    user.form.set_value(Piecewise(boundaries=(7.0,), rates_between=(0.1, 0.01)))
    assert user.line("boundaries").text() == "7" and user.form.row("boundaries").problem == ""
    user.type(user.line("rates_between"), "0.2, 0.02")
    assert user.told == [("rates_between", (0.2, 0.02))]
