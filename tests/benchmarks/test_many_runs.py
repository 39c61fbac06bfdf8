"""Several trainings at a time, in processes beside the window: the gain, the cost, and what the window feels of it."""

from __future__ import annotations

import gc
import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.threads import usable_processors
from dnnstudio.core.workspace.ensembles import member_folder, read_ensemble
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.gui.base.gc_timer import GarbageCollector
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer
from dnnstudio.runner.capacity import threads_each
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask
from tests.gui.fake_engine import FakeEngine
from tests.gui.window_kit import open_window

from .gaps import Gaps
from .neighbours import least_disturbed

FEW, MANY, JOBS = 12, 40, 2
TURNS = 3


def digits() -> Experiment:
    return load_recipe("digits").experiment


def tasks(folder: Path, count: int) -> list[RunTask]:
    wanted = digits()
    return [RunTask(experiment=wanted.replaced(seed=seed), folder=folder / f"{seed}") for seed in range(1, count + 1)]


@contextmanager
def started(jobs: int, folder: Path) -> Iterator[LocalRunner]:
    """A runner whose processes have trained once."""
    with LocalRunner(jobs, threads=threads_each(jobs)) as runner:
        for future in [runner.submit(task) for task in tasks(folder, jobs)]:
            assert future.result().reason == "finished"
        yield runner


@pytest.mark.skipif(usable_processors() < JOBS, reason="two at a time need two processors")
@pytest.mark.timeout(900)
def test_two_at_a_time(table: Any, row: Any, tmp_path: Path) -> None:
    """Twelve runs of the digits recipe, one or two at a time in turns, in processes that are there."""
    numbers = itertools.count()
    with started(1, tmp_path / "one") as one, started(JOBS, tmp_path / "two") as two:

        def seconds_of(runner: LocalRunner) -> float:
            wanted = tasks(tmp_path / f"turn {next(numbers)}", FEW)
            began = time.perf_counter()
            for future in [runner.submit(task) for task in wanted]:
                assert future.result().reason == "finished"
            return time.perf_counter() - began

        found = least_disturbed(lambda: (seconds_of(two), seconds_of(one)), rounds=TURNS)
    ours, theirs = (statistics.median(turn[place] for turn in found) for place in (0, 1))
    made = table.add(row(f"{FEW} runs of digits, {JOBS} at a time", "one at a time", ours, theirs, at_least=1.6))
    assert made.ratio > 1.2


def _seconds_alone(folder: Path) -> float:
    """The same runs with as many threads each, one after the other and with no window beside them."""
    with LocalRunner(1, threads=threads_each(JOBS)) as runner:
        assert runner.submit(tasks(folder / "first", 1)[0]).result().reason == "finished"
        began = time.perf_counter()
        for future in [runner.submit(task) for task in tasks(folder, MANY)]:
            assert future.result().reason == "finished"
        return time.perf_counter() - began


@pytest.mark.display
@pytest.mark.skipif(usable_processors() < JOBS, reason="two at a time need two processors")
@pytest.mark.timeout(900)
def test_forty_beside_the_window(qtbot: Any, qapp: QApplication, table: Any, row: Any, tmp_path: Path) -> None:
    """A repeat of forty seeds, from the click to the last one, against the same runs trained one after the other.

    The bound on the runs' own times, those of their epochs, holds beside it: it counts what a run takes outside of
    them too, to build, trace and save its network.
    """
    gaps, ended = Gaps(), QEventLoop()
    idle = FakeEngine(pause_ms=200)  # as it is while the children train; without a pause it keeps a processor busy
    with open_window(qtbot, qapp, tmp_path, experiment=digits(), engine=idle) as window:
        collector = GarbageCollector(window)  # as in the program
        collector.freeze()
        collector.start()
        answers: Any = window.workbench.dialogs
        answers.seeds = SeedsAnswer(MANY, JOBS)
        window.workbench.controller.activity_changed.connect(lambda to: ended.quit() if to == "idle" else None)
        began = time.perf_counter()
        first: list[float] = []
        with gaps:
            window.actions_["several_seeds"].trigger()
            training = window.workbench.repeats.training
            assert training is not None
            training.member_began.connect(lambda *_: first.append(time.perf_counter()))
            ended.exec()
        taken, start = time.perf_counter() - began, first[0] - began
        collector.stop()
        gc.unfreeze()
        folder = window.workbench.controller.run_folder
    assert folder is not None
    found = [read_metrics(member_folder(folder, seed)) for seed in read_ensemble(folder).seeds]
    own = [metrics["seconds"] for metrics in found if metrics is not None]
    assert len(own) == MANY
    alone = _seconds_alone(tmp_path / "alone")
    what = f"{MANY} runs of digits beside the window, from the first one's begin"
    made = table.add(row(what, f"each trained alone, ÷ {JOBS}", taken - start, alone / JOBS, at_most=1.3))
    table.add(row(what, f"their own times ÷ {JOBS}", taken - start, sum(own) / JOBS, at_most=1.3))
    table.add(row(f"start of {JOBS} processes that train, beside the window", "", start))
    table.add(
        row(f"gaps of the window's loop beside {MANY} runs, p99", "a timer of 10 ms", gaps.p99, unit="ms", at_most=20)
    )
    assert made.ratio < 3
