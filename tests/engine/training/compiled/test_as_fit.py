"""The compiled path against Keras's own `fit`, on rows in the same order: every optimizer, random stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, Reshape
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.schedules import SCHEDULE_KINDS, Plan
from dnnstudio.core.experiment.weights import L1L2, MaxNorm, MinMaxNorm, NonNeg, OrthogonalRegularizer, UnitNorm
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.training.step_loop import StepLoop
from tests.thorough import some

from ...as_a_notebook import compile_model

BATCH, EPOCHS = 16, 2
KINDS = sorted(OPTIMIZER_KINDS)
CLIPPINGS: list[dict[str, float]] = [{}, {"clipnorm": 0.1}, {"clipvalue": 0.01}, {"global_clipnorm": 0.1}]
LIMITS = [MaxNorm(max_value=0.7), UnitNorm(), NonNeg(), MinMaxNorm(max_value=0.8), None]
PRICES = [L1L2(l1=0.001), L1L2(l2=0.01), OrthogonalRegularizer(factor=0.01), None, L1L2(l1=0.001, l2=0.01)]
AVERAGE = {"use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2}
SCHEDULES = sorted(set(SCHEDULE_KINDS) - {"performance"})
"""A rate that falls on a plateau changes between epochs only."""
ACTIVATIONS = ("elu", "selu", "tanh", "sigmoid", "softplus", "silu")


class Batches(keras.utils.PyDataset):
    """Batches in a given order, for one pass of `fit`."""

    def __init__(self, batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
        super().__init__()
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batches[index]


class StepByStep(keras.callbacks.Callback):
    """Sets the rate, and the momentum where one is given, before every batch."""

    def __init__(self, rates: np.ndarray, momenta: np.ndarray | None) -> None:
        super().__init__()
        self._rates, self._momenta = rates, momenta

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = float(self._rates[batch])
        if self._momenta is not None:
            self.model.optimizer.momentum = float(self._momenta[batch])


NARROW, WIDENED = (2, 10), (29, 33)
"""Numbers of units, from and below. Some of the second are widened to 32."""


def random_experiment(number: int, units: tuple[int, int] = NARROW) -> Experiment:
    """A small stack without randomness, its optimizer of the number's kind; all the rest takes its turn or is drawn."""
    chance = np.random.default_rng(number)
    layers: list[Layer] = []
    for index in range(int(chance.integers(1, 4))):
        turn = number + index
        if chance.random() < 0.5:
            layers.append(BatchNormalization(id=f"bn_{index}", momentum=float(chance.choice([0.5, 0.99]))))
        layers.append(
            Dense(
                id=f"dense_{index}",
                units=int(chance.integers(*units)),
                activation=str(chance.choice(ACTIVATIONS)),
                use_bias=bool(chance.random() < 0.7),
                kernel_regularizer=PRICES[turn % len(PRICES)],
                kernel_constraint=LIMITS[(turn + turn // 5) % len(LIMITS)],
            )
        )
    layers.append(Dense(id="output", units=3, activation="softmax"))
    averaging = AVERAGE if number % 3 == 1 else {}
    kind = OPTIMIZER_KINDS[KINDS[number % len(KINDS)]]
    # With the usual 1e-7 a gradient that is nothing but rounding becomes a step as large as any other.
    steady = {"epsilon": 1e-3} if "epsilon" in kind.model_fields else {}
    optimizer = kind.new(learning_rate=0.01, **CLIPPINGS[number % len(CLIPPINGS)], **averaging, **steady)
    schedule = SCHEDULE_KINDS[SCHEDULES[number % len(SCHEDULES)]].new()
    return Experiment(layers=tuple(layers), optimizer=optimizer, schedule=schedule)


def orders(count: int) -> list[np.ndarray]:
    """The rows of every step of all epochs; the last of an epoch has fewer."""
    every = [np.random.default_rng(epoch).permutation(count).astype(np.int32) for epoch in range(EPOCHS)]
    return [order[start : start + BATCH] for order in every for start in range(0, count, BATCH)]


@pytest.mark.parametrize("number", range(len(KINDS)), ids=KINDS)
def test_any_small_stack_trains_as_by_fit(number: int, rows: Callable[..., Any]) -> None:
    trains_as_by_fit(number, NARROW, rows)


@pytest.mark.parametrize("kind", some(KINDS, keep=("adam", "sgd")))
def test_any_padded_stack_trains_as_by_fit(kind: str, rows: Callable[..., Any]) -> None:
    trains_as_by_fit(KINDS.index(kind), WIDENED, rows)


def trains_as_by_fit(number: int, units: tuple[int, int], rows: Callable[..., Any]) -> None:
    data, given = rows(), random_experiment(number, units)
    x, y, steps = data.train.x, data.train.y, orders(len(data.train.x))
    plan = Plan(given.optimizer.learning_rate, len(steps) // EPOCHS, EPOCHS)
    rates = given.schedule.rates(np.arange(len(steps)), plan)
    momenta = given.schedule.momentum(np.arange(len(steps), dtype=float), plan, np)
    momenta = momenta if hasattr(given.optimizer, "momentum") else None

    keras.utils.set_random_seed(3)
    ours = build(given, data.summary.input_shape)
    optimizer = to_keras(given.optimizer)
    if momenta is not None:
        optimizer.momentum = float(momenta[0])
    aim, sets = objective(given, data.summary), momenta is not None
    loop = StepLoop(ours, optimizer, aim, x, y, batch=BATCH, compile_from=0, sets_momentum=sets)
    assert not loop.note
    losses = []
    for index, batch in enumerate(steps):
        one = slice(index, index + 1)
        losses += loop.run(batch[None], rates[one], None if momenta is None else momenta[one]).losses.tolist()
    optimizer.finalize_variable_values(ours.trainable_variables)

    keras.utils.set_random_seed(3)
    theirs = build(given, data.summary.input_shape)
    plain = given.replaced(schedule=SCHEDULE_KINDS["constant"].new())
    compile_model(theirs, plain, data.summary)
    if momenta is not None:
        theirs.optimizer.momentum = float(momenta[0])
        theirs.run_eagerly = True  # a traced step would keep the first batch's momentum
    batches = Batches([(x[batch], y[batch]) for batch in steps])
    set_each = StepByStep(rates, momenta)
    history = theirs.fit(batches, shuffle=False, verbose=0, callbacks=[set_each]).history

    sizes = np.array([len(batch) for batch in steps])
    assert np.dot(losses, sizes) / sizes.sum() == pytest.approx(history["loss"][0], rel=1e-5)
    for one_of_ours, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        # Relative to the largest number of a variable: one that happens to be near zero has no digits of its own.
        np.testing.assert_allclose(one_of_ours, other, rtol=1e-5, atol=1e-5 * max(np.abs(other).max(), 0.1))


def test_the_numbers_meet_every_clipping_limit_price_and_schedule() -> None:
    given = [random_experiment(number) for number in range(len(KINDS))]
    dense = [layer for one in given for layer in one.layers if isinstance(layer, Dense)]
    assert {one.schedule.kind for one in given} == set(SCHEDULES)
    assert {type(layer.kernel_constraint) for layer in dense} == {type(limit) for limit in LIMITS}
    assert {type(layer.kernel_regularizer) for layer in dense} == {type(price) for price in PRICES}
    clipped = {
        name for one in given for name in CLIPPINGS[1] | CLIPPINGS[2] | CLIPPINGS[3] if getattr(one.optimizer, name)
    }
    assert len(clipped) == 3


def test_a_stack_without_a_fast_way_trains_as_by_fit_too(rows: Callable[..., Any]) -> None:
    data, steps = rows(), orders(len(rows().train.x))
    stack = (
        Reshape(id="picture", target_shape=(2, 3, 1)),
        Conv2D(id="conv", filters=4, kernel_size=(2, 2), activation="elu"),
        Flatten(id="flat"),
        Dense(id="output", units=3, activation="softmax"),
    )
    given = Experiment(layers=stack, optimizer=OPTIMIZER_KINDS["adam"].new(learning_rate=0.01, epsilon=1e-3))
    keras.utils.set_random_seed(3)
    ours = build(given, data.summary.input_shape)
    aim = objective(given, data.summary)
    loop = StepLoop(ours, to_keras(given.optimizer), aim, data.train.x, data.train.y, batch=BATCH, compile_from=0)
    assert loop.note == "Trains step by step: conv (Conv2D) cannot be compiled."
    for batch in steps:
        loop.run(batch[None], np.array([0.01]))
    keras.utils.set_random_seed(3)
    theirs = build(given, data.summary.input_shape)
    compile_model(theirs, given, data.summary)
    theirs.fit(Batches([(data.train.x[batch], data.train.y[batch]) for batch in steps]), shuffle=False, verbose=0)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_dropout_learns_as_much_as_by_fit_over_seeds() -> None:
    """Masks are others, so that weights are: what is learnt is the same on average, within five standard errors."""
    stack = (
        Flatten(id="flatten"),
        Dropout(id="drop_1", rate=0.2),
        Dense(id="hidden", units=40, activation="relu"),
        Dropout(id="drop_2", rate=0.4),
        Dense(id="output", units=10, activation="softmax"),
    )
    given = Experiment(layers=stack, optimizer=OPTIMIZER_KINDS["adam"].new(learning_rate=0.003))
    data = load_dataset(given.data, seed=1)
    x, y = data.train.x, data.train.y
    accuracy: dict[str, list[float]] = {"ours": [], "theirs": []}
    for seed in range(4):
        keras.utils.set_random_seed(seed)
        ours = build(given, data.summary.input_shape)
        loop = StepLoop(ours, to_keras(given.optimizer), objective(given, data.summary), x, y, batch=32, compile_from=0)
        for epoch in range(8):
            order = np.random.default_rng([seed, epoch]).permutation(len(x)).astype(np.int32)
            rows = order[: len(order) // 32 * 32].reshape(-1, 32)
            loop.run(rows, np.full(len(rows), 0.003))
        keras.utils.set_random_seed(seed)
        theirs = build(given, data.summary.input_shape)
        compile_model(theirs, given, data.summary)
        theirs.fit(x, y, batch_size=32, epochs=8, verbose=0)
        for name, model in (("ours", ours), ("theirs", theirs)):
            said = np.asarray(model(data.test.x)).argmax(axis=1)
            accuracy[name].append(float(np.mean(said == data.test.y)))
    spread = np.sqrt(sum(np.var(values, ddof=1) / len(values) for values in accuracy.values()))
    assert min(accuracy["ours"]) > 0.88
    assert abs(np.mean(accuracy["ours"]) - np.mean(accuracy["theirs"])) < 5 * max(float(spread), 0.003)
