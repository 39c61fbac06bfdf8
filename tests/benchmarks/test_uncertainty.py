"""The chapter's dropout network under 100 passes: its accuracy, the time, and a window that stays awake meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from dnnstudio.core.edits import set_value
from dnnstudio.core.jobs import TrainRun
from dnnstudio.core.recipes import load_recipe
from dnnstudio.gui.engine_thread import Engine
from dnnstudio.gui.garbage import GarbageCollector
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject, UncertaintyDialog

PATIENCE_MS = 280_000
CHAPTER = 0.8589


@pytest.fixture
def engine(qtbot: Any) -> Iterator[Engine]:
    made = Engine()
    made.start()
    qtbot.waitUntil(lambda: made.state.phase == "ready", timeout=PATIENCE_MS)
    yield made
    assert made.shutdown()
    made.deleteLater()


@pytest.mark.real_data
def test_the_chapter_s_network_under_a_hundred_passes(
    qtbot: Any, qapp: QApplication, engine: Engine, tmp_path: Path, table: Any, row: Any
) -> None:
    experiment = set_value(load_recipe("dropout").experiment, "training.epochs", 2)
    with qtbot.waitSignal(engine.finished, timeout=PATIENCE_MS):
        engine.submit(TrainRun(experiment=experiment, folder=tmp_path / "run"))
    theme = Theme(qapp)
    theme.apply("light")
    dialog = UncertaintyDialog(theme, engine, Subject(tmp_path / "run", experiment, "run 1"))  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.inspection.samples is not None, timeout=PATIENCE_MS)
    gaps, last = [], [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        gaps.append((now - last[0]) * 1e3)
        last[0] = now

    timer, loop = QTimer(), QEventLoop()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    dialog.sampling.busy_changed.connect(lambda busy: None if busy else loop.quit())
    collector = GarbageCollector(dialog)  # as in the program
    collector.freeze()
    collector.start()
    timer.start(10)
    if dialog.sampling.busy:
        loop.exec()
    timer.stop()
    collector.stop()
    gc.unfreeze()
    samples = dialog.inspection.samples
    assert samples is not None
    accuracy = float(samples.correct.mean())
    print(
        f"\nMC accuracy {accuracy:.4f} (the chapter: {CHAPTER}), {samples.seconds:.1f} s for {samples.array().shape}; "
        f"gaps: median {np.median(gaps):.1f} ms, p99 {np.percentile(gaps, 99):.1f} ms, max {max(gaps):.0f} ms"
    )
    assert samples.array().shape == (100, 10_000, 10)
    assert accuracy == pytest.approx(CHAPTER, abs=0.01)
    gap = float(np.percentile(gaps, 99))
    table.add(row("gaps of the window's loop while sampling, p99", "a timer of 10 ms", gap, unit="ms", at_most=20))
    assert gap < 100
    theme.deleteLater()
