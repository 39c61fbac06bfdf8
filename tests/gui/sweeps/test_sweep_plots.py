"""All settings at once with their ranges, and what mattered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QStyle, QStyleOptionComboBox

from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial
from dnnstudio.core.study.varied import Listed, Ranged
from dnnstudio.gui.sweeps.parallel import HOW
from dnnstudio.gui.sweeps.plot import figures_axis, places_of
from dnnstudio.gui.sweeps.window import SweepWindow
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import Badge, ElidedLabel
from dnnstudio.gui.widgets.charts.axis import nice_axis
from dnnstudio.gui.widgets.charts.chart import Dots
from dnnstudio.runner.importance import ENOUGH

from ..window_kit import let_go

RATE, KIND = "optimizer.learning_rate", "optimizer.kind"
PLAN = SweepPlan(
    experiment=Experiment(seed=7),
    vary=(Ranged(path=RATE, low=1e-4, high=0.2, log=True), Listed(path=KIND, values=("sgd", "adam"))),
    trials=40,
    sampler="random",
    threads=1,
    target="val_accuracy",
)
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
FIGURES = (0.7, 0.8, 0.9, 0.95)


def trials(count: int = 4) -> dict[int, Trial]:
    return {
        number: Trial(
            number=number,
            status="done",
            values={RATE: RATES[number % 4] * (1 + number / 1000), KIND: ("sgd", "adam")[number % 2]},
            figures={"val_accuracy": FIGURES[number % 4]},
        )
        for number in range(count)
    }


@pytest.fixture
def window(qtbot: Any, qapp: QApplication) -> Iterator[SweepWindow]:
    theme = Theme(qapp, "light")
    theme.apply()
    made = SweepWindow(theme)
    made.resize(1280, 820)
    with qtbot.waitExposed(made):
        made.show()
    made.show_trials(PLAN, trials())
    QApplication.processEvents()
    yield made
    made.close()
    for item in (made, theme):
        item.deleteLater()
    vars(made).clear()
    let_go()


def drag(window: SweepWindow, axis: int, begin: float, end: float) -> None:
    axes = window.parallel.axes
    places = [QPoint(round(axes.axis_x(axis)), round(axes.part_y(part))) for part in (begin, end)]
    QTest.mousePress(axes, Qt.MouseButton.LeftButton, pos=places[0])
    QTest.mouseMove(axes, places[1])
    QTest.mouseRelease(axes, Qt.MouseButton.LeftButton, pos=places[1])


def shown(window: SweepWindow) -> list[int]:
    table = window.table
    rows = [row for row in range(table.rowCount()) if not table.isRowHidden(row)]
    return sorted(int(item.text()) for row in rows if (item := table.item(row, 0)) is not None)


def test_a_range_drawn_on_an_axis_leaves_the_trials_within_it(window: SweepWindow) -> None:
    assert window.parallel.numbers is None and shown(window) == [0, 1, 2, 3]
    assert window.parallel.clear.isHidden()
    drag(window, 2, 1.0, 0.5)  # the upper half of the target
    assert window.parallel.numbers == {2, 3} and shown(window) == [2, 3]
    assert window.parallel.said.text().startswith("validation accuracy 8") and "2 of 4" in window.parallel.said.text()
    badge = window.trial_card.head.findChild(Badge)
    assert badge is not None and badge.text() == "2 of 4"


def test_how_to_choose_a_range_is_said_where_there_is_something_to_choose(window: SweepWindow) -> None:
    assert window.parallel.said.text() == HOW
    window.show_trials(PLAN, {})
    assert window.parallel.said.text() == ""


def test_ranges_of_several_axes_hold_together_and_are_cleared(window: SweepWindow) -> None:
    drag(window, 2, 1.0, 0.5)
    drag(window, 1, 0.5, 1.0)  # adam
    assert shown(window) == [3]
    said = window.parallel.said.text()
    assert said.startswith("optimizer Adam, validation accuracy 8") and said.endswith("1 of 4")
    window.parallel.clear.click()
    assert shown(window) == [0, 1, 2, 3] and window.parallel.said.text() == HOW


def test_a_brush_is_moved_by_its_middle_and_its_ends_and_a_click_takes_it_away(window: SweepWindow) -> None:
    axes = window.parallel.axes
    drag(window, 0, 0.2, 0.6)
    low, high = axes.brushes[0]
    assert (low, high) == pytest.approx((0.2, 0.6), abs=0.02)
    drag(window, 0, (low + high) / 2, (low + high) / 2 + 0.2)
    assert axes.brushes[0] == pytest.approx((low + 0.2, high + 0.2), abs=0.02)
    drag(window, 0, axes.brushes[0][1], 0.95)
    assert axes.brushes[0][1] == pytest.approx(0.95, abs=0.02)
    drag(window, 0, 0.6, 0.6)
    assert axes.brushes == {}


def test_the_keyboard_chooses_moves_and_clears(window: SweepWindow) -> None:
    axes = window.parallel.axes
    axes.setFocus()
    QTest.keyClick(axes, Qt.Key.Key_Right)
    QTest.keyClick(axes, Qt.Key.Key_Right)
    for _ in range(10):
        QTest.keyClick(axes, Qt.Key.Key_Up, Qt.KeyboardModifier.ControlModifier)
    assert axes.brushes == {2: pytest.approx((0.5, 1.0))}
    assert shown(window) == [2, 3]
    QTest.keyClick(axes, Qt.Key.Key_Down)
    assert axes.brushes[2] == pytest.approx((0.45, 0.95))
    QTest.keyClick(axes, Qt.Key.Key_Delete)
    assert axes.brushes == {}


def test_trials_that_come_stay_within_what_is_chosen(window: SweepWindow) -> None:
    drag(window, 1, 0.5, 1.0)
    window.show_trials(PLAN, trials(8))
    assert shown(window) == [1, 3, 5, 7]


def test_what_mattered_is_told_from_twenty_trials_on(qtbot: Any, window: SweepWindow) -> None:
    card = window.mattered
    assert card.shares is None and not card.badge.isHidden()
    assert card.words.text().startswith(f"Needs {ENOUGH - 4} trials more:")  # of as many as the sweep has, or not
    with qtbot.waitSignal(card.told, timeout=20_000):
        window.show_trials(PLAN, trials(ENOUGH))
    assert card.shares is not None and card.badge.isHidden()
    assert sum(card.shares.values()) == pytest.approx(1)


def test_no_dot_is_cut_by_the_edge_of_the_plot_nor_covered_by_its_words(window: SweepWindow) -> None:
    chart = window.plot.chart
    top = trials(1)[0].model_copy(update={"figures": {"val_accuracy": 1.0}})
    window.show_trials(PLAN, trials() | {0: top})  # on the upper edge of the axis
    best = next(item for item in chart.items if isinstance(item, Dots) and item.color == "accent")
    at = chart.place(float(best.x[0]), float(best.y[0]))
    picture = chart.grab().toImage()
    accent, ratio = window._theme.color("accent"), chart.devicePixelRatio()
    for across, down in ((0.0, -0.8), (0.0, 0.8), (0.8, 0.0), (-0.8, 0.0), (0.5, -0.5)):
        pixel = (at + QPointF(across * best.size, down * best.size)) * ratio
        assert picture.pixelColor(pixel.toPoint()).name() == accent.name(), (across, down)


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700)])
def test_the_heads_of_the_sweep_are_read_whole(window: SweepWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    QApplication.processEvents()
    for part in (window.plot, window.parallel, window.mattered, window.trial_card):
        cut = [one for one in part.head.findChildren(ElidedLabel) if one.isVisible() and QLabel.text(one) != one.text()]
        assert not cut, [one.text() for one in cut]
    against = window.plot.against
    option = QStyleOptionComboBox()
    against.initStyleOption(option)
    kind, inner = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = against.style().subControlRect(kind, option, inner, against).width()
    assert against.fontMetrics().horizontalAdvance(against.currentText()) <= room


def test_in_a_small_window_no_words_of_the_plot_lie_over_others(window: SweepWindow) -> None:
    window.resize(1024, 700)
    QApplication.processEvents()
    chart = window.plot.chart
    right = trials(1)[0].model_copy(update={"values": {RATE: 0.19, KIND: "sgd"}, "figures": {"val_accuracy": 1.0}})
    window.show_trials(PLAN, trials() | {0: right})  # the best one at the right edge
    best = next(item for item in chart.items if isinstance(item, Dots) and item.color == "accent")
    at, ratio = chart.place(float(best.x[0]), float(best.y[0])), chart.devicePixelRatio()
    picture = chart.grab().toImage()
    start = round(at.x() + best.size + 2)
    places = [
        QPointF(x, at.y() - up) for x in range(start, chart.width()) for up in (2, 3, 4, 5)
    ]  # above the grid line
    colors = {picture.pixelColor((place * ratio).toPoint()).name() for place in places}
    assert len(colors) == 1, "the words stand left of the dot, where there is room"


def test_there_is_nothing_to_choose_before_something_is_varied(window: SweepWindow) -> None:
    assert window.plot.against.isVisible()
    fresh = SweepWindow(window._theme)
    assert fresh.plot.against.isHidden()
    fresh.close()
    fresh.deleteLater()


def test_a_new_sweep_shows_nothing_of_the_last(window: SweepWindow) -> None:
    assert window.plot._trials and window.parallel._trials
    window.show_trials(None, {})
    assert not window.plot._trials and not window.parallel._trials
    assert window.plot.chart._message and window.parallel.axes._message
    assert not window.mattered.words.text() and not window.mattered._rows.count(), "nor its fields"


def test_a_narrow_table_leaves_the_time_out_and_keeps_the_figures_in_sight(window: SweepWindow) -> None:
    def sight() -> list[str]:
        table = window.table
        shown = (at for at in range(table.columnCount()) if not table.isColumnHidden(at))
        within = [at for at in shown if table.columnViewportPosition(at) < table.viewport().width()]
        return [table.horizontalHeaderItem(at).text() for at in within]

    assert sight() == ["Trial", "Status", "Learning rate", "Optimizer", "Validation", "Time"]
    window.resize(1024, 700)
    QApplication.processEvents()
    assert "Validation" in sight() and "Time" not in sight()
    assert "done" in window.table.item(0, 0).toolTip()
    window.resize(1280, 820)
    QApplication.processEvents()
    assert "Time" in sight()


def test_failed_trials_are_counted(window: SweepWindow) -> None:
    bad = Trial(number=4, status="failed", values={RATE: 0.1, KIND: "sgd"}, message="The loss is infinite.")
    window.show_trials(PLAN, trials() | {4: bad})
    assert window.sub.text().startswith("5 of 40 trials done, 1 of them failed.")


def test_equal_figures_are_told_where_one_is_called_the_best(window: SweepWindow) -> None:
    assert "same figure" not in window.sub.text()
    alike = {number: trial.model_copy(update={"figures": {"val_accuracy": 0.9}}) for number, trial in trials().items()}
    window.show_trials(PLAN, alike)
    assert "3 others have the same figure: the validation loss decided." in window.sub.text()


def test_a_begun_sweep_shows_how_it_chooses(window: SweepWindow) -> None:
    window.set_running(False, left=36, plan=PLAN.model_copy(update={"sampler": "tpe", "prune": True}))
    assert (window.how.value(), window.trials.value(), window.prune.isChecked()) == ("tpe", 40, True)
    window.set_running(False, plan=PLAN.model_copy(update={"trials": 50}))
    assert (window.how.value(), window.trials.value(), window.prune.isChecked()) == ("random", 50, False)


@pytest.mark.parametrize(
    ("target", "figure", "low", "high"), [("val_accuracy", 1.0, 0.99, 1.0), ("val_loss", 0.0, 0.0, 0.01)]
)
def test_the_axis_of_figures_that_are_all_alike_has_only_possible_ones(
    window: SweepWindow, target: Literal["val_accuracy", "val_loss"], figure: float, low: float, high: float
) -> None:
    plan = PLAN.model_copy(update={"target": target})
    alike = {number: trial.model_copy(update={"figures": {target: figure}}) for number, trial in trials().items()}
    window.show_trials(plan, alike)
    axis = window.parallel.axes.dimensions[-1].axis
    assert (axis.low, axis.high) == pytest.approx((low, high))
    assert figures_axis(plan, [figure] * 4) == axis


def test_one_large_figure_has_an_axis_whose_labels_differ_and_are_seen_whole(window: SweepWindow) -> None:
    """14,505.8 stood there six times, cut to "4505.8"."""
    plan = PLAN.model_copy(update={"target": "val_mae"})
    one = {1: trials()[1].model_copy(update={"figures": {"val_mae": 14505.8}})}
    window.show_trials(plan, one)
    axis = figures_axis(plan, [14505.8])
    names = [name for _, name in axis.ticks]
    assert len(set(names)) == len(names) and axis.low <= 14505.8 <= axis.high
    chart = window.plot.chart
    wide = QFontMetricsF(chart._theme.font(11)).horizontalAdvance
    window.plot.chart.set_axes(axis, nice_axis(2_000_000, 3_000_000))
    assert chart.area().left() >= wide("2,200,000") > 44
    assert window.headline.text().startswith("Trial 1 is best: MAE 14,506 with")


def test_figures_that_nearly_agree_have_labels_that_differ() -> None:
    for low, high in ((14505.81, 14505.83), (0.99999901, 0.99999904)):
        names = [name for _, name in nice_axis(low, high).ticks]
        assert len(set(names)) == len(names)
    assert [name for _, name in nice_axis(0, 20_000).ticks] == ["0", "5,000", "10,000", "15,000", "20,000"]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=5), st.booleans())
@example([1e308], False)
@example([5.0, 5.0], True)
@example([-1.0, -1.0], False)
def test_figures_of_any_size_have_an_axis(figures: list[float], share: bool) -> None:
    plan = PLAN.model_copy(update={"target": "val_accuracy" if share else "val_loss"})
    axis = figures_axis(plan, figures)
    assert axis.low < axis.high and len(axis.ticks) >= 3
    low, high = min(figures), max(figures)
    if all(abs(value) < 1e99 for value in figures):
        slack = 1e-5 * (axis.high - axis.low)
        assert axis.low - slack <= low and high <= axis.high + slack


@given(st.floats(5e-324, 1.7e308), st.floats(5e-324, 1.7e308))
def test_settings_of_any_size_have_a_logarithmic_axis(one: float, other: float) -> None:
    low, high = sorted((one, other))
    plan = PLAN.model_copy(update={"vary": (Ranged.model_construct(path=RATE, low=low, high=high, log=True),)})
    places, axis = places_of(plan, RATE, [Trial(number=1, status="done", values={RATE: high}, figures={})])
    assert axis.low < places[0] < axis.high
    assert all(axis.low < place < axis.high for place, _ in axis.ticks)
