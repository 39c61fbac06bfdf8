"""The status line says in which way a training goes while it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import BatchesDone, Progress, RunStarted
from dnnstudio.gui.base.engine_thread import EngineState
from dnnstudio.gui.shell.status_line import StatusLine
from dnnstudio.gui.theme import Theme

NOTE = "Trains step by step: conv_1 (Conv2D) cannot be compiled."


def test_the_note_of_a_training_stands_in_the_line_until_it_ends(qtbot: Any, qapp: QApplication) -> None:
    theme = Theme(qapp)
    line = StatusLine(theme)
    qtbot.addWidget(line)
    line.show_engine(EngineState("ready", "TensorFlow 2, Keras 3"))
    experiment = load_recipe("digits").experiment
    given: dict[str, Any] = {"run": "r", "experiment": experiment, "folder": Path("r"), "steps_per_epoch": 3}
    line.begin(RunStarted(**given, epochs=2, note=NOTE))
    line.show_engine(EngineState("busy", "TensorFlow 2, Keras 3"))
    assert line.details.text() == f"·  {NOTE}"
    line.clear()
    assert line.details.text() == "·  TensorFlow 2, Keras 3"
    line.begin(RunStarted(**given, epochs=2))
    assert line.details.text() == "·  TensorFlow 2, Keras 3"
    theme.deleteLater()


def done(steps: int) -> BatchesDone:
    few, rates = np.zeros(steps, np.float32), np.full(steps, 0.1)
    numbers = np.arange(steps, dtype=np.int64)
    return BatchesDone(
        run="r", epoch=1, steps=numbers, losses=few, accuracies=few, learning_rates=rates, seconds_left=1.0
    )


def test_a_figure_stands_until_it_can_be_read(qtbot: Any, qapp: QApplication) -> None:
    """The first is shown at once; of those that come meanwhile the last is shown a little later."""
    theme = Theme(qapp)
    line = StatusLine(theme)
    qtbot.addWidget(line)
    experiment = load_recipe("digits").experiment
    line.begin(RunStarted(run="r", experiment=experiment, folder=Path("r"), steps_per_epoch=100, epochs=1))
    qtbot.waitUntil(lambda: not line._standing.isActive())
    shown = []
    for steps in (10, 20, 30):
        line.add_batches(done(steps))
        shown.append(line.bar.value())
    assert shown == [100, 100, 100]
    qtbot.waitUntil(lambda: line.bar.value() != 100)
    assert (line.bar.value(), "step 30 of 100" in line.rest.text()) == (300, True)
    line.add_batches(done(40))
    line.say("Paused")
    qtbot.waitUntil(lambda: not line._standing.isActive())
    assert (line.progress.text(), line.rest.text()) == ("Paused", "")
    theme.deleteLater()


def reading(**given: Any) -> Progress:
    return Progress(run="other", **{"done": 0, "total": 4, "text": "reading 0001 First digits.", **given})


def test_what_another_job_told_goes_with_it_while_a_training_goes_on(qtbot: Any, qapp: QApplication) -> None:
    theme = Theme(qapp)
    line = StatusLine(theme)
    qtbot.addWidget(line)
    line.show()
    line.show_job(reading())
    assert line.progress.isVisible() and line.cancel.isVisible()
    line.end_job()  # a comparison is under way, which has a line of its own
    parts = (line.progress, line.bar, line.cancel)
    assert not any(part.isVisible() for part in parts)
    experiment = load_recipe("digits").experiment
    line.begin(RunStarted(run="r", experiment=experiment, folder=Path("r"), steps_per_epoch=100, epochs=1))
    qtbot.waitUntil(lambda: not line._standing.isActive())
    line.add_batches(done(50))
    for words, told in (("Epoch 1 / 1", ""), ("Paused", "Paused")):
        if told:
            line.say(told)
        line.show_job(reading(done=4))
        qtbot.waitUntil(lambda: line.progress.text().startswith("Reading") and line.bar.value() == 1000)
        line.end_job()
        qtbot.waitUntil(lambda words=words: line.progress.text() == words)
        assert line.bar.value() == 500 and not line.cancel.isVisible()
    line.clear()
    line.end_job()
    assert not any(part.isVisible() for part in parts)
    theme.deleteLater()
