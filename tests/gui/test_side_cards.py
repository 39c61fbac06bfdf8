"""The cards beside the learning rate: verdict and cure, divergence and remedies, in wide and in narrow windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from dnnstudio.core.divergence import Divergence
from dnnstudio.core.health import LayerHealth
from dnnstudio.core.jobs import HealthMeasured, RunEnded
from dnnstudio.core.layers import Dense, Flatten
from dnnstudio.core.optimizers import SGD
from dnnstudio.core.recipes import load_recipe
from dnnstudio.gui.document import Document
from dnnstudio.gui.messages import Messages
from dnnstudio.gui.plots.heat import COLUMNS, NAME_WIDTH, VALUE_WIDTH, HeatRow, HeatTiles, Scale
from dnnstudio.gui.plots.result_card import ResultCard
from dnnstudio.gui.plots.side import SideStack
from dnnstudio.gui.theme import Theme

from .test_plots import theme

__all__ = ["theme"]  # a fixture


@pytest.fixture
def document() -> Iterator[Document]:
    layers = (
        Flatten(id="flatten"),
        Dense(id="one", units=100, activation="sigmoid"),
        Dense(id="output", units=10, activation="softmax"),
    )
    made = Document(load_recipe("digits").experiment.replaced(layers=layers, optimizer=SGD(learning_rate=100.0)))
    yield made
    made.deleteLater()


@pytest.fixture
def side(qtbot: Any, theme: Theme, document: Document) -> Iterator[SideStack]:
    made = SideStack(theme, document, ResultCard(theme))
    qtbot.addWidget(made)
    made.resize(360, 210)
    with qtbot.waitExposed(made):
        made.show()
    yield made


def saturated(document: Document) -> HealthMeasured:
    figures = LayerHealth(
        id="one", mean=0.5, std=0.5, low=0.0, high=1.0, histogram=(4, 0, 0, 4), saturated=0.9,
        gradient_norm=0.1, gradient_rms=0.01, update_ratio=1e-3,
    )  # fmt: skip
    return HealthMeasured(run="r", epoch=0.5, layers=(figures, replace(figures, id="output", saturated=None)))


@pytest.mark.parametrize("width", [360, 210])
def test_the_verdict_has_its_cure_beside_it_whatever_the_width(
    qtbot: Any, side: SideStack, document: Document, width: int
) -> None:
    side.resize(width, 200)
    side.begin(4)
    side.health.add_measurement(saturated(document))
    QApplication.processEvents()
    card = side.health
    assert card.verdict.condition == "saturated"
    button = card.strip.fix_button if width == 360 else card.cure_button
    assert button.isVisible() and button.width() >= button.sizeHint().width() and button.text()
    assert card.strip.isVisible() == (width == 360) and card.cure_button.isVisible() == (width == 210)
    before, words = document.experiment, button.text()
    button.click()
    assert document.experiment != before and document.undo_stack.undoText() == words


@pytest.mark.parametrize(("height", "first"), [(260, False), (140, True)])
def test_remedies_are_in_sight_in_a_low_card(side: SideStack, document: Document, height: int, first: bool) -> None:
    side.resize(220, height)
    side.show_divergence(Divergence(epoch=1, step=3, loss=1e12, learning_rate=100.0, gradient_norm=7e8, layer="one"))
    QApplication.processEvents()
    card = side.divergence
    remedy = card.findChild(QWidget, "remedy_0")
    assert remedy is not None
    above = remedy.mapTo(card, remedy.rect().topLeft()).y() < card.words.mapTo(card, card.words.rect().topLeft()).y()
    assert above == first
    assert card.labels[0].startswith("Lower the rate")


def test_long_words_take_no_height_from_the_plots(qtbot: Any, theme: Theme, side: SideStack) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    grid, plot = QGridLayout(holder), QWidget()
    grid.addWidget(plot, 0, 0)
    grid.addWidget(side, 1, 0)
    grid.setRowStretch(0, 19)
    grid.setRowStretch(1, 15)
    holder.resize(220, 350)
    holder.show()
    side.show_result()
    QApplication.processEvents()
    before = plot.height()
    side.show_divergence(Divergence(epoch=1, step=3, loss=1e12, learning_rate=100.0, gradient_norm=7e8, layer="one"))
    QApplication.processEvents()
    assert plot.height() == before
    side.setParent(None)


def test_the_message_says_what_happened_and_leaves_the_rest_to_the_card(qtbot: Any, theme: Theme) -> None:
    messages = Messages(theme)
    qtbot.addWidget(messages)
    said: list[tuple[Any, ...]] = []
    messages.say = lambda *given: said.append(given)  # type: ignore[method-assign]
    cause = Divergence(epoch=2, step=7, loss=float("nan"), learning_rate=3.0)
    messages.say_end(RunEnded(run="r", reason="diverged", message="long", cause=cause), lambda: None)
    assert said[0][:2] == (
        "Training diverged.",
        "The loss became infinite in step 7 of epoch 2, at a learning rate of 3. The last good weights are kept.",
    )
    assert Path("run") not in said[0]


def test_a_tile_is_as_dark_as_its_value_is_large_and_empty_where_there_is_none(qtbot: Any, theme: Theme) -> None:
    """By powers of ten: 0.01 lies half of the way between 0.0001 and 1."""
    tiles = HeatTiles(theme)
    qtbot.addWidget(tiles)
    rows = (HeatRow("one", (1e-4, 1e-2, 1.0, float("nan"), 50.0), "50"), HeatRow("two", (1e-2,), "frozen", frozen=True))
    tiles.show_rows(rows, Scale(1e-4, 1.0, "0.0001", "1"))
    tiles.resize(NAME_WIDTH + COLUMNS * 20 + VALUE_WIDTH, 100)
    picture = QImage(tiles.size(), QImage.Format.Format_RGB32)
    tiles.render(picture)
    low, high = (np.array(theme.color(token).getRgb()[:3]) for token in ("heat_low", "heat_high"))  # type: ignore[index]
    empty = np.array(theme.color("inset").getRgb()[:3])  # type: ignore[index]
    wanted = [low, (low + high) / 2, high, empty, high, empty]
    tile = (tiles.width() - NAME_WIDTH - VALUE_WIDTH - 4) / COLUMNS
    for column, color in enumerate(wanted):
        found = picture.pixelColor(round(NAME_WIDTH + (column + 0.4) * tile), 19).getRgb()[:3]  # type: ignore[index]
        assert np.abs(np.array(found) - color).max() <= 1, column
