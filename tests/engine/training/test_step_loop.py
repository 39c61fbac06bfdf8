"""The own loop against Keras's `fit`, given the same order of rows: the same weights, losses and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.layers import (
    ActivityRegularization,
    BatchNormalization,
    Dense,
    Dropout,
    GaussianNoise,
    Layer,
)
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, SGD, Adam, Muon, Optimizer, RMSprop
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import L1L2, MaxNorm, MinMaxNorm, NonNeg, OrthogonalRegularizer, UnitNorm
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.backend.runtime import tf
from dnnstudio.engine.training.step_loop import StepLoop

from ..as_a_notebook import compile_model

BATCH = 16


def hidden(**options: Any) -> tuple[Layer, ...]:
    return (Dense(id="hidden", units=8, activation="tanh", **options),)


STACKS: dict[str, tuple[Layer, ...]] = {
    "plain": hidden(),
    "l1 and l2": hidden(kernel_regularizer=L1L2(l1=0.01, l2=0.02), bias_regularizer=L1L2(l2=0.1)),
    "orthogonal": hidden(kernel_regularizer=OrthogonalRegularizer(factor=0.1)),
    "activity": (*hidden(activity_regularizer=L1L2(l2=0.001)), ActivityRegularization(id="price", l1=0.001)),
    "max norm": hidden(kernel_constraint=MaxNorm(max_value=0.5)),
    "unit norm": hidden(kernel_constraint=UnitNorm(), bias_constraint=NonNeg()),
    "min max norm": hidden(kernel_constraint=MinMaxNorm(min_value=0.2, max_value=0.4, rate=0.5)),
    "batch normalization": (BatchNormalization(id="bn_0"), *hidden(use_bias=False), BatchNormalization(id="bn_1")),
    "frozen": (Dense(id="frozen", units=5, trainable=False, kernel_regularizer=L1L2(l2=0.5)), *hidden()),
    "frozen batch normalization": (BatchNormalization(id="bn", trainable=False), *hidden()),
}
OPTIMIZERS: dict[str, Optimizer] = {
    "momentum": SGD(learning_rate=0.05, momentum=0.9),
    "nesterov, clipnorm": SGD(learning_rate=0.05, momentum=0.9, nesterov=True, clipnorm=0.1),
    "clipvalue": SGD(learning_rate=0.1, clipvalue=0.01),
    "global clipnorm": Adam(learning_rate=0.01, global_clipnorm=0.1),
    "amsgrad, decay": Adam(learning_rate=0.01, amsgrad=True, weight_decay=0.01),
    "average": Adam(learning_rate=0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "average at the end": SGD(learning_rate=0.1, use_ema=True, ema_momentum=0.9),
}
OPTIMIZERS |= {kind: OPTIMIZER_KINDS[kind].new(learning_rate=0.01) for kind in OPTIMIZER_KINDS}


class Batches(keras.utils.PyDataset):
    """Batches in a given order, for one pass of `fit`."""

    def __init__(self, batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batches[index]


def train_both(experiment: Experiment, data: Any) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    """Weights and mean loss and metric after two epochs by the own loop, and by one `fit` over the same batches."""
    x, y, summary = data.train.x, data.train.y, data.summary
    rate, full = experiment.optimizer.learning_rate, len(x) // BATCH * BATCH
    calls: list[np.ndarray] = []
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(len(x)).astype(np.int32)
        steps = order[:full].reshape(-1, BATCH)
        calls += [steps[:3], steps[3:], order[full:].reshape(1, -1)]

    keras.utils.set_random_seed(3)
    ours = build(experiment, summary.input_shape)
    optimizer = to_keras(experiment.optimizer)
    loop = StepLoop(ours, optimizer, objective(experiment, summary), x, y)
    sums = np.zeros(2)
    for rows in calls:
        done = loop.run(rows, np.full(len(rows), rate))
        sums += np.array([done.losses.sum(), done.metrics.sum()]) * rows.shape[1]
    optimizer.finalize_variable_values(ours.trainable_variables)

    keras.utils.set_random_seed(3)
    theirs = build(experiment, summary.input_shape)
    compile_model(theirs, experiment, summary)
    batches = Batches([(x[batch], y[batch]) for rows in calls for batch in rows])
    history = theirs.fit(batches, shuffle=False, verbose=0).history
    figures = np.array([history["loss"][0], history["accuracy" if summary.classes else "mae"][0]])
    return ours.get_weights(), theirs.get_weights(), sums / (2 * len(x)), figures


def assert_same(results: tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]) -> None:
    ours, theirs, our_figures, their_figures = results
    np.testing.assert_allclose(our_figures, their_figures, rtol=1e-5)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_trains_as_by_fit(name: str, experiment: Callable[..., Experiment], rows: Callable[..., Any]) -> None:
    assert_same(train_both(experiment(*STACKS[name], optimizer=SGD(learning_rate=0.1, momentum=0.5)), rows()))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_as_by_fit(
    name: str, experiment: Callable[..., Experiment], rows: Callable[..., Any]
) -> None:
    assert_same(train_both(experiment(optimizer=OPTIMIZERS[name]), rows()))


@pytest.mark.parametrize(
    ("task", "loss", "activation"),
    [
        ("binary", "auto", "sigmoid"),
        ("binary", "huber", "sigmoid"),
        ("number", "auto", None),
        ("number", "mean_absolute_error", None),
    ],
)
def test_a_task_trains_as_by_fit(
    task: str, loss: str, activation: str | None, experiment: Callable[..., Experiment], rows: Callable[..., Any]
) -> None:
    assert_same(train_both(experiment(outputs=1, activation=activation, loss=loss), rows(task)))


def test_each_step_uses_its_own_learning_rate(experiment: Callable[..., Experiment], rows: Callable[..., Any]) -> None:
    """With one row as every batch and plain SGD, the bias's step over its gradient is the rate that was asked for."""
    data = rows()
    given = Experiment(layers=(Dense(id="d", units=3, activation="softmax"),), optimizer=SGD(learning_rate=9.0))
    rates = np.array([0.5, 0.0, 0.125])
    model = build(given, (6,))
    loop = StepLoop(model, to_keras(given.optimizer), objective(given, data.summary), data.train.x, data.train.y)
    for rate in rates:
        before, out = model.layers[0].bias.numpy(), np.asarray(model(data.train.x[:1]))[0]
        loop.run(np.array([[0]], np.int32), np.array([rate]))
        gradient = out - np.eye(3)[data.train.y[0]]
        np.testing.assert_allclose(before - model.layers[0].bias.numpy(), rate * gradient, atol=1e-6)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(learning_rate=0.1, momentum=0.9),
        SGD(learning_rate=0.1, momentum=0.9, nesterov=True),
        RMSprop(learning_rate=0.01, momentum=0.9),
        Muon(learning_rate=0.01),
    ],
    ids=lambda optimizer: f"{optimizer.kind} {getattr(optimizer, 'nesterov', '')}",
)
def test_each_step_uses_its_own_momentum(
    optimizer: Optimizer, experiment: Callable[..., Experiment], rows: Callable[..., Any]
) -> None:
    """Against Keras's own steps outside a graph, where the momentum is an ordinary number."""
    data, given = rows(), experiment(optimizer=optimizer)
    x, y, momenta = data.train.x, data.train.y, [0.9, 0.2, 0.6, 0.95]
    batches = np.arange(64, dtype=np.int32).reshape(4, 16)

    keras.utils.set_random_seed(3)
    ours = build(given, (6,))
    loop = StepLoop(ours, to_keras(given.optimizer), objective(given, data.summary), x, y, sets_momentum=True)
    loop.run(batches, np.full(4, optimizer.learning_rate), np.array(momenta))

    keras.utils.set_random_seed(3)
    theirs, steps = build(given, (6,)), to_keras(given.optimizer)
    for batch, momentum in zip(batches, momenta, strict=True):
        if steps.built:
            steps.momentum = momentum
        with tf.GradientTape() as tape:
            loss = keras.losses.SparseCategoricalCrossentropy()(y[batch], theirs(x[batch], training=True))
        steps.apply(tape.gradient(loss, theirs.trainable_variables), theirs.trainable_variables)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_dropout_keeps_its_share_and_draws_anew_each_step(rows: Callable[..., Any]) -> None:
    """With the output's kernel fixed to a mean and the rate at zero, a step's loss is what dropout leaves of it."""
    x = np.ones((1, 20_000), np.float32)
    given = Experiment(
        layers=(Dropout(id="drop", rate=0.25), Dense(id="d", units=1, trainable=True)), loss="mean_absolute_error"
    )
    model = build(given, (20_000,))
    model.layers[1].set_weights([np.full((20_000, 1), 1 / 20_000, np.float32), np.zeros(1, np.float32)])
    loop = StepLoop(
        model, to_keras(given.optimizer), objective(given, rows("number").summary), x, np.zeros(1, np.float32)
    )
    losses = loop.run(np.zeros((20, 1), np.int32), np.zeros(20)).losses
    assert losses.mean() == pytest.approx(1.0, abs=0.005)
    assert losses.std() == pytest.approx(np.sqrt(0.25 / 0.75 / 20_000), rel=0.5)
    assert len(set(losses.tolist())) > 15


def test_tracing_leaves_no_graph_tensors_behind(
    experiment: Callable[..., Experiment], rows: Callable[..., Any]
) -> None:
    data = rows()
    given = experiment(GaussianNoise(id="noise", stddev=0.1), *STACKS["activity"])
    model = build(given, (6,))
    loop = StepLoop(model, to_keras(given.optimizer), objective(given, data.summary), data.train.x, data.train.y)
    loop.run(np.zeros((2, 4), np.int32), np.full(2, 0.1))
    model(data.test.x)
    assert all(np.isfinite(float(loss)) for loss in model.losses)
