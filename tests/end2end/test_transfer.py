"""Task A, then task B on its layers, by clicks in the real window with the real engine on real digits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Classes, Data, Digits
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.core.workspace.shared_layers import read_links
from dnnstudio.engine.model_files import read_model
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.dialog import TransferDialog

pytestmark = pytest.mark.display
PATIENCE_MS = 120_000
DIGITS = Experiment(
    name="Digits",
    data=Data(source=Digits(), classes=Classes()),
    layers=(
        Flatten(id="flatten"),
        Dense(id="hidden_1", units=24, activation="relu"),
        Dense(id="hidden_2", units=16, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    training=Training(epochs=3),
)
TASK_A, TASK_B = split_into_tasks(DIGITS)


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    (settings.workspace / "experiments").mkdir(parents=True)
    for name, experiment in (("a", TASK_A), ("b", TASK_B)):
        codec.save(experiment, settings.workspace / "experiments" / f"{name}.json")
    document = Document(TASK_A)
    engine = Engine()
    made = MainWindow(document, engine, theme, settings)
    made.resize(1440, 900)
    with qtbot.waitExposed(made):
        made.show()
    engine.start()
    yield made
    made.close_without_asking()
    assert made.engine_ended
    for thing in (made, document, engine, theme):
        thing.deleteLater()
    vars(made).clear()


def answer(app: QApplication, act: Callable[[Any], bool]) -> None:
    """Call `act` with the dialog that opens next, again and again until it says that it is done."""
    timer = QTimer(app)

    def look() -> None:
        dialog = app.activeModalWidget()
        if isinstance(dialog, QDialog) and act(dialog):
            timer.stop()
            timer.deleteLater()

    timer.timeout.connect(look)
    timer.start(20)


def click(parent: QWidget, name: str) -> None:
    widget = parent.findChild(QWidget, name)
    assert widget is not None and widget.isVisible() and widget.isEnabled(), name
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def train(qtbot: Any, window: MainWindow) -> Path:
    """Wait for the training that was asked for; its folder."""
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle", timeout=PATIENCE_MS)
    folder = window.workbench.controller.run_folder
    assert folder is not None and (folder / "model.keras").exists(), window.messages.text()
    return folder


def reuse(app: QApplication, window: MainWindow, *presses: str, warned: bool = False) -> None:
    """Open task B, press Reuse layers, press what is named, then Apply and train; go on where it is warned."""
    window.document.open(window.workbench.controller.workspace / "experiments" / "b.json")

    def act(dialog: Any) -> bool:
        if not isinstance(dialog, TransferDialog):
            click(dialog, "answer_train")
            return True
        if dialog.source is None:
            return False
        for name in (*presses, "apply_and_train"):
            click(dialog, name)
        return not warned

    answer(app, act)
    click(window, "transfer_button")


def weights(folder: Path) -> dict[str, list[Any]]:
    contents = read_model(folder / "model.keras")
    return {name: list(arrays) for name, arrays in contents.arrays.items() if arrays}


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_b_on_a_leaves_a_alone_unless_a_layer_is_shared(
    qtbot: Any, qapp: QApplication, window: MainWindow, measured: Any
) -> None:
    click(window, "train_button")
    first = train(qtbot, window)
    before, file = weights(first), (first / "model.keras").read_bytes()

    reuse(qapp, window)
    second = train(qtbot, window)
    assert second != first
    assert (first / "model.keras").read_bytes() == file, "cloning changes nothing of the source, not a byte on disk"
    assert not read_links(first).changes
    cloned = weights(second)
    assert not same(cloned["hidden_1"], before["hidden_1"]), "after unfreezing it went its own way"
    assert window.stack.start.words.text() == "Starts from run 1 · 2 cloned"
    rows = {row.layer.id: row for row in window.stack.list.layers.rows}
    assert rows["hidden_1"].caption.endswith("· changed")
    assert [badge.word for badge in rows["hidden_1"].badges] == ["CLONED"]

    reuse(qapp, window, "share_hidden_2", warned=True)
    third = train(qtbot, window)
    assert window.messages.text().endswith(f"This also changed {first.name}.")
    after, shared = weights(first), weights(third)
    assert same(after["hidden_1"], before["hidden_1"]) and same(after["output"], before["output"])
    assert not same(after["hidden_2"], before["hidden_2"]), "the shared layer changed in task A's model too"
    assert same(after["hidden_2"], shared["hidden_2"]), "and is the same in both"
    (change,) = read_links(first).changes
    assert (change.by, change.epoch) == (third.name, len(read_rows(first / "history.csv")))

    window.document.open(first / "experiment.json")
    window.runs.select(first)
    rows = {row.layer.id: row for row in window.stack.list.layers.rows}
    assert [badge.word for badge in rows["hidden_2"].badges] == ["SHARED", "CHANGED"]
    assert "Changed by the training of run 3" in rows["hidden_2"].tooltip
    figures = [(read_metrics(folder) or {})["test"]["accuracy"] for folder in (second, third)]
    measured(f"task B of digits, test accuracy: cloned {figures[0]:.3f}, one layer shared {figures[1]:.3f}")
