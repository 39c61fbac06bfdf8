"""The building blocks: what they show, what they tell, and how the keyboard reaches them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QEnterEvent, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QToolButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.gui.theme import DARK, LIGHT, Theme
from dnnstudio.gui.widgets import (
    AdviceCard,
    Badge,
    Chip,
    Choice,
    ComboBox,
    ElidedLabel,
    FlowLayout,
    LegendEntry,
    Limits,
    MessageBar,
    NumberField,
    PlotLegend,
    ProgressBar,
    Segmented,
    Share,
    ShareBar,
    Steps,
    Toggle,
    WarningStrip,
    label,
)
from dnnstudio.gui.widgets.gallery import Gallery


def _show(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    with qtbot.waitActive(widget):
        widget.activateWindow()


def _near(color: QColor, token: str) -> bool:
    """The same on a display of few colours too (Xvfb's default has 16 bits a pixel)."""
    return max(abs(a - b) for a, b in zip(color.getRgb(), QColor(token).getRgb(), strict=True)) <= 8  # type: ignore[call-overload]


# ------------------------------------------------------------------------------------------------ number field


@pytest.fixture
def units(theme: Theme, qtbot: QtBot) -> NumberField:
    field = NumberField(
        theme, title="Units", integer=True, limits=Limits(ge=1, le=1_000_000), steps=Steps.COUNT, arrows=True
    )
    field.set_value(100)
    field.resize(160, 28)
    _show(qtbot, field)
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    return field


def _told(field: NumberField) -> list[object]:
    told: list[object] = []
    field.committed.connect(told.append)
    return told


def test_a_number_is_told_when_editing_is_finished_not_while_typing(units: NumberField, qtbot: QtBot) -> None:
    told = _told(units)
    units.selectAll()
    qtbot.keyClicks(units, "300")
    assert told == []
    qtbot.keyClick(units, Qt.Key.Key_Return)
    assert told == [300] and units.value() == 300


def test_leaving_a_number_field_tells_the_number_once(units: NumberField, qtbot: QtBot) -> None:
    told = _told(units)
    units.selectAll()
    qtbot.keyClicks(units, "50")
    qtbot.keyClick(units, Qt.Key.Key_Return)
    units.clearFocus()
    assert told == [50]


@pytest.mark.parametrize("text", ["0", "2000000", "ten", "2.5", ""])
def test_an_impossible_number_is_refused_with_the_range(units: NumberField, qtbot: QtBot, text: str) -> None:
    told = _told(units)
    units.selectAll()
    qtbot.keyClicks(units, text)
    if not text:
        qtbot.keyClick(units, Qt.Key.Key_Delete)
    qtbot.keyClick(units, Qt.Key.Key_Return)
    assert told == []
    assert units.problem == "Units must be a whole number from 1 to 1,000,000."
    assert units.property("mark") == "error" and units.text() == text
    qtbot.keyClick(units, Qt.Key.Key_Escape)
    assert units.text() == "100" and units.problem == "" and units.property("mark") == ""


def test_typing_on_takes_the_refusal_away(units: NumberField, qtbot: QtBot) -> None:
    units.selectAll()
    qtbot.keyClicks(units, "0")
    qtbot.keyClick(units, Qt.Key.Key_Return)
    with qtbot.waitSignal(units.problem_changed):
        qtbot.keyClick(units, Qt.Key.Key_End)
        qtbot.keyClicks(units, "7")
    assert units.problem == ""


def test_keys_and_arrows_step_at_once(units: NumberField, qtbot: QtBot) -> None:
    told = _told(units)
    qtbot.keyClick(units, Qt.Key.Key_Up)
    qtbot.keyClick(units, Qt.Key.Key_Down)
    qtbot.keyClick(units, Qt.Key.Key_PageUp)
    qtbot.mouseClick(units, Qt.MouseButton.LeftButton, pos=QPoint(150, 6))
    qtbot.mouseClick(units, Qt.MouseButton.LeftButton, pos=QPoint(150, 22))
    qtbot.mouseDClick(units, Qt.MouseButton.LeftButton, pos=QPoint(150, 22))
    assert told == [110, 100, 200, 210, 200, 190]


def test_a_narrow_number_has_its_arrows_while_the_mouse_is_over_it(theme: Theme, qtbot: QtBot) -> None:
    field = NumberField(theme, title="L2", limits=Limits(ge=0), steps=Steps.FACTOR)
    field.set_value(0.01)
    field.resize(64, 28)
    _show(qtbot, field)
    told, at = _told(field), QPoint(54, 22)
    QApplication.sendEvent(field, QEnterEvent(QPointF(at), QPointF(at), QPointF(at)))
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton, pos=at)
    assert 0 < field.value() < 0.01 and len(told) == 1
    QApplication.sendEvent(field, QEvent(QEvent.Type.Leave))
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton, pos=at)
    assert len(told) == 1


def test_a_number_refused_afterwards_gives_way_to_the_old_one_on_escape(units: NumberField, qtbot: QtBot) -> None:
    units.committed.connect(lambda _value: units.refuse("The network would not fit into memory."))
    units.selectAll()
    qtbot.keyClicks(units, "900000")
    qtbot.keyClick(units, Qt.Key.Key_Return)
    assert units.text() == "900000" and units.problem.startswith("The network")
    qtbot.keyClick(units, Qt.Key.Key_Escape)
    assert units.text() == "100"


def test_a_mixed_number_is_not_told_when_left_alone(units: NumberField, qtbot: QtBot) -> None:
    told = _told(units)
    units.set_mixed()
    assert units.text() == "" and units.placeholderText() == "mixed" and units.value() is None
    qtbot.keyClick(units, Qt.Key.Key_Return)
    units.clearFocus()
    assert told == [] and units.problem == ""


@pytest.mark.parametrize("kind", ["number", "combo"])
def test_the_wheel_scrolls_the_page_and_changes_nothing(theme: Theme, qtbot: QtBot, kind: str) -> None:
    widget: NumberField | ComboBox
    if kind == "number":
        widget = NumberField(theme)
        widget.set_value(1.0)
    else:
        widget = ComboBox((Choice(1, "one"), Choice(2, "two")))
        widget.set_value(1)
    qtbot.addWidget(widget)
    down, where = QPoint(0, -120), QPointF(5, 5)
    event = QWheelEvent(
        where, where, down, down, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    assert widget.value() == 1 and not event.isAccepted()


# ------------------------------------------------------------------------------------------------- choices


def test_a_combo_tells_what_a_person_chose_and_only_that(theme: Theme, qtbot: QtBot) -> None:
    combo = ComboBox((Choice(None, "None"), Choice("elu", "ELU", "Smooth."), Choice("relu", "ReLU")))
    _show(qtbot, combo)
    told: list[object] = []
    combo.chosen.connect(told.append)
    combo.set_value("elu")
    assert told == [] and combo.value() == "elu"
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert told == ["relu"]
    combo.set_value(object(), placeholder="mixed")
    assert combo.value() is None and combo.property("mixed") == "true"
    with pytest.raises(KeyError):
        combo.choose("tanh")


def test_segments_are_chosen_by_mouse_and_arrow_keys(theme: Theme, qtbot: QtBot) -> None:
    segmented = Segmented(theme, (Choice("none", "None"), Choice("unit", "0…1"), Choice("standardize", "Standardize")))
    _show(qtbot, segmented)
    told: list[object] = []
    segmented.chosen.connect(told.append)
    segmented.set_value("unit")
    assert told == [] and segmented.value() == "unit"
    qtbot.mouseClick(segmented.button("standardize"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(segmented.button("standardize").hasFocus)
    qtbot.keyClick(segmented.button("standardize"), Qt.Key.Key_Left)
    assert told == ["standardize", "unit"]
    segmented.set_value("mixed")
    assert segmented.value() is None and len(told) == 2


def test_a_toggle_switches_with_the_space_key_and_from_mixed_to_on(theme: Theme, qtbot: QtBot) -> None:
    toggle = Toggle(theme)
    _show(qtbot, toggle)
    told: list[bool] = []
    toggle.clicked.connect(lambda on: told.append(on))
    qtbot.keyClick(toggle, Qt.Key.Key_Space)
    toggle.set_mixed()
    assert toggle.mixed and told == [True]
    qtbot.keyClick(toggle, Qt.Key.Key_Space)
    assert not toggle.mixed and toggle.isChecked() and told == [True, True]


def test_a_chip_that_is_switched_off_looks_another_way_than_by_colour_alone(theme: Theme, qtbot: QtBot) -> None:
    chip = Chip(theme, "Trouser", "5,444", checkable=True)
    _show(qtbot, chip)
    chip.clearFocus()
    assert chip.height() == 22 and chip.accessibleName() == "Trouser 5,444" and chip.isChecked()
    row = chip.height() // 2 + 1
    before = [chip.grab().toImage().pixelColor(x, row).lightness() for x in range(12, 40)]
    chip.click()
    after = [chip.grab().toImage().pixelColor(x, row).lightness() for x in range(12, 40)]
    assert max(after) < max(before)  # the line through the name leaves no light gap


# ------------------------------------------------------------------------------------------------- messages


def test_the_message_bar_says_offers_and_goes(theme: Theme, qtbot: QtBot) -> None:
    bar = MessageBar(theme)
    _show(qtbot, bar)
    bar.show_message("after epoch 6.", lead="Best model saved", severity="good", action="Open run folder")
    assert bar.message() == "Best model saved after epoch 6." and bar.property("severity") == "good"
    with qtbot.waitSignal(bar.action_requested):
        qtbot.mouseClick(bar.action, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(bar.closed):
        qtbot.mouseClick(bar.close_button, Qt.MouseButton.LeftButton)
    assert bar.isHidden() and bar.message() == ""


def test_a_long_message_is_whole_on_more_lines(theme: Theme, qtbot: QtBot) -> None:
    bar = MessageBar(theme)
    holder = QWidget()
    QVBoxLayout(holder).addWidget(bar)
    holder.resize(400, 200)
    bar.show_message("The file says 60,000 pictures of 28 × 28 pixels, but holds 1,000 bytes. " * 2, severity="error")
    _show(qtbot, holder)
    assert bar.height() > 50


def test_the_advice_card_offers_its_fix_by_name(theme: Theme, qtbot: QtBot) -> None:
    card = AdviceCard(theme, "ELU works best with He", "Glorot assumes a linear unit.", fix="Use He normal", why=True)
    _show(qtbot, card)
    assert card.fix_button.text() == "Use He normal" and card.severity == "hint"
    with qtbot.waitSignal(card.fix_requested):
        qtbot.mouseClick(card.fix_button, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(card.why_requested):
        qtbot.mouseClick(card.why_button, Qt.MouseButton.LeftButton)
    card.set_advice("The last layer has 8 units", severity="error")
    assert card.fix_button.isHidden() and card.why_button.isHidden() and card.property("severity") == "error"


def test_the_warning_strip_is_one_line(theme: Theme, qtbot: QtBot) -> None:
    strip = WarningStrip(theme, "hidden_3 is shared.", "In phase 2 its weights change in A. " * 5, fix="Clone it")
    strip.resize(500, 40)
    _show(qtbot, strip)
    assert strip.height() == 40
    with qtbot.waitSignal(strip.fix_requested):
        qtbot.mouseClick(strip.fix_button, Qt.MouseButton.LeftButton)


# --------------------------------------------------------------------------------------------------- the rest


def test_a_label_without_room_ends_in_dots_and_tells_the_rest(theme: Theme, qtbot: QtBot) -> None:
    words = ElidedLabel("bn_1 keeps 784 means and variances, one a pixel")
    _show(qtbot, words)
    words.setFixedWidth(100)
    assert words.text() == "bn_1 keeps 784 means and variances, one a pixel"
    assert words.toolTip() == words.text() and words.fontMetrics().horizontalAdvance(words.text()) > 100
    words.setFixedWidth(600)
    assert words.toolTip() == ""


def test_text_from_files_is_never_read_as_html(theme: Theme, qtbot: QtBot) -> None:
    for made in (label("<b>x</b>"), ElidedLabel("<b>x</b>"), Badge("<b>x</b>")):
        qtbot.addWidget(made)
        assert made.textFormat() == Qt.TextFormat.PlainText


def test_chips_flow_onto_as_many_lines_as_they_need(theme: Theme, qtbot: QtBot) -> None:
    holder = QWidget()
    flow = FlowLayout(holder, spacing=4)
    chips = [Chip(theme, "Ankle boot", "5,494") for _ in range(6)]
    for chip in chips:
        flow.addWidget(chip)
    qtbot.addWidget(holder)
    one = chips[0].sizeHint().width()
    assert flow.heightForWidth(6 * (one + 4)) == 22
    assert flow.heightForWidth(2 * one + 4) == 3 * 22 + 2 * 4
    flow.setGeometry(QRect(0, 0, 2 * one + 4, 200))
    assert [chip.y() for chip in chips] == [0, 0, 26, 26, 52, 52]
    chips[0].hide()
    assert flow.heightForWidth(2 * one + 4) == 3 * 22 + 2 * 4
    assert flow.takeAt(0) is not None and flow.count() == 5 and flow.itemAt(9) is None


def test_the_legend_keeps_its_width_while_values_come_in(theme: Theme, qtbot: QtBot) -> None:
    legend = PlotLegend(theme)
    qtbot.addWidget(legend)
    legend.set_entries((LegendEntry("train", "train", "0.402"), LegendEntry("validation", "validation", "10.351")))
    wide = legend.width()
    legend.set_entries((LegendEntry("train", "train", "0.4"), LegendEntry("validation", "validation", "0.3", "dashed")))
    assert legend.width() == wide and "validation 0.3" in legend.accessibleName()
    legend.set_entries(())
    assert legend.isHidden()


def test_the_share_bar_is_divided_in_proportion(theme: Theme, qtbot: QtBot) -> None:
    bar = ShareBar(theme, captions=False)
    bar.set_shares(
        (Share(3, "train", "train 3"), Share(1, "validation", "validation 1"), Share(0, "planned", "test 0"))
    )
    qtbot.addWidget(bar)
    bar.resize(402, 6)
    image = bar.grab().toImage()
    assert _near(image.pixelColor(290, 3), LIGHT.train)
    assert _near(image.pixelColor(310, 3), LIGHT.validation)
    assert bar.accessibleName() == "train 3, validation 1, test 0"


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_gallery_opens_in_both_themes(theme: Theme, qtbot: QtBot, choice: str) -> None:
    theme.apply("dark" if choice == "dark" else "light")
    gallery = Gallery(theme)
    _show(qtbot, gallery)
    tokens = DARK if choice == "dark" else LIGHT
    assert _near(gallery.grab().toImage().pixelColor(3, 3), tokens.bg)


# ------------------------------------------------------------------------------------------------ progress


def test_a_progress_bar_is_painted_with_the_window_and_not_within_the_change(qtbot: QtBot) -> None:
    class Painted(ProgressBar):
        paintings = 0

        def paintEvent(self, event: QPaintEvent) -> None:
            self.paintings += 1
            super().paintEvent(event)

    bar = Painted()
    bar.setRange(0, 1000)
    bar.resize(200, 6)
    _show(qtbot, bar)
    qtbot.waitUntil(lambda: bar.paintings > 0)
    before = bar.paintings
    bar.setValue(700)
    assert (bar.value(), bar.paintings) == (700, before)
    qtbot.waitUntil(lambda: bar.paintings > before)
    assert bar.updatesEnabled()


def test_a_number_too_long_for_its_field_shows_its_first_digits(theme: Theme, qtbot: QtBot) -> None:
    field = NumberField(theme, title="Learning rate", arrows=True)
    field.resize(80, 28)
    _show(qtbot, field)
    field.clearFocus()
    field.set_value(0.013867767003062484)
    assert field.cursorPosition() == 0


def test_the_button_that_clears_a_search_is_in_the_middle_of_its_field(theme: Theme, qtbot: QtBot) -> None:
    field = QLineEdit()
    field.setClearButtonEnabled(True)
    field.setText("dropout")
    _show(qtbot, field)
    button = field.findChild(QToolButton)
    assert button is not None
    assert abs(button.geometry().center().y() - field.rect().center().y()) <= 1
