"""A workspace with a trained task A, the experiment of task B, and the dialog on top of both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Data, Digits, known_summary
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.dialog import TransferDialog
from dnnstudio.gui.transfer.request import TransferRequest

from ..fake_engine import FakeEngine

HIDDEN = (
    Flatten(id="flatten"),
    Dense(id="hidden_1", units=6, activation="relu"),
    BatchNormalization(id="bn"),
    Dense(id="hidden_2", units=4, activation="relu"),
)
A = Experiment(
    name="Task A",
    data=Data(source=Digits(), classes=Classes(keep=(0, 1, 2, 3, 4, 7, 8, 9))),
    layers=(*HIDDEN, Dense(id="output", units=8, activation="softmax")),
)
B = Experiment(
    name="Task B",
    data=Data(source=Digits(), classes=Classes(keep=(5, 6), positive=6), train_limit=100),
    layers=(*HIDDEN, Dense(id="output", units=1, activation="sigmoid")),
)


def store(workspace: Path, number: int, experiment: Experiment, **metrics: Any) -> Path:
    """A run folder as training leaves it, as far as is looked into it here."""
    folder = workspace / "runs" / f"{number:04d} {experiment.name}"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    (folder / "model.keras").write_bytes(b"a model")
    told = {"reason": "finished", "run": f"run{number}", "validation": {"loss": 0.2, "accuracy": 0.912}} | metrics
    (folder / "metrics.json").write_text(json.dumps(told))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Run 9 is task A's."""
    store(tmp_path / "workspace", 9, A)
    return tmp_path / "workspace"


OpenDialog = Callable[..., TransferDialog]


@pytest.fixture
def open_dialog(qtbot: QtBot, theme: Theme, workspace: Path) -> Iterator[OpenDialog]:
    """Opens the dialog on an experiment and waits until it has looked at the workspace."""
    made: list[TransferDialog] = []
    engines: list[FakeEngine] = []

    def open_it(experiment: Experiment = B, *, wait: bool = True, **given: Any) -> TransferDialog:
        engine = FakeEngine()
        engine.start()
        engines.append(engine)
        request = TransferRequest(
            experiment=experiment,
            summary=known_summary(experiment.data),
            document=None,
            workspace=workspace,
            engine=engine,
            choose_file=lambda parent: None,
        )
        for name, value in given.items():
            object.__setattr__(request, name, value)
        dialog = TransferDialog(theme, request)
        made.append(dialog)
        with qtbot.waitExposed(dialog):
            dialog.show()
        if wait:
            qtbot.waitUntil(lambda: dialog.source is not None)
        return dialog

    yield open_it
    for dialog in made:
        if dialog.isVisible():
            dialog.reject()
        dialog.deleteLater()
    for engine in engines:
        engine.shutdown()
        engine.deleteLater()


def press(dialog: QWidget, name: str) -> None:
    """Click on what has that object name."""
    widget = dialog.findChild(QWidget, name)
    assert widget is not None, name
    assert widget.isVisible() and widget.isEnabled(), name
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def write(dialog: QWidget, name: str, text: str) -> None:
    """Type into the field of that object name, and leave it by Tab."""
    widget = dialog.findChild(QWidget, name)
    assert widget is not None, name
    widget.setFocus()
    widget.selectAll()
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key.Key_Return)
