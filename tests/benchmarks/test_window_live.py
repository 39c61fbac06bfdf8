"""The real window beside a real training: how long its event loop is away, and what it costs the training."""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.edits import set_value
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.events import EpochDone
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.gc_timer import GarbageCollector
from tests.gui.window_kit import open_window

from .gaps import Gaps
from .neighbours import least_disturbed
from .test_training_speed import benchmark_experiment

PATIENCE_MS = 280_000
REPEATS = 15
TURNS, EPOCHS = 5, 5
SHOWN_MS = 50
"""What the window shows at the end of a training is measured too."""
BARE = """
import os, sys
os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
import pyqtgraph as pg
class Filter(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, lambda: os._exit(0))
        return False
app = QApplication([])
window, filter = QMainWindow(), Filter()
plot = pg.PlotWidget()
window.setCentralWidget(plot)
window.resize(1440, 900)
plot.viewport().installEventFilter(filter)
window.show()
app.exec()
"""
OURS = """
import os
from dnnstudio import app
start = app.start_engine_after_paint
def leaving(*given):
    starter = start(*given)
    starter.begin = lambda: os._exit(0)  # what comes right after the first painting
    return starter
app.start_engine_after_paint = leaving
app.run([])
"""


def seconds_of(script: str) -> float:
    """Of a process of its own, with bytecode as an installed program has it: written by the first round."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=60, env=surroundings)
    return time.perf_counter() - began


@pytest.mark.display
@pytest.mark.timeout(600)
def test_seconds_to_the_first_painting(table: Any, row: Any, turns: Any) -> None:
    """From the start of the interpreter, in processes of their own."""
    seconds = turns({"ours": lambda: seconds_of(OURS), "bare": lambda: seconds_of(BARE)}, rounds=REPEATS)
    made = row("first painting of the window", "a bare PySide6 and pyqtgraph window", seconds["ours"], seconds["bare"])
    table.add(row(made.what, made.against, made.ours, made.theirs, at_most=1.5))
    assert made.ours < 5 * made.theirs


def epochs_alone(qtbot: Any, engine: Engine, experiment: Experiment, folder: Path) -> list[float]:
    """Seconds of each epoch with nobody watching."""
    seconds: list[float] = []

    def listen(event: Any) -> None:
        if isinstance(event, EpochDone):
            seconds.append(event.row["seconds"])

    ticket = engine.ask(TrainRun(experiment=experiment, folder=folder), on_event=listen)
    qtbot.waitSignal(ticket.done, timeout=PATIENCE_MS).wait()
    return seconds[1:]


@pytest.mark.real_data
@pytest.mark.display
@pytest.mark.timeout(1200)
def test_the_window_beside_a_training(qtbot: Any, qapp: QApplication, tmp_path: Path, table: Any, row: Any) -> None:
    """Trainings with the window and without it take turns; the first epoch of each, which compiles, is left out.

    In short turns, since the machine's speed swings from minute to minute.
    """
    experiment, engine = set_value(benchmark_experiment("task_a"), "training.epochs", EPOCHS), Engine()
    gaps = Gaps()
    with open_window(qtbot, qapp, tmp_path, engine=engine, experiment=experiment) as window:
        engine.start()
        qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=PATIENCE_MS)
        collector = GarbageCollector(window)  # as in the program
        collector.freeze()
        collector.start()
        controller = window.workbench.controller
        watched: list[float] = []
        controller.epoch_done.connect(lambda event: watched.append(event.row["seconds"]))
        ended = QEventLoop()
        controller.run_ended.connect(lambda: QTimer.singleShot(SHOWN_MS, ended.quit))
        numbers = itertools.count()

        def one_turn() -> tuple[float, list[float], list[float]]:
            """The gaps, and the seconds of the epochs with the window and without it."""
            watched.clear()
            window.workbench.transfer.train()
            qtbot.waitUntil(lambda: len(watched) > 0, timeout=PATIENCE_MS)
            with gaps:
                ended.exec()  # the loop of the program: nothing looks every few milliseconds whether it is over
            live = watched[1:]
            window.hide()
            engine.asked.disconnect(controller.watch)
            alone = epochs_alone(qtbot, engine, experiment, tmp_path / f"alone {next(numbers)}")
            engine.asked.connect(controller.watch)
            window.show()
            return gaps.p99, live, alone

        turns = least_disturbed(one_turn, rounds=TURNS)
        collector.stop()
        gc.unfreeze()
    p99 = statistics.median(p99 for p99, _, _ in turns)
    table.add(row("gaps of the window's loop while training, p99", "a timer of 10 ms", p99, unit="ms", at_most=20))
    live = statistics.median(second for _, seconds, _ in turns for second in seconds)
    alone = statistics.median(second for _, _, seconds in turns for second in seconds)
    table.add(row("epoch with the live window", "the same without one", live, alone, at_most=1.05))
    assert p99 < 100
    assert live < 2 * alone
