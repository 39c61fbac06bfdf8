"""A schedule in Keras's graph, in numpy and in the loop is one and the same; and it survives a model file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD
from dnnstudio.core.experiment.record import Training
from dnnstudio.core.experiment.schedules import (
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
from dnnstudio.core.jobs.events import BatchesDone
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.backend.schedules import ScheduledRate, keras_rate

from ..as_a_notebook import compile_model

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


def traced(rate: Any, steps: int) -> np.ndarray:
    """The rate of each step as a compiled graph gives it, one step after the other."""
    signature = [tf.TensorSpec((None,), tf.int64)]
    function = tf.function(lambda given: tf.map_fn(rate, given, tf.float32), input_signature=signature)
    return np.asarray(function(tf.range(steps, dtype=tf.int64)))


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_graph_and_the_loop_follow_the_formula(name: str, recorder: Any, experiment: Make, rows: Make) -> None:
    """70 rows by 14 are 5 steps an epoch."""
    given = experiment(
        optimizer=SGD(learning_rate=BASE, momentum=0.5),
        schedule=SCHEDULES[name],
        training=Training(epochs=EPOCHS, batch_size=14),
    )
    expected = by_hand(name)
    plan = Plan(BASE, STEPS_PER_EPOCH, EPOCHS)
    for rate in (keras_rate(given.schedule, plan), ScheduledRate(given.schedule, BASE, STEPS_PER_EPOCH, EPOCHS)):
        np.testing.assert_allclose(traced(rate, 20), expected, rtol=1e-6)
    recorder.train(given, rows())
    fed = np.concatenate([event.learning_rates for event in recorder.of(BatchesDone)])
    np.testing.assert_allclose(fed, expected, rtol=1e-6)


WARM = Warmup(duration=1.5)
OF_KERAS: dict[str, tuple[Schedule, str]] = {
    "power of 1": (Power(s=2.0), "InverseTimeDecay"),
    "power in steps": (Power(s=30.0, unit="steps"), "InverseTimeDecay"),
    "exponential by step": (Exponential(s=20.0), "ExponentialDecay"),
    "exponential by epoch": (Exponential(s=3.0, progress="epoch"), "ExponentialDecay"),
    "exponential by multiplying": (Exponential(s=3000.0, unit="steps", progress="multiply"), "ExponentialDecay"),
    "piecewise": (Piecewise(boundaries=(0.3, 2.5), rates_between=(0.1, 0.05, 0.01)), "PiecewiseConstantDecay"),
    "piecewise in steps": (Piecewise(unit="steps"), "PiecewiseConstantDecay"),
    "cosine": (CosineRestarts(first_period=1.0, m_mul=0.9), "CosineDecayRestarts"),
    "cosine of equal periods": (CosineRestarts(first_period=4.0, t_mul=1.0, alpha=0.1), "CosineDecayRestarts"),
    "constant after a warm-up": (Constant(warmup=WARM), "CosineDecay"),
    "constant after a warm-up from 0": (
        Constant(warmup=Warmup(duration=40, unit="steps", start_factor=0)), "CosineDecay",
    ),
}  # fmt: skip
NOT_OF_KERAS = [
    Power(power=2.0),
    OneCycle(),
    CosineRestarts(t_mul=1.5),
    CosineRestarts(first_period=0.3),
    Exponential(warmup=WARM),
    CosineRestarts(warmup=WARM),
]


@pytest.mark.parametrize("name", OF_KERAS)
@pytest.mark.parametrize(("steps_per_epoch", "epochs"), [(7, 40), (1719, 10)])
def test_keras_s_own_class_has_the_same_rate_at_every_step(name: str, steps_per_epoch: int, epochs: int) -> None:
    """To 1e-6 of the rate; where a cosine cancels or a rate fades to nothing, of the highest: Keras has float32."""
    schedule, kind = OF_KERAS[name]
    plan = Plan(BASE, steps_per_epoch, epochs)
    rate = keras_rate(schedule, plan)
    assert type(rate) is getattr(keras.optimizers.schedules, kind)
    count = steps_per_epoch * epochs
    expected = schedule.rates(np.arange(count), plan)
    faint = 1e-6 * expected.max() if kind == "CosineDecayRestarts" else 0.0
    np.testing.assert_allclose(traced(rate, count), expected, rtol=1e-6, atol=faint)


@pytest.mark.parametrize("schedule", NOT_OF_KERAS, ids=lambda schedule: schedule.kind)
def test_what_keras_has_not_got_is_written_as_our_formula(schedule: Schedule) -> None:
    assert isinstance(keras_rate(schedule, Plan(BASE, 5, 4)), ScheduledRate)


@pytest.mark.parametrize("schedule", [*SCHEDULES.values(), *(made for made, _ in OF_KERAS.values())])
def test_a_scaled_schedule_has_its_rates_times_the_factor(schedule: Schedule) -> None:
    steps = np.arange(20)
    whole, half = Plan(BASE, 5, 4), Plan(BASE / 2, 5, 4)
    np.testing.assert_allclose(schedule.scaled(0.5).rates(steps, half), schedule.rates(steps, whole) / 2, rtol=1e-12)


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
    compile_model(model, given, data.summary, steps_per_epoch=2)
    model.fit(data.train.x, data.train.y, batch_size=35, epochs=1, verbose=0)
    assert any(not np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))


def test_constant_and_performance_stay_numbers() -> None:
    for schedule in (Constant(), Performance(), Performance(warmup=WARM)):
        assert keras_rate(schedule, Plan(0.3, 5, 4)) == 0.3


def test_the_rates_are_those_of_the_plan() -> None:
    rate = ScheduledRate(OneCycle(max_rate=1.0), BASE, 3, 2)
    expected = OneCycle(max_rate=1.0).rates(np.arange(6), Plan(BASE, 3, 2))
    np.testing.assert_allclose(traced(rate, 6), expected, rtol=1e-6)
