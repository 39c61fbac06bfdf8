"""The fast way against the plain one, which is held against Keras's `fit`: the same weights, whatever is trained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dnnstudio.core.experiment import Experiment
from dnnstudio.core.layers import (
    Activation,
    ActivityRegularization,
    BatchNormalization,
    Dense,
    Layer,
    LeakyReLU,
    PReLU,
    Rescaling,
    Reshape,
)
from dnnstudio.core.optimizers import OPTIMIZER_KINDS, SGD, Adam, AdamW, Muon, Optimizer, RMSprop
from dnnstudio.core.parts import L1L2, MaxNorm, MinMaxNorm, NonNeg, OrthogonalRegularizer, UnitNorm
from dnnstudio.engine.build import build, compile_model, keras_optimizer
from dnnstudio.engine.loop import StepLoop
from dnnstudio.engine.losses import objective

BATCH = 16
Make = Callable[..., Any]


def hidden(units: int = 8, id: str = "hidden", **options: Any) -> Dense:
    return Dense(id=id, units=units, **({"activation": "tanh"} | options))


STACKS: dict[str, tuple[Layer, ...]] = {
    "l1, l2, orthogonal": (
        hidden(kernel_regularizer=L1L2(l1=0.01, l2=0.02), bias_regularizer=L1L2(l2=0.1)),
        hidden(5, "second", kernel_regularizer=OrthogonalRegularizer(factor=0.1)),
    ),
    "activity": (hidden(activity_regularizer=L1L2(l2=0.01)), ActivityRegularization(id="price", l1=0.01)),
    "constraints": (
        hidden(kernel_constraint=MaxNorm(max_value=0.5)),
        hidden(5, "second", kernel_constraint=UnitNorm(), bias_constraint=NonNeg()),
        hidden(5, "third", kernel_constraint=MinMaxNorm(min_value=0.2, max_value=0.4, rate=0.5)),
    ),
    "batch normalization": (
        BatchNormalization(id="bn_0"),
        hidden(use_bias=False),
        BatchNormalization(id="bn_1", momentum=0.7, center=False),
        hidden(6, "second"),
        BatchNormalization(id="bn_2", scale=False),
    ),
    "frozen": (
        BatchNormalization(id="bn", trainable=False),
        hidden(5, "frozen", trainable=False, kernel_regularizer=L1L2(l2=0.5)),
        hidden(),
    ),
    "shapes": (
        Rescaling(id="rescale", scale=2.0),
        Reshape(id="reshape", target_shape=(2, 3)),
        hidden(4, "each"),
        BatchNormalization(id="bn"),
        LeakyReLU(id="leaky"),
        Reshape(id="back", target_shape=(8,)),
        PReLU(id="prelu"),
        hidden(activation=None),
        Activation(id="curve", activation="selu"),
    ),
}
OPTIMIZERS: dict[str, Optimizer] = {
    "momentum": SGD(learning_rate=0.05, momentum=0.9),
    "nesterov, clipnorm, decay": SGD(learning_rate=0.05, momentum=0.9, nesterov=True, clipnorm=0.1, weight_decay=0.01),
    "clipvalue": SGD(learning_rate=0.1, clipvalue=0.01),
    "global clipnorm": Adam(learning_rate=0.01, global_clipnorm=0.1),
    "amsgrad, decay": AdamW(learning_rate=0.01, amsgrad=True, weight_decay=0.01),
    "average": Adam(learning_rate=0.01, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "average at the end": SGD(learning_rate=0.1, use_ema=True, ema_momentum=0.9),
    "centred": RMSprop(learning_rate=0.01, centered=True, momentum=0.5),
    "average, constrained": Muon(learning_rate=0.01, use_ema=True, ema_overwrite_frequency=2),
}
OPTIMIZERS |= {kind: OPTIMIZER_KINDS[kind].new(learning_rate=0.01) for kind in OPTIMIZER_KINDS}


class Trained:
    """A network of the experiment after two epochs in calls of several lengths, the last batch short."""

    def __init__(self, experiment: Experiment, data: Any, *, fast_from: int, lengths: tuple[int, ...] = (3, 9)) -> None:
        keras.utils.set_random_seed(3)
        self.model = build(experiment, data.summary.input_shape)
        self.optimizer = keras_optimizer(experiment)
        self.loop = StepLoop(
            self.model,
            self.optimizer,
            objective(experiment, data.summary),
            data.train.x,
            data.train.y,
            batch=BATCH,
            fast_from=fast_from,
        )
        self.losses: list[float] = []
        self.metrics: list[float] = []
        for rows in calls_of(len(data.train.x), lengths):
            done = self.loop.run(rows, np.full(len(rows), experiment.optimizer.learning_rate))
            self.losses += done.losses.tolist()
            self.metrics += done.metrics.tolist()

    @property
    def variables(self) -> list[np.ndarray]:
        return [np.asarray(v.numpy()) for v in (*self.model.variables, *self.optimizer.variables)]


def calls_of(count: int, lengths: tuple[int, ...]) -> list[np.ndarray]:
    calls = []
    for epoch in range(2):
        order = np.random.default_rng(epoch).permutation(count).astype(np.int32)
        full = count // BATCH * BATCH
        steps, at = order[:full].reshape(-1, BATCH), 0
        for length in lengths:
            calls += [steps[at : at + length]] if at < len(steps) else []
            at += length
        calls += [order[full:].reshape(1, -1)] if full < count else []
    return calls


def assert_close(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-6)


def assert_same_both_ways(experiment: Experiment, data: Any) -> None:
    fast, plain = (Trained(experiment, data, fast_from=start) for start in (0, 10**9))
    assert not fast.loop.note
    np.testing.assert_allclose(fast.losses, plain.losses, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(fast.metrics, plain.metrics, rtol=1e-5, atol=1e-6)
    assert_close(fast.variables, plain.variables)


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_trains_alike_both_ways(name: str, experiment: Make, rows: Make) -> None:
    assert_same_both_ways(experiment(*STACKS[name], optimizer=SGD(learning_rate=0.1, momentum=0.5)), rows())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_steps_alike_both_ways(name: str, experiment: Make, rows: Make) -> None:
    stack = hidden(kernel_constraint=MaxNorm(max_value=1.0))
    assert_same_both_ways(experiment(stack, optimizer=OPTIMIZERS[name]), rows())
