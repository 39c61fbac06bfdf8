"""Both engines, the thread and the fake one, and a log of what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, QThread

from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.requests import Job, TrainRun
from dnnstudio.gui.base.engine_thread import Engine, EngineState
from dnnstudio.gui.base.ticket import Failure, Ticket

from ..fake_engine import FakeEngine, FakeSession

MakeEngine = Callable[[], Any]


class Log(QObject):
    """What an engine said of every job, and on which thread it was heard."""

    def __init__(self, engine: Any) -> None:
        super().__init__()
        self.events: list[Any] = []
        self.ends: list[tuple[Job, Any]] = []
        self.states: list[EngineState] = []
        self.threads: set[QThread] = set()
        engine.asked.connect(self.on_asked)
        engine.state_changed.connect(self.on_state)

    def on_asked(self, ticket: Ticket) -> None:
        ticket.reported.connect(self.on_event)
        ticket.done.connect(partial(self.on_end, ticket.job))
        ticket.failed.connect(partial(self.on_end, ticket.job))
        ticket.cancelled.connect(partial(self.on_end, ticket.job, Failure("cancelled")))

    def on_event(self, event: object) -> None:
        self.threads.add(QThread.currentThread())
        self.events.append(event)

    def on_end(self, job: Any, outcome: object) -> None:
        self.threads.add(QThread.currentThread())
        self.ends.append((job, outcome))

    def on_state(self, state: Any) -> None:
        self.states.append(state)

    def outcome(self, job: Job) -> Any:
        found = [outcome for ended, outcome in self.ends if ended is job]
        assert len(found) == 1, f"{len(found)} terminal signals"
        return found[0]


def training(folder: Path, epochs: int = 3) -> TrainRun:
    return TrainRun(experiment=Experiment(training=Training(epochs=epochs)), folder=folder / "run")


@pytest.fixture(params=["thread", "fake"])
def make_engine(request: pytest.FixtureRequest, qtbot: Any) -> Iterator[MakeEngine]:
    made: list[Any] = []

    def make() -> Any:
        engine = Engine(new_session=FakeSession) if request.param == "thread" else FakeEngine()
        made.append(engine)
        return engine

    yield make
    for engine in made:
        assert engine.shutdown()
