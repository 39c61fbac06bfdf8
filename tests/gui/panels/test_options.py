"""Optimizer, schedule and training: choices, previews and sentences."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.layers import Dense
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.schedules import (
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
from dnnstudio.core.experiment.targets.losses import LOSSES
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Rotation, Transfer
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.panels.optimizer_panel import OptimizerPanel
from dnnstudio.gui.panels.schedule_panel import SchedulePanel
from dnnstudio.gui.panels.schedule_plot import rate_text, tick_texts
from dnnstudio.gui.panels.schedule_sentences import preview_of, sentence_of
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
    assert "not used" not in panel.sentence.text()
    document.push(document.experiment.replaced(schedule=OneCycle()), "Use 1cycle")
    assert "1cycle sets the learning rate" in panel.sentence.text()


MOMENTUM = OneCycle(momentum_low=0.85, momentum_high=0.95)


@pytest.mark.parametrize(
    ("change", "off"),
    [
        ({}, set()),
        ({"schedule": OneCycle()}, {"learning_rate"}),
        ({"schedule": MOMENTUM}, {"learning_rate", "momentum"}),
        ({"transfer": Transfer(source="x", phases=(Phase(epochs=1, learning_rate=0.1), Phase(epochs=1)))}, set()),
        ({"transfer": Transfer(source="x", phases=(Phase(epochs=1, learning_rate=0.1),))}, {"learning_rate"}),
        (
            {"transfer": Transfer(source="x", phases=(Phase(epochs=1, optimizer=SGD()),))},
            {"learning_rate", "momentum", "nesterov"},
        ),
    ],
)
def test_a_field_that_the_training_does_not_use_cannot_be_edited(
    qtbot: QtBot, document: Document, theme: Theme, change: dict[str, object], off: set[str]
) -> None:
    panel = OptimizerPanel(document, theme)
    shown(qtbot, panel)
    document.push(document.experiment.replaced(optimizer=SGD(momentum=0.9)), "Use SGD")
    document.push(document.experiment.replaced(**change), "Edit")
    fields = ("learning_rate", "momentum", "nesterov")
    assert {name for name in fields if not any(w.isEnabled() for w in panel.form.row(name).stops())} == off
    document.push(document.experiment.replaced(transfer=None, schedule=Constant()), "Edit")
    assert all(w.isEnabled() for name in fields for w in panel.form.row(name).stops())


def test_the_loss_of_a_pretraining_stands_beside_the_field(qtbot: QtBot, document: Document, theme: Theme) -> None:
    """An autoencoder of rows between 0 and 1 compares them by binary cross-entropy, unless another loss can."""
    panel = TrainingPanel(document, theme)
    shown(qtbot, panel)
    row = panel.of_experiment.row("loss")
    assert "pretraining" not in panel.sentence.text()
    document.push(document.experiment.replaced(pretraining=Autoencoder(until="hidden_2")), "Pretrain")
    assert panel.sentence.text().endswith(f"pretraining is {LOSSES['binary_crossentropy'].title}.")
    document.push(document.experiment.replaced(loss="mean_squared_error"), "Change the loss")
    assert "pretraining" not in panel.sentence.text() and all(widget.isEnabled() for widget in row.stops())
    document.push(document.experiment.replaced(pretraining=Rotation(until="hidden_2")), "Pretrain")
    assert not any(widget.isEnabled() for widget in row.stops())


def test_every_schedule_draws_its_own_rates(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    for cls in SCHEDULE_KINDS.values():
        schedule: Schedule = cls.new()
        document.push(document.experiment.replaced(schedule=schedule), "Use it")
        x, y = panel.plot.curve.getData()
        plan = Plan(document.experiment.optimizer.learning_rate, 36, 10)  # 1,150 rows by 32, 10 epochs
        np.testing.assert_allclose(y, schedule.rates(np.round(x * 36), plan))
        assert panel.sentence.text().endswith(".")


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
    assert not panel.plot.now_line.isVisible()
    panel.set_position(3.5)
    assert panel.plot.now_line.isVisible()
    assert panel.plot.now_line.value() == 3.5
    panel.set_position(None)
    assert not panel.plot.now_line.isVisible()


def test_the_mark_stands_where_training_is_when_the_preview_comes_into_sight(
    qtbot: QtBot, document: Document, theme: Theme
) -> None:
    panel = SchedulePanel(document, theme)
    shown(qtbot, panel)
    panel.hide()
    panel.set_position(3.5)
    panel.show()
    assert panel.plot.now_line.isVisible()
    assert panel.plot.now_line.value() == 3.5
    panel.hide()
    panel.set_position(None)
    panel.show()
    assert not panel.plot.now_line.isVisible()


def test_training_says_how_many_steps_that_makes(qtbot: QtBot, document: Document, theme: Theme) -> None:
    panel = TrainingPanel(document, theme)
    shown(qtbot, panel)
    assert panel.sentence.text() == "36 steps an epoch, 360 in all: 1,150 rows by 32."
    panel.form.edited.emit("epochs", 3)
    assert document.experiment.training.epochs == 3
    assert "108 in all" in panel.sentence.text()
    panel.of_experiment.edited.emit("seed", 7)
    assert document.experiment.seed == 7
    assert document.undo_stack.undoText() == "Change seed"


def test_only_a_pretraining_layer_by_layer_shows_epochs_of_its_last_layer(
    qtbot: QtBot, document: Document, theme: Theme
) -> None:
    """Elsewhere the field would change nothing."""
    panel = TrainingPanel(document, theme)
    shown(qtbot, panel)
    for rule in (Autoencoder(until="hidden_2"), Rotation(until="hidden_2"), Autoencoder(until="hidden_2", greedy=True)):
        document.push(document.experiment.replaced(pretraining=rule), "Pretrain")
    assert not panel.pretraining.rest.row("more_epochs").isHidden()
    document.push(document.experiment.replaced(pretraining=Autoencoder(until="hidden_2")), "Pretrain")
    assert panel.pretraining.rest.row("more_epochs").isHidden()
