"""What the cards say, the model under them, the gaps between them, and how quick they are."""

from __future__ import annotations

import random
import time

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.stack import LayerStackView
from dnnstudio.gui.stack.delegate import CARD, GAP, MOST_LINES, OPEN_GAP, PADDING, TEXT_LEFT, card_height, shorten
from dnnstudio.gui.stack.model import LayerListModel
from dnnstudio.gui.stack.rows import Identity, make_rows
from dnnstudio.gui.theme import Theme


def ids(document: Document) -> list[str]:
    return [layer.id for layer in document.experiment.layers]


def press(view: LayerStackView, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(view.list, key, modifiers)


# ---------------------------------------------------------------------------------------------- what the cards say


def test_a_card_says_what_the_layer_is(document: Document) -> None:
    flatten, hidden, drop, frozen, output = make_rows(document)
    assert (flatten.caption, flatten.parameters, flatten.output) == ("8 × 8 pixels", "0", "→ 64")
    assert (hidden.caption, hidden.parameters, hidden.output) == ("ReLU · He normal", "19,500", "→ 300")
    assert [badge.word for badge in drop.badges] == ["MC"]
    assert frozen.frozen
    assert not hidden.frozen
    assert (output.icon, hidden.icon) == ("target", "share-network")
    assert "frozen" in frozen.description
    assert "30,100 parameters, puts out 100" in frozen.description


def test_a_problem_is_a_third_line_and_makes_the_card_higher(view: LayerStackView, document: Document) -> None:
    before = view.list.content_height()
    document.push(with_output_units(document, 9), "Change units")
    row = make_rows(document)[-1]
    assert row.severity == "error"
    assert "9" in row.problem_line
    assert view.list.content_height() == before + card_height(view.list.layers.heights[-1]) - CARD


def test_a_card_tells_an_error_in_full_however_narrow_it_is(
    view: LayerStackView, document: Document, theme: Theme
) -> None:
    document.push(with_output_units(document, 9), "Change units")
    wide = view.list.layers.heights[-1]
    view.resize(view.minimumSizeHint().width(), view.height())
    QApplication.processEvents()
    lines = view.list.layers.heights[-1]
    assert MOST_LINES >= lines >= wide >= 1
    index = view.list.layers.index(len(document.experiment.layers) - 1)
    assert view.list.visualRect(index).height() >= card_height(lines)
    metrics = QFontMetrics(theme.font(11, QFont.Weight.Medium))
    room = view.list.viewport().width() - 1 - PADDING - TEXT_LEFT - 13
    line = make_rows(document)[-1].problem_line
    taken = metrics.boundingRect(QRect(0, 0, room, 1000), Qt.TextFlag.TextWordWrap, line)
    assert metrics.horizontalAdvance(line) > room, "the sentence must need more than a line"
    assert lines > 1
    assert taken.height() <= card_height(lines) - 44


def with_output_units(document: Document, units: int) -> Experiment:
    *rest, output = document.experiment.layers
    return document.experiment.replaced(layers=(*rest, output.replaced(units=units)))


def test_a_layer_that_is_off_holds_nothing_and_says_so(document: Document) -> None:
    view_rows = make_rows(document)
    assert not view_rows[3].caption.startswith("off")
    *before, layer, output = document.experiment.layers
    document.push(document.experiment.replaced(layers=(*before, layer.replaced(enabled=False), output)), "Off")
    row = make_rows(document)[3]
    assert row.caption.startswith("off · ")
    assert (row.parameters, row.output) == ("0", "→ 300")


def test_the_caption_drops_its_last_parts_first(qapp: QApplication, theme: Theme) -> None:
    from PySide6.QtGui import QFontMetrics

    metrics = QFontMetrics(theme.font(11))
    text = "ELU · Glorot uniform · L2 0.001"
    assert shorten(text, metrics, 1000) == text
    assert shorten(text, metrics, metrics.horizontalAdvance(text) - 1) == "ELU · Glorot uniform"
    assert shorten("ELU", metrics, 5) != "ELU"


def test_totals_stand_underneath(view: LayerStackView, document: Document) -> None:
    trainable = 64 * 300 + 300 + 100 * 10 + 10
    assert view.trainable.text() == f"{trainable:,}"
    assert view.non_trainable.text() == f"{300 * 100 + 100:,}"
    document.push(document.experiment.replaced(layers=()), "Empty")
    assert view.trainable.text() == "0"
    assert view.empty_message.isVisible()


def test_an_empty_stack_offers_a_small_network(view: LayerStackView, document: Document) -> None:
    document.push(document.experiment.replaced(layers=()), "Empty")
    QTest.mouseClick(view.advice.cards[0].fix_button, Qt.MouseButton.LeftButton)
    assert [row.severity for row in view.list.layers.rows if row.severity == "error"] == []
    assert ids(document)[-1] == "output"
    assert not view.advice.isVisible()


def test_origins_are_badges(view: LayerStackView) -> None:
    view.set_identities({"hidden_1": Identity("cloned"), "hidden_2": Identity("shared")})
    rows = view.list.layers.rows
    assert [badge.word for badge in rows[1].badges] == ["CLONED"]
    assert [badge.tone for badge in rows[3].badges] == ["hint"]


# ------------------------------------------------------------------------------------------------------- the model


def test_the_model_is_sound_through_many_edits(qtbot: QtBot, document: Document, view: LayerStackView) -> None:
    model = LayerListModel(document)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    do = view.commands
    document.select(["hidden_1", "hidden_2"])
    do.duplicate()
    do.move_up()
    do.move_down()
    do.remove()
    do.add("batch_normalization", 0)
    document.push(document.experiment.replaced(layers=()), "Empty")
    while document.undo_stack.canUndo():
        document.undo_stack.undo()
        assert [row.layer.id for row in model.rows] == ids(document)
    while document.undo_stack.canRedo():
        document.undo_stack.redo()
        assert [row.layer.id for row in model.rows] == ids(document)
    assert tester.model() is model


def test_only_changed_rows_are_told(qtbot: QtBot, document: Document) -> None:
    model = LayerListModel(document)
    told: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
    document.push(with_output_units(document, 10).replaced(seed=1), "Change the seed")
    assert told == []
    document.push(with_output_units(document, 8), "Change units")
    assert told == [(4, 4)]


def test_rows_that_are_kept_are_the_rows_that_would_be_made(view: LayerStackView, document: Document) -> None:
    model, do, draw = view.list.layers, view.commands, random.Random(7)
    wholes = [Identity(), Identity("cloned", "abc"), Identity("shared", "abc")]
    for _ in range(120):
        names = ids(document)
        name = draw.choice(names) if names else ""
        match draw.randrange(8):
            case 0:
                do.add(draw.choice(["dense", "dropout", "batch_normalization", "flatten"]), draw.randint(0, len(names)))
            case 1 if len(names) > 2:
                do.remove([name])
            case 2 if names:
                do.move([name], draw.randint(0, len(names)))
            case 3 if names:
                do.toggle_enabled([name])
            case 4 if names:
                do.toggle_frozen([name])
            case 5 if names:
                model.set_identities({name: draw.choice(wholes)})
                model.set_held(frozenset([draw.choice(names)]))
            case 6:
                document.undo_stack.undo()
            case 7:
                document.undo_stack.redo()
        fresh = make_rows(document, model._identities, model._held)
        assert list(model.rows) == fresh
        assert [row.problem_line for row in model.rows] == [row.problem_line for row in fresh]
        assert [bool(lines) for lines in model.heights] == [bool(row.problems) for row in fresh]
        assert all(lines == 1 for lines, row in zip(model.heights, fresh, strict=True) if row.severity == "hint")
        hints = [view.list.visualRect(model.index(n)).height() for n in range(len(fresh))]
        cards = [card_height(lines) for lines in model.heights]
        gaps = [OPEN_GAP if view.list.gap_is_open(n) else GAP for n in range(len(fresh))]
        assert hints == [card + gap for card, gap in zip(cards, gaps, strict=True)]


def test_an_edit_elsewhere_keeps_a_row(document: Document) -> None:
    model = LayerListModel(document)
    before = list(model.rows)
    document.push(with_output_units(document, 10).replaced(seed=1), "Change the seed")
    assert [one is other for one, other in zip(before[:3], model.rows[:3], strict=True)] == [True] * 3


def test_a_screen_reader_hears_the_whole_card(view: LayerStackView) -> None:
    model = view.list.layers
    text = model.data(model.index(2), Qt.ItemDataRole.AccessibleTextRole)
    assert text.startswith("drop, Dropout; rate 0.2")
    assert "Monte Carlo" in text


# --------------------------------------------------------------------------------------------------- the selection


def test_document_and_list_select_each_other(view: LayerStackView, document: Document) -> None:
    document.select(["drop", "output"])
    assert sorted(index.row() for index in view.list.selectedIndexes()) == [2, 4]
    centre = view.list.visualRect(view.list.layers.index(1)).center()
    QTest.mouseClick(view.list.viewport(), Qt.MouseButton.LeftButton, pos=centre - QPoint(0, 5))
    assert document.selection == ("hidden_1",)
    press(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert document.selection == ("hidden_1", "drop")


def test_the_gap_after_the_selected_card_is_open(view: LayerStackView, document: Document) -> None:
    closed = view.list.content_height()
    document.select(["drop"])
    assert view.list.gap_is_open(2)
    assert view.list.content_height() == closed + OPEN_GAP - GAP


def test_a_click_on_the_open_gap_asks_for_a_layer_there(view: LayerStackView, document: Document, qtbot: QtBot) -> None:
    document.select(["drop"])
    qtbot.waitUntil(lambda: view.list.gap_is_open(2))
    area = view.list.visualRect(view.list.layers.index(2))
    QTest.mouseClick(view.list.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(area.center().x(), area.bottom() - 8))
    assert view.add_menu.isVisible()
    view.add_menu.chosen.emit("batch_normalization")
    view.add_menu.hide()
    assert ids(document)[2:4] == ["drop", "bn_1"]
    assert document.selection == ("bn_1",)


def test_a_gap_opens_when_the_pointer_rests_on_it(view: LayerStackView, qtbot: QtBot) -> None:
    area = view.list.visualRect(view.list.layers.index(1))
    QTest.mouseMove(view.list.viewport(), QPoint(area.center().x(), area.bottom() - 1))
    qtbot.waitUntil(lambda: view.list.gap_is_open(1))
    QTest.mouseMove(view.list.viewport(), QPoint(area.center().x(), area.top() + 15))
    qtbot.waitUntil(lambda: not view.list.gap_is_open(1))


# ------------------------------------------------------------------------------------------------------------- speed


def test_a_thousand_layers_stay_quick(qtbot: QtBot, theme: Theme) -> None:
    layers = [Flatten(id="flatten"), *(Dense(id=f"dense_{n}", units=10, activation="relu") for n in range(1, 1000))]
    document = Document(Experiment(layers=tuple(layers)))
    view = LayerStackView(document, theme)
    qtbot.addWidget(view)
    view.resize(344, 800)
    view.show()
    qtbot.waitExposed(view)
    QApplication.processEvents()
    document.select(["dense_500"])
    seconds = []
    for units in range(20, 29):
        start = time.perf_counter()
        view.commands.change(["dense_500"], "Units", "units", units)
        QApplication.processEvents()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    print(f"an edit among 1,000 layers, painted: {median * 1000:.0f} ms")
    assert median < 0.25  # 0.05 is the aim on a quiet machine; tests/benchmarks measures that


def test_the_stack_paints_in_both_themes(view: LayerStackView, theme: Theme, document: Document) -> None:
    document.select(["hidden_2"])
    light = view.grab().toImage()
    theme.apply("dark")
    QApplication.processEvents()
    dark = view.grab().toImage()
    theme.apply("light")
    assert light.pixelColor(60, 300) != dark.pixelColor(60, 300)
    tokens = theme.tokens()
    assert light.pixelColor(3, 150).name().upper() == tokens.surface
