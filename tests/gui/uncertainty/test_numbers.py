"""The inspector of a predicted number: its figures against numpy by hand, its list, and what can be pressed."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from sklearn.metrics import mean_absolute_error, r2_score

from dnnstudio.core.experiment.data import Data
from dnnstudio.core.experiment.data.sources.csv import Csv
from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.uncertainty.conformal import calibration_split
from dnnstudio.core.uncertainty.number_samples import NumberRows, NumberSamples
from dnnstudio.core.uncertainty.table_rows import shown_columns
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject
from dnnstudio.gui.uncertainty.numbers.answers_tab import row_sentences
from dnnstudio.gui.uncertainty.numbers.dialog import NumbersDialog
from dnnstudio.gui.uncertainty.numbers.inspection import Way

from .conftest import StubEngine


def invent_numbers(
    rows: int = 200, passes: int = 30, *, seed: int = 0, part: str = "test", single: bool = False
) -> NumberSamples:
    """House prices of a kind: rows with more noise have a larger spread."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 2))
    noise = random.uniform(5, 40, rows)
    truth = 200 + 50 * values[:, 0] + noise * random.normal(size=rows)
    off = 200 + 48 * values[:, 0]
    drawn = off + 0.5 * noise * random.normal(size=(1 if single else passes, rows)) * (not single)
    return NumberSamples(
        NumberRows(
            truth=truth,
            deterministic=off,
            values=values,
            table=shown_columns(values[::2], names=("area", "age")),
            title=f"{part} part",
            target_mean=200.0,
            target_std=60.0,
        ),
        drawn.astype(np.float32),
        seed=7,
        kind="none" if single else "dropout",
        seconds=1.0,
    )


@pytest.fixture(scope="module")
def samples() -> NumberSamples:
    return invent_numbers()


@pytest.fixture(scope="module")
def validation() -> NumberSamples:
    return invent_numbers(120, seed=4, part="validation")


Open = Callable[..., NumbersDialog]


@pytest.fixture
def open_numbers(qtbot: QtBot, theme: Theme, engine: StubEngine) -> Open:
    layers = (Dense(id="output", units=1),)
    data = Data(source=Csv(path="rows.csv", target="number"))
    subject = Subject(Path("run"), Experiment(layers=layers, data=data), "run 5, prices")
    assert subject.predicts_number

    def make(given: NumberSamples, validation: NumberSamples | None = None, **options: Any) -> NumbersDialog:
        dialog = NumbersDialog(theme, engine, subject, **options)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        engine.tickets[0].finish(given)
        if validation is not None:
            engine.tickets[1].finish(validation)
        return dialog

    return make


def half_width(validation: NumberSamples, share: float, *, scaled: bool = False) -> float:
    """The k-th smallest |error| of the calibrating half, or of |error| over spread."""
    half = calibration_split(len(validation.rows), seed=7).calibration
    passes = validation.predictions.astype(np.float64)[:, half]
    scores = np.abs(passes.mean(axis=0) - validation.rows.truth[half])
    if scaled:
        scores = scores / (passes.std(axis=0) + 0.6)
    return float(np.sort(scores)[ceil((len(half) + 1) * share - 1e-9) - 1])


def test_the_headline_and_the_figures_are_those_by_hand(
    open_numbers: Open, samples: NumberSamples, validation: NumberSamples
) -> None:
    dialog = open_numbers(samples, validation)
    mean = samples.predictions.astype(np.float64).mean(axis=0)
    error = mean_absolute_error(samples.rows.truth, mean)
    constant = np.abs(samples.rows.truth - 200).mean()
    assert dialog.answers.title.text() == (
        f"Off by {error:.4g} on average, better than the {constant:.4g} of a constant answer."
    )
    assert f"R² {r2_score(samples.rows.truth, mean):.3f}" in dialog.answers.second.text()
    dialog.tabs.set_current("intervals")
    tab = dialog.intervals
    wide = half_width(validation, 0.9)
    reached = (np.abs(mean - samples.rows.truth) <= wide).mean()
    assert tab.title.text() == (
        f"90\u00a0% promised, {reached * 100:.1f}\u00a0% reached on the test part; {2 * wide:.4g} wide on average."
    )
    assert "Width set on 60 rows, half of the 120 validation rows" in tab.second.text()
    assert tab.cells["width"].text() == f"{2 * wide:.4g}"
    assert tab.cells["mae"].text() == f"{error:.4g}"


@pytest.mark.parametrize("way", list(Way))
def test_each_way_makes_its_intervals(
    open_numbers: Open, samples: NumberSamples, validation: NumberSamples, way: Way
) -> None:
    dialog = open_numbers(samples, validation)
    dialog.tabs.set_current("intervals")
    dialog.intervals.way.button(way).click()
    dialog.intervals.slider.setValue(80)
    passes = samples.predictions.astype(np.float64)
    mean, std = passes.mean(axis=0), passes.std(axis=0)
    half = {
        Way.PLAIN: half_width(validation, 0.8) * np.ones(200),
        Way.SCALED: half_width(validation, 0.8, scaled=True) * (std + 0.6),
        Way.PASSES: 1.2815515594 * std,
    }[way]
    promised = dialog.inspection.promised()
    assert promised is not None
    np.testing.assert_allclose(promised.intervals.low, mean - half, rtol=1e-7)
    np.testing.assert_allclose(promised.intervals.high, mean + half, rtol=1e-7)
    held = (np.abs(mean - samples.rows.truth) <= half).mean()
    assert dialog.intervals.cells["reached"].text() == f"{held * 100:.1f}\u00a0%"
    curve = dialog.inspection.reliability(way)
    assert curve is not None and curve.reached[7].value == held
    if way is Way.PASSES:
        assert "too narrow" in dialog.intervals.second.text() and held < 0.7


def test_the_row_is_told_in_words_that_say_what_each_number_is(
    open_numbers: Open, samples: NumberSamples, validation: NumberSamples
) -> None:
    dialog = open_numbers(samples, validation)
    dialog.inspection.set_image(3)
    one = samples.predictions[:, 3].astype(np.float64)
    words = dialog.answers.facts.text()
    assert dialog.answers.answer.text() == f"{one.mean():.4g}"
    assert f"Spread of passes {one.std():.4g} (standard deviation)." in words
    assert f"Standard error of the mean {one.std(ddof=1) / np.sqrt(30):.4g}." in words
    low, high = one.mean() - half_width(validation, 0.9), one.mean() + half_width(validation, 0.9)
    assert f"interval {low:.4g} to {high:.4g}" in words
    assert dialog.answers.row_card.places.lines()[0].startswith(f"area: {samples.rows.values[3, 0]:.6g}")
    x, y = samples.rows.truth[9], one.mean()
    near = np.hypot(
        (samples.rows.truth - x) / np.ptp(samples.rows.truth),
        (samples.predictions.mean(axis=0) - y) / np.ptp(samples.rows.truth),
    )
    dialog.answers.chart.pressed.emit(float(x), float(y))
    assert dialog.inspection.image == int(near.argmin())


def test_the_list_is_sorted_by_spread_and_by_any_head(
    open_numbers: Open, samples: NumberSamples, validation: NumberSamples
) -> None:
    rows = open_numbers(samples, validation).rows
    spread = samples.predictions.astype(np.float64).std(axis=0)
    assert np.array_equal(rows.rows.order, np.argsort(-spread, kind="stable"))
    assert rows.table.chosen() == int(spread.argmax())
    header = rows.table.horizontalHeader()
    header.sectionClicked.emit(4)
    error = np.abs(samples.predictions.astype(np.float64).mean(axis=0) - samples.rows.truth)
    assert np.array_equal(rows.rows.order, np.argsort(-error, kind="stable"))
    header.sectionClicked.emit(5)
    header.sectionClicked.emit(5)
    assert np.array_equal(rows.rows.order, np.argsort(samples.rows.values[:, 0], kind="stable"))


def test_without_dropout_there_are_calibrated_intervals_and_an_offer(open_numbers: Open, qtbot: QtBot) -> None:
    dialog = open_numbers(invent_numbers(single=True), invent_numbers(120, seed=4, part="validation", single=True))
    assert dialog.answers.no_spread.isVisible()
    assert "Spread" not in dialog.answers.facts.text() and "interval" in dialog.answers.facts.text()
    assert not dialog.bar.passes.isVisible() and dialog.rows.table.isColumnHidden(2)
    with qtbot.waitSignal(dialog.dropout_requested):
        dialog.answers.no_spread.fix_button.click()
    dialog.tabs.set_current("intervals")
    assert not dialog.intervals.way.isVisible()
    assert dialog.intervals.title.text().startswith("90")
    assert dialog.intervals.cells["area"].text() == "–"
    assert not dialog.intervals.grab().isNull()


def test_too_few_rows_are_said_and_the_intervals_have_no_ends(open_numbers: Open, samples: NumberSamples) -> None:
    dialog = open_numbers(samples, invent_numbers(20, seed=4, part="validation"))
    dialog.tabs.set_current("intervals")
    dialog.intervals.slider.setValue(95)
    assert "needs 19 rows to calibrate on; there are 10" in dialog.intervals.problem.text()
    assert "without ends" in dialog.intervals.title.text()


@pytest.mark.parametrize("kind", ["png", "csv", "npz"])
def test_what_is_shown_is_saved(open_numbers: Open, samples: NumberSamples, tmp_path: Path, kind: str) -> None:
    dialog = open_numbers(samples, ask=lambda *_: str(tmp_path / "out"))
    dialog.export(kind)
    path = tmp_path / f"out.{kind}"
    assert path.is_file() and "Saved." in dialog.messages.message()
    if kind == "csv":
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert len(rows) == 200
        assert float(rows[5]["true"]) == pytest.approx(samples.rows.truth[5])
    if kind == "npz":
        with np.load(path) as arrays:
            assert np.array_equal(arrays["predictions"], samples.predictions)
            np.testing.assert_allclose(arrays["std"], samples.predictions.astype(np.float64).std(axis=0), rtol=1e-5)


def test_of_members_without_dropout_nothing_is_said_of_dropout(samples: NumberSamples) -> None:
    """Each answers once, so that their mean is all there is; of members with dropout it is another answer."""
    rows = replace(samples.rows, deterministic=samples.predictions.mean(axis=0))
    plain = replace(samples, rows=rows, kind="members")
    assert not any("ropout" in line for line in row_sentences(plain, 0, None, 0.9))
    for one in (samples, replace(samples, kind="members")):
        assert any("With dropout off" in line for line in row_sentences(one, 0, None, 0.9))
