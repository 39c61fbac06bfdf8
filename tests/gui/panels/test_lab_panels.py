"""Optimizer and schedule at work: one clipping at a time, durations that convert, a table of rates, bad values."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.schedules import (
    CosineRestarts,
    Exponential,
    OneCycle,
    Piecewise,
    Power,
    Schedule,
    Warmup,
)
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.widgets import NumberField, Toggle

STEPS_PER_EPOCH = 36  # 1,150 rows by 32


def shown(qtbot: QtBot, panel: QWidget) -> None:
    qtbot.addWidget(panel)
    panel.resize(320, 700)
    panel.show()
    qtbot.waitExposed(panel)


def schedule_panel(qtbot: QtBot, document: Document, theme: Theme, schedule: Schedule) -> SchedulePanel:
    document.push(document.experiment.replaced(schedule=schedule), "Use it")
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    return panel


def type_into(field: NumberField, text: str) -> None:
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def field_of(panel: QWidget, name: str) -> NumberField:
    field = panel.findChild(NumberField, name)
    assert field is not None, name
    return field


# ------------------------------------------------------------------------------------------------ clipping


def test_choosing_a_clipping_clears_the_other_in_one_step(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    start = document.experiment.optimizer
    for name in ("clipnorm", "clipvalue", "global_clipnorm"):
        toggle = panel.form.findChild(Toggle, f"field_{name}_on")
        assert toggle is not None
        before = document.undo_stack.count()
        toggle.click()
        assert document.undo_stack.count() == before + 1
        optimizer = document.experiment.optimizer
        assert [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(optimizer, n) is not None] == [name]
        assert toggle.isChecked()
    document.undo_stack.undo()
    assert document.experiment.optimizer == start.replaced(clipvalue=1.0)
    assert document.undo_stack.undoText() == "Change clip value"
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.experiment.optimizer == start


def test_the_picture_says_what_becomes_of_the_chapters_gradient(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    assert panel.picture.texts() == (
        ("Clip value 1", "[0.9, 100]", "[0.9, 1]", "turned by 41°"),
        ("Clip norm 1", "[0.9, 100]", "[0.009, 1]", "direction kept"),
    )
    panel.form.edited.emit("clipvalue", 0.5)
    assert panel.picture.texts()[0] == ("Clip value 0.5", "[0.9, 100]", "[0.5, 0.5]", "turned by 44°")
    panel.form.edited.emit("global_clipnorm", 1000.0)
    assert panel.picture.texts()[1] == ("Global clip norm 1000", "[0.9, 100]", "[0.9, 100]", "not clipped")
    assert "turned by 41°" in panel.picture.accessibleName()
    assert not panel.picture.grab().isNull()


def test_a_clipping_that_is_no_limit_is_refused_in_its_field(qtbot: QtBot, document: Document, theme: Theme) -> None:
    document.push(document.experiment.replaced(optimizer=SGD(clipnorm=1.0)), "Clip")
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    field = field_of(panel, "field_clipnorm")
    for text in ("0", "-1", "no"):
        type_into(field, text)
        assert "above 0" in field.problem
    assert document.experiment.optimizer == SGD(clipnorm=1.0)


# ------------------------------------------------------------------------------------------------ durations


@pytest.mark.parametrize(
    ("schedule", "after"),
    [
        (Power(s=10.0), Power(s=360.0, unit="steps")),
        (Exponential(s=2.5), Exponential(s=90.0, unit="steps")),
        (CosineRestarts(first_period=3.0), CosineRestarts(first_period=108.0, unit="steps")),
        (Piecewise(), Piecewise(boundaries=(180.0, 540.0), unit="steps")),
    ],
    ids=lambda schedule: schedule.kind,
)
def test_counted_in_steps_the_schedule_stays_as_long(
    qtbot: QtBot, document: Document, theme: Theme, schedule: Schedule, after: Schedule
) -> None:
    panel = schedule_panel(qtbot, document, theme, schedule)
    drawn = panel.plot.curve.getData()[1].copy()
    before = document.undo_stack.count()
    panel.form.edited.emit("unit", "steps")
    assert document.experiment.schedule == after
    assert document.undo_stack.count() == before + 1 and document.undo_stack.undoText() == "Count in steps"
    assert panel.plot.curve.getData()[1] == pytest.approx(drawn)
    panel.form.edited.emit("unit", "epochs")
    assert document.experiment.schedule == schedule


def test_a_warm_up_converts_on_its_own(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = schedule_panel(qtbot, document, theme, Power(s=10.0, warmup=Warmup(duration=2.0)))
    panel.form.edited.emit("warmup.unit", "steps")
    assert document.experiment.schedule == Power(s=10.0, warmup=Warmup(duration=72.0, unit="steps"))


def test_the_other_unit_stands_beside_a_duration(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = schedule_panel(qtbot, document, theme, Power(s=10.0))
    assert "= 360 steps" in {words.text() for words in panel.form.findChildren(QLabel)}
    panel.form.edited.emit("unit", "steps")
    assert "= 10 epochs" in {words.text() for words in panel.form.findChildren(QLabel)}


# ------------------------------------------------------------------------------------------------ the table


def test_the_table_shows_and_changes_rates_and_boundaries(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = schedule_panel(qtbot, document, theme, Piecewise())
    assert panel.table.isVisible()
    assert [line.rate.value() for line in panel.table.lines] == [0.01, 0.005, 0.001]
    type_into(field_of(panel, "boundary_0"), "7")
    type_into(field_of(panel, "rate_2"), "2e-4")
    assert document.experiment.schedule == Piecewise(boundaries=(7.0, 15.0), rates_between=(0.01, 0.005, 2e-4))
    document.push(document.experiment.replaced(schedule=OneCycle()), "Use 1cycle")
    assert not panel.table.isVisible()


def test_a_rate_is_added_and_taken_away_in_one_step_each(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = schedule_panel(qtbot, document, theme, Piecewise())
    before = document.undo_stack.count()
    panel.table.add_button.click()
    assert document.experiment.schedule == Piecewise(
        boundaries=(5.0, 15.0, 25.0), rates_between=(0.01, 0.005, 0.001, 0.0005)
    )
    second = panel.table.lines[1].remove
    assert second is not None
    second.click()
    assert document.experiment.schedule == Piecewise(boundaries=(15.0, 25.0), rates_between=(0.01, 0.001, 0.0005))
    assert document.undo_stack.count() == before + 2
    assert len(panel.table.lines) == 3
    for _ in range(2):
        last = panel.table.lines[-1].remove
        assert last is not None
        last.click()
    assert len(panel.table.lines) == 2, "one boundary and two rates are the least"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("boundary_0", "20", "Boundaries rise: this one must lie after 0 and before 15."),
        ("boundary_1", "5", "Boundaries rise: this one must lie after 5."),
        ("boundary_0", "-3", "must be above 0"),
        ("rate_1", "-0.1", "must be above 0"),
        ("rate_0", "0", "must be above 0"),
        ("rate_2", "", "must be above 0"),
        ("rate_2", "0.1, 0.2", "must be above 0"),
    ],
)
def test_a_bad_value_is_refused_under_its_line(
    qtbot: QtBot, document: Document, theme: Theme, name: str, text: str, words: str
) -> None:
    """There is no field in which more boundaries than rates could be written: each line has one of both."""
    panel = schedule_panel(qtbot, document, theme, Piecewise())
    field = field_of(panel, name)
    field.setFocus()
    field.setText(text)
    field.setModified(True)
    field.commit()
    assert words in field.problem
    line = int(name[-1]) + name.startswith("boundary")
    said = panel.table.findChild(QLabel, f"stretch_{line}_problem")
    assert said is not None and said.isVisible() and words in said.text()
    assert document.experiment.schedule == Piecewise()
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert not field.problem and not said.isVisible()


def test_what_is_refused_in_one_line_stays_while_another_is_changed(
    qtbot: QtBot, document: Document, theme: Theme
) -> None:
    panel = schedule_panel(qtbot, document, theme, Piecewise())
    bad = field_of(panel, "boundary_0")
    type_into(bad, "20")
    type_into(field_of(panel, "rate_0"), "0.5")
    assert bad.problem and bad.text() == "20.0"
    assert document.experiment.schedule == Piecewise(rates_between=(0.5, 0.005, 0.001))
    document.undo_stack.undo()
    assert not bad.problem and bad.value() == 5.0, "undo shows what is"


@pytest.mark.parametrize("kind", ["power", "exponential", "cosine_restarts", "one_cycle", "performance"])
def test_no_schedule_takes_a_number_that_cannot_be(qtbot: QtBot, document: Document, theme: Theme, kind: str) -> None:
    from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS

    panel = schedule_panel(qtbot, document, theme, SCHEDULE_KINDS[kind].new())
    before = document.experiment.schedule
    fields = [f for f in panel.form.findChildren(NumberField) if f.isVisible()]
    assert fields
    for field in fields:
        type_into(field, "-1")
        assert field.problem.endswith("."), field.objectName()
    assert document.experiment.schedule == before


def test_a_negative_rate_is_refused_in_the_optimizers_field(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    before = document.experiment
    for text in ("-0.1", "0", "nan", "inf"):
        field = field_of(panel, "field_learning_rate")
        type_into(field, text)
        assert field.problem.startswith("Learning rate must be above 0")
    assert document.experiment == before
