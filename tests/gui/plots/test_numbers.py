"""What a run of a number shows: an error in the place of the accuracy, answers against true values, residuals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QLabel

from dnnstudio.core.experiment.data import Csv, Data
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import EpochDone
from dnnstudio.core.workspace.answers import MOST, Answers, read_answers, save_answers
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.plots.cards.measures import OF_NUMBERS
from dnnstudio.gui.plots.cards.result_card import ResultCard, class_words
from dnnstudio.gui.plots.cards.side import SideStack
from dnnstudio.gui.plots.curves import Curves
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets.charts.chart import Dots, Line, Mark

from .test_plots import plots, started

__all__ = ["plots"]  # a fixture

ROW = {"loss": 9.0, "mae": 2.5, "root_mean_squared_error": 3.0, "r2_score": 0.25}
ANSWERS = {
    "validation": Answers(np.array([1.0, 2.0]), np.array([1.5, 1.5])),
    "test": Answers(np.array([10.0, 20.0, 40.0]), np.array([12.0, 20.0, 30.0])),
}


def epoch(number: int) -> EpochDone:
    row = {"epoch": float(number), "learning_rate": 0.1, "seconds": 0.1, **ROW}
    return EpochDone(run="r", row=row | {f"val_{name}": value / number for name, value in ROW.items()}, is_best=True)


def of_a_number() -> Curves:
    curves = Curves.of(started())
    for number in (1, 2, 3):
        curves.add_epoch(epoch(number))
    return curves


@pytest.fixture
def side(qtbot: Any, theme: Theme) -> Iterator[SideStack]:
    document = Document(load_recipe("digits").experiment)
    made = SideStack(theme, document, ResultCard(theme))
    qtbot.addWidget(made)
    made.resize(400, 240)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    document.deleteLater()


def test_each_error_takes_the_place_of_the_accuracy_when_it_is_chosen(plots: RunPlots) -> None:
    plots.show_run(of_a_number())
    card = plots.accuracy
    assert card.choice.isVisible() and card.title == "MAE"
    for measure in OF_NUMBERS:
        card.choice.choose(measure)
        points = card.plot.points("val_accuracy")
        assert points is not None
        np.testing.assert_allclose(points[1], [ROW[measure.column] / number for number in (1, 2, 3)])
        assert {key for _, key, _, _ in card.values()} == {measure.column, f"val_{measure.column}"}


def test_classes_have_their_accuracy_back_after_a_number(plots: RunPlots) -> None:
    plots.show_run(of_a_number())
    curves = Curves.of(started())
    curves.add_row({"epoch": 1.0, "loss": 1.0, "accuracy": 0.5, "val_accuracy": 0.75, "learning_rate": 0.1})
    plots.show_run(curves)
    card = plots.accuracy
    assert (card.choice.isVisible(), card.title) == (False, "Accuracy")
    points = card.plot.points("val_accuracy")
    assert points is not None and points[1].tolist() == [0.75]
    assert card.plot.y_ticks[-1] <= 1.0


def test_answers_are_offered_for_a_number_alone(side: SideStack) -> None:
    button = side.result.head.findChild(type(side._answers_button), "result_card_answers")
    assert button is not None and button.isHidden()
    side.show_answers(ANSWERS)
    button.click()
    assert side.currentWidget() is side.answers and side.answers.has_answers
    side.show_answers({})
    assert side.currentWidget() is side.result and button.isHidden()


def test_every_answer_is_a_dot_over_its_true_value_and_what_is_left_over(side: SideStack) -> None:
    side.show_answers(ANSWERS)
    card = side.answers
    line, dots = card.chart.items
    assert isinstance(line, Line) and isinstance(dots, Dots)
    np.testing.assert_array_equal(line.x, line.y)
    assert (dots.x.tolist(), dots.y.tolist()) == ([10, 20, 40], [12, 20, 30])
    card.views.button("residuals").click()
    mark, dots = card.chart.items
    assert isinstance(mark, Mark) and isinstance(dots, Dots) and mark.value == 0
    assert (dots.x.tolist(), dots.y.tolist()) == ([12, 20, 30], [-2, 0, 10])
    card.parts.button("validation").click()
    dots = card.chart.items[-1]
    assert isinstance(dots, Dots) and dots.y.tolist() == [-0.5, 0.5]
    same = Answers(np.array([3.0, 3.0]), np.array([3.0, 3.0]))
    side.show_answers({"validation": same})
    assert not side.grab().isNull()


def test_the_result_has_the_columns_of_its_task(side: SideStack) -> None:
    card = side.result
    card.show_metrics(dict.fromkeys(("train", "validation", "test"), ROW))
    shown = {name for name, head in card._heads.items() if not head.isHidden()}
    assert shown == {"loss", "mae", "root_mean_squared_error", "r2_score"}
    assert (card.text("test", "mae"), card.classes.isHidden()) == ("2.500", True)
    part = {"loss": 0.5, "accuracy": 0.8, "balanced_accuracy": 0.6, "majority_baseline": 0.75, "recall:cat": 0.25,
            "recall:dog": 0.95}  # fmt: skip
    card.show_metrics({"train": part, "validation": part, "test": part})
    shown = {name for name, head in card._heads.items() if not head.isHidden()}
    assert shown == {"loss", "accuracy", "balanced_accuracy"}
    card.resize(224, 138)  # as in a window of 1024 × 700: the table is whole, and the lines are told by its rows
    assert {name for name, head in card._heads.items() if not head.isHidden()} == {"accuracy", "balanced_accuracy"}
    assert card.classes.isHidden() and card.least.isHidden()
    assert "Least found: cat" in card._names["test"].toolTip()
    card.resize(400, 240)
    assert not card.classes.isHidden() and not card.least.isHidden()
    said, hint = class_words(part)
    assert said == ("Always the most frequent class: 75.0\u00a0% right", "Least found: cat, 25.0\u00a0%")
    assert (card.classes.text(), card.least.text()) == said
    assert hint.splitlines()[1] == "dog: 95.0\u00a0% found"


@pytest.mark.parametrize(("width", "titles"), [(420, "Loss MAE RMSE R²"), (200, "MAE R²")])
def test_figures_that_find_no_room_are_told_by_the_name_of_their_row(
    qtbot: Any, theme: Theme, width: int, titles: str
) -> None:
    card = ResultCard(theme)
    qtbot.addWidget(card)
    card.resize(width, 200)
    card.show_metrics(dict.fromkeys(("train", "validation", "test"), ROW), best_epoch=7)
    with qtbot.waitExposed(card):
        card.show()
    shown = [head for head in card._heads.values() if head.isVisible()]
    assert " ".join(str(head.text()) for head in shown) == titles
    texts = [widget for widget in card.findChildren(QLabel) if widget.isVisible() and widget is not card.note]
    assert all(widget.width() >= widget.minimumSizeHint().width() for widget in texts)
    assert ("RMSE" in card._names["test"].toolTip()) == (width == 200)


def test_answers_are_kept_beside_the_run(tmp_path: Path) -> None:
    many = Answers(np.arange(10_000.0), np.arange(10_000.0) + 1)
    save_answers(tmp_path, {"test": many})
    found = read_answers(tmp_path)["test"]
    assert (len(found.values), found.values[0], found.values[-1]) == (MOST, 0, 9_999)
    np.testing.assert_array_equal(found.residuals, -1.0)
    assert read_answers(tmp_path / "none") == {}


def test_a_damaged_file_of_answers_is_said_in_a_sentence(tmp_path: Path) -> None:
    from dnnstudio.core.errors import UserError

    for content in (b"", b"PK\x03\x04", b"not a file of arrays"):
        (tmp_path / "answers.npz").write_bytes(content)
        with pytest.raises(UserError, match="is damaged"):
            read_answers(tmp_path)


def test_a_number_has_its_error_from_the_beginning(plots: RunPlots) -> None:
    """Under "Accuracy, 0 % to 100 %" stood the first seconds of a training that predicts a price."""
    digits, card = load_recipe("digits").experiment, plots.accuracy
    prices = digits.replaced(data=Data(source=Csv(path="prices.csv", target="number")))
    plots.show_plan(prices, None)
    assert card.title == "MAE" and not card.choice.isHidden() and "how far off" in card.plot.message.text()
    plots.show_plan(digits, None)
    assert card.title == "Accuracy" and card.choice.isHidden() and "is right" in card.plot.message.text()
    plots.begin(replace(started(), experiment=prices))
    assert card.title == "MAE" and not card.choice.isHidden() and card.plot.message.isVisible()
    plots.begin(started())
    assert card.title == "Accuracy" and card.choice.isHidden()
