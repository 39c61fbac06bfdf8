"""Runs of mixed networks, one after the other in the real window, and what grows with them."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, Reshape
from dnnstudio.core.experiment.optimizers import SGD, Adam, Nadam, RMSprop
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.gui.base.engine_thread import Engine
from tests.gui.window_kit import let_go, open_window

PATIENCE_MS = 120_000


def mixed(number: int) -> Experiment:
    """One of eight networks, with a seed of its own: dense, deep, normalized, with dropout, with a convolution."""

    def dense(count: int, **more: Any) -> list[Layer]:
        return [Dense(id=f"d{place}", **({"units": 20, "activation": "relu"} | more)) for place in range(count)]

    bodies: tuple[tuple[list[Layer], Any], ...] = (
        (dense(1, units=50), SGD(learning_rate=0.05)),
        (dense(8, activation="elu"), Adam()),
        ([BatchNormalization(id="norm"), *dense(2)], Nadam()),
        ([*dense(1, units=60), Dropout(id="drop", rate=0.3)], RMSprop()),
        (dense(3, activation="selu", kernel_initializer={"kind": "lecun_normal"}), SGD(learning_rate=0.02)),
        (
            [Reshape(id="grid", target_shape=(8, 8, 1)), Conv2D(id="conv", filters=4, kernel_size=(3, 3)),
             Flatten(id="flat2"), *dense(1)],
            Adam(),
        ),
        (dense(2, units=35, activation="tanh"), Adam(learning_rate=0.003)),
        (dense(1, units=10 + number % 17), SGD(learning_rate=0.1)),
    )  # fmt: skip
    body, optimizer = bodies[number % len(bodies)]
    layers = (Flatten(id="flat"), *body, Dense(id="out", units=10, activation="softmax"))
    given = load_recipe("digits").experiment.replaced(
        layers=layers, optimizer=optimizer, seed=number, name=f"mixed {number}"
    )
    batch = 4 if number % 8 in (0, 3) else 32  # two of the eight take so many steps that they are compiled
    return edits.set_value(edits.set_value(given, "training.epochs", 2), "training.batch_size", batch)


@dataclass(frozen=True, slots=True)
class State:
    """What a process holds at one moment."""

    mebibytes: float
    threads: int
    descriptors: int
    objects: int
    """Qt's objects below the window."""

    @classmethod
    def of(cls, window: Any) -> State:
        let_go()
        process = psutil.Process()
        return cls(
            mebibytes=process.memory_info().rss / 2**20,
            threads=threading.active_count(),
            descriptors=process.num_fds() if os.name == "posix" else 0,
            objects=len(window.findChildren(QObject)),
        )


def growths(states: list[State]) -> dict[str, float]:
    """By how much each figure grows a run, by a straight line through all."""
    numbers = np.arange(len(states))
    return {
        field.name: float(np.polyfit(numbers, [getattr(state, field.name) for state in states], 1)[0])
        for field in fields(State)
    }


def runs_in_the_window(qtbot: Any, qapp: QApplication, folder: Path, *, warm_up: int, count: int) -> list[State]:
    """Train `warm_up` and then `count` mixed networks in one window; the state after each of the latter."""
    engine, states = Engine(), []
    with open_window(qtbot, qapp, folder, engine=engine, experiment=mixed(0)) as window:
        engine.start()
        qtbot.waitUntil(lambda: engine.state.phase == "ready", timeout=PATIENCE_MS)
        ends: list[Any] = []
        window.workbench.controller.run_ended.connect(ends.append)
        ready = _ready(window)
        for number in range(warm_up + count):
            window.document.push(mixed(number), "Another network")
            qtbot.waitUntil(ready, timeout=PATIENCE_MS)
            window.workbench.transfer.train()
            qtbot.waitUntil(lambda wanted=number + 1: len(ends) == wanted and ready(), timeout=PATIENCE_MS)
            assert ends[-1].reason == "finished", ends[-1]
            if number >= warm_up:
                states.append(State.of(window))
        gc.unfreeze()
    return states


def _ready(window: Any) -> Callable[[], bool]:
    return lambda: window.workbench.controller.activity == "idle" and window.engine.state.phase == "ready"


def every_limit(states: list[State], *, mebibytes: float) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """What is told of them: words, value, and its limit."""
    grown = growths(states)
    yield "memory grows a run by", grown["mebibytes"], {"unit": "MiB", "at_most": mebibytes}
    for name, words in (("threads", "threads"), ("descriptors", "open files"), ("objects", "Qt objects")):
        most = 0.05  # one in twenty runs is chance: a thread that is just ending, a cache that fills
        yield f"{words} grow a run by", grown[name], {"at_most": most}
