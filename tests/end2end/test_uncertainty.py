"""The inspector on the real engine: a trained network, its passes, and nothing changed by looking."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject, UncertaintyDialog

PATIENCE_MS = 120_000


def digits_with_dropout() -> Experiment:
    experiment = load_recipe("dropout").experiment
    for path, value in (
        ("data.source", {"kind": "digits"}),
        ("data.validation", {"kind": "fraction", "fraction": 0.2}),
        ("training.epochs", 2),
    ):
        experiment = set_value(experiment, path, value)
    return experiment


@pytest.fixture
def engine(qtbot: Any) -> Iterator[Engine]:
    made = Engine()
    made.start()
    qtbot.waitUntil(lambda: made.state.phase == "ready", timeout=PATIENCE_MS)
    yield made
    assert made.shutdown()
    made.deleteLater()


def test_a_trained_network_is_inspected_and_more_passes_are_added(
    qtbot: Any, qapp: QApplication, engine: Engine, tmp_path: Path
) -> None:
    experiment = digits_with_dropout()
    ticket = engine.ask(TrainRun(experiment=experiment, folder=tmp_path / "run"))
    qtbot.waitUntil(lambda: ticket.over, timeout=PATIENCE_MS)
    weights = (tmp_path / "run" / "model.keras").read_bytes()
    theme = Theme(qapp)
    theme.apply("light")
    dialog = UncertaintyDialog(theme, engine, Subject(tmp_path / "run", experiment, "run 1"))
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.inspection.finished, timeout=PATIENCE_MS)
    first = dialog.inspection.samples
    assert first is not None
    assert first.array().shape == (100, 360, 10)
    assert 0.5 < first.correct.mean() <= 1
    dialog.tabs.set_current("decision")
    qtbot.waitUntil(lambda: dialog.inspection.validation is not None, timeout=PATIENCE_MS)
    dialog.decision.cheapest.click()
    assert "validation rows" in dialog.decision.origin.text()
    dialog.tabs.set_current("shift")
    dialog.shift.changes.compare.click()
    qtbot.waitUntil(lambda: dialog.shift.changes.compare.text() == "Compare", timeout=PATIENCE_MS)
    assert "instead of" in dialog.shift.title.text()
    dialog.sampling.options.passes = 20
    dialog.bar.more.click()
    qtbot.waitUntil(lambda: not dialog.sampling.busy, timeout=PATIENCE_MS)
    both = dialog.inspection.samples
    assert both is not None and both.passes == 120
    assert np.array_equal(both.array()[:100], first.array())
    assert (tmp_path / "run" / "model.keras").read_bytes() == weights
    theme.deleteLater()
