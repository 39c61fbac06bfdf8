"""A window over a workspace with stored models, driven with the fake engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core import codec
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import Dense, Flatten
from dnnstudio.core.links import Origin, OriginLayer, set_origin
from dnnstudio.gui.main_window import MainWindow

from ..window_kit import open_window

OUTPUT = Dense(id="output", units=10, activation="softmax")
WIDE = Experiment(name="Wide", layers=(Flatten(id="flatten"), Dense(id="h1", units=30, activation="relu"), OUTPUT))
NARROW = WIDE.replaced(
    name="Narrow", layers=(Flatten(id="flatten"), Dense(id="h1", units=20, activation="elu"), OUTPUT), seed=7
)


def store(workspace: Path, number: int, experiment: Experiment, accuracy: float, **metrics: Any) -> Path:
    """A run folder as training leaves it, as far as the library looks into it."""
    folder = workspace / "runs" / f"{number:04d} {experiment.name}"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    prints = {layer.id: f"{number:011x}{place}" for place, layer in enumerate(experiment.layers) if layer.has_weights}
    figures = {
        "reason": "finished",
        "run": f"run{number}",
        "started": 1_700_000_000.0 + number,
        "test": {"accuracy": accuracy},
        "fingerprint": f"{number:012x}",
        "layer_fingerprints": prints,
        "parameters": 1234,
    }
    (folder / "metrics.json").write_text(json.dumps(figures | metrics))
    (folder / "model.keras").write_bytes(b"a model")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three runs: two plain ones, and one whose first layer was cloned from the first."""
    folder = tmp_path / "workspace"
    wide = store(folder, 1, WIDE, 0.95)
    store(folder, 2, NARROW, 0.85)
    clone = store(folder, 3, WIDE.replaced(name="Tuned"), 0.97)
    set_origin(clone, Origin("Wide", wide, (OriginLayer("h1", "h1", "clone", f"{1:011x}1"),)))
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path, workspace: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 3)
        yield made
