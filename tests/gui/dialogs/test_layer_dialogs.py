"""The gallery of recipes and the summary table, by keyboard and by eye of the program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QRect, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog, QPushButton
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.recipes import Recipe, list_recipes, load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.summary_table import format_table, summary_table
from dnnstudio.gui.dialogs.recipe_gallery import RecipeGallery, matching_recipes
from dnnstudio.gui.dialogs.stack_drawing import StackDrawing, bars_of
from dnnstudio.gui.dialogs.summary_dialog import SummaryDialog
from dnnstudio.gui.theme import Theme


@pytest.fixture
def gallery(qtbot: QtBot, theme: Theme) -> Iterator[RecipeGallery]:
    dialog = RecipeGallery(theme)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    yield dialog
    dialog.close()


def test_the_gallery_shows_every_recipe_with_what_it_teaches(gallery: RecipeGallery) -> None:
    assert gallery.list.count() == len(list_recipes())
    seen = set()
    for row, recipe in enumerate(list_recipes()):
        gallery.list.setCurrentRow(row)
        assert gallery.recipe is recipe
        assert gallery.title.text() == recipe.title
        assert gallery.teaches.text() == recipe.teaches
        # By hand, of the autoencoder: 784 → 300 → 100 → 300 → 784, without the output that it does not train.
        count = 531_884 if recipe.experiment.pretraining else summary_table(recipe.experiment).count
        assert f"{count:,} parameters" in gallery.parts.text()
        if recipe.experiment.pretraining:
            drawn = [bar.shape.output_shape for bar in gallery.drawing.bars]
            assert drawn[:5] == [(784,), (300,), (100,), (300,), (784,)]
        assert gallery.drawing.bars
        seen.add(gallery.drawing.accessibleDescription())
    assert len(seen) > len(list_recipes()) / 2


def test_the_sentence_of_no_recipe_has_half_a_third_line(gallery: RecipeGallery, theme: Theme) -> None:
    """Below its second line an item that is not chosen is blank, with a scroll bar beside the list and without one."""
    lines = 7 + 18 + 2 * QFontMetrics(theme.font(11)).lineSpacing() + 2

    def look(row: int) -> None:
        item = gallery.list.item(row)
        gallery.list.setCurrentRow((row + 2) % gallery.list.count() if gallery.list.count() > 2 else -1)
        gallery.list.scrollToItem(item)
        area = gallery.list.visualItemRect(item)
        below = QRect(area.left() + 68, area.top() + lines, area.width() - 80, area.height() - lines - 2)
        image = gallery.list.viewport().grab(below).toImage()
        colors = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
        assert len(colors) == 1, item.text()

    for row in range(gallery.list.count()):
        look(row)
    for recipe in list_recipes():
        gallery.search.setText(recipe.title)
        look(0)


def test_typing_searches_and_the_arrows_choose_without_leaving_the_search(qtbot: QtBot, gallery: RecipeGallery) -> None:
    assert gallery.search.hasFocus() or gallery.focusWidget() is gallery.search
    qtbot.keyClicks(gallery.search, "batch before")
    assert gallery.recipe is load_recipe("bn_before")
    gallery.search.clear()
    assert gallery.recipe is load_recipe("bn_before"), "what was chosen stays chosen"
    qtbot.keyClick(gallery.search, Qt.Key.Key_PageUp)
    qtbot.keyClick(gallery.search, Qt.Key.Key_PageUp)
    assert gallery.list.currentRow() == 0
    qtbot.keyClick(gallery.search, Qt.Key.Key_Down)
    qtbot.keyClick(gallery.search, Qt.Key.Key_Down)
    qtbot.keyClick(gallery.search, Qt.Key.Key_Up)
    assert gallery.recipe is list_recipes()[1]
    qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert gallery.result() == QDialog.DialogCode.Accepted
    assert gallery.recipe is list_recipes()[1]


@pytest.mark.parametrize("chosen", ["alpha_dropout", "task_b", "dropout"])
def test_a_search_selects_its_first_hit_whatever_was_selected(
    qtbot: QtBot, gallery: RecipeGallery, chosen: str
) -> None:
    gallery.list.setCurrentRow(list_recipes().index(load_recipe(chosen)))
    qtbot.keyClicks(gallery.search, "dropout")
    assert gallery.list.currentRow() == 0
    assert gallery.recipe is matching_recipes("dropout", list_recipes())[0]


def test_a_search_that_finds_nothing_says_so_and_starts_nothing(qtbot: QtBot, gallery: RecipeGallery) -> None:
    qtbot.keyClicks(gallery.search, "zebra")
    assert gallery.list.count() == 0
    assert gallery.nothing.isVisible()
    assert not gallery.start.isEnabled()
    qtbot.keyClick(gallery.search, Qt.Key.Key_Return)
    assert gallery.isVisible()
    qtbot.keyClick(gallery.search, Qt.Key.Key_Escape)
    assert gallery.result() == QDialog.DialogCode.Rejected


def test_titles_come_before_what_is_only_mentioned() -> None:
    found = [recipe.name for recipe in matching_recipes("dropout", list_recipes())]
    assert {"dropout", "alpha_dropout"} <= set(found[: found.index("alpha_dropout") + 1])
    assert "task_a" not in found
    assert "task_b" in [recipe.name for recipe in matching_recipes("200 fashion", list_recipes())]


@pytest.mark.parametrize(("key", "taken"), [(Qt.Key.Key_Return, True), (Qt.Key.Key_Escape, False)])
def test_asking_gives_the_recipe_or_nothing(qtbot: QtBot, theme: Theme, key: Qt.Key, taken: bool) -> None:
    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, RecipeGallery)
        qtbot.keyClicks(dialog.search, "first digits")
        qtbot.keyClick(dialog.search, key)

    QTimer.singleShot(0, answer)
    found: Recipe | None = RecipeGallery.ask(theme, parent=None)
    assert found is (load_recipe("digits") if taken else None)


def test_the_drawing_is_as_wide_as_what_a_layer_puts_out_and_runs_are_one(qtbot: QtBot, theme: Theme) -> None:
    layers = (
        Flatten(id="flat"),
        *(Dense(id=f"d{n}", units=100) for n in range(20)),
        Dropout(id="drop", rate=0.5),
        Dense(id="out", units=10),
    )
    experiment = Experiment(layers=layers)
    bars = bars_of(experiment)
    assert [bar.title for bar in bars] == ["Flatten", "20 × Dense", "Dropout", "Dense"]
    assert bars[0].width < 1  # 64 numbers, the others 100
    assert bars[1].width == bars[2].width == 1
    assert bars[3].width == pytest.approx(0.1 + 0.9 / 2)  # log 10 is half of log 100
    assert len(bars_of(experiment, together=False)) == 23
    pairs = [(Dense(id=f"d{n}", units=9), Dropout(id=f"p{n}", rate=0.1)) for n in range(5)]
    repeated = Experiment(layers=(Flatten(id="flat"), *(layer for pair in pairs for layer in pair)))
    assert [bar.title for bar in bars_of(repeated)] == ["Flatten", "5 × Dense", "5 × Dropout"]
    drawing = StackDrawing(theme)
    qtbot.addWidget(drawing)
    drawing.show_experiment(experiment)
    drawing.resize(400, 200)
    picture = drawing.grab().toImage()
    assert len({picture.pixel(x, 39) for x in range(picture.width())}) > 3, "nothing is drawn"


def test_an_unfinished_network_is_drawn_as_far_as_it_goes(qtbot: QtBot, theme: Theme) -> None:
    drawing = StackDrawing(theme)
    qtbot.addWidget(drawing)
    for experiment in (Experiment(), Experiment(layers=(Dense(id="d", units=3), Flatten(id="f")))):
        drawing.show_experiment(experiment)
        assert not drawing.grab().isNull()


@pytest.fixture
def summary(qtbot: QtBot, theme: Theme) -> Iterator[SummaryDialog]:
    dialog = SummaryDialog(theme, summary_table(load_recipe("batch_normalization").experiment))
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    yield dialog
    dialog.close()


def test_the_summary_has_a_row_a_layer_with_its_arrays_and_the_totals(summary: SummaryDialog) -> None:
    rows = [summary.tree.topLevelItem(row) for row in range(summary.tree.topLevelItemCount())]
    assert [row.text(0) for row in rows] == ["flatten", "bn_1", "dense_1", "bn_2", "dense_2", "bn_3", "output", "Total"]
    norm = rows[1]
    assert norm.isExpanded()
    assert not rows[2].isExpanded()
    assert [norm.text(place) for place in range(2, 6)] == ["784", "3,136", "1,568", "1,568"]
    arrays = [norm.child(place) for place in range(norm.childCount())]
    assert [item.text(0) for item in arrays] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert arrays[0].text(1) == "learnt scale"
    assert "used when predicting" in arrays[3].text(1)
    assert [rows[-1].text(place) for place in (3, 4, 5)] == ["271,346", "268,978", "2,368"]
    assert "MB" in summary.memory.text()


def test_the_summary_is_copied_as_text_and_as_csv(qtbot: QtBot, summary: SummaryDialog) -> None:
    table = summary_table(load_recipe("batch_normalization").experiment)
    qtbot.mouseClick(summary.findChild(QPushButton, "copy_text"), Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == format_table(table) + "\n"
    assert summary.said.text() == "Copied as text."
    qtbot.mouseClick(summary.findChild(QPushButton, "copy_csv"), Qt.MouseButton.LeftButton)
    lines = list(csv.DictReader(io.StringIO(QGuiApplication.clipboard().text())))
    layers = [line for line in lines if not line["array"]]
    assert [line["layer"] for line in layers] == [row.id for row in table.rows] + ["total"]
    assert int(layers[-1]["parameters"]) == sum(int(line["parameters"]) for line in layers[:-1]) == 271_346
    arrays = [line for line in lines if line["array"]]
    assert sum(int(line["trainable"]) + int(line["non_trainable"]) for line in arrays) == 271_346
    assert {line["shape"] for line in arrays if line["layer"] == "dense_1"} == {"784x300", "300"}
    qtbot.keyClick(summary.tree, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert summary.said.text() == "Copied as text."


def test_what_cannot_be_worked_out_is_said_in_the_summary(qtbot: QtBot, theme: Theme) -> None:
    broken = Experiment(layers=(Dense(id="d", units=3), Flatten(id="f", enabled=False)))
    dialog = SummaryDialog(theme, summary_table(broken, (8, 8)))
    qtbot.addWidget(dialog)
    assert dialog.tree.topLevelItem(1).text(2) == "off"
