"""P8: the real window beside the real engine, training, sampling, opening and predicting: how long its loop is away."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import edits
from dnnstudio.core.jobs.cases import AnswerCases, Answering
from dnnstudio.core.jobs.requests import OpenModel, SampleModel
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.gc_timer import GarbageCollector
from tests.benchmarks.gaps import Gaps
from tests.gui.window_kit import open_window
from tests.promises.figures import Figure, all_tries
from tests.promises.kinds import digits

pytestmark = [pytest.mark.display, pytest.mark.promise(8), pytest.mark.timeout(1200)]
PATIENCE_MS = 120_000
WORST_MS, P99_MS = 100.0, 20.0
EPOCHS, PASSES, ROWS, OPENINGS = 60, 3000, 60_000, 12


@contextmanager
def looping(end: Callable[[Callable[[], None]], object]) -> Iterator[None]:
    """The program's own loop until what `end` is given is called."""
    loop = QEventLoop()
    end(loop.quit)
    QTimer.singleShot(PATIENCE_MS, loop.quit)
    yield
    loop.exec()


def test_p8_the_window_is_never_held_up(
    qtbot: Any, qapp: QApplication, tmp_path: Path, run_folder: Path, figure: Any
) -> None:
    engine, gaps = Engine(), Gaps()
    np.savez(tmp_path / "new.npz", x=np.random.default_rng(1).integers(0, 16, (ROWS, 8, 8)).astype(np.float32))
    experiment = edits.set_value(digits(epochs=EPOCHS), "training.batch_size", 8)
    with open_window(qtbot, qapp, tmp_path, engine=engine, experiment=experiment) as window:
        engine.start()
        qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=PATIENCE_MS)
        collector = GarbageCollector(window)  # as in the program
        collector.freeze()
        collector.start()
        engine.state_changed.connect(lambda state: collector.set_busy(state.phase == "busy"))
        controller = window.workbench.controller

        def during(start: Callable[[QEventLoop], None]) -> tuple[float, float]:
            loop = QEventLoop()
            QTimer.singleShot(PATIENCE_MS, loop.quit)
            with gaps:
                start(loop)
                loop.exec()
            assert len(gaps.turn) > 20
            return max(gaps.turn), gaps.p99

        def train(loop: QEventLoop) -> None:
            controller.run_ended.connect(loop.quit)
            window.workbench.transfer.train()

        def ask(*jobs: Any) -> Callable[[QEventLoop], None]:
            def start(loop: QEventLoop) -> None:
                tickets = [engine.ask(job) for job in jobs]
                tickets[-1].done.connect(loop.quit)
                tickets[-1].failed.connect(lambda failure: pytest.fail(str(failure)))
                loop.tickets = tickets  # held until it is over

            return start

        works: dict[str, Callable[[QEventLoop], None]] = {
            "training": train,
            "sampling": ask(SampleModel(model=run_folder, experiment=experiment, passes=PASSES, seed=1)),
            "opening": ask(*[OpenModel(path=run_folder / "model.keras") for _ in range(OPENINGS)]),
            "predicting": ask(AnswerCases(by=Answering(model=run_folder), inputs=(tmp_path / "new.npz",))),
        }
        told: list[Figure] = []
        for name, start in works.items():

            def measure(name: str = name, start: Callable[[QEventLoop], None] = start) -> list[Figure]:
                qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=PATIENCE_MS)
                qtbot.waitUntil(lambda: not collector.waiting)  # what was before has left nothing to do
                qtbot.waitUntil(lambda: window.workbench.plots.at_rest)
                worst, p99 = during(start)
                return [
                    Figure(8, f"worst gap {name}", worst, unit="ms", at_most=WORST_MS),
                    Figure(8, f"p99 {name}", p99, unit="ms", at_most=P99_MS),
                ]

            told += all_tries(measure, tries=3)
        collector.stop()
        gc.unfreeze()
    for one in told:
        figure(8, one.what, one.value, unit="ms", at_most=one.at_most)
    assert [one.words for one in told if not one.kept] == []
