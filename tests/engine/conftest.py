"""Small synthetic data of the face that `engine.data` gives, and a way to train on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import Dense, Layer
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.results import RunResult
from dnnstudio.engine.data import Scaler


@dataclass(frozen=True)
class Part:
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Rows:
    train: Part
    validation: Part
    test: Part
    summary: DataSummary
    fingerprint: str = "synthetic"
    scaler: Scaler = field(default_factory=lambda: Scaler("none", np.zeros(()), np.ones(())))  # used as they are
    stored_shape: tuple[int, ...] = ()
    full_scale: float | None = None
    columns: tuple[str, ...] = ()


def make_rows(task: str = "classes", *, train: int = 70, features: int = 6) -> Rows:
    """Learnable rows: three classes, two ("binary") or a number ("number"), decided by a fixed random direction."""
    random = np.random.default_rng(7)
    direction = random.normal(size=(features, 3))

    def part(count: int) -> Part:
        x = random.normal(size=(count, features)).astype(np.float32)
        scores = x @ direction
        if task == "number":
            return Part(x, scores[:, 0].astype(np.float32))
        return Part(x, (scores[:, 0] > 0).astype(np.int64) if task == "binary" else scores.argmax(axis=1))

    names = {"classes": ("a", "b", "c"), "binary": ("no", "yes"), "number": ()}[task]
    summary = DataSummary(input_shape=(features,), class_names=names, binary=task == "binary")
    return Rows(part(train), part(20), part(20), summary)


def make_experiment(*layers: Layer, outputs: int = 3, activation: str | None = "softmax", **changes: Any) -> Experiment:
    stack = layers or (Dense(id="hidden", units=8, activation="relu"),)
    values: dict[str, Any] = {
        "layers": (*stack, Dense(id="output", units=outputs, activation=activation)),
        "optimizer": SGD(learning_rate=0.1),
        "training": Training(epochs=3, batch_size=16),
    }
    return Experiment(**(values | changes))


class Recorder:
    """Trains and keeps the events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self.control = Control()
        self.on_event: Callable[[Event], None] = lambda event: None

    def emit(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def train(self, experiment: Experiment, rows: Any, *, folder: Path | None = None, **more: Any) -> RunResult:
        from dnnstudio.engine.training.trainer import train

        return train(
            experiment,
            rows,
            folder=folder or self.folder,
            run="r1",
            control=self.control,
            emit=self.emit,
            **more,
        )

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def rows() -> Callable[..., Rows]:
    return make_rows


@pytest.fixture
def experiment() -> Callable[..., Experiment]:
    return make_experiment


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "run")


@pytest.fixture
def recorders(tmp_path: Path) -> Callable[[str], Recorder]:
    return lambda name: Recorder(tmp_path / name)
