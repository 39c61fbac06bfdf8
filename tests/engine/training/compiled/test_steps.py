"""The compiled path against the eager one: the same weights, whatever is trained."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, get_args

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled
from dnnstudio.core.experiment.layers import (
    Activation,
    ActivityRegularization,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GroupNormalization,
    Layer,
    LayerNormalization,
    LeakyReLU,
    PReLU,
    Rescaling,
    Reshape,
)
from dnnstudio.core.experiment.optimizers import SGD, Adam, AdamW, Muon, Optimizer, RMSprop
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.weights import L1L2, MaxNorm, MinMaxNorm, NonNeg, OrthogonalRegularizer, UnitNorm
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import EpochDone, RunStarted
from dnnstudio.core.planning.stages import stages
from dnnstudio.engine.backend.builder import build, to_keras
from dnnstudio.engine.backend.objective import objective
from dnnstudio.engine.training import step_loop
from dnnstudio.engine.training.compiled import reasons, steps
from dnnstudio.engine.training.live_stage import LiveStage
from dnnstudio.engine.training.step_loop import StepLoop
from dnnstudio.engine.training.trainer import fresh_model

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
    "batch normalization of priced and limited weights": (
        Rescaling(id="rescale", scale=2.0),
        BatchNormalization(id="bn", gamma_regularizer=L1L2(l2=0.1), beta_constraint=NonNeg()),
        hidden(kernel_regularizer=L1L2(l1=0.01, l2=0.05), kernel_constraint=MaxNorm(max_value=0.8)),
    ),
    "normalized row by row": (
        LayerNormalization(id="ln", gamma_regularizer=L1L2(l2=0.1), beta_constraint=NonNeg()),
        hidden(kernel_regularizer=L1L2(l2=0.05)),
        GroupNormalization(id="gn", groups=1),
        hidden(8, "second"),
        LayerNormalization(id="ln_1", scale=False, trainable=False),
    ),
    "tables normalized row by row": (
        hidden(12),
        Reshape(id="table", target_shape=(4, 3)),
        GroupNormalization(id="gn", groups=2, axis=1, center=False),
        hidden(4, "each"),
        LayerNormalization(id="ln", axis=(1, 2), epsilon=0.01),
        Flatten(id="flat"),
    ),
    "batch normalization before a frozen layer": (
        BatchNormalization(id="bn"),
        hidden(5, "frozen", trainable=False),
        hidden(),
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


class Trained:
    """A network of the experiment after two epochs in calls of several lengths, the last batch short."""

    def __init__(
        self, experiment: Experiment, data: Any, *, compile_from: int, lengths: tuple[int, ...] = (3, 9)
    ) -> None:
        keras.utils.set_random_seed(3)
        self.model = build(experiment, data.summary.input_shape)
        self.optimizer = to_keras(experiment.optimizer)
        self.loop = StepLoop(
            self.model,
            self.optimizer,
            objective(experiment, data.summary),
            data.train.x,
            data.train.y,
            batch=BATCH,
            compile_from=compile_from,
        )
        self.losses: list[float] = []
        self.metrics: list[float] = []
        for rows in calls_of(len(data.train.x), lengths) if lengths else ():
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
    fast, plain = (Trained(experiment, data, compile_from=start) for start in (0, 10**9))
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


@pytest.mark.parametrize(
    ("task", "loss", "activation"),
    [("binary", "auto", "sigmoid"), ("number", "huber", None)],
)
def test_a_task_trains_alike_both_ways(
    task: str, loss: str, activation: str | None, experiment: Make, rows: Make
) -> None:
    assert_same_both_ways(experiment(outputs=1, activation=activation, loss=loss), rows(task))


def test_a_schedule_moves_rate_and_momentum_at_every_step(experiment: Make, rows: Make) -> None:
    data = rows()
    setting = experiment(optimizer=SGD(learning_rate=0.1, momentum=0.9, nesterov=True))
    rates, momenta = np.array([0.1, 0.02, 0.3, 0.0, 0.05]), np.array([0.9, 0.2, 0.6, 0.95, 0.5])
    weights = []
    for start in (0, 10**9):
        keras.utils.set_random_seed(3)
        model = build(setting, data.summary.input_shape)
        loop = StepLoop(
            model,
            to_keras(setting.optimizer),
            objective(setting, data.summary),
            data.train.x,
            data.train.y,
            sets_momentum=True,
            batch=4,
            compile_from=start,
        )
        loop.run(np.arange(20, dtype=np.int32).reshape(5, 4), rates, momenta)
        weights.append(model.get_weights())
    assert_close(*weights)


def noisy() -> tuple[Layer, ...]:
    return (
        Dropout(id="drop", rate=0.3),
        hidden(7),
        AlphaDropout(id="alpha", rate=0.2, monte_carlo=True),
        GaussianDropout(id="times", rate=0.1),
        GaussianNoise(id="plus", stddev=0.1),
    )


@pytest.mark.parametrize("lengths", [(1, 1, 1, 1), (4,), (2, 2)])
def test_random_numbers_do_not_depend_on_how_many_steps_go_together(
    lengths: tuple[int, ...], experiment: Make, rows: Make
) -> None:
    setting = experiment(*noisy(), optimizer=Adam(learning_rate=0.01))
    whole, other = (Trained(setting, rows(), compile_from=0, lengths=given) for given in ((3, 1), lengths))
    assert all(np.array_equal(one, two) for one, two in zip(whole.variables, other.variables, strict=True))


def test_plain_steps_before_the_fast_ones_are_counted_by_the_optimizer(experiment: Make, rows: Make) -> None:
    setting = experiment(*noisy(), optimizer=Adam(learning_rate=0.01))
    whole = Trained(setting, rows(), compile_from=3, lengths=(4,))
    parts = Trained(setting, rows(), compile_from=3, lengths=(2, 2))
    assert all(np.array_equal(one, two) for one, two in zip(whole.variables, parts.variables, strict=True))
    states = [v.numpy().tolist() for v in whole.model.variables if "seed_generator_state" in v.path]
    assert len(states) == 4
    assert all(count == 10 for _, count in states)  # one draw a step, whichever way it went


def test_a_network_without_a_fast_way_says_so_and_trains(recorder: Any, experiment: Make, rows: Make) -> None:
    stack = (Reshape(id="picture", target_shape=(2, 3, 1)), BatchNormalization(id="bn", axis=1), Flatten(id="flat"))
    recorder.train(experiment(*stack), rows())
    note = recorder.of(RunStarted)[0].note
    assert note == "Trains step by step: bn normalizes along axis 1, which cannot be compiled."
    assert len(recorder.of(EpochDone)) == 3


def test_the_choice_of_the_way_leaves_resuming_exact(
    recorders: Make, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a compile that costs seven steps, the second of four epochs of five steps changes the way."""
    monkeypatch.setattr(reasons, "COMPILE_COST", 11)
    setting = experiment(*noisy(), optimizer=Adam(learning_rate=0.01))
    whole, first, second = recorders("whole"), recorders("first"), recorders("second")

    def train(recorder: Any, epochs: int, **more: Any) -> list[np.ndarray]:
        given = setting.replaced(training=Training(epochs=epochs, batch_size=16))
        model = fresh_model(given, rows().summary)
        recorder.train(given, rows(), model=model, **more)
        return model.get_weights()

    expected = train(whole, 4)
    train(first, 1)
    got = train(second, 4, resume_from=first.folder)
    assert all(np.array_equal(one, two) for one, two in zip(expected, got, strict=True))


def test_long_epochs_go_the_fast_way_at_once_and_short_ones_first_pay_for_it() -> None:
    assert reasons.pays_from(steps_an_epoch=1719) == 0
    assert reasons.pays_from(steps_an_epoch=45) == reasons.COMPILE_COST


def test_a_short_training_compiles_nothing(recorder: Any, experiment: Make, rows: Make) -> None:
    """The digits take about 800 steps: compiling would be longer than all of them."""
    before = dict(steps._programs)
    recorder.train(experiment(hidden(11), training=Training(epochs=20, batch_size=16)), rows())
    assert steps._programs == before


@pytest.mark.parametrize(("units", "batch", "most"), [(8, 16, 128), (3000, 32, 16), (3000, 1024, 1)])
def test_a_call_is_short_however_large_the_network_is(
    units: int, batch: int, most: int, experiment: Make, rows: Make
) -> None:
    """Stop and pause wait for one call: some 80 ms of arithmetic at most, or one step."""
    given, data = experiment(hidden(units), hidden(units, "second")), rows()
    model = build(given, data.summary.input_shape)
    aim = objective(given, data.summary)
    optimizer = to_keras(given.optimizer)
    optimizer.build(model.trainable_variables)
    program = steps.Program(model, optimizer, aim, batch=batch, sets_momentum=False)
    assert 1 <= program.capacity <= most
    assert program.capacity == 1 or program.capacity * 6 * batch * model.count_params() <= steps.MOST_WORK


@pytest.mark.parametrize("small", [0, 2**30], ids=["all cores", "one core"])
def test_the_same_seed_gives_the_same_numbers(
    small: int, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SMALL_STEP", small)
    setting = experiment(*noisy(), optimizer=Adam(learning_rate=0.01))
    one, other = (Trained(setting, rows(), compile_from=0) for _ in range(2))
    assert one.losses == other.losses
    assert all(np.array_equal(mine, yours) for mine, yours in zip(one.variables, other.variables, strict=True))


def test_a_second_training_of_a_like_network_compiles_nothing(experiment: Make, rows: Make) -> None:
    setting = experiment(*noisy(), optimizer=Adam(learning_rate=0.01))
    Trained(setting, rows(), compile_from=0)
    again = Trained(setting.replaced(seed=5), rows(train=90), compile_from=0)
    assert again.loop._compiled is not None
    assert again.loop._compiled._program.steps.experimental_get_tracing_count() == 1


def test_every_activation_compiles_to_what_keras_gives() -> None:
    from dnnstudio.engine.backend.runtime import tf

    names = get_args(get_args(Dense.model_fields["activation"].annotation)[0])
    # Keras knows it by name, and refuses to apply it without the numbers that a name cannot give.
    names = [name for name in names if name != "threshold"]  # type: ignore[assignment]
    x = np.random.default_rng(0).normal(size=(16, 7)).astype(np.float32)
    layers = [keras.layers.Activation(name) for name in names]

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
    def together(x: Any) -> tuple[list[Any], list[Any]]:
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            outputs = [layer.call(x) for layer in layers]
        return outputs, [tape.gradient(output, x) for output in outputs]

    outputs, slopes = together(tf.constant(x))
    for layer, output, slope in zip(layers, outputs, slopes, strict=True):
        with tf.GradientTape() as tape:
            given = tf.constant(x)
            tape.watch(given)
            expected = layer.call(given)
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5, err_msg=layer.name)
        np.testing.assert_allclose(slope, tape.gradient(expected, given), rtol=1e-4, atol=1e-5, err_msg=layer.name)


@pytest.mark.parametrize("small", [0, 2**30], ids=["all cores", "one core"])
def test_compiling_touches_no_variable_and_whoever_waits_can_be_called_off(
    small: int, experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "SMALL_STEP", small)
    trained = Trained(experiment(*noisy(), optimizer=Adam(learning_rate=0.02)), rows(), compile_from=0, lengths=())
    loop, before = trained.loop, trained.variables
    assert not loop.ready(), "it begins to compile"
    deadline = time.monotonic() + 60
    while not loop.ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert all(np.array_equal(now, then) for now, then in zip(trained.variables, before, strict=True))
    compiled = loop._compiled._program.steps.experimental_get_tracing_count()
    loop.run(np.arange(BATCH, dtype=np.int32)[None], np.full(1, 0.02))
    assert loop._compiled._program.steps.experimental_get_tracing_count() == compiled
    assert not all(np.array_equal(now, then) for now, then in zip(trained.variables, before, strict=True))


def test_a_network_that_waits_for_its_first_step_hears_a_stop(
    experiment: Make, rows: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_loop, "pays_from", lambda steps_an_epoch: 0)  # it is compiled before the first step
    wanted, data = experiment(*noisy()), rows()
    model, (plan,) = build(wanted, data.summary.input_shape), stages(wanted, data.summary.input_shape)
    stage = LiveStage(plan, wanted, model, objective(wanted, data.summary), data.train, data.summary, steps_per_epoch=4)
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        stage.get_ready(control)
    stage.get_ready(Control())  # what was begun is compiled to its end
