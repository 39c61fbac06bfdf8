"""Whatever numbers a history holds, its run is drawn: negative losses, and what floats can barely hold."""

from __future__ import annotations

from math import inf, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.core.workspace.answers import Answers
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.plots.cards.answers_card import AnswersCard
from dnnstudio.gui.plots.cards.health_card import HealthCard, number
from dnnstudio.gui.plots.curves import Curves, kept_limits, round_range
from dnnstudio.gui.plots.heat import HeatRow
from dnnstudio.gui.plots.panel import NOTHING_TRAINED, RunPlots
from dnnstudio.gui.plots.rate_plot import RatePlot
from dnnstudio.gui.plots.scale import Scale, drawn, known_range, logarithmic, straight
from dnnstudio.gui.plots.sentences import short_number, short_numbers, tick_numbers, tick_shares
from dnnstudio.gui.plots.smoothing import smoothed
from dnnstudio.gui.plots.stored import read_stored_run
from dnnstudio.gui.run_table.curves import RunCurves
from dnnstudio.gui.theme import Theme

from .test_plots import plots

__all__ = ["plots"]  # a fixture

FINITE = st.floats(allow_nan=False, allow_infinity=False)
ANY = st.floats(allow_nan=True, allow_infinity=True)
DRAWN = 1e100
"""What is farther from 0 has no place."""
LIMITS = st.sampled_from([(None, None), (0.0, None), (0.0, 1.0), (None, 1.0)])
WRITERS = st.sampled_from([tick_numbers, tick_shares, short_numbers])


def rising(scale: Scale) -> bool:
    """Whether the axis can be drawn: two ends, and ticks within them, each at its own place."""
    places = [scale.bottom, *scale.places, scale.top]
    return bool(np.isfinite(places).all()) and scale.bottom < scale.top and bool((np.diff(scale.places) > 0).all())


# ------------------------------------------------------------------------------------------------ ranges and ticks


@given(FINITE, FINITE, LIMITS, st.integers(3, 6), WRITERS)
@example(-3.0, -1.0, (0.0, None), 5, tick_numbers)
@example(-1.0, -1.0, (0.0, None), 5, tick_numbers)
@example(1e308, 1e308, (0.0, None), 5, tick_numbers)
@example(-1.7e308, 1.7e308, (None, None), 5, tick_numbers)
@example(5e-324, 5e-324, (0.0, None), 5, tick_numbers)
@example(1e-45, 3.4e38, (0.0, None), 3, short_numbers)
@example(0.1, 0.1 + 1.4e-17, (0.0, 1.0), 5, tick_shares)
def test_a_linear_axis_is_made_of_any_two_values(low, high, limits, most, words) -> None:  # type: ignore[no-untyped-def]
    low, high = sorted((low, high))
    scale = straight(low, high, limits, most=most, words=words)
    assert 2 <= len(scale.ticks) <= most and rising(scale) and len(set(scale.words)) == len(scale.ticks)
    slack = 1e-6 * (scale.top - scale.bottom) + 1e-100
    assert scale.bottom - slack <= max(low, -DRAWN) and min(high, DRAWN) <= scale.top + slack


@given(FINITE.filter(lambda value: value > 0), FINITE.filter(lambda value: value > 0), st.integers(3, 6))
@example(5e-324, 5e-324, 5)
@example(1.7e308, 1.7e308, 5)
@example(5e-324, 1.7e308, 3)
def test_a_logarithmic_axis_is_made_of_any_two_values_above_0(low: float, high: float, most: int) -> None:
    low, high = sorted((low, high))
    scale = logarithmic(low, high, most=most)
    assert 2 <= len(scale.ticks) <= most and rising(scale)
    assert scale.bottom <= np.log10(max(low, 1 / DRAWN)) + 1e-9
    assert scale.top >= np.log10(min(max(high, 1 / DRAWN), DRAWN)) - 1e-9


@given(st.lists(ANY, max_size=30), st.booleans(), st.booleans())
def test_every_value_that_can_be_drawn_lies_on_the_axis(values: list[float], log: bool, robust: bool) -> None:
    array = np.array(values, dtype=np.float64)
    ends, places = known_range(array, robust=robust, log=log), drawn(array, log=log)
    if ends is None:
        assert not np.isfinite(places).any()
        return
    scale = logarithmic(*ends, most=5) if log else straight(*ends, (0.0, None), most=5, words=tick_numbers)
    seen = places[np.isfinite(places)]
    slack = 1e-6 * (scale.top - scale.bottom) + 1e-100
    assert len(seen) and seen.max() <= scale.top + slack
    assert log or seen.min() >= scale.bottom - slack


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-3.0, -1.0, [-3, -2.5, -2, -1.5, -1]),
        (-0.9, -0.1, [-1, -0.75, -0.5, -0.25, 0]),
        (-1.0, -1.0, [-1.5, -1.25, -1, -0.75, -0.5]),
        (-0.2, 0.7, [-0.25, 0, 0.25, 0.5, 0.75]),
    ],
)
def test_a_negative_loss_has_the_ticks_that_a_person_would_choose(
    low: float, high: float, expected: list[float]
) -> None:
    bottom, top, ticks = round_range(low, high, 0.0)
    assert ticks == expected and (bottom, top) == (expected[0], expected[-1])


def test_ticks_are_as_round_as_their_values_are_small() -> None:
    """Twelve decimals were kept, so the ticks of smaller losses were all 0."""
    assert round_range(0.0, 4e-14, 0.0)[2] == [0, 1e-14, 2e-14, 3e-14, 4e-14]


def test_a_limit_holds_for_what_passes_it_by_rounding_alone() -> None:
    assert kept_limits(0.5, 1.0 + 1e-9, (0.0, 1.0)) == (0.0, 1.0)
    assert kept_limits(-1e-9, 1.0, (0.0, None)) == (0.0, None)
    assert kept_limits(-0.1, 1.5, (0.0, 1.0)) == (None, None)
    assert kept_limits(-1e-9, -1e-9, (0.0, None)) == (None, None)


# ------------------------------------------------------------------------------------------------ texts


@given(st.lists(ANY, max_size=5), WRITERS)
@example([1e308, 5e-324], tick_numbers)
@example([nan, 1.0], tick_numbers)
@example([inf], short_numbers)
@example([], tick_numbers)
def test_labels_are_made_of_any_values(values, words) -> None:  # type: ignore[no-untyped-def]
    found = words(values)
    assert len(found) == len(values) and all(found)


@given(ANY)
@example(nan)
@example(inf)
@example(5e-324)
def test_a_number_is_written_whatever_it_is(value: float) -> None:
    assert all(write(value) for write in (figure, short_number, number))


def test_what_is_not_finite_is_named() -> None:
    assert [figure(value) for value in (nan, inf, -inf)] == ["nan", "inf", "-inf"]
    assert [short_number(value) for value in (nan, inf, -inf)] == ["nan", "inf", "-inf"]
    assert (figure(1e308), short_number(1e308), figure(5e-324)) == ("1.0e308", "1e308", "4.9e-324")


def test_ticks_that_lie_near_each_other_have_labels_that_differ() -> None:
    assert tick_numbers([1_000_000.0, 1_000_001.0]) == ["1e6", "1.000001e6"]
    assert tick_shares([0.99995, 0.999955]) == ["99.995\u00a0%", "99.996\u00a0%"]


# ------------------------------------------------------------------------------------------------ drawn


@given(st.lists(ANY, min_size=1, max_size=20), st.sampled_from([0.0, 0.5, 3.0]))
def test_a_smoothed_line_passes_over_what_cannot_be_drawn(values: list[float], over: float) -> None:
    found = smoothed(np.arange(1.0, len(values) + 1), np.array(values), over)
    assert not np.isinf(found).any() and bool(np.nanmax(np.abs(found), initial=0.0) <= DRAWN * 1.0001)


HEAD = "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds"


def stored(folder: Path, *rows: str) -> Curves:
    """A run with this history."""
    folder.mkdir()
    codec.save(load_recipe("digits").experiment, folder / "experiment.json")
    (folder / "history.csv").write_text("\n".join((HEAD, *rows)) + "\n")
    return read_stored_run(folder)[0]


GOOD = "1,1,.5,2,.5,.01,.1", "2,.5,.6,1,.6,.01,.1"
HISTORIES = {
    "negative": ("1,-1,.5,-2,.5,.01,.1", "2,-2,.5,-3,.5,.01,.1"),
    "huge": ("1,1e308,.5,-1e308,.5,.01,.1", "2,-2,.5,-3,.5,.01,.1"),
    "huge_alone": ("1,1e308,.5,1e308,.5,.01,.1", "2,1e308,.5,1e308,.5,.01,.1"),
    "subnormal": ("1,5e-324,.5,5e-324,.5,.01,.1", "2,5e-324,.5,5e-324,.5,.01,.1"),
    "epoch_0": ("0,1,.5,2,.5,.01,.1", "0,2,.5,3,.5,.01,.1"),
    "rates": ("1,1,.5,-2,.5,1e308,.1", "2,2,.5,3,.5,1e-308,1e308"),
    "accuracy": ("1,1,5,2,-3,.01,.1", "2,2,5,3,-3,.01,.1"),
    "not_finite": ("1,nan,nan,inf,-inf,nan,nan", "2,1,.5,2,.5,inf,.1"),
}

UNDRAWN = {("huge_alone", "loss_card"), ("epoch_0", "rate_card"), ("not_finite", "rate_card")}
"""Where nothing that was told has a place: too far, before the first step, not a number."""
KEYS = ("loss", "val_loss"), ("accuracy", "val_accuracy"), ("actual",)


@pytest.mark.parametrize("name", HISTORIES)
def test_a_stored_run_is_drawn_and_the_next_one_too(tmp_path: Path, plots: RunPlots, name: str) -> None:
    plots.show_run(stored(tmp_path / "0001 odd", *HISTORIES[name]))
    for log in (False, True):
        for card, keys in zip(plots.cards, KEYS, strict=True):
            card.plot.set_log(log)
            assert not card.plot.message.text() and len(card.plot.y_ticks) >= 2
            if not log and (name, card.objectName()) not in UNDRAWN:
                lines = [line for key in keys if (line := card.plot.curves[key].line) is not None]
                assert any(np.isfinite(line.points()[1]).any() for line in lines)
            for epoch in (0.0, 0.5, 1.0, 2.0):
                card.plot.point_at(epoch)
            card.plot.point_at(None)
            assert not card.grab().isNull()
        plots.set_smoothing(3)
    QApplication.processEvents()
    for card in plots.cards:
        card.plot.set_log(False)
    plots.set_smoothing(0)
    plots.show_run(stored(tmp_path / "0002 good", *GOOD))
    for key, values in (("loss", [1, 0.5]), ("val_loss", [2, 1])):
        points = plots.loss.plot.points(key)
        assert points is not None and points[1].tolist() == values
    assert plots.loss.plot.y_ticks == [0.5, 1, 1.5, 2]
    actual = plots.rate.plot.points("actual")
    assert actual is not None and set(actual[1].tolist()) == {0.01}


def test_negative_losses_lie_within_the_axis(tmp_path: Path, plots: RunPlots) -> None:
    plots.show_run(stored(tmp_path / "0001 cosine", *HISTORIES["negative"]))
    plot = plots.loss.plot
    assert plot.message.text() != NOTHING_TRAINED and plot.y_ticks == [-3, -2.5, -2, -1.5, -1]
    (_, _), (bottom, top) = plot.view.getViewBox().viewRange()
    assert bottom < -3 and top > -1


def test_a_band_around_negative_losses_is_around_them(tmp_path: Path, plots: RunPlots) -> None:
    curves = stored(tmp_path / "0001 cosine", *HISTORIES["negative"])
    spread = [{"epoch": row["epoch"], "val_loss": 0.25} for row in curves.rows]
    curves.set_means(curves.rows, spread, ends=(2.0, 2.0))
    plots.show_run(curves)
    plots.set_smoothing(0)
    points = plots.loss.plot.points("band_val_loss")
    assert points is not None and points[1].tolist() == [-1.75, -2.75, -3.25, -2.25]


def test_the_recorded_rate_is_drawn_also_of_rows_with_epoch_0(tmp_path: Path, plots: RunPlots) -> None:
    plots.show_run(stored(tmp_path / "0001 odd", "0,1,.5,2,.5,.5,.1", "1,1,.5,2,.5,.01,.1", "2,1,.5,2,.5,.02,.1"))
    points = plots.rate.plot.points("actual")
    assert points is not None and points[1][-1] == 0.02 and 0.5 not in points[1]


def test_a_rate_test_of_any_losses_has_an_axis(qtbot: Any, theme: Theme) -> None:
    plot, rates = RatePlot(theme), np.array([1e-6, 1e-3, 10.0])
    qtbot.addWidget(plot)

    @given(st.lists(FINITE, min_size=3, max_size=3))
    @settings(max_examples=30)
    def check(losses: list[float]) -> None:
        plot.clear()
        plot.add(rates, np.array(losses))
        (_, _), (bottom, top) = plot.view.getViewBox().viewRange()
        assert bottom < top and np.isfinite((bottom, top)).all()

    check()


def test_the_axis_of_a_rate_test_goes_above_the_first_losses_also_below_0(qtbot: Any, theme: Theme) -> None:
    plot = RatePlot(theme)
    qtbot.addWidget(plot)
    rates, losses = np.geomspace(1e-6, 10.0, 8), np.array([-1.0] * 5 + [-2.0, -3.0, 5.0])
    plot.show_found(
        FoundRate(rates=rates, losses=losses, smoothed=losses, steepest=1e-3, tenth_of_lowest=None, exploded=False)
    )
    (_, _), (bottom, top) = plot.view.getViewBox().viewRange()
    assert bottom < -3 and top > -1


@pytest.mark.parametrize("values", [[5e-324, 1.7e308], [1.7e308], [5e-324], [nan, inf]])
def test_the_health_of_layers_has_a_scale_for_any_values(qtbot: Any, theme: Theme, values: list[float]) -> None:
    document = Document(load_recipe("digits").experiment)
    card = HealthCard(theme, document)
    qtbot.addWidget(card)
    scale = card._scale([HeatRow("hidden_1", values, "")])
    assert scale is not None and 0 < scale.low < scale.high
    places = scale.places(np.array([value for value in values if np.isfinite(value)]))
    assert ((places >= 0) & (places <= 1)).all()
    document.deleteLater()


@pytest.mark.parametrize("values", [[1e308, -1e308, 1.0], [nan, 1.0, 2.0], [5e-324] * 3, [nan] * 3])
def test_answers_of_any_size_are_drawn(qtbot: Any, theme: Theme, values: list[float]) -> None:
    card = AnswersCard(theme)
    qtbot.addWidget(card)
    card.resize(400, 240)
    card.part = "test"
    card.show_answers({"test": Answers(np.array([1.0, 2.0, 3.0]), np.array(values))})
    for view in ("predicted", "residuals"):
        card.views.button(view).click()
        assert not card.grab().isNull()


def test_negative_figures_of_a_repeat_have_a_band_around_them_in_the_table_of_runs(
    tmp_path: Path, qtbot: Any, theme: Theme
) -> None:
    shown = RunCurves(theme)
    qtbot.addWidget(shown)
    for name, loss in (("1", -1.0), ("2", -3.0)):
        folder = tmp_path / name
        folder.mkdir()
        rows = [f"{epoch},{loss},.5,{loss},.5,.01,.1" for epoch in (1, 2)]
        (folder / "history.csv").write_text("\n".join((HEAD, *rows)) + "\n")
    members = [SimpleNamespace(record=SimpleNamespace(folder=tmp_path / name)) for name in "12"]
    row = SimpleNamespace(task="t", figure="loss", counted=members)
    shown.show_runs([row])  # type: ignore[list-item]
    band = shown.plot.points("band_0")
    spread = 2**0.5  # the sample standard deviation of -1 and -3
    assert band is not None and band[1] == pytest.approx([-2 + spread] * 2 + [-2 - spread] * 2)
    assert shown.plot.y_ticks[0] <= -3 and not shown.plot.message.text()
