"""The learning-rate test finds a rate, and leaves no trace."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, OneCycle
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, RateTested
from dnnstudio.core.jobs.requests import FindRate
from dnnstudio.core.jobs.results import FoundRate
from dnnstudio.engine.backend.builder import to_keras
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.training.checkpoint import values_of
from dnnstudio.engine.training.lr_range_test import find_rate
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


def stack() -> tuple[Any, ...]:
    return BatchNormalization(id="bn"), Dense(id="hidden", units=8, activation="elu"), Dropout(id="drop", rate=0.3)


def find(given: Experiment, data: Any, model: Any = None, **options: Any) -> tuple[FoundRate, list[Event]]:
    events: list[Event] = []
    job = FindRate(experiment=given, **({"steps": 60} | options))
    network = model or fresh_model(given, data.summary)
    return find_rate(job, given, data, network, control=Control(), emit=events.append), events


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_the_test_leaves_no_trace(kind: str, experiment: Make, rows: Make) -> None:
    """Weights, averages, seed states, optimizer state and every generator: the same bits, after one step of each.

    The schedules take turns, so that each of them is met.
    """
    data = rows()
    schedules = list(SCHEDULE_KINDS.values())
    given = experiment(
        *stack(),
        optimizer=OPTIMIZER_KINDS[kind].new(learning_rate=0.01),
        schedule=schedules[list(OPTIMIZER_KINDS).index(kind) % len(schedules)].new(),
    )
    model = fresh_model(given, data.summary)
    optimizer = to_keras(given.optimizer)
    optimizer.build(model.trainable_variables)
    optimizer.apply([tf.ones_like(variable) for variable in model.trainable_variables])
    model(data.train.x, training=True)
    tf.random.uniform(())
    keras.random.uniform(())

    def state() -> tuple[Any, ...]:
        shared = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
        return (
            *(value.tobytes() for value in values_of(model.variables)),
            *(value.tobytes() for value in values_of(optimizer.variables)),
            random.getstate(),
            *(np.asarray(part).tobytes() for part in np.random.get_state()),
            shared.state.numpy().tobytes(),
        )

    before = state()
    random_before = tf.random.get_global_generator().state.numpy().tobytes()
    found, _ = find(given, data, model)
    assert len(found.losses) > 10
    assert state() == before
    assert tf.random.get_global_generator().state.numpy().tobytes() == random_before


def test_tensorflow_draws_on_as_if_nothing_had_been(experiment: Make, rows: Make) -> None:
    def draws(between: Callable[[], object]) -> list[float]:
        keras.utils.set_random_seed(5)
        first = float(tf.random.uniform(()))
        between()
        return [first, float(tf.random.uniform(())), random.random(), float(np.random.random())]

    data, given = rows(), experiment(*stack())
    model = fresh_model(given, data.summary)
    assert draws(lambda: find(given, data, model)) == draws(lambda: None)


def test_the_loss_falls_and_then_explodes(experiment: Make, rows: Make) -> None:
    given = experiment(optimizer=SGD(), training=Training(epochs=3, batch_size=16))
    found, events = find(given, rows(train=400), steps=300, lowest=1e-5, highest=1e4)
    assert found.exploded
    assert 20 < len(found.rates) < 300
    assert found.smoothed.min() < 0.8 * found.smoothed[0]
    assert found.steepest is not None
    assert found.tenth_of_lowest is not None
    assert 1e-3 < found.tenth_of_lowest < 1
    told = [event for event in events if isinstance(event, RateTested)]
    np.testing.assert_array_equal(np.concatenate([event.losses for event in told]), found.losses)
    np.testing.assert_array_equal(np.concatenate([event.rates for event in told]), found.rates)
    np.testing.assert_allclose(found.rates, np.geomspace(1e-5, 1e4, 300)[: len(found.rates)])
    assert {event.total for event in told} == {300}


def test_the_first_losses_are_those_of_a_training(recorder: Any, experiment: Make, rows: Make) -> None:
    """At a rate that changes nothing yet the test sees what the training sees: same weights, masks and rows."""
    from dnnstudio.core.jobs.events import BatchesDone

    given = experiment(*stack(), optimizer=SGD(learning_rate=1e-9), training=Training(epochs=1, batch_size=16))
    recorder.train(given, rows())
    losses = np.concatenate([event.losses for event in recorder.of(BatchesDone)])
    found, _ = find(given, rows(), lowest=1e-9, highest=1.1e-9, steps=20)
    np.testing.assert_allclose(found.losses[:4], losses[:4], rtol=1e-5)


def test_a_momentum_of_the_schedule_is_that_of_its_start(experiment: Make, rows: Make) -> None:
    schedule = OneCycle(max_rate=0.1, momentum_low=0.5, momentum_high=0.9)
    given = experiment(optimizer=SGD(momentum=0.1), schedule=schedule)
    same = experiment(optimizer=SGD(momentum=0.9))
    with_schedule, _ = find(given, rows(), lowest=1e-3, highest=0.1)
    plain, _ = find(same, rows(), lowest=1e-3, highest=0.1)
    np.testing.assert_allclose(with_schedule.losses, plain.losses, rtol=1e-4)


def test_few_rows_are_one_batch(experiment: Make, rows: Make) -> None:
    found, _ = find(experiment(training=Training(batch_size=512)), rows(), steps=20, highest=1e-3)
    assert len(found.losses) == 20
    assert not found.exploded


def test_stop_ends_the_test(experiment: Make, rows: Make) -> None:
    given, control = experiment(), Control()
    control.stop()
    model = fresh_model(given, rows().summary)
    with pytest.raises(Cancelled):
        find_rate(FindRate(experiment=given), given, rows(), model, control=control, emit=lambda event: None)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"lowest": 1.0, "highest": 0.1}, "below its highest"), ({"lowest": -1.0}, "above 0"), ({"steps": 3}, "3 steps")],
)
def test_impossible_tests_are_refused(options: dict[str, Any], words: str, experiment: Make, rows: Make) -> None:
    with pytest.raises(UserError, match=words):
        find(experiment(), rows(), **options)


def test_through_the_session_a_run_in_memory_and_on_disk_stays_as_it_is(tmp_path: Path) -> None:
    from dnnstudio.core.experiment.recipes import load_recipe
    from dnnstudio.core.jobs.requests import TrainRun
    from dnnstudio.engine.session import Session

    session = Session()
    given = load_recipe("digits").experiment
    given = given.replaced(training=given.training.replaced(epochs=1))
    job = TrainRun(experiment=given, folder=tmp_path / "run")
    session.run(job, Control(), lambda event: None)
    model = session.model(job.id).model
    before = [value.tobytes() for value in values_of(model.variables)]
    files = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    for of in (job.id, None):
        found = session.run(FindRate(experiment=given, model=of, steps=40), Control(), lambda event: None)
        assert isinstance(found, FoundRate)
        assert len(found.losses) > 5
    assert [value.tobytes() for value in values_of(model.variables)] == before
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()} == files
