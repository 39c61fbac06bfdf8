"""Accuracy, Calibration, Decision and Shift: their figures against ones made by hand, and what a person can press."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot
from sklearn.metrics import confusion_matrix, roc_auc_score

from dnnstudio.core.uncertainty.samples import Samples
from dnnstudio.gui.base.ticket import Failure
from dnnstudio.gui.uncertainty.accuracy.confusion import DARK_INK, LIGHT_INK, readable_ink
from dnnstudio.gui.uncertainty.distribution.rows import density
from dnnstudio.gui.uncertainty.shift.tab import SEVERITIES

from .conftest import StubEngine, invent


@pytest.fixture
def samples() -> Samples:
    return invent(rows=600)


@pytest.fixture
def validation() -> Samples:
    return invent(rows=400, seed=5)


def test_the_density_is_highest_where_the_passes_are_and_keeps_to_shares() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.05, 400).clip(0, 1)
    points = np.linspace(0, 1, 101)
    heights = density(values, points)
    assert abs(points[heights.argmax()] - 0.6) < 0.03
    assert heights.max() == 1
    at_the_edge = density(np.full(50, 1.0), points)
    assert at_the_edge.argmax() == 100


# ------------------------------------------------------------------------------------------------------- accuracy


def test_accuracy_names_three_ways_and_its_cells_open_their_images(
    open_dialog: Any, samples: Samples, qtbot: QtBot
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("accuracy")
    tab = dialog.accuracy
    assert f"{samples.correct.mean() * 100:.2f}\u00a0% right" in tab.title.text()
    by_hand = confusion_matrix(samples.rows.labels, samples.scores.winner, labels=range(4))
    assert np.array_equal(tab.matrix.counts, by_hand)
    label, said = np.unravel_index(np.argmax(by_hand - np.diag(np.diag(by_hand))), (4, 4))
    qtbot.mouseClick(
        tab.matrix, Qt.MouseButton.LeftButton, pos=tab.matrix.cell_rect(int(label), int(said)).center().toPoint()
    )
    assert len(dialog.images.shown()) == by_hand[label, said]
    assert dialog.inspection.image == dialog.images.shown()[0]


def test_the_matrix_is_reached_by_keys(open_dialog: Any, samples: Samples, qtbot: QtBot) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("accuracy")
    opened: list[tuple[int, int]] = []
    dialog.accuracy.matrix.opened.connect(lambda label, said: opened.append((label, said)))
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return):
        qtbot.keyClick(dialog.accuracy.matrix, key)
    assert opened == [(2, 1)]


def test_images_worth_a_look_are_the_surest_wrong_ones(open_dialog: Any, samples: Samples) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("accuracy")
    wrong = np.flatnonzero(~samples.correct)
    entropy = samples.scores.predictive_entropy
    assert np.array_equal(dialog.accuracy.grid.images.order, wrong[np.argsort(entropy[wrong])][:200])
    dialog.accuracy.which.button("hits").click()
    right = np.flatnonzero(samples.correct)
    assert np.array_equal(dialog.accuracy.grid.images.order, right[np.argsort(-entropy[right])][:200])


# ---------------------------------------------------------------------------------------------------- calibration


def test_calibration_samples_the_validation_rows_and_fits_its_temperature_on_them(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    dialog = open_dialog(samples)
    assert len(engine.jobs) == 1
    dialog.tabs.set_current("calibration")
    assert engine.jobs[-1].part == "validation"
    assert "are being sampled" in dialog.calibration.temperature.text()
    engine.answer(validation)
    logits = np.log(validation.scores.mean)
    candidates = np.exp(np.linspace(np.log(0.2), np.log(5), 4001))

    def loss(temperature: float) -> float:
        powers = np.exp(logits / temperature)
        shares = powers / powers.sum(axis=1, keepdims=True)
        return float(-np.log(shares[np.arange(400), validation.rows.labels]).mean())

    best = candidates[np.argmin([loss(one) for one in candidates])]
    assert f"T = {best:.2f}" in dialog.calibration.temperature.text()
    assert "400 validation rows" in dialog.calibration.temperature.text()
    brier = ((samples.scores.mean - np.eye(4)[samples.rows.labels]) ** 2).sum(axis=1).mean()
    assert dialog.calibration.cells["brier", "mean"].text() == f"{brier:.3f}"
    dialog.tabs.set_current("decision")
    assert len(engine.jobs) == 2, "the validation rows are sampled once"


def test_a_temperature_of_rows_without_an_error_says_that_it_tells_little(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("calibration")
    right = replace(validation.rows, labels=validation.scores.winner.astype(np.int64))
    engine.answer(replace(validation, rows=right))
    assert "all 400 validation rows were answered rightly" in dialog.calibration.temperature.text()


def test_calibration_without_validation_rows_says_so(open_dialog: Any, engine: StubEngine, samples: Samples) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("calibration")
    engine.refuse(Failure("person", "The validation part holds no rows.", "Choose another split."))
    dialog.tabs.set_current("decision")
    dialog.tabs.set_current("calibration")
    assert "holds no rows" in dialog.calibration.temperature.text()
    assert not dialog.decision.cheapest.isEnabled()


def test_every_choice_of_the_diagram_can_be_drawn(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("calibration")
    engine.answer(validation)
    tab = dialog.calibration
    for binning in ("mass", "width"):
        tab.binning.button(binning).click()
        for control in (tab.source, tab.klass):
            for choice in control.choices():
                control.choose(choice.value)
                assert tab.diagram.items
    assert not tab.grab().isNull()


# ------------------------------------------------------------------------------------------------------- decision


def decide(dialog: Any, engine: StubEngine, validation: Samples) -> Any:
    dialog.tabs.set_current("decision")
    engine.answer(validation)
    return dialog.decision


def test_a_threshold_refers_what_is_above_it(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    uncertainty = samples.scores.mutual_information
    threshold = float(np.quantile(uncertainty, 0.8))
    tab.threshold.committed.emit(threshold)
    out = uncertainty > threshold
    error = (~samples.correct & ~out).sum() / (~out).sum()
    assert tab.title.text().startswith(f"{out.sum():,} of 600 images referred; error among the rest {error * 100:.1f}")
    assert set(tab.referrals.grid.images.order) == set(np.flatnonzero(out)), "120 of them: all are drawn"
    figures = uncertainty[tab.referrals.grid.images.order]
    assert (np.diff(figures) >= 0).all(), "nearest the line first"
    assert "Set by hand" in tab.origin.text()


def test_before_a_threshold_is_chosen_nobody_has_set_it(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    assert tab.origin.text().startswith(
        "Begins with the most doubtful 3\N{NO-BREAK SPACE}%; to report it, choose it on"
    )
    tab.slider.setValue(1000)
    assert tab.origin.text().startswith("Set by hand;")


def test_the_slider_moves_the_share_that_is_answered(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    tab.slider.setValue(1000)  # in the middle between 20 and 100 %
    assert tab.decision.referral(samples).answered == 360
    assert abs(tab.slider.value() - 1000) <= 2


def test_the_cheapest_threshold_is_chosen_on_validation_rows_alone(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples, qtbot: QtBot
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    qtbot.mouseClick(tab.cheapest, Qt.MouseButton.LeftButton)
    uncertainty = validation.scores.mutual_information
    prices = [
        (
            10 * (~validation.correct & (uncertainty <= line)).sum() + 1.5 * (uncertainty > line).sum(),
            (uncertainty > line).sum(),
        )
        for line in (-np.inf, *np.unique(uncertainty))
    ]
    lowest = min(price for price, _ in prices)
    chosen = tab.decision.threshold
    paid = 10 * (~validation.correct & (uncertainty <= chosen)).sum() + 1.5 * (uncertainty > chosen).sum()
    assert paid == pytest.approx(lowest)
    assert "chosen on 400 validation rows" in tab.origin.text()
    assert "95 % interval" in tab.origin.text()


def test_what_is_cheapest_in_validation_is_not_called_the_cheapest_of_the_rows_that_are_judged(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    """Another threshold can cost less on these rows, as the total beside it then shows."""
    tab = decide(open_dialog(samples), engine, validation)
    uncertainty = samples.scores.mutual_information
    prices = {line: tab.decision.cost(samples, float(line)) for line in np.unique(uncertainty)}
    tab.set_threshold(float(min(prices, key=lambda line: prices[line])))
    (_, total), (words, other) = (tuple(part.text() for part in line) for line in tab.costs._sums[2:])
    assert float(total.replace(",", "")) < float(other.replace(",", ""))
    referred = int((uncertainty > tab.decision.cheapest(validation, samples)).sum())
    assert words == f"Cheapest by validation: {referred:,} referred"
    assert "may cost less" in tab.costs._sums[3][0].toolTip()


def test_an_allowed_error_finds_its_threshold(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    tab.targets.fields["risk"].set_value(4.0)
    tab.targets.buttons["risk"].click()
    assert tab.decision.referral(validation).risk <= 0.04
    tab.targets.fields["coverage"].set_value(70.0)
    tab.targets.buttons["coverage"].click()
    assert tab.decision.referral(validation).answered >= 0.7 * 400


def test_mistakes_with_prices_of_their_own_move_the_cheapest_line(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples
) -> None:
    tab = decide(open_dialog(samples), engine, validation)
    before = tab.decision.cheapest(validation, samples)
    tab.decision.costs.matrix = np.full((4, 4), 100.0)
    assert tab.decision.cheapest(validation, samples) < before
    tab.decision.costs.matrix = np.zeros((4, 4))
    highest = max(one.scores.mutual_information.max() for one in (validation, samples))
    assert tab.decision.cheapest(validation, samples) == highest  # wrong answers cost nothing: nobody is referred
    tab.decision.costs.matrix = np.full((4, 4), 10.0)
    assert tab.decision.cheapest(validation, samples) == before


def test_the_price_table_refuses_what_is_no_price(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples, qtbot: QtBot
) -> None:
    from dnnstudio.gui.uncertainty.decision.cards import CostMatrixDialog

    prices = CostMatrixDialog(("a", "b"), np.full((2, 2), 10.0))
    qtbot.addWidget(prices)
    prices.table.item(0, 1).setText("cheap")
    prices._apply()
    assert "is no price" in prices.problem.text()
    assert prices.prices is None
    prices.table.item(0, 1).setText("3")
    prices._apply()
    assert np.array_equal(prices.prices, [[0, 3], [10, 0]])


def test_the_referrals_are_exported(
    open_dialog: Any, engine: StubEngine, samples: Samples, validation: Samples, tmp_path: Path
) -> None:
    dialog = open_dialog(samples, ask=lambda parent, suggestion, filters: str(tmp_path / suggestion))
    tab = decide(dialog, engine, validation)
    tab.referrals.export.click()
    rows = list(csv.DictReader((tmp_path / "referrals.csv").read_text().splitlines()))
    assert [int(row["image"]) for row in rows] == tab.decision.referred(samples).tolist()


# ---------------------------------------------------------------------------------------------------------- shift


def test_comparing_asks_for_five_severities_and_shows_their_figures(
    open_dialog: Any, engine: StubEngine, samples: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("shift")
    tab = dialog.shift
    tab.changes.sliders["rotation"].setValue(60)
    tab.changes.compare.click()
    *jobs, calibrating = engine.jobs[1:]
    assert [job.shift.rotation for job in jobs] == [60 * severity for severity in SEVERITIES]
    assert {job.limit for job in jobs} == {1000}
    assert (calibrating.part, calibrating.shift) == ("validation", None)
    answers = [invent(rows=200, seed=number, passes=4) for number in range(5)]
    for number, answer in enumerate(answers, start=1):
        engine.answer(answer, number)
    usual, strange = answers[0].scores.predictive_entropy, answers[-1].scores.predictive_entropy
    auroc = roc_auc_score(np.repeat([0, 1], 200), np.concatenate([usual, strange]))
    assert tab.cells["predictive_entropy", "auroc"].text() == f"{auroc * 100:.1f}\u00a0%"
    assert tab.changes.compare.text() == "Compare"
    assert f"{answers[-1].correct.mean() * 100:.0f}\u00a0% right" in tab.title.text()
    assert not tab.grab().isNull()


def test_the_sliders_show_at_once_what_they_do_to_the_images(open_dialog: Any, samples: Samples) -> None:
    dialog = open_dialog(samples)
    changes = dialog.shift.changes
    for slider in changes.sliders.values():
        slider.setValue(0)
    before, after = changes.before.pictures, changes.after.pictures
    assert np.array_equal(before, after)
    assert np.array_equal(before[0], samples.rows.pictures[dialog.inspection.image])
    changes.sliders["translation"].setValue(3)
    moved = changes.after.pictures
    assert np.array_equal(moved[:, :, 3:], before[:, :, :-3])
    assert not moved[:, :, :3].any()
    changes.other.choose("digits")
    assert changes.after.pictures is None


def test_passes_that_come_in_leave_the_pictures_of_the_change_as_they_are(
    open_dialog: Any, samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = open_dialog(samples)
    changes, drawn = dialog.shift.changes, []
    monkeypatch.setattr(changes.after, "set_pictures", lambda pictures, names: drawn.append(pictures))
    dialog.inspection.set_samples(samples, finished=False)
    assert drawn == []
    other = replace(samples, rows=replace(samples.rows, pictures=255 - samples.rows.pictures))
    dialog.inspection.set_samples(other, finished=False)
    assert len(drawn) == 1


def test_another_data_set_is_compared_without_its_labels(
    open_dialog: Any, engine: StubEngine, samples: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("shift")
    dialog.shift.changes.other.choose("mnist")
    assert not dialog.shift.changes.sliders["noise"].isEnabled()
    dialog.shift.changes.compare.click()
    assert engine.jobs[-1].other.source.kind == "mnist"
    engine.answer(invent(rows=100), 1)
    engine.answer(invent(rows=100, seed=3), 2)
    assert "no known class" in dialog.shift.title.text()


def test_a_comparison_that_fails_or_is_stopped_can_be_tried_again(
    open_dialog: Any, engine: StubEngine, samples: Samples
) -> None:
    dialog = open_dialog(samples)
    dialog.tabs.set_current("shift")
    dialog.shift.changes.other.choose("mnist")
    dialog.shift.changes.compare.click()
    assert dialog.shift.changes.compare.text() == "Stop"
    dialog.shift.changes.compare.click()
    assert all(control.stopped for control in engine.controls[1:])
    engine.refuse(Failure("cancelled"), 1)
    engine.refuse(Failure("person", "MNIST is not on this computer.", "Download it."), 2)
    assert "not on this computer" in dialog.messages.message()
    assert dialog.shift.changes.compare.text() == "Compare"


@pytest.mark.parametrize("alpha", range(15, 256, 24))
@pytest.mark.parametrize("tone", ["#2E9C7F", "#D55E00", "#0072B2"])
@pytest.mark.parametrize("ground", ["#EEF0F4", "#14161C"])
def test_the_ink_of_a_cell_is_the_one_with_more_contrast(tone: str, ground: str, alpha: int) -> None:
    """By hand: WCAG 2.2's contrast on the colour that Qt paints."""
    over = QColor(tone)
    over.setAlpha(alpha)
    picture = QImage(1, 1, QImage.Format.Format_RGB32)
    picture.fill(QColor(ground))
    painter = QPainter(picture)
    painter.fillRect(0, 0, 1, 1, over)
    painter.end()

    def luminance(color: QColor) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (color.redF(), color.greenF(), color.blueF())
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(ink: QColor) -> float:
        one, other = sorted((luminance(ink), luminance(picture.pixelColor(0, 0))))
        return (other + 0.05) / (one + 0.05)

    chosen, told = readable_ink(over, QColor(ground))
    assert contrast(chosen) >= 0.95 * max(contrast(DARK_INK), contrast(LIGHT_INK))
    assert told == pytest.approx(contrast(chosen), rel=0.05)
