"""Each layer's figures against figures worked out otherwise; and looking changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.analysis.layer_health import judge
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import BatchNormalization, Dense, Dropout, Layer
from dnnstudio.core.experiment.optimizers import SGD, Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.weights import L1L2, HeNormal, RandomNormal
from dnnstudio.core.jobs.events import HealthMeasured
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.training.checkpoint import values_of
from dnnstudio.engine.training.monitoring.layer_health import gradient_norms, measure, measured_steps
from dnnstudio.engine.training.trainer import fresh_model

Make = Callable[..., Any]


def deep(activation: str, initializer: Any, *, depth: int = 20, units: int = 100) -> tuple[Layer, ...]:
    return tuple(
        Dense(id=f"dense_{n}", units=units, activation=activation, kernel_initializer=initializer) for n in range(depth)
    )


def look(given: Experiment, data: Any) -> tuple[Any, ...]:
    model = fresh_model(given, data.summary)
    task = objective(given, data.summary)
    return measure(model, task, tf.constant(data.train.x), task.labels(data.train.y))


@pytest.mark.parametrize("units", [20, 100])
def test_twenty_sigmoid_layers_with_wide_weights_are_vanishing_or_saturated(
    units: int, experiment: Make, rows: Make
) -> None:
    given = experiment(*deep("sigmoid", RandomNormal(stddev=1.0), units=units))
    assert judge(look(given, rows())).condition in ("vanishing", "saturated")


@pytest.mark.parametrize("units", [20, 100])
def test_twenty_elu_layers_with_he_are_healthy(units: int, experiment: Make, rows: Make) -> None:
    assert judge(look(experiment(*deep("elu", HeNormal(), units=units)), rows())).condition == "healthy"


def test_the_figures_of_a_small_network_are_those_by_hand(experiment: Make, rows: Make) -> None:
    data = rows("number")
    given = experiment(Dense(id="hidden", units=4, activation="relu"), outputs=1, activation=None)
    model = fresh_model(given, DataSummary((6,), (), binary=False))
    (k1, b1), (k2, b2) = (layer.get_weights() for layer in model.layers)
    x, y = data.train.x.astype(np.float64), data.train.y.astype(np.float64)[:, None]
    z = x @ k1 + b1
    h = np.maximum(z, 0)
    d_out = 2 * (h @ k2 + b2 - y) / len(x)
    d_z = (d_out @ k2.T) * (z > 0)
    gradients = {"hidden": (x.T @ d_z, d_z.sum(axis=0)), "output": (h.T @ d_out, d_out.sum(axis=0))}
    found = {layer.id: layer for layer in look(given, data)}
    for name, (kernel, bias) in gradients.items():
        assert found[name].gradient_norm == pytest.approx(np.sqrt((kernel**2).sum() + (bias**2).sum()), rel=1e-4)
        assert found[name].gradient_rms == pytest.approx(np.sqrt((kernel**2).mean()), rel=1e-4)
    assert found["hidden"].mean == pytest.approx(h.mean(), rel=1e-4)
    assert found["hidden"].std == pytest.approx(h.std(), rel=1e-4)
    assert found["hidden"].dead == (h == 0).all(axis=0).mean()
    assert sum(found["hidden"].histogram) == h.size
    assert found["output"].dead is None
    assert found["hidden"].saturated is None


def test_dead_and_saturated_units_are_counted(experiment: Make, rows: Make) -> None:
    data = rows()
    given = experiment(Dense(id="relu", units=4, activation="relu"), Dense(id="tanh", units=5, activation="tanh"))
    model = fresh_model(given, DataSummary((6,), (), binary=False))
    model.get_layer("relu").set_weights([np.ones((6, 4)), np.array([-1e3, -1e3, -1e3, 1.0])])
    model.get_layer("tanh").set_weights([np.zeros((4, 5)), np.array([9.0, -9.0, 0.0, 0.1, 9.0])])
    task = objective(given, data.summary)
    found = measure(model, task, tf.constant(data.train.x), task.labels(data.train.y))
    assert (found[0].dead, found[1].saturated) == (0.75, 0.6)


def test_looking_touches_no_variable(experiment: Make, rows: Make) -> None:
    data = rows()
    given = experiment(
        BatchNormalization(id="bn"),
        Dense(id="hidden", units=8, activation="relu", activity_regularizer=L1L2(l2=0.1)),
        Dropout(id="drop", rate=0.5, monte_carlo=True),
    )
    model = fresh_model(given, DataSummary((6,), (), binary=False))
    task = objective(given, data.summary)
    before = [value.tobytes() for value in values_of(model.variables)]
    x, y = tf.constant(data.train.x), task.labels(data.train.y)
    first = measure(model, task, x, y)
    gradient_norms(model, task, x, y)
    assert [value.tobytes() for value in values_of(model.variables)] == before
    assert measure(model, task, x, y) == first
    assert len(model.losses) == 0


def test_batch_normalization_is_measured_as_it_trains(experiment: Make, rows: Make) -> None:
    """With its averages still at 0 and 1 it would put out what came in; in training it has mean 0 and spread 1."""
    data = rows()
    shifted = type(data)(
        type(data.train)(data.train.x * 50 + 7, data.train.y), data.validation, data.test, data.summary
    )
    found = look(experiment(BatchNormalization(id="bn")), shifted)[0]
    assert found.mean == pytest.approx(0, abs=1e-4)
    assert found.std == pytest.approx(1, rel=1e-2)


def test_a_training_is_the_same_with_and_without_looking(recorders: Make, experiment: Make, rows: Make) -> None:
    results = []
    for on in (True, False):
        given = experiment(
            BatchNormalization(id="bn"),
            Dense(id="hidden", units=8, activation="elu"),
            Dropout(id="drop", rate=0.3),
            optimizer=Adam(learning_rate=0.01),
            training=Training(epochs=3, batch_size=8, layer_health=on),
        )
        model, recorder = fresh_model(given, DataSummary((6,), (), binary=False)), recorders(str(on))
        recorder.train(given, rows(), model=model)
        assert bool(recorder.of(HealthMeasured)) == on
        results.append([value.tobytes() for value in values_of(model.variables)])
    assert results[0] == results[1]


def test_the_update_ratio_is_that_of_the_step(recorder: Any, experiment: Make, rows: Make) -> None:
    """One batch of all rows, plain SGD: the step is the rate times the gradient on the same rows before it."""
    data = rows(train=60)
    given = experiment(optimizer=SGD(learning_rate=0.1), training=Training(epochs=1, batch_size=60, shuffle=False))
    model = fresh_model(given, DataSummary((6,), (), binary=False))
    task = objective(given, data.summary)
    weights = [layer.kernel.numpy() for layer in model.layers]
    before = measure(model, task, tf.constant(data.train.x), task.labels(data.train.y))
    recorder.train(given, data, model=model)
    (event,) = recorder.of(HealthMeasured)
    assert event.epoch == 1.0
    for old, now, kernel in zip(before, event.layers, weights, strict=True):
        step = 0.1 * old.gradient_rms * np.sqrt(kernel.size)
        assert now.update_ratio == pytest.approx(step / np.linalg.norm(kernel), rel=1e-3)


def test_frozen_layers_have_no_gradient(experiment: Make, rows: Make) -> None:
    given = experiment(Dense(id="frozen", units=4, trainable=False), Dense(id="free", units=4))
    frozen, free, _ = look(given, rows())
    assert (frozen.frozen, frozen.gradient_norm, frozen.update_ratio) == (True, None, None)
    assert not free.frozen


def test_the_first_epochs_are_looked_at_more_often() -> None:
    assert measured_steps(0, 100) == (0, 24, 49, 74, 99)
    assert measured_steps(1, 100) == (49, 99)
    assert measured_steps(7, 100) == (99,)
    assert measured_steps(0, 1) == (0,)


def test_measuring_takes_less_than_a_tenth_of_the_time(recorder: Any, experiment: Make, rows: Make) -> None:
    """By the probe's own clock, over a training long enough that its first look does not matter."""
    import time

    from dnnstudio.engine.training.monitoring import layer_health as health

    spent: list[float] = []
    original = health.measure

    def timed(*given: Any, **more: Any) -> Any:
        begun = time.monotonic()
        found = original(*given, **more)
        spent.append(time.monotonic() - begun)
        return found

    health.measure, begun = timed, time.monotonic()
    try:
        recorder.train(experiment(training=Training(epochs=150, batch_size=8)), rows(train=800))
    finally:
        health.measure = original
    assert len(spent) > 2
    assert sum(spent[1:]) < 0.1 * (time.monotonic() - begun)
