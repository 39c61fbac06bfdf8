"""The status line says in which way a training goes while it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication

from dnnstudio.core.jobs import RunStarted
from dnnstudio.core.recipes import load_recipe
from dnnstudio.gui.engine_thread import EngineState
from dnnstudio.gui.status_line import StatusLine
from dnnstudio.gui.theme import Theme

NOTE = "Trains step by step: conv_1 (Conv2D) has no fast way."


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
