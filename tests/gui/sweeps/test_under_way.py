"""The trials that are trained now, in the table of the sweep."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt

from dnnstudio.core.jobs.events import EpochDone, RunStarted
from dnnstudio.core.study.trials import Trial
from dnnstudio.gui.sweeps.words import estimate_words
from dnnstudio.gui.theme import cure_of

from ..fake_runner import row
from .test_sweeps import Bench, bench, idle

__all__ = ["bench"]  # a fixture


def rows_of(bench: Bench) -> list[list[str]]:
    table = bench.window.table
    return [[table.item(at, column).text() for column in range(3)] for at in range(table.rowCount())]


def test_a_trial_that_is_trained_has_a_row_with_its_settings_and_its_epoch(qtbot: Any, bench: Bench) -> None:
    bench.most = 1
    bench.vary("optimizer.learning_rate", "0.1, 0.01, 0.001")
    bench.window.jobs.set_value(2)
    bench.sweeps.start()
    ended = ["0", "done", "0.1"]
    qtbot.waitUntil(lambda: rows_of(bench) == [ended, ["1", "starting", "0.01"], ["2", "starting", "0.001"]])
    assert bench.window.table.ended == 1
    table = bench.window.table
    table.selectRow(2)
    assert table.chosen is None and bench.window.use.text() == "Use these settings"
    assert not table.item(2, 0).flags() & Qt.ItemFlag.ItemIsSelectable
    (runner,) = bench.runners
    task = runner.tasks[1]
    runner._on_event(
        task, RunStarted(run=task.id, experiment=task.experiment, folder=task.folder, steps_per_epoch=5, epochs=20)
    )
    qtbot.waitUntil(lambda: rows_of(bench)[1][1] == "epoch 0 / 20")
    runner._on_event(task, EpochDone(run=task.id, row=row(7, 0.8), is_best=True))
    qtbot.waitUntil(lambda: rows_of(bench)[1][1] == "epoch 7 / 20")
    assert rows_of(bench)[0] == ended and rows_of(bench)[2][1] == "starting"
    bench.window.reject()  # a window that is opened again shows them too
    bench.sweeps.open()
    assert rows_of(bench)[1] == ["1", "epoch 7 / 20", "0.01"]
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    assert [one[1] for one in rows_of(bench)] == ["done", "stopped", "stopped"]


def test_the_estimate_counts_what_the_processes_take_to_start() -> None:
    trials = [Trial(number=n, status="done", values={}, seconds=seconds) for n, seconds in enumerate((4.0, 6.0))]
    told = partial(estimate_words, 12, 2, left=None, records=())
    words = "12 trials, 2 at a time"
    assert told(start=None, trials=()) == f"{words}. How long they take is known when the first has ended."
    unknown = f"{words}: about 30 s and some seconds to start, if each takes as long as those that ended."
    assert told(start=None, trials=trials) == unknown
    known = f"{words}: about 42 s with the start, if each takes as long as those that ended."
    assert told(start=12.0, trials=trials) == known


def test_the_start_that_a_sweep_measured_is_counted_for_the_next(qtbot: Any, bench: Bench) -> None:
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    bench.most = 0
    bench.sweeps.start()
    qtbot.waitUntil(lambda: bool(bench.runners) and bool(bench.runners[0].tasks))
    assert bench.sweeps.training is not None
    bench.sweeps.training.sweep._measured.append(12.0)
    bench.sweeps.stop()
    qtbot.waitUntil(lambda: idle(bench))
    bench.sweeps._trials = {0: Trial(number=0, status="done", values={"optimizer.learning_rate": 0.1}, seconds=5.0)}
    bench.sweeps._show_state()
    assert "about 17 s with the start" in bench.window.estimate.text()


def test_where_nothing_can_start_the_settings_offer_what_the_start_needs(bench: Bench) -> None:
    """Start, offered beside them, was a dead button while nothing was varied."""
    bench.sweeps.open()
    window = bench.window
    assert not window.start.isEnabled()
    offered, needed = cure_of(window.use), cure_of(window.start)
    assert offered is not None and offered is needed
    bench.vary("optimizer.learning_rate", "0.1, 0.01")
    assert window.start.isEnabled()
    offered = cure_of(window.use)
    assert offered is not None and offered.text == "Start"
