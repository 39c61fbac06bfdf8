"""One runner for the tests of a module: starting TensorFlow in its children takes longer than what they train."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.events import Event
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask

DIGITS = Experiment(
    name="Small",
    data=Data(source=Digits(), train_limit=200),
    layers=(
        Flatten(id="flatten"),
        Dense(id="hidden", units=8, activation="relu"),
        Dropout(id="drop", rate=0.2),
        Dense(id="output", units=10, activation="softmax"),
    ),
    training=Training(epochs=1, batch_size=32),
)
ENDLESS = DIGITS.replaced(training=Training(epochs=100_000, batch_size=32))


@dataclass
class Running:
    """A runner of two jobs, and what it has told so far."""

    events: list[tuple[RunTask, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runner = LocalRunner(2, threads=1, on_event=lambda task, event: self.events.append((task, event)))

    def of(self, task: RunTask, kind: type[Event]) -> list[Any]:
        return [event for of, event in list(self.events) if of is task and isinstance(event, kind)]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = Running()
    yield made
    made.runner.stop_all()
    made.runner.shutdown()
