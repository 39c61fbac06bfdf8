"""The Promise tab: its sets, coverages and sentences against numpy by hand, and what breaks under a shift."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from dnnstudio.core.uncertainty.conformal import calibration_split
from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.core.uncertainty.set_kinds import SetKind
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.uncertainty.promise.cards import grouped
from dnnstudio.gui.uncertainty.sentences import class_words
from dnnstudio.gui.widgets import Chip

from .conftest import StubEngine, invent

ROWS = 600


@pytest.fixture(scope="module")
def samples() -> Samples:
    return invent(rows=ROWS)


@pytest.fixture(scope="module")
def validation() -> Samples:
    return invent(rows=400, seed=3, part="validation")


@pytest.fixture
def tab(open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples) -> Any:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("promise")
    assert engine.jobs[-1].part == "validation"
    assert dialog.promise.title.text() == "Calibrating."
    engine.answer(validation)
    return dialog.promise


def by_hand(samples: Samples, validation: Samples, share: float, *, by_class: bool = False) -> np.ndarray[Any, Any]:
    """LAC sets [rows, classes], from the formula: 1 − p of the label, and the k-th smallest of them."""
    half = calibration_split(400, seed=validation.seed, labels=validation.rows.labels).calibration
    assert len(half) == 200
    labels = validation.rows.labels[half]
    scores = 1 - validation.scores.mean[half, labels]
    held = np.empty(samples.scores.mean.shape, bool)
    for number in range(4):
        own = np.sort(scores[labels == number] if by_class else scores)
        limit = own[ceil((len(own) + 1) * share - 1e-9) - 1]
        held[:, number] = 1 - samples.scores.mean[:, number] <= limit
    return held


def test_sets_coverage_and_sizes_are_those_by_hand(tab: Any, samples: Samples, validation: Samples) -> None:
    held, per_class = by_hand(samples, validation, 0.9), by_hand(samples, validation, 0.9, by_class=True)
    right = held[np.arange(ROWS), samples.rows.labels]
    assert tab.title.text().startswith(f"90\u00a0% promised, {right.mean() * 100:.1f}\u00a0% reached on the test part")
    assert f"{right.sum()} of 600 sets hold the label. Threshold set on 200 images" in tab.second.text()
    assert "half of the 400 validation images" in tab.second.text()
    lines = tab.rows.lines
    assert (lines[0].one.hits, lines[0].one.total) == (right.sum(), ROWS)
    for number, line in enumerate(lines[1:]):
        rows = samples.rows.labels == number
        assert (line.one.hits, line.one.total) == (right[rows].sum(), rows.sum())
        assert line.by_class.hits == per_class[rows, number].sum()
    sizes = np.bincount(held.sum(axis=1), minlength=5)
    assert tab.sizes.bars.pairs[:3] == tuple(
        (int(one), int(other))
        for one, other in zip(sizes[:3], np.bincount(per_class.sum(axis=1), minlength=5)[:3], strict=True)
    )
    assert f"Mean size {held.sum(axis=1).mean():.2f}" in tab.sizes.mean.text()


def test_the_slider_and_the_field_move_the_promise(tab: Any, samples: Samples, validation: Samples) -> None:
    tab.slider.setValue(80)
    held = by_hand(samples, validation, 0.8)[np.arange(ROWS), samples.rows.labels]
    assert tab.title.text().startswith(f"80\u00a0% promised, {held.mean() * 100:.1f}")
    tab.field.set_value(95)
    tab.field.committed.emit(95)
    assert tab.slider.value() == 95 and tab.title.text().startswith("95")


def test_the_list_shows_the_sets_strange_ones_first_and_then_by_size(
    tab: Any, samples: Samples, validation: Samples, qtbot: QtBot
) -> None:
    tab.slider.setValue(55)
    sizes = by_hand(samples, validation, 0.55).sum(axis=1)
    dialog = tab.window()
    shown = sizes[dialog.images.shown()]
    empty = int((sizes == 0).sum())
    assert empty > 0 and not shown[:empty].any()
    assert (np.diff(shown[empty:]) <= 0).all()
    row = int(dialog.images.shown()[0])
    assert dialog.images.grid.images.sets(row) == ()
    dialog.inspection.set_image(row)
    assert tab.set_card.title.text() == "None fits: strange."
    tab.sizes.at_least_one.click()
    assert int((dialog.inspection.promised().chosen.sets.sizes == 0).sum()) == 0
    likeliest = int(samples.scores.mean[row].argmax())
    assert tab.set_card.title.text() == f"Perhaps kind {likeliest}: strange."
    tab.sizes.at_least_one.click()
    row = int(dialog.images.shown()[empty])
    dialog.inspection.set_image(row)
    held = by_hand(samples, validation, 0.55)[row]
    order = np.argsort(-samples.scores.mean[row])
    names = [f"kind {number}" for number in order if held[number]]
    chips = tab.set_card.chips
    qtbot.waitUntil(lambda: [chip.text() for chip in chips.findChildren(Chip) if chip.isVisible()] == names)
    dialog.tabs.set_current("distribution")
    assert dialog.images.sort.value() == "mutual_information" and dialog.images.grid.images.sets is None


def test_a_class_that_one_threshold_forgets_is_named_and_per_class_is_one_press_away(
    open_dialog: Any, engine: StubEngine
) -> None:
    shy = np.array([0.0, 0.0, 0.0, 1.5])  # the fourth class is rarely believed
    test, other = (tilted(invent(rows=rows, seed=seed, part=part), shy) for rows, seed, part in PARTS)
    dialog = open_dialog(test)
    dialog.tabs.set_current("promise")
    engine.answer(other)
    tab = dialog.promise
    assert "kind 3 only" in tab.title.text() and tab.title.text().endswith("choose per class.")
    assert tab.rows.lines[4].missed
    assert tab.advice.isVisible()
    tab.advice.fix_button.click()
    assert dialog.inspection.promise.how is SetKind.BY_CLASS
    assert not tab.advice.isVisible() and not tab.rows.lines[4].missed
    assert "choose per class" not in tab.title.text()


def test_a_threshold_per_class_is_not_advised_where_a_forgotten_class_has_too_few_rows(
    open_dialog: Any, engine: StubEngine
) -> None:
    shy = np.array([0.0, 0.0, 0.0, 1.5])
    test = tilted(invent(rows=600, seed=0, part="test"), shy)
    few = tilted(invent(rows=60, seed=3, part="validation"), shy)  # half of them: fewer than 9 of kind 3
    dialog = open_dialog(test)
    dialog.tabs.set_current("promise")
    engine.answer(few)
    tab = dialog.promise
    assert "kind 3 only" in tab.title.text()
    assert tab.title.text().endswith("with too few rows for a threshold per class.")
    assert not tab.advice.isVisible()


PARTS = ((600, 0, "test"), (400, 3, "validation"))


def tilted(samples: Samples, away: np.ndarray[Any, Any]) -> Samples:
    """The samples with these much smaller logits [classes]."""
    from dataclasses import replace

    from dnnstudio.core.uncertainty.scores import score

    powers = samples.array().astype(np.float64) * np.exp(-away)
    block = (powers / powers.sum(axis=2, keepdims=True)).astype(np.float32)
    return replace(samples, blocks=(block,), scores=score(block))


def test_too_few_rows_are_said_with_the_number_needed(open_dialog: Any, engine: StubEngine, samples: Samples) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("promise")
    engine.answer(invent(rows=60, seed=3, part="validation"))
    tab = dialog.promise
    tab.slider.setValue(99)
    assert "needs 99 images to calibrate on; there are 30" in tab.problem.text()
    tab.slider.setValue(90)
    assert not tab.problem.isVisible()
    tab.how.button(SetKind.BY_CLASS).click()
    assert not tab.problem.isVisible() or "in each class needs 9 images" in tab.problem.text()
    tab.slider.setValue(95)
    assert "in each class needs 19 images of it" in tab.problem.text()


def test_without_validation_rows_there_is_no_promise(open_dialog: Any, engine: StubEngine, samples: Samples) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("promise")
    engine.refuse(Failure("person", "The validation part holds no rows.", "Choose another split."))
    dialog.tabs.set_current("accuracy")
    dialog.tabs.set_current("promise")
    assert "holds no rows" in dialog.promise.second.text()
    assert not dialog.promise.rows.isVisible()


def test_validation_rows_that_are_looked_at_count_only_where_they_did_not_calibrate(
    open_dialog: Any, engine: StubEngine, validation: Samples
) -> None:
    dialog = open_dialog(validation)
    dialog.tabs.set_current("promise")
    engine.answer(validation)
    promised = dialog.inspection.promised()
    rest = calibration_split(400, seed=validation.seed, labels=validation.rows.labels).rest
    assert np.array_equal(promised.rows, rest)
    assert promised.chosen.reached.overall.total == 200
    assert "of the other half hold the label" in dialog.promise.second.text()


def test_under_a_shift_the_coverage_breaks_and_it_is_said_why(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("shift")
    tab = dialog.shift
    tab.changes.sliders["rotation"].setValue(60)
    tab.changes.compare.click()
    confused = np.array([0.0, 6.0, 0.0, 6.0])
    for number in range(1, 6):
        changed = invent(rows=ROWS, seed=number)
        engine.answer(tilted(changed, confused) if number == 5 else changed, number)
    assert not tab.promise.isVisible()
    engine.answer(validation)
    assert tab.promise.isVisible()
    held = by_hand(tilted(invent(rows=ROWS, seed=5), confused), validation, 0.9)
    reached = held[np.arange(ROWS), invent(rows=ROWS, seed=5).rows.labels].mean()
    assert reached < 0.8
    assert f"is broken: the sets hold the label of {reached * 100:.1f}\u00a0%" in tab.promise.text()
    assert "exchangeable" in tab.promise.text()
    assert any(entry.name == "held by the set" for entry in tab.severity.legend.entries())


def test_sizes_are_grouped_for_two_classes_and_for_many() -> None:
    assert grouped(np.array([1, 2, 3])) == (1, 2, 3, 0)
    assert grouped(np.array([1, 2, 3, 4, 5, 6])) == (1, 2, 3, 15)


@pytest.mark.parametrize(("name", "said"), [("1", "“1”"), ("-2.5", "“-2.5”"), ("kind 1", "kind 1"), ("cat", "cat")])
def test_a_class_called_by_a_number_is_told_from_the_figures_of_its_sentence(name: str, said: str) -> None:
    assert class_words(name) == said
