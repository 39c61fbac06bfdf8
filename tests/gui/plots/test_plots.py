"""The plots: what is drawn from what a run tells, how often, and how the axes come to their numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.data import Csv, Data
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import BatchesDone, EpochDone, RunEnded, RunStarted
from dnnstudio.gui.base.run_words import figure
from dnnstudio.gui.plots.base import CurvePlot
from dnnstudio.gui.plots.curves import TRACE_POINTS, Curves, bounds, planned_rates, round_range, round_step
from dnnstudio.gui.plots.panel import NOTHING_TRAINED, RunPlots
from dnnstudio.gui.plots.sentences import loss_words, short_number, short_numbers, tick_numbers, tick_shares
from dnnstudio.gui.plots.series import Series
from dnnstudio.gui.plots.trace import Trace
from dnnstudio.gui.theme import Theme

STEPS = 10


@pytest.fixture
def plots(qtbot: Any, theme: Theme) -> Iterator[RunPlots]:
    made = RunPlots(theme)
    holder = QWidget()
    column = QVBoxLayout(holder)
    for card in (made.loss, made.accuracy, made.rate):
        column.addWidget(card)
    holder.resize(500, 700)
    with qtbot.waitExposed(holder):
        holder.show()
    yield made
    made.stop()
    holder.close()
    holder.deleteLater()
    made.deleteLater()
    vars(made).clear()


def started(epochs: int = 4, run: str = "r") -> RunStarted:
    experiment = edits.set_value(load_recipe("digits").experiment, "training.epochs", epochs)
    return RunStarted(run=run, experiment=experiment, folder=Path("run"), steps_per_epoch=STEPS, epochs=epochs)


def batches(first: int, count: int, run: str = "r", *, loss: float = 1.0) -> BatchesDone:
    steps = np.arange(first, first + count, dtype=np.int64)
    return BatchesDone(
        run=run,
        epoch=first // STEPS + 1,
        steps=steps,
        losses=np.full(count, loss, np.float32),
        accuracies=np.full(count, 0.5, np.float32),
        learning_rates=np.full(count, 0.05),
        seconds_left=3.0,
    )


def epoch(number: int, run: str = "r") -> EpochDone:
    row = {"epoch": float(number), "loss": 1 / number, "accuracy": 0.5, "val_loss": 2 / number, "val_accuracy": 0.6}
    return EpochDone(run=run, row=row | {"learning_rate": 0.05, "seconds": 0.1}, is_best=True)


# ------------------------------------------------------------------------------------------------ arrays


@given(st.lists(st.lists(st.floats(-1e6, 1e6), max_size=700), max_size=12))
def test_a_trace_holds_all_that_was_appended(portions: list[list[float]]) -> None:
    trace = Trace()
    for portion in portions:
        trace.append(portion)
    assert trace.values.tolist() == [value for portion in portions for value in portion]


def test_steps_are_placed_at_their_end_on_the_axis_of_epochs() -> None:
    curves = Curves.of(started())
    curves.add_batches(batches(0, 5))
    assert curves.steps.values.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert (curves.now, curves.epoch) == (pytest.approx(0.5), 1)
    curves.add_batches(batches(5, 10))
    assert curves.epoch == 2


def test_a_run_that_predicts_a_number_has_no_accuracy() -> None:
    curves = Curves.of(started())
    event = batches(0, 5)
    curves.add_batches(
        BatchesDone(
            run="r",
            epoch=1,
            steps=event.steps,
            losses=event.losses,
            accuracies=event.accuracies[:0],
            learning_rates=event.learning_rates,
            seconds_left=0,
        )
    )
    assert not curves.classifies


def test_values_that_are_not_finite_are_left_out_of_the_means() -> None:
    curves = Curves.of(started())
    curves.add_row({"epoch": 1.0, "loss": 0.5})
    curves.add_row({"epoch": 2.0, "loss": float("nan")})
    assert curves.column("loss")[1].tolist() == [0.5]
    assert curves.latest("loss") == 0.5


@given(
    low=st.floats(-1e8, 1e8),
    span=st.floats(1e-6, 1e8),
)
def test_an_axis_has_three_to_five_round_numbers_and_encloses_the_values(low: float, span: float) -> None:
    high = low + span
    if high - low < 1e-6 * max(abs(low), abs(high)):
        return  # floating point cannot tell such ticks apart
    bottom, top, ticks = round_range(low, high)
    tolerance = 1e-6 * span
    assert bottom <= low + tolerance and top >= high - tolerance
    assert 2 <= len(ticks) <= 5
    assert np.allclose(np.diff(ticks), ticks[1] - ticks[0], rtol=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.05, [0, 0.025, 0.05]),
        (0.2, 1.0, [0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.6, 0.9, [0.6, 0.7, 0.8, 0.9]),
        (0.05, 2.3, [0, 1, 2]),
    ],
)
def test_ticks_are_the_numbers_that_a_person_would_choose(low: float, high: float, expected: list[float]) -> None:
    assert round_range(low, high)[2] == pytest.approx(expected)


def test_a_low_plot_gets_three_ticks() -> None:
    for high in (0.001, 0.05, 0.037, 8e-5, 3.0):
        assert len(round_range(0.0, high, 0.0, most=3)[2]) <= 3


def test_a_share_never_passes_its_limits() -> None:
    bottom, top, ticks = round_range(1.0, 1.0, 0.0, 1.0)
    assert bottom >= 0 and top == 1.0 and max(ticks) == 1.0


def test_a_single_outlier_among_many_batches_does_not_set_the_axis() -> None:
    values = np.append(np.linspace(1, 2, 5000), 1e6)
    assert bounds(values, robust=True)[1] < 3
    assert bounds(values, robust=False)[1] == 1e6
    assert bounds(np.array([np.nan, np.inf]), robust=False) is None


@pytest.mark.parametrize(("raw", "step"), [(0.3, 1), (1, 1), (1.2, 2), (5, 5), (25, 50), (700, 1000)])
def test_epochs_are_numbered_in_round_steps(raw: float, step: int) -> None:
    assert round_step(raw) == step


def test_the_plan_of_a_constant_schedule_is_the_optimizers_rate_to_the_end() -> None:
    experiment: Experiment = load_recipe("digits").experiment
    x, y = planned_rates(experiment, 36)
    assert x[-1] == experiment.training.epochs
    assert set(y) == {experiment.optimizer.learning_rate}
    assert len(x) <= 600


# ------------------------------------------------------------------------------------------------ words


def test_figures_are_written_as_a_person_reads_them() -> None:
    assert figure(0.3512) == "0.351"
    assert figure(None) == "–"
    assert [figure(value) for value in (98.1, 144.0, 999.96, 1485.2)] == ["98.10", "144.0", "1,000", "1,485"]
    assert [figure(value) for value in (14190.633, 123_456.7, 1.2e6)] == ["14,191", "123,457", "1.2e6"]
    assert tick_shares([0.6, 0.9]) == ["60\u00a0%", "90\u00a0%"]
    assert tick_numbers([0, 0.25, 0.5]) == ["0", "0.25", "0.50"]
    assert short_numbers([0, 0.0005, 0.001]) == ["0", "0.0005", "0.001"]
    assert short_numbers([0, 5e-6, 1e-5]) == ["0", "5e-6", "1e-5"]
    assert short_numbers([0, 500_000, 1_000_000]) == tick_numbers([0, 500_000, 1_000_000]) == ["0", "5e5", "1e6"]
    assert tick_numbers([0, 50_000, 100_000, 150_000]) == ["0", "50,000", "100,000", "150,000"]
    assert [short_number(value) for value in (0.05, 1e-5, 12000, 0)] == ["0.05", "1e-5", "12,000", "0"]


def test_the_loss_says_what_it_is_made_of() -> None:
    assert loss_words(load_recipe("digits").experiment) == "cross-entropy"
    assert loss_words(load_recipe("l2").experiment) == "cross-entropy + L2"
    table = Experiment(data=Data(source=Csv(path="prices.csv", target="number")))
    assert loss_words(table) == "mean squared error"  # what "auto" stands for where a number is predicted
    assert loss_words(table.replaced(loss="huber")) == "Huber loss"


# ------------------------------------------------------------------------------------------------ drawing


def test_before_a_run_the_axes_span_the_plan_and_say_what_to_press(plots: RunPlots) -> None:
    plots.show_plan(load_recipe("digits").experiment, None)
    assert plots.loss.plot.view.getViewBox().viewRange()[0][1] >= 20
    assert "Press Train" in plots.loss.plot.message.text()
    assert plots.loss.plot.message.isVisible()
    x, _y = plots.rate.plot.points("planned") or ((), ())
    assert (x[0], x[-1]) == (0, 20)


def test_a_run_is_drawn_batch_by_batch_and_epoch_by_epoch(qtbot: Any, plots: RunPlots) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 10))
    plots.add_epoch(epoch(1))
    plots.add_batches(batches(10, 5))
    for card in (plots.loss, plots.accuracy):
        qtbot.waitUntil(lambda card=card: len((card.plot.points("batch") or ((),))[0]) == 15)
    assert list((plots.loss.plot.points("val_loss") or ((), ()))[1]) == [2.0]
    assert not plots.loss.plot.message.isVisible()
    qtbot.waitUntil(lambda: bool(plots.accuracy.legend.entries()))
    values = {entry.name: entry.value for entry in plots.loss.legend.entries()}
    assert values == {"train": "1.000", "validation": "2.000", "best: epoch 1": "2.000"}
    assert {entry.value for entry in plots.accuracy.legend.entries()} == {"50.0\u00a0%", "60.0\u00a0%"}
    assert plots.accuracy.note.text() == "epoch 2 of 4"


def test_what_is_still_to_come_is_tinted_until_the_run_ends(qtbot: Any, plots: RunPlots) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 10))
    qtbot.waitUntil(lambda: plots.loss.plot.future.isVisible())
    assert plots.loss.plot.now_line.value() == pytest.approx(1.0)
    plots.end(RunEnded(run="r", reason="finished", message=""))
    qtbot.waitUntil(lambda: not plots.loss.plot.future.isVisible())


def test_a_training_that_is_stopped_before_its_first_step_does_not_begin_for_ever(plots: RunPlots) -> None:
    plots.begin(started())
    plots.end(RunEnded(run="r", reason="stopped", message=""))
    assert {card.plot.message.text() for card in (plots.loss, plots.accuracy)} == {NOTHING_TRAINED}


def test_events_of_another_run_are_not_drawn(plots: RunPlots) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 5, run="other"))
    plots.add_epoch(epoch(1, run="other"))
    assert plots.curves is not None
    assert len(plots.curves.steps) == 0 and plots.curves.rows == []


def test_the_curves_are_made_once(plots: RunPlots) -> None:
    made = dict(plots.loss.plot.curves)
    for run in ("a", "b"):
        plots.begin(started(run=run))
        plots.add_batches(batches(0, 5, run=run))
    assert plots.loss.plot.curves == made


def test_the_y_axis_never_narrows_while_a_run_grows(plots: RunPlots) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 5, loss=8.0))
    plots.add_batches(batches(5, 5, loss=4.0))
    plots.redraw()
    wide = plots.loss.plot.view.getViewBox().viewRange()[1]
    plots.add_batches(batches(10, 5, loss=0.1))
    plots.add_batches(batches(15, 5, loss=6.0))
    plots.redraw()
    after = plots.loss.plot.view.getViewBox().viewRange()[1]
    assert after[0] <= wide[0] and after[1] >= wide[1]


@pytest.mark.promise
def test_plots_are_redrawn_at_most_20_times_a_second(qtbot: Any, plots: RunPlots, measured: Any) -> None:
    plots.begin(started(epochs=1000))
    before, begun, told = plots.redraws, time.perf_counter(), 0
    while time.perf_counter() - begun < 1.0:
        plots.add_batches(batches(told * 5, 5))
        told += 1
        QApplication.processEvents()
    seconds = time.perf_counter() - begun
    rate = (plots.redraws - before) / seconds
    measured(f"{rate:.1f} redraws a second for {told / seconds:.0f} events a second")
    assert rate <= 21
    each = STEPS * 1000 // TRACE_POINTS
    last = told * 5 // each * each / STEPS  # the epoch at which the last whole group of batches ends
    qtbot.waitUntil(lambda: (plots.loss.plot.points("batch") or ((-1.0,),))[0][-1] == pytest.approx(last))


def test_batches_epochs_words_and_painting_them_take_a_turn_each(
    qtbot: Any, plots: RunPlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All at once held the window up for longer than a turn of its loop may take."""
    plots.begin(started())
    view, ticks = plots.loss.plot.view, QTimer()
    said: list[bool] = []
    seen: list[tuple[bool, bool, bool, bool]] = []

    def look() -> None:
        drawn = (plots.loss.plot.points(key) is not None for key in ("batch", "loss"))
        seen.append((*drawn, bool(said), painted()))

    ticks.timeout.connect(look)
    say = plots.loss._say

    def painted() -> bool:
        return bool(view.updatesEnabled())

    with monkeypatch.context() as patched:
        patched.setattr(plots.loss, "_say", lambda: (said.append(painted()), say()))
        plots.add_batches(batches(0, 10))
        plots.add_epoch(epoch(1))
        ticks.start(1)
        qtbot.waitUntil(lambda: bool(said) and painted())
        ticks.stop()
    assert said == [False]
    order = [each for place, each in enumerate(seen) if not place or each != seen[place - 1]]
    assert order[:5] == [
        (False, False, False, True),
        (True, False, False, False),
        (True, True, False, False),
        (True, True, True, False),
        (True, True, True, True),
    ]


def test_what_is_drawn_in_steps_and_dropped_leaves_nothing_held(qtbot: Any, plots: RunPlots) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 5))
    qtbot.waitUntil(lambda: not plots.loss.plot.view.updatesEnabled(), timeout=1000)
    plots.clear()
    assert all(card.plot.view.updatesEnabled() for card in plots.cards)
    qtbot.waitUntil(lambda: plots.at_rest)
    assert not plots.loss.legend.entries()
    plots.begin(started())
    plots.add_batches(batches(0, 5))
    qtbot.waitUntil(lambda: not plots.loss.plot.view.updatesEnabled(), timeout=1000)
    plots.redraw()
    assert all(card.plot.view.updatesEnabled() for card in plots.cards)


def test_many_batches_are_drawn_as_means_of_neighbours_that_never_change() -> None:
    curves = Curves.of(started(epochs=1000))
    losses = np.random.default_rng(0).uniform(size=1003).astype(np.float32)
    each = STEPS * 1000 // TRACE_POINTS
    for first in range(0, 1003, 17):
        part = losses[first : first + 17]
        event = batches(first, len(part))
        curves.add_batches(replace(event, losses=part))
    x, y = curves.trace("loss")
    wanted = [losses[start : start + each].mean() for start in range(0, 1003 - each + 1, each)]
    np.testing.assert_allclose(y, wanted, rtol=1e-6)
    np.testing.assert_allclose(x, [(number + 1) * each / STEPS for number in range(len(wanted))])


def test_a_million_batches_are_drawn_quickly(plots: RunPlots, measured: Any) -> None:
    plots.begin(started(epochs=100_000))
    plots.add_batches(batches(0, 1_000_000))
    plots.redraw()
    begun = time.perf_counter()
    plots.redraw()
    plots.loss.plot.view.grab()
    seconds = time.perf_counter() - begun
    measured(f"a million batches: drawn in {seconds * 1000:.0f} ms")
    assert seconds < 2


def test_colours_follow_the_theme(plots: RunPlots, theme: Theme) -> None:
    plots.begin(started())
    plots.add_batches(batches(0, 5))
    light = plots.loss.plot.curves["loss"].line.pen.color().name()
    theme.apply("dark")
    dark = plots.loss.plot.curves["loss"].line.pen.color().name()
    assert (light, dark) == ("#0072b2", "#56b4e9")


def test_marks_thin_out_where_they_would_touch(qtbot: Any, theme: Theme) -> None:
    plot = CurvePlot(theme, [Series("loss", "train", "train", "epochs")], format_ticks=tick_numbers)
    qtbot.addWidget(plot)
    for count, marked in ((5, 5), (60, 60), (500, 32)):
        plot.set_curve("loss", np.arange(count, dtype=float), np.ones(count))
        assert len(plot.curves["loss"].marks.points()[0]) == marked
        assert plot.curves["loss"].marks.isVisible()
        assert len(plot.curves["loss"].line.points()[0]) == count


def test_training_and_validation_differ_by_the_shape_of_their_marks(plots: RunPlots) -> None:
    """Not by colour alone, on the curves as in the legend."""
    plots.begin(started())
    plots.add_batches(batches(0, 5))
    plots.add_epoch(epoch(1))
    plots.redraw()
    shapes = {name: plots.loss.plot.series[name].mark for name in ("loss", "val_loss")}
    assert shapes == {"loss": "round", "val_loss": "square"}
    told = {entry.name: entry.mark for entry in plots.loss.legend.entries()}
    assert (told["train"], told["validation"]) == ("round", "square")
