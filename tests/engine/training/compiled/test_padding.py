"""Layers made wider for the time of the steps: nothing is to be seen of it but the time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Layer,
    LeakyReLU,
    PReLU,
    Reshape,
)
from dnnstudio.core.experiment.optimizers import SGD, Adam, AdamW, Muon, Optimizer, RMSprop
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import L1L2, MaxNorm, OrthogonalRegularizer
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.training.compiled import steps
from dnnstudio.engine.training.compiled.padding import wider
from dnnstudio.engine.training.step_loop import StepLoop
from tests.thorough import some

BATCH = 16


def dense(units: int, id: str = "hidden", **options: Any) -> Dense:
    return Dense(id=id, units=units, **({"activation": "elu"} | options))


OUTPUT = Dense(id="output", units=3, activation="softmax")
STACKS: dict[str, tuple[Layer, ...]] = {
    "dense": (dense(30), dense(31, "second", activation="tanh")),
    "dropout": (Dropout(id="first", rate=0.2), dense(30), Dropout(id="drop", rate=0.3), dense(15, "second")),
    "noise": (dense(30), GaussianDropout(id="noise", rate=0.3)),
    "normalized": (
        BatchNormalization(id="bn_1"),
        dense(30, activation=None, use_bias=False),
        BatchNormalization(id="bn_2"),
        Activation(id="curve", activation="selu"),
    ),
    "slopes": (dense(30, activation=None), PReLU(id="prelu"), dense(47, "second", activation=None), LeakyReLU(id="l")),
    "frozen": (dense(30, trainable=False), dense(30, "second")),
    "rows of rows": (
        Reshape(id="shape", target_shape=(2, 3)),
        dense(30),
        Dropout(id="drop", rate=0.3),
        dense(5, "second"),
        Flatten(id="flat"),
    ),
    "priced and limited": (
        dense(30, kernel_regularizer=L1L2(l1=0.01, l2=0.02), kernel_constraint=MaxNorm(max_value=0.5)),
        dense(15, "second", kernel_constraint=MaxNorm(max_value=0.5)),
    ),
}
OPTIMIZERS: list[Optimizer] = [
    Adam(learning_rate=0.01, global_clipnorm=0.1, epsilon=1e-3),
    SGD(learning_rate=0.1, momentum=0.9, nesterov=True, clipnorm=0.2),
    RMSprop(learning_rate=0.01, centered=True, epsilon=1e-3),
    AdamW(learning_rate=0.01, use_ema=True, ema_overwrite_frequency=3, epsilon=1e-3),
]


def trained(experiment: Experiment, data: Any) -> tuple[StepLoop, list[np.ndarray], np.ndarray]:
    """The loop, all variables and the losses after two calls."""
    keras.utils.set_random_seed(3)
    model = build(experiment, data.summary.input_shape)
    optimizer = to_keras(experiment.optimizer)
    aim = objective(experiment, data.summary)
    loop = StepLoop(model, optimizer, aim, data.train.x, data.train.y, batch=BATCH, compile_from=0)
    losses = []
    for count in (5, 9):
        rows = np.random.default_rng(count).permutation(len(data.train.x)).astype(np.int32)[: BATCH * count]
        rates = np.full(count, experiment.optimizer.learning_rate)
        losses.append(loop.run(np.resize(rows, (count, BATCH)), rates).losses)
    return loop, [np.array(v.numpy()) for v in (*model.variables, *optimizer.variables)], np.concatenate(losses)


@pytest.mark.parametrize("stack", some(STACKS, keep=("dense", "dropout", "normalized")))
def test_a_widened_stack_learns_the_same(stack: str, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    data, optimizer = rows(), OPTIMIZERS[list(STACKS).index(stack) % len(OPTIMIZERS)]
    experiment = Experiment(layers=(*STACKS[stack], OUTPUT), optimizer=optimizer)
    loop, wide, losses = trained(experiment, data)
    program = loop._compiled_steps()._program
    assert next(layer.units for layer in program.layers if isinstance(layer, keras.layers.Dense)) == 32

    monkeypatch.setattr(steps, "wider", lambda *_: {})
    monkeypatch.setattr(steps, "_programs", type(steps._programs)())
    loop, narrow, same = trained(experiment, data)
    assert loop._compiled_steps()._program.layers[0] is loop._model.layers[0]
    np.testing.assert_allclose(losses, same, rtol=1e-5)
    for one, other in zip(wide, narrow, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * max(float(np.abs(other).max()), 0.1))


@pytest.mark.parametrize(
    ("layers", "units"),
    [
        ((dense(300), dense(100, "second")), {0: 304, 1: 112}),
        ((dense(304), dense(100, "second")), {1: 112}),
        ((dense(50), dense(9, "second")), {}),
        ((dense(30, activation="sigmoid"),), {}),
        ((dense(30, activation="softmax"),), {}),
        ((dense(30), Activation(id="curve", activation="softplus")), {}),
        ((dense(30), AlphaDropout(id="drop", rate=0.2)), {}),
        ((dense(30), GaussianNoise(id="noise", stddev=0.2)), {}),
        ((dense(30), Reshape(id="shape", target_shape=(5, 6)), dense(30, "second")), {2: 32}),
        ((dense(30, kernel_regularizer=OrthogonalRegularizer(factor=0.1)),), {}),
        ((dense(30), dense(9, "second", kernel_regularizer=OrthogonalRegularizer(factor=0.1))), {}),
    ],
)
def test_what_is_widened(layers: tuple[Layer, ...], units: dict[int, int]) -> None:
    model = build(Experiment(layers=(*layers, OUTPUT)), (6,))
    assert wider(model.layers, keras.optimizers.Adam()) == units


@pytest.mark.parametrize(("options", "units"), [({"threshold": 1.0}, {}), ({"max_value": 6.0}, {0: 32})])
def test_rectifiers_of_a_foreign_model(options: dict[str, float], units: dict[int, int]) -> None:
    layers = [keras.layers.Dense(30), keras.layers.ReLU(**options), keras.layers.Dense(3)]
    assert wider(keras.Sequential([keras.Input((6,)), *layers]).layers, keras.optimizers.Adam()) == units


def test_the_last_layer_and_an_optimizer_that_mixes_columns_are_left_alone() -> None:
    model = build(Experiment(layers=(dense(30), dense(30, "output"))), (6,))
    assert wider(model.layers, keras.optimizers.SGD()) == {0: 32}
    assert wider(model.layers, to_keras(Muon())) == {}


def test_widening_draws_no_number(rows: Callable[..., Any]) -> None:
    experiment = Experiment(layers=(dense(30), Dropout(id="drop", rate=0.2), OUTPUT))
    model = build(experiment, rows().summary.input_shape)
    numbers = []
    for widens in (False, True):
        keras.utils.set_random_seed(4)
        if widens:
            steps.Program(
                model,
                to_keras(experiment.optimizer),
                objective(experiment, rows().summary),
                batch=BATCH,
                sets_momentum=False,
            )
        numbers.append(np.asarray(keras.random.uniform((4,))))
    np.testing.assert_array_equal(*numbers)
