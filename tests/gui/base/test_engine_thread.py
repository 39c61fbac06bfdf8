"""The thread that runs the engine, held to the same contract as the fake one that the window's tests use."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QThread

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import RunEnded, RunStarted
from dnnstudio.core.jobs.requests import DescribeData, EvaluateModel, Job, TrainRun
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.ticket import Failure

from ..fake_engine import FakeSession
from .conftest import Log, MakeEngine, training


class SlowFake(FakeSession):
    """A training that lasts until it is stopped."""

    def run(self, job: Job, control: Control, emit: Any) -> object:
        if isinstance(job, TrainRun):
            while not control.stopped:
                time.sleep(0.002)
        return super().run(job, control, emit)


@pytest.fixture
def start_engine(qtbot: Any) -> Iterator[Callable[[Callable[[], FakeSession]], Engine]]:
    """Makes engines with a thread, and ends them whatever the test did."""
    made: list[Engine] = []

    def make(new_session: Callable[[], FakeSession]) -> Engine:
        made.append(Engine(new_session=new_session))
        return made[-1]

    yield make
    for engine in made:
        assert engine.shutdown()


def test_a_job_ends_with_its_result_heard_on_the_gui_thread(make_engine: MakeEngine, qtbot: Any) -> None:
    engine = make_engine()
    log = Log(engine)
    job = DescribeData(data=Data(), seed=1)
    engine.ask(job)
    engine.start()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.outcome(job).summary.input_shape == (8, 8)
    assert log.threads == {QThread.currentThread()}


def test_a_training_is_told_from_start_to_end(make_engine: MakeEngine, qtbot: Any, tmp_path: Path) -> None:
    engine = make_engine()
    log = Log(engine)
    job = training(tmp_path)
    engine.start()
    engine.ask(job)
    qtbot.waitUntil(lambda: bool(log.ends))
    assert isinstance(log.events[0], RunStarted)
    assert isinstance(log.events[-1], RunEnded)
    assert {event.run for event in log.events} == {job.id}
    assert log.outcome(job).epochs == 3


def test_jobs_run_in_the_order_they_came(make_engine: MakeEngine, qtbot: Any, tmp_path: Path) -> None:
    engine = make_engine()
    log = Log(engine)
    engine.start()
    jobs = [training(tmp_path, epochs=1) for _ in range(4)]
    for job in jobs:
        engine.ask(job)
    qtbot.waitUntil(lambda: len(log.ends) == 4)
    assert [job for job, _ in log.ends] == jobs


def test_an_error_of_the_person_comes_back_as_two_sentences(make_engine: MakeEngine, qtbot: Any) -> None:
    engine = make_engine()
    log = Log(engine)
    job = DescribeData(data=Data(source=Npz(path="missing.npz")), seed=1)
    engine.ask(job)
    engine.start()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.outcome(job) == Failure("person", "The file does not exist.", "Choose another one.")


def test_a_job_cancelled_while_it_waits_never_runs(make_engine: MakeEngine, qtbot: Any) -> None:
    engine = make_engine()
    log = Log(engine)
    job = EvaluateModel(model="run", experiment=Experiment())
    engine.ask(job).cancel()
    engine.start()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert log.outcome(job).kind == "cancelled"
    assert log.events == []


def test_shutdown_cancels_what_waits_and_what_comes_later(make_engine: MakeEngine, tmp_path: Path) -> None:
    engine = make_engine()
    log = Log(engine)
    waiting, late = training(tmp_path), training(tmp_path)
    engine.ask(waiting)
    assert engine.shutdown()
    engine.ask(late)
    assert log.outcome(waiting).kind == log.outcome(late).kind == "cancelled"


def test_the_state_goes_from_starting_over_busy_to_ready(make_engine: MakeEngine, qtbot: Any, tmp_path: Path) -> None:
    engine = make_engine()
    log = Log(engine)
    engine.start()
    qtbot.waitUntil(lambda: engine.state.phase == "ready")
    engine.ask(training(tmp_path, epochs=1))
    qtbot.waitUntil(lambda: bool(log.ends) and engine.state.phase == "ready")
    assert [state.phase for state in log.states] == ["starting", "ready", "busy", "ready"]


def test_a_bug_in_a_job_gives_its_traceback_and_the_next_job_runs(
    qtbot: Any, tmp_path: Path, start_engine: Any
) -> None:
    class Broken(FakeSession):
        def run(self, job: Job, control: Control, emit: Any) -> object:
            if isinstance(job, TrainRun):
                raise SystemExit(3)
            return super().run(job, control, emit)

    engine = start_engine(Broken)
    log = Log(engine)
    engine.start()
    broken, whole = training(tmp_path), DescribeData(data=Data(), seed=1)
    engine.ask(broken)
    engine.ask(whole)
    qtbot.waitUntil(lambda: len(log.ends) == 2)
    assert log.outcome(broken).kind == "bug"
    assert "SystemExit" in log.outcome(broken).details
    assert log.outcome(whole).summary.counts == (1150, 287, 360)


def test_data_is_described_before_tensorflow_is_imported(qtbot: Any, start_engine: Any) -> None:
    order: list[str] = []

    class Ordered(FakeSession):
        def run(self, job: Job, control: Control, emit: Any) -> object:
            order.append(type(job).__name__)
            return super().run(job, control, emit)

        def warm_up(self) -> None:
            order.append("warm_up")

    engine = start_engine(Ordered)
    log = Log(engine)
    engine.ask(EvaluateModel(model="run", experiment=Experiment()))
    engine.ask(DescribeData(data=Data(), seed=1))
    engine.start()
    qtbot.waitUntil(lambda: len(log.ends) == 2)
    assert order == ["DescribeData", "warm_up", "EvaluateModel"]


def test_an_engine_that_is_held_imports_nothing_until_it_is_released(qtbot: Any, start_engine: Any) -> None:
    made: list[FakeSession] = []

    def new_session() -> FakeSession:
        made.append(FakeSession())
        return made[-1]

    engine = start_engine(new_session)
    engine.hold()
    engine.start()
    qtbot.waitUntil(lambda: engine.state.phase == "starting")
    job = DescribeData(data=Data(), seed=1)
    log = Log(engine)
    engine.ask(job)
    assert made == []
    engine.release()
    qtbot.waitUntil(lambda: engine.state.phase == "ready" and bool(log.ends))
    assert len(made) == 1


def test_an_engine_that_is_held_can_be_shut_down(qtbot: Any) -> None:
    engine = Engine(new_session=lambda: pytest.fail("nothing is made any more"))
    engine.hold()
    engine.start()
    assert engine.shutdown()


def test_without_tensorflow_the_data_is_still_described_and_training_says_why(
    qtbot: Any, tmp_path: Path, start_engine: Any
) -> None:
    class NoTensorFlow(FakeSession):
        def warm_up(self) -> None:
            raise UserError("TensorFlow is not installed.", "Run make setup.")

    engine = start_engine(NoTensorFlow)
    log = Log(engine)
    engine.start()
    qtbot.waitUntil(lambda: engine.state.phase == "failed")
    describe, train = DescribeData(data=Data(), seed=1), training(tmp_path)
    engine.ask(describe)
    engine.ask(train)
    qtbot.waitUntil(lambda: len(log.ends) == 2)
    assert log.outcome(describe).summary.input_shape == (8, 8)
    assert log.outcome(train) == Failure("person", "TensorFlow is not installed.", "Run make setup.")


def test_an_engine_that_cannot_be_made_refuses_every_job_with_the_reason(
    qtbot: Any, tmp_path: Path, start_engine: Any
) -> None:
    def cannot() -> FakeSession:
        raise ImportError("no module named h5py")

    engine = start_engine(cannot)
    log = Log(engine)
    engine.ask(training(tmp_path))
    engine.start()
    qtbot.waitUntil(lambda: bool(log.ends))
    assert "h5py" in log.ends[0][1].message
    assert engine.state.phase == "failed"


def test_shutdown_in_mid_training_stops_it_quickly_and_keeps_its_end(
    qtbot: Any, tmp_path: Path, start_engine: Any
) -> None:
    engine = start_engine(SlowFake)
    log = Log(engine)
    job = training(tmp_path)
    engine.start()
    engine.ask(job)
    qtbot.waitUntil(lambda: engine.state.phase == "busy")
    begun = time.monotonic()
    assert engine.shutdown()
    seconds = time.monotonic() - begun
    qtbot.waitUntil(lambda: bool(log.ends))
    print(f"shutdown in mid-training: {seconds * 1000:.0f} ms")
    assert seconds < 1
    assert log.outcome(job).reason == "stopped"


def test_shutdown_that_cannot_succeed_says_so_and_does_not_kill(qtbot: Any, tmp_path: Path, start_engine: Any) -> None:
    let_go = threading.Event()

    class Deaf(FakeSession):
        def run(self, job: Job, control: Control, emit: Any) -> object:
            let_go.wait()
            return super().run(job, control, emit)

    engine = start_engine(Deaf)
    engine.start()
    engine.ask(training(tmp_path))
    qtbot.waitUntil(lambda: engine.state.phase == "busy")
    assert not engine.shutdown(50)
    let_go.set()
    assert engine.shutdown()


def test_a_training_lets_the_window_draw_its_beginning_and_waits_for_no_other(
    qtbot: Any, start_engine: Any, tmp_path: Path
) -> None:
    """A window that is away does not hold the engine up for longer than it may take."""
    order: list[str] = []

    class Telling(FakeSession):
        def run(self, job: Job, control: Control, emit: Any) -> object:
            experiment = training(tmp_path).experiment
            emit(RunStarted(run="1", experiment=experiment, folder=tmp_path, steps_per_epoch=1, epochs=1))
            order.append("engine")
            return None

    engine = start_engine(Telling)
    engine.ask(DescribeData(data=Data(), seed=1), on_event=lambda event: order.append("window"))
    engine.start()
    qtbot.waitUntil(lambda: len(order) == 2)
    assert order == ["window", "engine"]
    order.clear()
    engine.ask(DescribeData(data=Data(), seed=1), on_event=lambda event: order.append("window"))
    begun = time.monotonic()
    while not order and time.monotonic() - begun < 5:  # the window's loop does not turn
        time.sleep(0.005)
    assert order == ["engine"]


def test_the_thread_has_a_stack_that_tensorflow_can_live_on(qtbot: Any, start_engine: Any) -> None:
    engine = start_engine(FakeSession)
    assert engine.findChild(QThread).stackSize() == 16 * 2**20


EMITS = """
from PySide6.QtCore import QCoreApplication, QObject, QThread, Signal

class Source(QThread):
    fact = Signal(object, bool)
    def run(self):
        for number in range(5000):
            self.fact.emit(number, True)

class Sink(QObject):
    heard = 0
    def on_fact(self, number, yes):
        assert yes is True
        self.heard += 1
        if self.heard == 5000:
            QCoreApplication.quit()

app = QCoreApplication([])
source, sink = Source(), Sink()
source.fact.connect(sink.on_fact)
source.start()
app.exec()
source.wait()
print(sink.heard)
"""


def test_5000_emits_across_threads_do_not_kill_the_process() -> None:
    """PySide6 6.12.0 on Python 3.11 drops a reference to True at every emit and dies after about 570."""
    done = subprocess.run(
        [sys.executable, "-c", EMITS],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )
    assert (done.returncode, done.stdout.strip()) == (0, "5000"), done.stderr
