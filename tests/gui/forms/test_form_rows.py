"""Forms: compact rows, several records at once, folds, marks, notes, sizes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.data import Data, Digits, FashionMNIST
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam
from dnnstudio.core.experiment.record import EarlyStopping, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, OneCycle, Piecewise
from dnnstudio.core.experiment.weights import (
    L1L2,
    Constant,
    GlorotUniform,
    HeNormal,
    MaxNorm,
    NonNeg,
    OrthogonalRegularizer,
    RandomNormal,
    TruncatedNormal,
)
from dnnstudio.gui.forms import OptionForm, replaced_at, value_at
from dnnstudio.gui.forms.gallery import Gallery
from dnnstudio.gui.forms.nested import NestedEditor, changed_kind
from dnnstudio.gui.forms.plan import plan
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import NumberField, Segmented, Toggle

from .form_driver import FormUser


def _name(kind: type[Option]) -> str:
    return kind.__name__


# ---------------------------------------------------------------------------------------- compact nested rows


def test_l1_and_l2_stand_in_one_row_and_make_the_regularizer(use: type) -> None:
    user: FormUser = use(Dense)
    editor = user.form.row("kernel_regularizer").editor
    assert isinstance(editor, NestedEditor) and editor.combo is None and list(editor.fields) == ["l1", "l2"]
    user.type(user.line("kernel_regularizer.l2"), "0.001")
    user.type(user.line("kernel_regularizer.l1"), "0.1")
    user.type(user.line("kernel_regularizer.l1"), "0")
    user.type(user.line("kernel_regularizer.l2"), "0")
    assert user.told == [
        ("kernel_regularizer", L1L2(l2=0.001)),
        ("kernel_regularizer.l1", 0.1),
        ("kernel_regularizer.l1", 0.0),
        ("kernel_regularizer", None),
    ]


def test_a_rare_kind_of_regularizer_is_reached_through_the_label(use: type) -> None:
    user: FormUser = use(Dense)
    user.choose_kind("kernel_regularizer", OrthogonalRegularizer)
    assert user.told == [("kernel_regularizer", OrthogonalRegularizer())]
    assert "kernel_regularizer.mode" in user.form.paths()
    user.choose_kind("kernel_regularizer", None)
    assert user.told[-1] == ("kernel_regularizer", None)
    assert list(user.form.row("kernel_regularizer").editor.fields) == ["l1", "l2"]


def test_the_number_of_max_norm_stands_beside_its_kind(use: type) -> None:
    user: FormUser = use(Dense.new(kernel_constraint=MaxNorm(max_value=1.0)))
    row = {planned.path: planned for planned in plan([user.record])}["kernel_constraint"]
    assert row.combo and [child.name for child in row.inline] == ["max_value"]
    user.choose_kind("kernel_constraint", NonNeg)
    editor = user.form.row("kernel_constraint").editor
    assert isinstance(editor, NestedEditor) and editor.fields == {}


def test_the_focus_stays_on_the_kind_when_its_fields_change(use: type, qtbot: QtBot) -> None:
    user: FormUser = use(Dense)
    user.form.focus_field("kernel_initializer")
    combo = user.form.row("kernel_initializer").editor.stops()[0]
    qtbot.waitUntil(combo.hasFocus)
    user.choose_kind("kernel_initializer", RandomNormal)
    assert combo.hasFocus() and "kernel_initializer.stddev" in user.form.paths()


def test_another_kind_keeps_what_was_set_under_the_same_name() -> None:
    before = TruncatedNormal(mean=0.1, stddev=0.05, seed=3)
    assert changed_kind(before, RandomNormal) == RandomNormal(mean=0.1, seed=3)
    assert changed_kind(before, HeNormal) == HeNormal(seed=3)
    assert changed_kind(before, Constant) == Constant()
    assert changed_kind(SGD(), Adam) == Adam()
    assert changed_kind(SGD(learning_rate=0.5), Adam) == Adam(learning_rate=0.5)
    assert changed_kind(before, None) is None


def test_early_stopping_is_a_switch_with_its_patience_beside_it(use: type) -> None:
    user: FormUser = use(Training)
    editor = user.form.row("early_stopping").editor
    assert isinstance(editor, NestedEditor) and isinstance(editor.toggle, Toggle) and editor.fields == {}
    editor.toggle.click()
    assert user.told == [("early_stopping", EarlyStopping())]
    assert list(editor.fields) == ["patience"]


def test_an_option_that_is_off_starts_with_a_sensible_number(use: type) -> None:
    user: FormUser = use(SGD)
    toggle, field = user.form.row("clipnorm").editor.stops()
    assert isinstance(toggle, Toggle) and isinstance(field, NumberField) and field.isHidden()
    toggle.click()
    user.type(field, "5")
    toggle.click()
    toggle.click()
    assert user.told == [("clipnorm", 1.0), ("clipnorm", 5.0), ("clipnorm", None), ("clipnorm", 5.0)]


def test_two_short_words_are_both_in_sight(use: type) -> None:
    user: FormUser = use(Conv2D)
    assert isinstance(user.form.findChild(QWidget, "field_padding"), Segmented)


# ------------------------------------------------------------------------------------------------ several at once


def test_differing_values_are_shown_as_mixed_and_one_edit_is_told_once(use: type) -> None:
    several = [
        Dense.new(id="a", units=10, activation="elu", use_bias=False, kernel_initializer=HeNormal()),
        Dense.new(id="b", units=20, activation="relu"),
        Dense.new(id="c", units=20, activation="relu"),
    ]
    user: FormUser = use(several, exclude=("id",))
    units = user.line("units")
    assert units.text() == "" and units.placeholderText() == "mixed"
    assert user.form.row("use_bias").editor.toggle.mixed
    assert user.form.row("kernel_initializer").editor.combo.placeholderText() == "mixed"
    user.type(units, "50")
    user.choose_kind("kernel_initializer", GlorotUniform)
    user.form.row("use_bias").editor.toggle.click()
    assert user.told == [("units", 50), ("kernel_initializer", GlorotUniform()), ("use_bias", True)]
    assert units.text() == "50"


def test_a_regularizer_is_given_to_all_though_some_have_none(use: type) -> None:
    user: FormUser = use([Dense.new(id="a"), Dense.new(id="b", kernel_regularizer=L1L2(l2=0.1))], exclude=("id",))
    user.choose_kind("kernel_regularizer", L1L2)
    assert user.told == [("kernel_regularizer", L1L2(l2=0.1))]


def test_layers_of_different_kinds_share_their_common_fields(use: type) -> None:
    user: FormUser = use([Dense.new(id="a"), Conv2D.new(id="b"), Flatten.new(id="c")])
    assert set(user.form.paths()) == {"id", "enabled"}
    user.form.set_value([Dense.new(id="a"), Conv2D.new(id="b")])
    assert {"activation", "kernel_initializer", "kernel_regularizer", "trainable"} <= set(user.form.paths())
    assert "units" not in user.form.paths() and "kernel_size" not in user.form.paths()
    user.form.set_value([])
    assert user.form.paths() == ()


# ------------------------------------------------------------------------------------------------ the form itself


def test_showing_a_record_tells_of_nothing(use: type) -> None:
    user: FormUser = use(Dense)
    for value in (Dense.new(units=3), Conv2D.new(), [Dense.new(id="a"), Dense.new(id="b", units=2)], SGD()):
        user.form.set_value(value)
    assert user.told == []


def test_rows_that_go_on_are_kept(use: type) -> None:
    user: FormUser = use(Dense)
    before = user.form.row("units")
    user.form.set_value(Dense.new(units=7, kernel_initializer=RandomNormal()))
    assert user.form.row("units") is before and user.line("units").text() == "7"


def test_text_being_typed_survives_being_shown_again(use: type, qtbot: QtBot) -> None:
    user: FormUser = use(Dense)
    line = user.line("units")
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    line.selectAll()
    QTest.keyClicks(line, "12")
    user.form.set_value(user.record)
    assert line.text() == "12"


def test_what_is_being_typed_is_never_given_to_another_record(use: type, qtbot: QtBot) -> None:
    for value, path in (
        (Dense.new(), "units"),
        (Dense.new(kernel_constraint=MaxNorm()), "kernel_constraint.max_value"),
    ):
        user: FormUser = use(value)
        line = user.line(path)
        line.setFocus()
        qtbot.waitUntil(line.hasFocus)
        line.selectAll()
        QTest.keyClicks(line, "7")
        user.form.set_value(Dense.new(id="other", units=3) if path == "units" else Dropout.new())
        user.form.set_value(Flatten.new())
        assert user.told == []


def test_rare_options_are_folded_and_counted(theme: Theme, qtbot: QtBot) -> None:
    form = OptionForm(theme, Dense.new())
    qtbot.addWidget(form)
    form.show()
    assert not form.more_open and form.more_button.text() == "More"
    assert form.row("bias_initializer").isHidden() or not form.row("bias_initializer").isVisible()
    form.set_value(Dense.new(bias_constraint=NonNeg(), enabled=False))
    assert form.more_button.text() == "More · 2 set"
    form.more_button.click()
    assert form.row("bias_constraint").isVisible()


def test_a_mark_opens_the_fold_that_it_lies_in(theme: Theme, qtbot: QtBot) -> None:
    form = OptionForm(theme, Dense.new())
    qtbot.addWidget(form)
    form.set_marks({"bias_initializer": "hint", "kernel_regularizer.l2": "error"})
    assert form.more_open
    combo = form.row("bias_initializer").editor.stops()[0]
    assert combo.property("mark") == "hint"
    assert form.row("kernel_regularizer").editor.fields["l2"].property("mark") == "error"
    form.set_marks({})
    assert combo.property("mark") == ""


def test_notes_and_buttons_stay_with_their_row(use: type, theme: Theme) -> None:
    user: FormUser = use(OneCycle, kinds=SCHEDULE_KINDS.values())
    button = Toggle(theme)
    user.form.add_beside("max_rate", button)
    user.form.set_note("max_rate", "found")
    assert button.isVisible()
    user.form.set_value(Piecewise())
    assert not button.isVisible()
    user.form.set_value(OneCycle())
    assert button.isVisible() and user.form.row("max_rate").isAncestorOf(button)


def test_the_kind_of_the_whole_record_is_the_first_row(use: type) -> None:
    user: FormUser = use(SGD(learning_rate=0.5), kinds=OPTIMIZER_KINDS.values())
    assert user.form.paths()[0] == "kind"
    user.choose_kind("kind", Adam)
    assert user.told == [("", Adam(learning_rate=0.5))]


def test_fields_can_be_picked_and_left_out(use: type) -> None:
    assert use(Training, only=("epochs", "batch_size")).form.paths() == ("epochs", "batch_size")
    assert "id" not in use(Dense, exclude=("id",)).form.paths()


@pytest.mark.parametrize("kind", [Dense, Conv2D, BatchNormalization, Adam, OneCycle, Training], ids=_name)
@pytest.mark.parametrize("width", [238, 334])
def test_the_form_fits_into_the_narrow_and_the_wide_inspector(
    theme: Theme, qtbot: QtBot, kind: type[Option], width: int
) -> None:
    value: Option = kind.new()
    if kind is Dense:
        value = value.replaced(kernel_regularizer=L1L2(l2=0.001), kernel_constraint=MaxNorm())
    holder = QWidget()
    qtbot.addWidget(holder)
    form = OptionForm(theme, value, parent=holder)
    form.set_more_open(True)
    holder.resize(width, 900)
    form.setGeometry(0, 0, width, 900)
    holder.show()
    assert form.minimumSizeHint().width() <= width
    for path in form.paths():
        for stop in form.row(path).editor.stops():
            if stop.isVisible():
                assert stop.mapTo(form, stop.rect().topRight()).x() < width, path


def test_the_first_rows_are_28_high_and_8_apart(use: type, qtbot: QtBot) -> None:
    user: FormUser = use(Dense, exclude=("id",))
    rows = [user.form.row(path) for path in ("units", "activation", "kernel_initializer", "kernel_regularizer")]
    qtbot.waitUntil(lambda: [row.height() for row in rows] == [28, 28, 28, 28])
    assert [after.y() - before.y() for before, after in pairwise(rows)] == [36, 36, 36]


def test_a_form_is_shown_and_changed_quickly(theme: Theme, qtbot: QtBot) -> None:
    import time

    form = OptionForm(theme, Dense.new())
    qtbot.addWidget(form)
    form.show()
    spans = []
    for units in range(20, 30):
        start = time.perf_counter()
        form.set_value(Dense.new(units=units))
        spans.append(time.perf_counter() - start)
    assert sorted(spans)[5] < 0.05


def test_paths_lead_into_nested_records() -> None:
    data = Data(source=FashionMNIST())
    assert value_at(data, "validation.fraction") == 0.2 and value_at(Dense.new(), "kernel_constraint.axis") is None
    assert replaced_at(data, "source", Digits()) == Data(source=Digits())
    assert replaced_at(data, "", Data()) == Data()
    for path in ("nothing", "train_limit.inner"):
        with pytest.raises(KeyError):
            replaced_at(data, path, 1)


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_gallery_opens_in_both_themes(theme: Theme, qtbot: QtBot, choice: str) -> None:
    theme.apply("dark" if choice == "dark" else "light")
    gallery = Gallery(theme)
    qtbot.addWidget(gallery)
    with qtbot.waitExposed(gallery):
        gallery.show()
    assert len(gallery.findChildren(OptionForm)) == 10
    theme.apply("light")


def test_a_long_note_gives_way_before_the_fields_do(use: type) -> None:
    """In a panel of 240 pixels the field keeps its number, and no row needs more width than it has without a note."""
    form = use(Training(epochs=20)).form
    width = form.minimumSizeHint().width()
    form.set_note("epochs", "20, set by the phases of the transfer, and more words than there is room for")
    form.resize(240, form.height())
    assert form.minimumSizeHint().width() <= width + 60
    row = form.row("epochs")
    assert row.note.isVisible() and row.note.toolTip().startswith("20, set by the phases")
    field = row.editor
    assert field.width() >= field.minimumSizeHint().width()
    assert row.note.geometry().right() <= row.width()


def test_the_menu_of_a_field_shows_vary_and_each_of_the_usual_entries_once(use: type, qtbot: QtBot) -> None:
    field = use(Dense).line("units")
    place = field.rect().center()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, field.mapToGlobal(place))
    QApplication.sendEvent(field, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    texts = [action.text().replace("&", "").split("\t")[0] for action in menu.actions()]
    assert texts[0] == "Vary…" and texts.count("Select All") == 1
    shown = [menu.actionGeometry(action).center() for action in menu.actions()]
    assert [menu.childAt(place) for place in shown] == [None] * len(shown)  # nothing covers an entry
    menu.close()
