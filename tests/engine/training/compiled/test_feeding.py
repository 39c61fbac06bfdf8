"""Batches and random numbers made ahead: the same training to the last bit, whatever was expected."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment.layers import Dense, Dropout
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.training.compiled.feeding import Feeder
from dnnstudio.engine.training.step_loop import StepLoop, lines

BATCH, TOGETHER = 8, 3
Make = Callable[..., Any]


def follows(order: np.ndarray, step: int) -> np.ndarray:
    return lines(order, BATCH, step, TOGETHER)


def others(order: np.ndarray, step: int) -> np.ndarray:
    return follows(order, step)[::-1]


def nothing(order: np.ndarray, step: int) -> np.ndarray:
    return order[:0][None]


def trained(given: Any, data: Any, expect: Callable[[np.ndarray, int], np.ndarray]) -> list[np.ndarray]:
    """All variables after two epochs in calls of three steps, the last with a short batch."""
    keras.utils.set_random_seed(3)
    model = build(given, data.summary.input_shape)
    optimizer = to_keras(given.optimizer)
    x, y = data.train.x[:44], data.train.y[:44]
    loop = StepLoop(model, optimizer, objective(given, data.summary), x, y, batch=BATCH, compile_from=0)
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(len(x)).astype(np.int32)
        step = 0
        while step * BATCH < len(order):
            rows = lines(order, BATCH, step, TOGETHER)
            step += len(rows)
            loop.expect(expect(order, step))
            loop.run(rows, np.full(len(rows), 0.01))
    loop.release()
    return [np.asarray(variable.numpy()) for variable in (*model.variables, *optimizer.variables)]


def test_what_is_expected_changes_nothing(experiment: Make, rows: Make) -> None:
    given = experiment(Dropout(id="drop", rate=0.4), Dense(id="h", units=6, activation="elu"))
    reference = trained(given, rows(), nothing)
    for expect in (follows, others):
        for one, other in zip(trained(given, rows(), expect), reference, strict=True):
            np.testing.assert_array_equal(one, other)
    assert not [thread for thread in threading.enumerate() if thread.name == "feeding the steps"]


def test_what_was_made_ahead_is_used(experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call's rows are made once: those of its first call when they are wanted, the others before."""
    given = experiment(Dropout(id="drop", rate=0.4), Dense(id="h", units=6, activation="elu"))
    made: list[int] = []
    filled = Feeder._filled

    def seen(self: Feeder, rows: np.ndarray) -> np.ndarray:
        made.append(len(rows))
        return filled(self, rows)

    monkeypatch.setattr(Feeder, "_filled", seen)
    trained(given, rows(), follows)
    assert [count for count in made if count] == [3, 2, 1] * 2


def test_lines_of_an_epoch_are_all_its_rows_once() -> None:
    order = np.random.default_rng(0).permutation(100).astype(np.int32)
    step, seen = 0, []
    while step * BATCH < len(order):
        part = lines(order, BATCH, step, 5)
        assert 1 <= len(part) <= 5
        assert part.shape[1] == BATCH or len(part) == 1
        seen += part.ravel().tolist()
        step += len(part)
    assert seen == order.tolist()
    assert lines(order, BATCH, step, 5).size == 0
