"""How the window's cost grows with pictures, stored runs and points of a curve: milliseconds until they are drawn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.events import BatchesDone, RunStarted
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject, UncertaintyDialog
from tests.gui.runs.test_panel import make_run
from tests.gui.uncertainty.conftest import StubEngine, invent
from tests.gui.window_kit import open_window

STEPS = 1719


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    made = Theme(qapp, "light")
    made.apply()
    yield made
    made.deleteLater()


def milliseconds(deed: Callable[[], object], times: int = 7) -> float:
    """The median until all that follows is drawn."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        deed()
        QApplication.processEvents()
        taken.append(1e3 * (time.perf_counter() - began))
    return statistics.median(taken)


@pytest.mark.timeout(300)
def test_pictures(qtbot: Any, theme: Theme, table: Any, row: Any, tmp_path: Path) -> None:
    taken = {}
    for count in (1_000, 10_000):
        engine = StubEngine()
        subject = Subject(tmp_path, load_recipe("dropout").experiment, "run 1")
        dialog = UncertaintyDialog(theme, engine, subject)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        engine.answer(invent(rows=count, passes=10, classes=10))
        taken[count] = milliseconds(dialog.images.direction.click)
        dialog.close()
    table.add(row("10,000 pictures sorted the other way", "1,000", taken[10_000], taken[1_000], unit="ms"))
    assert taken[10_000] < 1000


@pytest.mark.timeout(300)
def test_stored_runs(qtbot: Any, theme: Theme, table: Any, row: Any, tmp_path: Path) -> None:
    """In slices, so that the window is not held up: the whole, and the longest slice."""
    taken, longest = {}, 0.0
    for count in (30, 300):
        folder = tmp_path / str(count)
        for number in range(1, count + 1):
            make_run(folder, number)
        panel = RunsPanel(theme, folder)
        qtbot.addWidget(panel)
        panel.show()
        began = last = time.perf_counter()
        panel.refresh()
        while panel._reader.isActive():
            QApplication.processEvents()
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        taken[count] = 1e3 * (last - began)
        assert panel.runs.rowCount() == count
        panel.stop()
    table.add(row("300 stored runs read into the table", "30", taken[300], taken[30], unit="ms"))
    table.add(row("the longest time it holds the window up", "", 1e3 * longest, unit="ms", at_most=100))


@pytest.mark.timeout(300)
def test_points_of_a_curve(qtbot: Any, qapp: QApplication, table: Any, row: Any, tmp_path: Path) -> None:
    taken = {}
    for count in (10_000, 1_000_000):
        with open_window(qtbot, qapp, tmp_path / str(count)) as window:
            experiment = load_recipe("digits").experiment
            begun = {"run": "r", "experiment": experiment, "folder": tmp_path, "steps_per_epoch": STEPS}
            window.workbench.plots.begin(RunStarted(**begun, epochs=-(-count // STEPS)))
            chance = np.random.default_rng(0)
            window.workbench.plots.add_batches(
                BatchesDone(
                    run="r",
                    epoch=1,
                    steps=np.arange(count),
                    losses=chance.random(count, np.float32),
                    accuracies=chance.random(count, np.float32),
                    learning_rates=np.full(count, 0.01),
                    seconds_left=1.0,
                )
            )
            taken[count] = milliseconds(window.workbench.plots.redraw)
    table.add(row("1,000,000 points of a curve redrawn", "10,000", taken[1_000_000], taken[10_000], unit="ms"))
    assert taken[1_000_000] < 2000
