"""How a person looks at plots: smoothing, scale, marks, reading values, runs of before, and files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.schedules import Plan, Power
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunEnded
from dnnstudio.gui.plots.cards.curve_cards import Other
from dnnstudio.gui.plots.curves import DRAWN_POINTS, Curves, bounds, fewer
from dnnstudio.gui.plots.exporting import drawing, picture, save_plot, table
from dnnstudio.gui.plots.menu import SMOOTHINGS
from dnnstudio.gui.plots.panel import RunPlots
from dnnstudio.gui.plots.scale import drawn, logarithmic
from dnnstudio.gui.plots.smoothing import Smoothing, smoothed
from dnnstudio.gui.theme import Theme

from .test_plots import batches, epoch, plots, started

__all__ = ["plots"]  # a fixture


def shown(plots: RunPlots, *, epochs: int = 4, done: int = 3, clean: bool = True, run: str = "r") -> Curves:
    """A run with batches and whole epochs; its validation loss is best in epoch 2."""
    plots.begin(started(epochs=epochs, run=run))
    for number in range(1, done + 1):
        event = batches(10 * (number - 1), 10, run)
        losses = np.linspace(2, 1, 10, dtype=np.float32) / number
        plots.add_batches(replace(event, losses=losses, learning_rates=np.linspace(0.1, 0.01, 10) / number))
        row = epoch(number, run).row | {"val_loss": abs(number - 2) + 0.5}
        row |= {"clean_loss": 0.25 / number, "clean_accuracy": 0.75} if clean else {}
        plots.add_epoch(EpochDone(run=run, row=row, is_best=number <= 2))
    plots.redraw()
    assert plots.curves is not None
    return plots.curves


def y_of(plots: RunPlots, key: str) -> list[float]:
    return list((plots.loss.plot.points(key) or ((), ()))[1])


# ------------------------------------------------------------------------------------------------ smoothing


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.sampled_from(SMOOTHINGS[1:]))
def test_a_smoothed_value_is_the_weighted_mean_of_all_before_it(values: list[float], over: float) -> None:
    x, y = np.arange(1, len(values) + 1) / 10, np.array(values)
    for place, found in enumerate(smoothed(x, y, over)):
        weights = np.exp(-(x[place] - x[: place + 1]) / over)
        assert found == pytest.approx(np.average(y[: place + 1], weights=weights), abs=1e-9)


def test_a_value_that_is_no_number_is_passed_over_and_nothing_drawn_changes() -> None:
    x, y = np.arange(6) / 2, np.array([4.0, np.nan, 2.0, np.inf, 1.0, 3.0])
    whole = smoothed(x, y, 0.5)
    assert np.isfinite(whole).all()
    np.testing.assert_array_equal(whole[:4], smoothed(x[:4], y[:4], 0.5))
    np.testing.assert_array_equal(smoothed(x, y, 0)[[0, 2, 4, 5]], y[[0, 2, 4, 5]])


@given(
    st.lists(st.floats(-5, 5) | st.just(np.nan), min_size=1, max_size=30),
    st.lists(st.integers(0, 30), max_size=5),
    st.sampled_from(SMOOTHINGS[1:]),
)
def test_a_growing_curve_is_smoothed_as_a_whole_one(values: list[float], ends: list[int], over: float) -> None:
    x, y, growing = np.arange(1, len(values) + 1) / 10, np.array(values), Smoothing()
    for end in [*ends, len(values)]:  # also shorter than before: another run
        for factor in (1.0, 2.0):
            found = growing(x[:end], factor * y[:end], factor * over)
            np.testing.assert_allclose(found, smoothed(x[:end], factor * y[:end], factor * over), rtol=1e-12)


@given(st.lists(st.floats(-5, 5), min_size=201, max_size=400))
@settings(max_examples=20, deadline=None)
def test_the_robust_range_is_numpys_quantiles(values: list[float]) -> None:
    assert bounds(np.array(values), robust=True) == pytest.approx(tuple(np.quantile(values, (0.002, 0.998))), abs=1e-9)


def test_a_long_line_is_drawn_with_fewer_points_and_loses_no_peak() -> None:
    x, y = np.arange(100_000.0), np.random.default_rng(3).normal(size=100_000)
    y[12_345], y[54_321], y[99_999] = 50.0, -50.0, 7.0
    few_x, few_y = fewer(x, y)
    assert len(few_x) <= DRAWN_POINTS + 30
    assert (np.diff(few_x) >= 0).all() and {few_x[0], few_x[-1]} == {0.0, 99_999.0}
    np.testing.assert_array_equal(few_y, y[few_x.astype(int)])
    assert {50.0, -50.0, 7.0} <= set(few_y)
    for start in range(0, 100_000, 100):  # the lowest and the highest of wherever one looks
        seen = few_y[(few_x >= start - 50) & (few_x < start + 150)]
        part = y[start : start + 100]
        assert seen.min() <= part.min() and seen.max() >= part.max()
    assert fewer(x[:4000], y[:4000])[1] is not None and len(fewer(x[:4000], y[:4000])[0]) == 4000


def test_the_raw_line_stays_under_the_smoothed_one_and_the_rate_is_never_smoothed(plots: RunPlots) -> None:
    curves = shown(plots)
    raw, rates = y_of(plots, "batch"), list(curves.rates.values)
    for over in SMOOTHINGS:
        plots.set_smoothing(over)
        assert y_of(plots, "batch") == raw
        assert (len(y_of(plots, "smooth")) == 30) == (over > 0)
        assert list((plots.rate.plot.points("actual") or ((), ()))[1][1:]) == rates
        means = over >= 1
        assert y_of(plots, "raw_val_loss") == ([1.5, 0.5, 1.5] if means else [])
        assert (y_of(plots, "val_loss") == [1.5, 0.5, 1.5]) != means
        assert {entry.name: entry.value for entry in plots.loss.legend.entries()}["validation"] == "1.500"
    layers = {key: plots.loss.plot.curves[key].line.zValue() for key in ("batch", "smooth", "raw_loss", "loss")}
    assert layers["batch"] < layers["smooth"] and layers["raw_loss"] < layers["loss"]


def test_the_slider_of_either_card_smooths_both(plots: RunPlots) -> None:
    shown(plots)
    sliders = [card.menu.smoothing for card in (plots.loss, plots.accuracy)]
    assert plots.rate.menu.smoothing is None
    sliders[0].slider.setValue(SMOOTHINGS.index(1.0))
    assert plots.view.smoothing == 1.0
    assert [row.slider.value() for row in sliders] == [SMOOTHINGS.index(1.0)] * 2


# ------------------------------------------------------------------------------------------------ scale


@given(st.floats(-7, 3), st.floats(0, 9), st.integers(3, 6))
def test_a_logarithmic_axis_has_round_numbers_within_its_range(low: float, span: float, most: int) -> None:
    scale = logarithmic(10**low, 10 ** (low + span), most=most)
    assert 2 <= len(scale.ticks) <= most
    assert list(scale.ticks) == sorted(set(scale.ticks))
    np.testing.assert_allclose(scale.places, np.log10(scale.ticks), atol=1e-12)
    assert scale.bottom - 1e-9 <= scale.places[0] and scale.places[-1] <= scale.top + 1e-9
    assert scale.bottom <= low + 1e-9 and low + span <= scale.top + 1e-9
    assert all(float(f"{tick:.2g}") == pytest.approx(tick, rel=1e-12) for tick in scale.ticks)


def test_what_is_not_above_zero_has_no_place_on_a_logarithmic_axis() -> None:
    found = drawn(np.array([0.1, 0.0, -1.0, np.inf, 10.0]), log=True)
    np.testing.assert_array_equal(np.isnan(found), [False, True, True, True, False])
    np.testing.assert_allclose(found[[0, 4]], [-1, 1])


def test_the_loss_can_be_drawn_on_a_logarithmic_scale_and_back(plots: RunPlots) -> None:
    shown(plots)
    straight = plots.loss.plot.y_ticks
    plots.loss.menu.log.setChecked(True)
    _x, y = plots.loss.plot.curves["val_loss"].line.points()
    np.testing.assert_allclose(y, np.log10([1.5, 0.5, 1.5]))
    assert plots.loss.plot.y_ticks[0] > 0
    assert not plots.accuracy.menu.log.isVisible() and plots.rate.menu.log.isVisible()
    plots.loss.menu.log.setChecked(False)
    assert plots.loss.plot.y_ticks == straight


def test_a_low_plot_names_fewer_numbers(plots: RunPlots) -> None:
    shown(plots)
    plots.loss.plot.resize(400, 240)
    assert len(plots.loss.plot.y_ticks) >= 4
    plots.loss.plot.resize(400, 80)
    assert len(plots.loss.plot.y_ticks) == 3


# ------------------------------------------------------------------------------------------------ marks


def test_the_best_epoch_is_marked_on_the_curve_of_the_validation(plots: RunPlots) -> None:
    shown(plots)
    assert [list(part) for part in plots.loss.plot.points("star") or ()] == [[2.0], [0.5]]
    assert [list(part) for part in plots.accuracy.plot.points("star") or ()] == [[2.0], [0.6]]
    words = {entry.name: (entry.value, entry.style) for entry in plots.loss.legend.entries()}
    assert words["best: epoch 2"] == ("0.500", "star")
    for card in (plots.loss, plots.accuracy):  # where the last epoch may have the better figure
        assert card.head.toolTip() == "The best epoch is chosen by the validation loss."


def test_the_best_epoch_of_a_run_that_goes_on_is_known_from_its_rows(plots: RunPlots) -> None:
    rows = [epoch(n).row | {"val_loss": loss} for n, loss in enumerate((0.9, 0.4, 0.6, 0.4), start=1)]
    plots.begin(started(), rows)
    assert plots.curves is not None
    assert plots.curves.best == 2, "the first of equals, as the training itself counts"


def test_training_without_dropout_is_drawn_unless_a_person_says_no(plots: RunPlots) -> None:
    shown(plots)
    assert y_of(plots, "clean_loss") == [0.25, 0.125, 0.25 / 3]
    assert plots.loss.menu.clean.isChecked() and plots.loss.menu.clean.isEnabled()
    plots.accuracy.menu.clean.trigger()
    assert y_of(plots, "clean_loss") == [] and plots.accuracy.plot.points("clean_accuracy") is None
    assert "train, dropout off" not in {entry.name for entry in plots.loss.legend.entries()}
    plots.loss.menu.clean.trigger()
    assert len(y_of(plots, "clean_loss")) == 3
    shown(plots, clean=False, run="other")
    assert y_of(plots, "clean_loss") == [] and not plots.loss.menu.clean.isEnabled()


# ------------------------------------------------------------------------------------------------ reading


def entries(plots: RunPlots) -> dict[str, str]:
    return {entry.name: entry.value for entry in plots.loss.legend.entries()}


def test_the_mouse_reads_the_values_of_an_epoch_and_of_a_batch(qtbot: Any, plots: RunPlots) -> None:
    shown(plots)
    view = plots.loss.plot.view
    latest = entries(plots)
    scene = view.getViewBox().mapViewToScene(QPointF(2.25, 1.0))
    QTest.mouseMove(view.viewport(), view.mapFromScene(scene))
    qtbot.waitUntil(lambda: plots.loss.legend.title == "epoch 2")
    found = entries(plots)
    assert found["train"] == "0.500" and found["validation"] == "0.500" and found["train, dropout off"] == "0.125"
    step = next(int(name.split()[1]) for name in found if name.startswith("step"))
    assert step in (22, 23, 24)
    assert found[f"step {step}"] == f"{np.linspace(2, 1, 10)[step - 21] / 3:.3f}"
    QTest.mouseMove(view.viewport(), QPoint(1, 1))
    qtbot.waitUntil(lambda: plots.loss.legend.title == "")
    assert entries(plots) == latest


def test_the_arrow_keys_read_epoch_by_epoch(plots: RunPlots) -> None:
    shown(plots)
    plot = plots.loss.plot
    plot.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert plots.loss.legend.title == "epoch 1" and entries(plots)["validation"] == "1.500"
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plots.loss.legend.title == "epoch 2" and entries(plots)["validation"] == "0.500"
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert plots.loss.legend.title == "epoch 1"
    plot.clearFocus()
    plot.point_at(None)


def test_the_rate_of_any_step_can_be_read(plots: RunPlots) -> None:
    shown(plots)
    plots.rate.plot.point_at(0.55)
    assert plots.rate.readout.title == "epoch 0.55 · step 6"
    found = {entry.name: entry.value for entry in plots.rate.readout.entries()}
    assert found == {"actual": "0.05"}  # the sixth of ten from 0.1 to 0.01
    plots.rate.plot.point_at(3.5)
    assert [entry.name for entry in plots.rate.readout.entries()] == ["planned"]
    plots.rate.plot.point_at(None)
    assert not plots.rate.readout.isVisible()


def test_a_rate_set_in_flight_moves_the_rest_of_the_plan(plots: RunPlots) -> None:
    def rates(first: int, factor: float) -> BatchesDone:
        steps = np.arange(first, first + 10)
        plan = Plan(0.05, 10, 4)
        return replace(batches(first, 10), learning_rates=Power(s=1.0).rates(steps, plan) * factor)

    event = started()
    plots.begin(replace(event, experiment=event.experiment.replaced(schedule=Power(s=1.0))))
    plots.add_batches(rates(0, 1.0))
    plots.redraw()
    x, planned = plots.rate.plot.points("planned") or ((), ())
    np.testing.assert_allclose(planned, 0.05 / (1 + (np.round(x * 10) - 1) / 10))
    plots.add_batches(rates(10, 0.2))
    plots.redraw()
    x, changed = plots.rate.plot.points("planned") or ((), ())
    np.testing.assert_allclose(changed, 0.2 * 0.05 / (1 + (np.round(x * 10) - 1) / 10))


def test_the_legend_leaves_a_corner_where_it_would_hide_the_curves(plots: RunPlots) -> None:
    legend = plots.loss.legend

    def at_left() -> bool:
        return legend.x() < plots.loss.plot.view.width() / 3

    plots.begin(started(epochs=40))
    for number in range(1, 41):  # a loss that rises to the right, where the legend usually lies
        row = epoch(number).row | {"loss": number / 4, "val_loss": number / 3.5}
        plots.add_epoch(EpochDone(run="r", row=row, is_best=False))
    plots.redraw()
    assert at_left() or legend.y() > 60
    where = legend.pos()
    plots.redraw()
    assert legend.pos() == where, "it stays where it is"


def test_the_legend_leaves_a_line_at_the_very_top(plots: RunPlots) -> None:
    plots.begin(started(epochs=40))
    card = plots.accuracy
    for number in range(1, 41):
        row = epoch(number).row | {"accuracy": 1.0, "val_accuracy": 1.0 if number > 3 else number / 4}
        plots.add_epoch(EpochDone(run="r", row=row, is_best=False))
    card.plot.set_legend(card.legend, at_top=True)
    plots.redraw()
    card.plot.place_legend()
    box = card.plot.view.getPlotItem().vb
    line = box.mapViewToScene(QPointF(30, 1.0))
    assert not card.legend.geometry().adjusted(0, -1, 0, 1).contains(round(line.x()), round(line.y()))


def test_the_legend_leaves_two_points_and_the_line_between_them(plots: RunPlots) -> None:
    """After two epochs a corner at the left is empty, and at the usual one the legend would hide half of a line."""
    plots.begin(started(epochs=2))
    for number, loss in ((1, 2.05), (2, 1.9)):
        row = epoch(number).row | {"loss": loss, "val_loss": 0.5, "clean_loss": 0.45}
        plots.add_epoch(EpochDone(run="r", row=row, is_best=False))
    plots.redraw()
    plot, legend = plots.loss.plot, plots.loss.legend
    plot.place_legend()
    assert legend.geometry().right() < plot.view.width() / 2, "nothing is drawn before the first epoch"


# ------------------------------------------------------------------------------------------------ runs of before


def other(name: str, color: str, epochs: int) -> Other:
    curves = Curves(started(epochs=epochs).experiment, epochs=epochs)
    curves.name = name
    for number in range(1, epochs + 1):
        curves.add_row(epoch(number).row)
    return Other(name, color, curves)


def test_runs_of_before_lie_under_the_one_that_is_shown(plots: RunPlots) -> None:
    shown(plots)
    plots.set_others((other("run 1", "series_2", 6), other("run 2", "series_3", 2)))
    assert plots.loss.plot.view.getViewBox().viewRange()[0][1] >= 6
    assert y_of(plots, "other_0_val_loss") == [2 / n for n in range(1, 7)]
    assert entries(plots)["run 1"] == f"{2 / 6:.3f}" and entries(plots)["run 2"] == "1.000"
    curves = plots.loss.plot.curves
    assert curves["other_0_val_loss"].line.zValue() < curves["val_loss"].line.zValue()
    plots.set_others((other("run 2", "series_3", 2),))
    assert y_of(plots, "other_0_val_loss") == [2.0, 1.0]
    assert "other_1_val_loss" not in curves and "run 1" not in entries(plots)
    plots.set_others((replace(other("run 1", "series_2", 6), curves=plots.curves),))
    assert entries(plots).keys() & {"run 1", "run 2"} == set(), "the run that is shown is not drawn twice"


# ------------------------------------------------------------------------------------------------ files


def test_the_table_of_a_plot_holds_every_value_as_measured(plots: RunPlots) -> None:
    curves = shown(plots)
    plots.set_smoothing(5.0)
    plots.set_others((other("run 9", "series_2", 2),))
    rows = list(csv.DictReader(io.StringIO(table(plots.loss))))
    mine = {(row["curve"], float(row["epoch"])): float(row["value"]) for row in rows if row["run"] == "run"}
    assert mine["val_loss", 2.0] == 0.5 and mine["clean_loss", 1.0] == 0.25
    steps = [row for row in rows if row["curve"] == "batch_loss"]
    np.testing.assert_allclose([float(row["value"]) for row in steps], curves.batch["loss"].values, rtol=1e-8)
    np.testing.assert_allclose([float(row["epoch"]) for row in steps], curves.steps.values)
    assert [float(row["value"]) for row in rows if row["run"] == "run 9" and row["curve"] == "val_loss"] == [2.0, 1.0]
    rates = [row for row in csv.DictReader(io.StringIO(table(plots.rate))) if row["curve"] == "actual"]
    np.testing.assert_allclose([float(row["value"]) for row in rates[:30]], curves.rates.values)


def test_a_picture_is_twice_as_fine_and_a_drawing_holds_no_pictures(
    plots: RunPlots, theme: Theme, tmp_path: Path
) -> None:
    shown(plots)
    card = plots.loss
    image = QImage.fromData(picture(card, theme))
    assert image.width() == 2 * (card.plot.width() + 24)
    colours = {image.pixelColor(x, y).name() for x in range(0, image.width(), 3) for y in range(0, image.height(), 3)}
    assert {"#ffffff", "#0072b2", "#d55e00"} <= colours
    svg = drawing(card, theme).decode()
    assert "<image" not in svg and "validation" in svg and "cross-entropy" in svg and svg.count("<p") > 10
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".csv", b"run,curve")):
        save_plot(card, theme, tmp_path / f"plot{suffix}")
        assert (tmp_path / f"plot{suffix}").read_bytes().startswith(start)


@pytest.fixture(autouse=True)
def mouse_away(qapp: QApplication) -> Iterator[None]:
    """Where the mouse of an earlier test stands must not point at anything."""
    yield
    qapp.processEvents()


def test_a_run_that_ended_is_still_read(plots: RunPlots) -> None:
    shown(plots)
    plots.end(RunEnded(run="r", reason="finished", message=""))
    plots.loss.plot.point_at(1.0)
    assert plots.loss.legend.title == "epoch 1"
    plots.loss.plot.point_at(None)
