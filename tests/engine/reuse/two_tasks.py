"""Two small tasks of the digits, and a session that has trained the first of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, RunEnded
from dnnstudio.core.jobs.requests import Job, TrainRun
from dnnstudio.core.planning.compatibility import default_transfer
from dnnstudio.core.planning.task_split import split_into_tasks
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.session import Session

BASE = Experiment(
    name="Digits",
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=12, activation="relu"),
        BatchNormalization(id="bn"),
        Dense(id="h2", units=8, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=1, batch_size=128),
)
A, B = split_into_tasks(BASE, train_limit=64)
FROZEN = ("h1", "bn", "h2")
Weights = dict[str, list[np.ndarray]]


def run(session: Session, job: Job, emit: Callable[[Event], None] = lambda event: None) -> Any:
    return session.run(job, Control(), emit)


def b_on(source: str, mode: str = "clone", *, epochs: tuple[int, int] = (1, 1), **changes: Any) -> Experiment:
    transfer = default_transfer(B, (8, 8), source, A.layers, mode=mode, epochs=epochs)
    return B.replaced(transfer=transfer.replaced(**changes))


def live(session: Session, key: str) -> Weights:
    return {layer.name: layer.get_weights() for layer in session.model(key).model.layers}


def on_disk(folder: Path, file: str = "model.keras") -> Weights:
    return dict(read_model(folder / file).arrays)


def equal(one: Weights, other: Weights, *names: str) -> bool:
    return all(
        np.array_equal(a, b)
        for name in (names or [name for name in one if one[name]])
        for a, b in zip(one[name], other[name], strict=True)
    )


def files(folder: Path) -> dict[str, bytes]:
    """What each file below the folder holds; checksums are of files that are here themselves."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "checksums.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


class Tasks:
    """Task A trained in `runs/0001 a`, and a session that still has it."""

    def __init__(self, workspace: Path) -> None:
        self.runs = workspace / "runs"
        self.session = Session()
        self.a = run(self.session, TrainRun(experiment=A, folder=self.runs / "0001 a"))

    def train_b(self, experiment: Experiment, name: str = "0002 b", **more: Any) -> Any:
        events: list[Event] = []
        session, heard = more.pop("session", self.session), more.pop("emit", lambda event: None)
        job = TrainRun(experiment=experiment, folder=self.runs / name, base=self.runs, **more)

        def emit(event: Event) -> None:
            events.append(event)
            heard(event)

        result = run(session, job, emit)
        self.ended = [event for event in events if isinstance(event, RunEnded)][-1]
        return result
