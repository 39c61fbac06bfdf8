"""The cards beside the learning rate: verdict and cure, divergence and remedies, in wide and in narrow windows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QLabel, QStyle, QStyleOptionFrame, QWidget

from dnnstudio.core.analysis.divergence import Divergence
from dnnstudio.core.analysis.layer_health import LayerHealth
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import HealthMeasured, RunEnded
from dnnstudio.core.jobs.results import FoundRate, RunResult
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.plots.cards.health_card import HealthCard
from dnnstudio.gui.plots.cards.rate_card import RateCard
from dnnstudio.gui.plots.cards.result_card import ResultCard
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.heat import COLUMNS, NAME_WIDTH, VALUE_WIDTH, HeatRow, HeatTiles, Scale
from dnnstudio.gui.plots.rate_plot import RatePlot
from dnnstudio.gui.shell.message_line import MessageLine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.inputs.fields import LINE_EDIT_MARGIN


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
def side(qtbot: Any, theme: Theme, document: Document) -> SideStack:
    made = SideStack(theme, document, ResultCard(theme))
    qtbot.addWidget(made)
    made.resize(360, 210)
    with qtbot.waitExposed(made):
        made.show()
    return made


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
    side.health.refresh()
    card = side.health
    assert card.verdict.condition == "saturated"
    button = card.strip.fix_button if width == 360 else card.cure_button
    qtbot.waitUntil(lambda: button.isVisible() and button.width() >= button.sizeHint().width())
    assert button.text()
    assert card.strip.isVisible() == (width == 360) and card.cure_button.isVisible() == (width == 210)
    before, words = document.experiment, button.text()
    button.click()
    assert document.experiment != before and document.undo_stack.undoText() == words


@pytest.mark.parametrize(("height", "first"), [(260, False), (140, True)])
def test_remedies_are_in_sight_in_a_low_card(
    qtbot: Any, side: SideStack, document: Document, height: int, first: bool
) -> None:
    side.resize(220, height)
    side.show_divergence(Divergence(epoch=1, step=3, loss=1e12, learning_rate=100.0, gradient_norm=7e8, layer="one"))
    card = side.divergence
    remedy = card.findChild(QWidget, "remedy_0")
    assert remedy is not None

    def top(widget: QWidget) -> int:
        return widget.mapTo(card, widget.rect().topLeft()).y()

    qtbot.waitUntil(lambda: top(remedy) != top(card.words) and (top(remedy) < top(card.words)) == first)
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
    qtbot.waitUntil(lambda: plot.height() + side.height() > 300)
    before = plot.height()
    side.show_divergence(Divergence(epoch=1, step=3, loss=1e12, learning_rate=100.0, gradient_norm=7e8, layer="one"))
    qtbot.waitUntil(lambda: side.divergence.words.isVisible() and side.divergence.words.height() > 0)
    assert plot.height() == before
    side.setParent(None)


def test_the_message_says_what_happened_and_leaves_the_rest_to_the_card(qtbot: Any, theme: Theme) -> None:
    messages = MessageLine(theme)
    qtbot.addWidget(messages)
    said: list[tuple[Any, ...]] = []
    messages.say = lambda *given: said.append(given)  # type: ignore[method-assign]
    cause = Divergence(epoch=2, step=7, loss=float("nan"), learning_rate=3.0)
    messages.say_end(RunEnded(run="r", reason="diverged", message="long", cause=cause), lambda: None)
    assert said[0][:2] == (
        "Training diverged.",
        "The loss became infinite in step 7 of epoch 2, at a learning rate of 3. The last good weights are kept.",
    )
    assert "long" not in map(str, said[0])  # the engine's own sentence gives way to the cause


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        (0.97, "The network gets 97.7 % of the test rows right; always the most frequent class would get 97.0 %."),
        (0.34, "The network gets 97.7 % of the test rows right."),
    ],
)
def test_the_message_does_not_praise_what_a_constant_answer_reaches(
    qtbot: Any, theme: Theme, baseline: float, said: str
) -> None:
    messages = MessageLine(theme)
    qtbot.addWidget(messages)
    metrics = {"test": {"loss": 0.1, "accuracy": 0.977, "majority_baseline": baseline}}
    result = RunResult(run="r", folder=Path("/runs/1"), reason="finished", epochs=3, best_epoch=3, metrics=metrics)
    messages.say_end(RunEnded(run="r", reason="finished", message="", result=result), lambda: None)
    assert messages.text().replace("\u00a0", " ").endswith(said)


def test_a_tile_is_as_dark_as_its_value_is_large_and_empty_where_there_is_none(qtbot: Any, theme: Theme) -> None:
    """By powers of ten: 0.01 lies half of the way between 0.0001 and 1."""
    tiles = HeatTiles(theme)
    qtbot.addWidget(tiles)
    rows = (HeatRow("one", (1e-4, 1e-2, 1.0, float("nan"), 50.0), "50"), HeatRow("two", (1e-2,), "frozen", frozen=True))
    tiles.show_rows(rows, Scale(1e-4, 1.0, "0.0001", "1"))
    tiles.resize(NAME_WIDTH + COLUMNS * 20 + VALUE_WIDTH, 100)
    picture = QImage(tiles.size(), QImage.Format.Format_RGB32)
    tiles.render(picture)
    low, high = (np.array(theme.color(token).getRgb()[:3]) for token in ("heat_low", "heat_high"))
    empty = np.array(theme.color("inset").getRgb()[:3])
    wanted = [low, (low + high) / 2, high, empty, high, empty]
    tile = (tiles.width() - NAME_WIDTH - VALUE_WIDTH - 4) / COLUMNS
    for column, color in enumerate(wanted):
        found = picture.pixelColor(round(NAME_WIDTH + (column + 0.4) * tile), 19).getRgb()[:3]
        assert np.abs(np.array(found) - color).max() <= 1, column


def test_the_titles_of_the_narrowest_cards_are_seen_whole_while_training(
    qtbot: Any, theme: Theme, document: Document
) -> None:
    """In a window of 1024 pixels each card has 224 of them, 200 within its margins."""
    rate, health = RateCard(theme), HealthCard(theme, document)
    rate.set_compact(True)
    rate.set_live(True)
    for card in (rate, health):
        qtbot.addWidget(card)
        card.resize(224, 160)
        card.show()
        assert card.head.minimumSizeHint().width() <= 200, card.accessibleName()
    option = QStyleOptionFrame()
    rate.field.initStyleOption(option)
    room = rate.field.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, rate.field)
    room = room.marginsRemoved(rate.field.textMargins())
    assert (
        rate.field.fontMetrics().horizontalAdvance(rate.field.placeholderText()) <= room.width() - 2 * LINE_EDIT_MARGIN
    )


def test_the_best_line_tells_the_loss_and_one_figure_and_names_all_in_its_tooltip(side: Any, tmp_path: Path) -> None:
    """Six figures without a name did not fit the card, and nobody could tell which was which."""
    figures = {"loss": 0.31, "accuracy": 0.89, "balanced_accuracy": 0.71}
    part = {"validation": figures, "test": figures}
    (tmp_path / "best.keras").write_bytes(b"")
    metrics = {"epochs": 12, "best_epoch": 7, "best": part} | part
    side.result.show_metrics(metrics, best_epoch=7, folder=tmp_path)
    line = side.result.best
    assert line.accessibleName() == "Best, epoch 7: val. 0.310, 89.0\u00a0%; test 0.310, 89.0\u00a0%"
    assert "Loss 0.310, Accuracy 89.0\u00a0%, Balanced 71.0\u00a0%" in line.toolTip()
    chosen = "The best epoch is chosen by the validation loss."
    side.result.show_metrics(metrics, best_epoch=7, folder=tmp_path, best=chosen)
    assert line.toolTip().endswith(chosen) and side.result.note.toolTip().endswith(chosen)
    assert line.sizeHint().width() <= 344  # the room of the card in a window of 1440 pixels


def test_the_words_of_a_suggestion_hide_the_line_that_passes_below_them(qtbot: Any, theme: Theme) -> None:
    plot = RatePlot(theme)
    qtbot.addWidget(plot)
    rates = np.geomspace(1e-6, 10, 50)
    for tenth, steepest in ((0.1, 0.13), (0.13, 0.1)):
        plot.show_found(
            FoundRate(
                rates=rates,
                losses=np.ones(50),
                smoothed=np.ones(50),
                steepest=steepest,
                tenth_of_lowest=tenth,
                exploded=False,
            )
        )
        left, right = sorted(plot.marks, key=lambda mark: float(mark.value()))
        assert left.zValue() > right.zValue()
        assert left.label.fill.color().name() == theme.tokens().surface.lower()
        assert right.label.fill.style() == Qt.BrushStyle.NoBrush, "it would hide the loss"


# ------------------------------------------------------------------------------------------------ the result


def test_the_result_shows_the_figures_of_the_parts_that_were_measured(qtbot: Any, theme: Theme) -> None:
    card = ResultCard(theme)
    qtbot.addWidget(card)
    card.show_metrics({"test": {"loss": 0.25, "accuracy": 0.973}}, best_epoch=3)
    assert (card.text("test", "accuracy"), card.text("train", "loss")) == ("97.3\u00a0%", "–")
    assert card.note.text() == "best epoch 3"
    card.show_metrics({})
    assert card.note.text() == ""


def test_the_result_shows_the_best_epoch_beside_the_last_and_offers_its_weights(
    qtbot: Any, theme: Theme, tmp_path: Path
) -> None:
    holder = QWidget()  # a card in a window of its own would keep the size that it needs
    qtbot.addWidget(holder)
    card = ResultCard(theme, holder)
    card.resize(360, 220)
    holder.show()
    wished: list[Path] = []
    card.best_requested.connect(wished.append)
    figures = {"test": {"loss": 0.5, "accuracy": 0.9}, "best_epoch": 9, "epochs": 12}
    best = {"best": {"validation": {"loss": 0.25, "accuracy": 0.95}, "test": {"loss": 0.375, "accuracy": 0.94}}}
    (tmp_path / "best.keras").write_bytes(b"")
    card.show_metrics(figures | best, best_epoch=9, folder=tmp_path)
    assert card.best.text() == "Best, epoch 9: val. 0.250, 95.0\u00a0%; test 0.375, 94.0\u00a0%"
    assert card.use_best.text() == "Use the best weights (epoch 9)" and card.use_best.isVisible()
    card.use_best.click()
    assert wished == [tmp_path / "best.keras"]
    card.resize(224, 138)  # as in a window of 1024 × 700: the button becomes an icon, and the table stays whole
    assert card.best_icon.isVisible() and not card.use_best.isVisible() and not card.best.isVisible()
    inside = [part for part in card._table.findChildren(QLabel) if part.isVisible()]
    qtbot.waitUntil(lambda: all(part.height() >= part.sizeHint().height() for part in inside))
    assert "epoch 9" in card.best_icon.toolTip() and "95.0" in card.best_icon.toolTip()
    card.best_icon.click()
    assert len(wished) == 2
    card.resize(360, 220)
    assert card.use_best.isVisible() and not card.best_icon.isVisible()
    card.show_metrics(figures | {"best": None}, best_epoch=9, folder=tmp_path)
    assert not card.use_best.isVisible() and not card.best.isVisible(), "the run went back to them itself"
    card.show_metrics(figures, best_epoch=9, folder=tmp_path)
    assert card.use_best.isVisible() and not card.best.isVisible(), "an older run says no more"
    card.clear()
    assert not card.use_best.isVisible()
