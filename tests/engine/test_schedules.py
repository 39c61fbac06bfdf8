"""A schedule in Keras's graph, in numpy and in the loop is one and the same; and it survives a model file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Training
from dnnstudio.core.jobs import BatchesDone
from dnnstudio.core.optimizers import OPTIMIZER_KINDS, SGD, Adam
from dnnstudio.core.schedules import (
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Performance,
    Piecewise,
    Plan,
    Power,
    Schedule,
    Warmup,
)
from dnnstudio.engine.build import build, compile_model, keras_optimizer
from dnnstudio.engine.runtime import tf
from dnnstudio.engine.schedules import ScheduledRate, keras_rate

Make = Callable[..., Any]
BASE, STEPS_PER_EPOCH, EPOCHS = 0.02, 5, 4

SCHEDULES: dict[str, Schedule] = {
    "power": Power(s=2.0, power=1.5),
    "exponential by step": Exponential(s=2.0),
    "exponential by epoch": Exponential(s=3.0, progress="epoch"),
    "exponential by multiplying": Exponential(s=3.0, progress="multiply"),
    "piecewise": Piecewise(boundaries=(1.0, 2.5), rates_between=(0.1, 0.05, 0.01)),
    "one cycle": OneCycle(max_rate=0.3),
    "one cycle with momentum": OneCycle(max_rate=0.3, momentum_low=0.85, momentum_high=0.95),
    "cosine": CosineRestarts(first_period=6, unit="steps", m_mul=0.5, alpha=0.1),
    "constant with warm-up": Constant(warmup=Warmup(duration=7, unit="steps")),
    "cosine with warm-up": CosineRestarts(first_period=1.0, t_mul=1.0, warmup=Warmup(duration=1.0)),
}


def by_hand(name: str) -> list[float]:
    """The rate of each of the 20 steps, by the formulas of the sources and without the program's code."""
    steps = range(STEPS_PER_EPOCH * EPOCHS)
    n = len(steps)
    match name:
        case "power":
            return [BASE / (1 + t / 10) ** 1.5 for t in steps]
        case "exponential by step":
            return [BASE * 0.1 ** (t / 10) for t in steps]
        case "exponential by epoch":
            return [BASE * 0.1 ** ((t // 5) / 3) for t in steps]
        case "exponential by multiplying":
            return [BASE * 0.1 ** ((t // 5 + 1) / 3) for t in steps]
        case "piecewise":
            return [0.1 if t < 5 else 0.05 if t < 12.5 else 0.01 for t in steps]
        case "one cycle" | "one cycle with momentum":
            last = n // 10 + 1
            half = (n - last) // 2
            up = [0.03 + 0.27 * t / half for t in range(half)]
            down = [0.3 - 0.27 * t / half for t in range(half)]
            end = n - 2 * half
            return [*up, *down, *(0.03 + (0.00003 - 0.03) * t / end for t in range(end))]
        case "cosine":
            first = [0.9 * 0.5 * (1 + np.cos(np.pi * t / 6)) + 0.1 for t in range(6)]
            second = [0.9 * 0.25 * (1 + np.cos(np.pi * t / 12)) + 0.1 for t in range(12)]
            third = [0.9 * 0.125 * (1 + np.cos(np.pi * t / 24)) + 0.1 for t in range(2)]
            return [BASE * share for share in (*first, *second, *third)]
        case "constant with warm-up":
            return [BASE * (0.1 + 0.9 * t / 7) if t < 7 else BASE for t in steps]
    assert name == "cosine with warm-up"
    rise = [BASE * (0.1 + 0.9 * t / 5) for t in range(5)]
    wave = [BASE * 0.5 * (1 + np.cos(np.pi * t / 5)) for t in range(5)]
    return [*rise, *wave, *wave, *wave]


def traced(rate: ScheduledRate, steps: int) -> np.ndarray:
    """The rate of each step as a compiled graph gives it."""
    function = tf.function(lambda step: rate(step), input_signature=[tf.TensorSpec((), tf.int64)])
    return np.array([function(tf.constant(step, tf.int64)).numpy() for step in range(steps)])


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_graph_and_the_loop_follow_the_formula(name: str, recorder: Any, experiment: Make, rows: Make) -> None:
    """70 rows by 14 are 5 steps an epoch."""
    given = experiment(
        optimizer=SGD(learning_rate=BASE, momentum=0.5),
        schedule=SCHEDULES[name],
        training=Training(epochs=EPOCHS, batch_size=14),
    )
    expected = by_hand(name)
    rate = keras_rate(given, 70)
    assert isinstance(rate, ScheduledRate)
    np.testing.assert_allclose(traced(rate, 20), expected, rtol=1e-6)
    recorder.train(given, rows())
    fed = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(fed, expected, rtol=1e-6)
    np.testing.assert_allclose(traced(rate, 20), fed, rtol=1e-6)


def test_a_step_beyond_float32_is_still_exact() -> None:
    """2^24 + 1 is no float32; the floor of an epoch must not jump there."""
    rate = ScheduledRate(Exponential(s=1.0, progress="epoch", decay_rate=0.5), 1.0, 2**24 + 1, 4)
    assert float(rate(2**24)) == 1.0
    assert float(rate(2**24 + 1)) == 0.5


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_through_json(name: str) -> None:
    rate = ScheduledRate(SCHEDULES[name], BASE, STEPS_PER_EPOCH, EPOCHS)
    again = keras.saving.deserialize_keras_object(json.loads(json.dumps(keras.saving.serialize_keras_object(rate))))
    assert again.schedule == rate.schedule
    assert again.plan == rate.plan


def test_an_impossible_schedule_is_refused() -> None:
    with pytest.raises(UserError, match="impossible learning-rate schedule"):
        ScheduledRate({"kind": "power", "s": -1.0}, BASE, 5, 4)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reads its own variables so
def test_a_saved_model_carries_its_schedule_and_goes_on_with_it(experiment: Make, rows: Make, tmp_path: Path) -> None:
    data = rows()
    given = experiment(
        optimizer=Adam(learning_rate=BASE), schedule=Power(s=2), training=Training(epochs=4, batch_size=14)
    )
    model = build(given, data.summary.input_shape)
    compile_model(model, given, replace(data.summary, counts=(70, 20, 20)))
    model.fit(data.train.x, data.train.y, batch_size=14, epochs=2, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(BASE / 2, rel=1e-6)
    model.save(tmp_path / "compiled.keras")
    again = keras.models.load_model(tmp_path / "compiled.keras")
    again.fit(data.train.x, data.train.y, batch_size=14, epochs=1, verbose=0)
    assert float(again.optimizer.learning_rate) == pytest.approx(BASE / 2.5, rel=1e-6)


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_every_optimizer_takes_a_schedule(kind: str, experiment: Make, rows: Make) -> None:
    data = rows()
    given = experiment(
        optimizer=OPTIMIZER_KINDS[kind].new(learning_rate=0.01),
        schedule=OneCycle(max_rate=0.02),
        training=Training(epochs=1, batch_size=35),
    )
    model = build(given, data.summary.input_shape)
    before = model.get_weights()
    compile_model(model, given, replace(data.summary, counts=(70, 20, 20)))
    model.fit(data.train.x, data.train.y, batch_size=35, epochs=1, verbose=0)
    assert any(not np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_constant_and_performance_stay_numbers(experiment: Make) -> None:
    for schedule in (Constant(), Performance()):
        given = experiment(optimizer=SGD(learning_rate=0.3), schedule=schedule)
        assert keras_rate(given, None) == 0.3
        assert float(keras_optimizer(given, keras_rate(given, None)).learning_rate) == pytest.approx(0.3)


def test_a_schedule_without_rows_is_refused(experiment: Make) -> None:
    with pytest.raises(UserError, match="number of training rows"):
        keras_rate(experiment(schedule=Power()), None)


def test_the_rates_are_those_of_the_plan() -> None:
    rate = ScheduledRate(OneCycle(max_rate=1.0), BASE, 3, 2)
    expected = OneCycle(max_rate=1.0).rates(np.arange(6), Plan(BASE, 3, 2))
    np.testing.assert_allclose(traced(rate, 6), expected, rtol=1e-6)
