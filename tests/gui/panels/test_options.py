"""Optimizer, schedule and training: choices, previews and sentences."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.layers import Dense
from dnnstudio.core.optimizers import SGD, Adam
from dnnstudio.core.schedules import (
    SCHEDULE_KINDS,
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Warmup,
)
from dnnstudio.gui.document import Document
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.schedule_plot import rate_text, tick_texts
from dnnstudio.gui.panels.schedule_words import preview_of, sentence_of
from dnnstudio.gui.panels.training_panel import TrainingPanel
from dnnstudio.gui.theme import Theme


def shown(qtbot: QtBot, panel: QWidget, width: int = 320, height: int = 700) -> None:
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    qtbot.waitExposed(panel)


def dense(document: Document, layer_id: str) -> Dense:
    layer = document.layer(layer_id)
    assert isinstance(layer, Dense)
    return layer


# --------------------------------------------------------------------------------- optimizer, schedule, training


def test_choosing_another_optimizer_is_a_step(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    panel.form.edited.emit("", Adam())
    assert isinstance(document.experiment.optimizer, Adam)
    assert document.undo_stack.undoText() == "Use Adam"
    assert "beta_1" in panel.form.paths()
    document.undo_stack.undo()
    assert isinstance(document.experiment.optimizer, SGD)
    assert "momentum" in panel.form.paths()


def test_the_optimizer_says_when_its_rate_is_not_used(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    assert "not used" not in panel._sentence.text()
    document.push(document.experiment.replaced(schedule=OneCycle()), "Use 1cycle")
    assert "1cycle sets the learning rate" in panel._sentence.text()


def test_every_schedule_draws_its_own_rates(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    for cls in SCHEDULE_KINDS.values():
        schedule: Schedule = cls.new()
        document.push(document.experiment.replaced(schedule=schedule), "Use it")
        x, y = panel.plot.curve.getData()
        plan = Plan(document.experiment.optimizer.learning_rate, 36, 10)  # 1,150 rows by 32, 10 epochs
        np.testing.assert_allclose(y, schedule.rates(np.round(x * 36), plan))
        assert panel._sentence.text().endswith(".")


def test_the_preview_of_one_cycle_has_its_peak_and_says_so() -> None:
    preview = preview_of(OneCycle(max_rate=0.05), Plan(0.01, 100, 20))
    assert preview.rates.max() == pytest.approx(0.05)
    # 2,000 steps: the last 201 run out, half of the rest is 899 up and 899 down.
    assert preview.ticks == pytest.approx((0.0, 8.99, 17.98, 20.0))
    assert preview.epochs[preview.rates.argmax()] == pytest.approx(8.99)
    assert preview.sentence == "Up for 9 epochs, down for 9, then 2 to almost zero."


@pytest.mark.parametrize(
    ("schedule", "sentence"),
    [
        (Constant(), "0.01 from the first step to the last."),
        (Power(s=10), "Falls from 0.01 to half after 10 epochs, then more and more slowly."),
        (Exponential(s=20), "Falls from 0.01 to a tenth every 20 epochs."),
        (Piecewise(), "0.01 up to epoch 5, 0.005 up to epoch 15, then 0.001."),
        (CosineRestarts(t_mul=1.0), "Down from 0.01 in 10 epochs, then up at once and down again."),
        (Constant(warmup=Warmup(duration=500, unit="steps")),
         "Rises for 500 steps first. 0.01 from the first step to the last."),
    ],
)  # fmt: skip
def test_a_schedule_in_one_sentence(schedule: Schedule, sentence: str) -> None:
    assert sentence_of(schedule, Plan(0.01, 100, 20)) == sentence


def test_ticks_that_would_touch_are_left_out() -> None:
    assert tick_texts((0.0, 9.0, 17.0, 20.0)) == ((0.0, 9.0, 17.0, 20.0), ("0", "epoch 9", "17", "20"))
    assert tick_texts((0.0, 0.5, 10.0, 19.5, 20.0))[0] == (0.0, 10.0, 20.0)
    assert tick_texts((0.0, 20.0)) == ((0.0, 10.0, 20.0), ("0", "epoch 10", "20"))
    assert (rate_text(0.05), rate_text(1e-4), rate_text(2.5e-5)) == ("0.05", "1e-4", "2.5e-5")


def test_the_mark_shows_how_far_training_is(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    assert not panel.plot._now.isVisible()
    panel.set_position(3.5)
    assert panel.plot._now.isVisible()
    assert panel.plot._now.value() == 3.5
    panel.set_position(None)
    assert not panel.plot._now.isVisible()


def test_the_mark_stands_where_training_is_when_the_preview_comes_into_sight(
    qtbot: QtBot, document: Document, theme: Theme
) -> None:
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    panel.hide()
    panel.set_position(3.5)
    panel.show()
    assert panel.plot._now.isVisible()
    assert panel.plot._now.value() == 3.5
    panel.hide()
    panel.set_position(None)
    panel.show()
    assert not panel.plot._now.isVisible()


def test_training_says_how_many_steps_that_makes(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = TrainingPanel(document, theme)
    shown(qtbot, panel)
    assert panel._sentence.text() == "36 steps an epoch, 360 in all: 1,150 rows by 32."
    panel.form.edited.emit("epochs", 3)
    assert document.experiment.training.epochs == 3
    assert "108 in all" in panel._sentence.text()
    panel.of_experiment.edited.emit("seed", 7)
    assert document.experiment.seed == 7
    assert document.undo_stack.undoText() == "Change seed"
