"""An edit in a stack of 1,000 layers: what the window takes until it shows it, in processor time."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import HeNormal
from dnnstudio.gui.base.gc_timer import GarbageCollector
from dnnstudio.gui.shell.main_window import MainWindow
from tests.gui.window_kit import open_window

LAYERS = 1000
LIMIT_MS = 50.0
REPEATS = 9


def deep() -> Experiment:
    he = HeNormal()
    layers: list[Layer] = [Flatten(id="flatten")]
    for number in range((LAYERS - 2) // 4):
        layers += [
            Dense(id=f"dense_{number}", units=50, kernel_initializer=he, use_bias=False),
            BatchNormalization(id=f"bn_{number}"),
            Activation(id=f"act_{number}", activation="elu"),
            Dropout(id=f"drop_{number}", rate=0.1),
        ]
    while len(layers) < LAYERS - 1:
        layers.append(Dropout(id=f"more_{len(layers)}", rate=0.1))
    return Experiment(layers=(*layers, Dense(id="output", units=10, activation="softmax")))


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path, experiment=deep()) as window:
        qtbot.waitUntil(lambda: window.document.summary is not None)
        collector = GarbageCollector(window)  # as in the program: garbage is collected between edits, not in them
        collector.freeze()
        collector.start()
        yield window
        collector.stop()
        gc.unfreeze()


def deeds(window: MainWindow) -> dict[str, Callable[[int], None]]:
    """What a person does, by name; each is given its number so that it changes something every time."""
    do, document = window.stack.commands, window.document

    def select(ids: list[str]) -> None:
        if list(document.selection) != ids:
            document.select(ids)

    def change_one(number: int) -> None:
        select(["dense_100"])
        do.change(["dense_100"], "Units", "units", 60 + number)

    def add(number: int) -> None:
        do.add("dropout", 500)

    def remove(number: int) -> None:
        do.remove([document.experiment.layers[500].id])

    def move(number: int) -> None:
        do.move(["dense_100"], 300 + 7 * number)

    def change_many(number: int) -> None:
        ids = [f"dense_{n}" for n in range(200)]
        select(ids)
        do.change(ids, "Units", "units", 70 + number)

    return {
        "change one layer": change_one,
        "add a layer": add,
        "remove a layer": remove,
        "move a layer": move,
        "change 200 layers": change_many,
        "undo": lambda number: document.undo_stack.undo(),
        "redo": lambda number: document.undo_stack.redo(),
        "select another": lambda number: select([f"dense_{number}"]),
    }


@pytest.mark.timeout(600)
def test_an_edit_among_a_thousand_layers_is_quick(
    window: MainWindow, qapp: QApplication, measured: Callable[[str], None]
) -> None:
    assert len(window.document.experiment.layers) == LAYERS
    too_slow = {}
    for name, deed in deeds(window).items():
        times = []
        for number in range(REPEATS):
            qapp.processEvents()
            window.document.clock = lambda number=number: 100.0 * number  # no merging
            begun = time.process_time()
            deed(number)
            qapp.processEvents()
            times.append(1000 * (time.process_time() - begun))
        median = statistics.median(times)
        measured(f"{name} among {LAYERS:,}: {median:.1f} ms of processor time (worst {max(times):.1f})")
        if median > LIMIT_MS:
            too_slow[name] = median
    assert not too_slow
