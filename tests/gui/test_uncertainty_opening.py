"""The way from the main window to the inspector: what it is opened on, and when it can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.jobs import SampleModel
from dnnstudio.core.layers import Dense, Dropout, Flatten
from dnnstudio.core.runs import read_run
from dnnstudio.gui.main_window import MainWindow
from dnnstudio.gui.uncertainty import subject_of

from .window_kit import open_window

OUTPUT = Dense(id="output", units=10, activation="softmax")
WITH = Experiment(name="With", layers=(Flatten(id="flatten"), Dropout(id="drop", rate=0.2), OUTPUT))
WITHOUT = Experiment(name="Without", layers=(Flatten(id="flatten"), OUTPUT))


def store(workspace: Path, number: int, experiment: Experiment, *, model: bool = True) -> Path:
    """A run folder as training leaves it, as far as the table of runs looks into it."""
    folder = workspace / "runs" / f"{number:04d} {experiment.name}"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    (folder / "metrics.json").write_text(json.dumps({"reason": "finished", "run": f"run{number}"}))
    if model:
        (folder / "model.keras").write_bytes(b"")
    return folder


def test_the_chosen_run_comes_before_the_model_at_hand(tmp_path: Path) -> None:
    record = read_run(store(tmp_path, 3, WITH))
    found = subject_of(record, "another", WITHOUT)
    assert found is not None
    assert (found.model, found.experiment, found.title) == (record.folder, WITH, "run 3, With")
    assert found.has_dropout


def test_without_a_finished_network_the_model_at_hand_is_taken(tmp_path: Path) -> None:
    record = read_run(store(tmp_path, 1, WITH, model=False))
    found = subject_of(record, "opened", WITHOUT)
    assert found is not None and found.model == "opened"
    assert not found.has_dropout
    assert subject_of(record, None, WITH) is None
    off = WITH.replaced(layers=(WITH.layers[0], WITH.layers[1].replaced(enabled=False), OUTPUT))
    other = subject_of(None, "opened", off)
    assert other is not None and not other.has_dropout


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    store(tmp_path / "workspace", 1, WITH)
    store(tmp_path / "workspace", 2, WITHOUT)
    with open_window(qtbot, qapp, tmp_path) as made:
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 2)
        yield made


def choose(window: MainWindow, number: int) -> None:
    for record in window.runs.runs.records:
        if record.number == number:
            window.runs.select(record.folder)


def test_the_action_waits_for_a_network_with_dropout(window: MainWindow) -> None:
    action = window.actions_["uncertainty"]
    assert not action.isEnabled()
    choose(window, 1)
    assert action.isEnabled()
    choose(window, 2)
    assert not action.isEnabled()
    refused: list[UserError] = []
    window.uncertainty.refused.connect(refused.append)
    window.uncertainty.open()
    assert "no dropout layer" in refused[0].message


def test_one_inspector_a_network_beside_the_window(window: MainWindow) -> None:
    choose(window, 1)
    window.actions_["uncertainty"].trigger()
    window.actions_["uncertainty"].trigger()
    assert len(window.uncertainty.dialogs) == 1
    dialog = next(iter(window.uncertainty.dialogs.values()))
    assert dialog.isVisible()
    assert not dialog.isModal()
    jobs = [job for job in window.engine.submitted if isinstance(job, SampleModel)]
    assert [job.model for job in jobs] == [window.runs.chosen.folder]
    dialog.close()
    assert not window.uncertainty.dialogs


def test_closing_the_window_closes_the_inspector(qtbot: Any, window: MainWindow) -> None:
    choose(window, 1)
    window.uncertainty.open()
    dialog = next(iter(window.uncertainty.dialogs.values()))
    with qtbot.waitSignal(dialog.closed):
        window.close_without_asking()
