"""Invented samples, an engine that answers when the test says so, and the inspector on top of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot

from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import SamplesDone
from dnnstudio.core.jobs.requests import Job, SampleModel
from dnnstudio.core.uncertainty.convergence import Course
from dnnstudio.core.uncertainty.samples import SampledRows, Samples
from dnnstudio.core.uncertainty.scores import Accumulator
from dnnstudio.core.uncertainty.table_rows import ColumnKind, shown_columns
from dnnstudio.gui.base.ticket import Failure, Ticket
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.uncertainty import Subject, UncertaintyDialog

COLUMNS = ("height", "width", "colour")
KINDS: tuple[ColumnKind, ...] = ("number", "number", "category")
WORDS = ((), (), ("red", "green", "blue"))


def invent(
    rows: int = 120,
    passes: int = 20,
    classes: int = 4,
    *,
    seed: int = 0,
    table: bool = False,
    single: bool = False,
    part: str = "test",
) -> Samples:
    """Passes of images that are right more often the surer they are. `single`: of a network without dropout."""
    passes = 1 if single else passes
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    logits = random.normal(0, 1.2, (rows, classes))
    logits[np.arange(rows), labels] += random.uniform(0, 5, rows)
    noisy = logits + random.normal(0, 0.8, (passes, rows, classes))
    powers = np.exp(noisy)
    block = (powers / powers.sum(axis=2, keepdims=True)).astype(np.float32)
    off = block[0] if single else np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    accumulator = Accumulator(rows, classes)
    winners, entropies, gaps = [], [], []  # type: ignore[var-annotated]
    for one in block:
        accumulator.add(one[None])
        for kept, value in zip((winners, entropies, gaps), accumulator.means(), strict=True):
            kept.append(value)
    pictures = random.integers(0, 256, (rows, 8, 8)).astype(np.uint8)
    values = random.normal(size=(rows, 3))
    values[:, 2] = random.integers(0, 3, rows)
    return Samples(
        SampledRows(
            labels=labels,
            deterministic=off.astype(np.float32),
            class_names=tuple(f"kind {number}" for number in range(classes)),
            pictures=None if table else pictures,
            values=values if table else None,
            columns=COLUMNS if table else (),
            table=shown_columns(values[::2], names=COLUMNS, kinds=KINDS, words=WORDS) if table else (),
            title=f"{part} part",
        ),
        (block,),
        accumulator.scores(),
        Course(np.stack(winners), np.array(entropies), np.array(gaps)),
        seed=7,
        kind="none" if single else "dropout",
        seconds=1.0,
    )


class StubEngine(QObject):
    """The face of `Engine`; jobs wait until the test answers them."""

    asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tickets: list[Ticket] = []

    @property
    def jobs(self) -> list[SampleModel]:
        return [ticket.job for ticket in self.tickets if isinstance(ticket.job, SampleModel)]

    @property
    def controls(self) -> list[Control]:
        return [ticket.control for ticket in self.tickets]

    def ask(self, job: Job, **callbacks: Any) -> Ticket:
        assert isinstance(job, SampleModel)
        self.tickets.append(Ticket(job, self, **callbacks))
        return self.tickets[-1]

    def tell(self, samples: Samples, planned: int = 100) -> None:
        """Passes so far of the last job."""
        ticket = self.tickets[-1]
        ticket.report(SamplesDone(run=ticket.job.id, samples=samples, planned=planned, seconds_left=3.0))

    def answer(self, samples: Samples, number: int = -1) -> None:
        self.tickets[number].finish(samples)

    def refuse(self, failure: Failure, number: int = -1) -> None:
        self.tickets[number].fail(failure)


@pytest.fixture
def engine() -> StubEngine:
    return StubEngine()


@pytest.fixture
def subject() -> Subject:
    layers = (
        Flatten(id="flatten"),
        Dropout(id="drop", rate=0.2),
        Dense(id="output", units=10, activation="softmax"),
    )
    return Subject(Path("run"), Experiment(layers=layers), "run 12, Dropout")


Open = Callable[..., UncertaintyDialog]


@pytest.fixture
def open_dialog(qtbot: QtBot, theme: Theme, engine: StubEngine, subject: Subject) -> Open:
    """Open the inspector; with samples, its first job is answered."""

    def make(samples: Samples | None = None, **options: Any) -> UncertaintyDialog:
        dialog = UncertaintyDialog(theme, engine, subject, **options)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        if samples is not None:
            engine.answer(samples)
        return dialog

    return make
