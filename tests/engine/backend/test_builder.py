"""The experiment as a Keras model: every kind and option becomes the class and arguments that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.fields import Option
from dnnstudio.core.experiment.layers import (
    LAYER_KINDS,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    Input,
    Layer,
    Reshape,
)
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes, totals
from dnnstudio.core.experiment.targets.loss_choice import resolve_loss
from dnnstudio.core.experiment.weights import L1L2, Constraint, HeNormal, Initializer, MaxNorm, Regularizer
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.builder import build, check_task, keras_layer, to_keras
from dnnstudio.engine.backend.custom_layers import OWN_LAYERS

CLASSES = DataSummary(input_shape=(4,), class_names=("a", "b", "c"), binary=False)
BINARY = DataSummary(input_shape=(4,), class_names=("a", "b"), binary=True)
NUMBER = DataSummary(input_shape=(4,), class_names=(), binary=False)


def concrete(base: type[Option]) -> Iterator[type[Option]]:
    for kind in base.__subclasses__():
        if kind.keras_class:
            yield kind
        yield from concrete(kind)


def same(config: Any, option: Any) -> bool:
    """Whether Keras's configuration says what the option says."""
    if isinstance(option, Option):
        return config["class_name"] == option.keras_class and matches(config["config"], option)
    if isinstance(option, tuple):
        return tuple(config) == option
    single = isinstance(config, list | tuple) and list(config) == [option]  # Keras makes a list of a single axis
    return option is None or config == option or single


def matches(config: dict[str, Any], option: Option) -> bool:
    return all(same(config[name], value) for name, value in option.keras_arguments().items() if name in config)


INPUTS: dict[str, tuple[int, ...]] = {
    "flatten": (4, 4),
    "permute": (4, 5),
    **{name: (9, 4) for name, kind in LAYER_KINDS.items() if kind.wants_series},
    "group_normalization": (4, 8),
}


@pytest.mark.parametrize("kind", [kind for kind in LAYER_KINDS if kind != "input"])
def test_every_layer_kind_becomes_the_keras_layer_with_its_name_options_and_counts(kind: str) -> None:
    layer = LAYER_KINDS[kind].new(id="given_name")
    shape = (8, 8, 2) if layer.wants_images else INPUTS.get(kind, (6,))
    model = build(Experiment(layers=(layer,)), shape)
    made = model.layers[-1]
    (row,) = infer_shapes((layer,), shape)
    assert type(made).__name__ == layer.keras_name()
    assert made.name == "given_name"
    assert matches(made.get_config(), layer)
    assert model.output_shape[1:] == row.output_shape
    assert [tuple(v.shape) for v in made.weights] == [v.shape for v in row.variables]
    assert made.count_params() == row.count


@pytest.mark.parametrize("kind", list(concrete(Initializer)), ids=lambda kind: kind.__name__)
def test_every_initializer_fills_a_kernel(kind: type[Initializer]) -> None:
    layer = Dense(id="d", units=5, kernel_initializer=kind.new())
    made = build(Experiment(layers=(layer,)), (5,)).layers[-1]
    assert type(made.kernel_initializer).__name__ == kind.keras_class
    assert np.isfinite(made.kernel.numpy()).all()


@pytest.mark.parametrize(
    "kind", [*concrete(Regularizer), *concrete(Constraint), *OPTIMIZER_KINDS.values()], ids=lambda kind: kind.__name__
)
def test_every_regularizer_constraint_and_optimizer_is_made_as_it_says(kind: type[Option]) -> None:
    option = kind.new()
    made = to_keras(option)
    assert type(made).__name__ == kind.keras_class
    config = made.get_config()
    for name, value in option.keras_arguments().items():
        if name in config and value is not None:
            assert config[name] == pytest.approx(value), name


def test_the_first_weights_depend_on_the_seed_alone(experiment: Callable[..., Experiment]) -> None:
    def weights(seed: int) -> list[np.ndarray]:
        keras.utils.set_random_seed(seed)
        return build(experiment(), (6,)).get_weights()

    first, again, other = weights(1), weights(1), weights(2)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


def test_layers_that_are_off_are_left_out_and_frozen_ones_do_not_train() -> None:
    stack = (
        Input(id="in", shape=(2, 3)),
        Flatten(id="flat"),
        Dense(id="frozen", units=4, trainable=False),
        Dropout(id="off", rate=0.5, enabled=False),
        Dense(id="out", units=2),
    )
    model = build(Experiment(layers=stack), (2, 3))
    assert [layer.name for layer in model.layers] == ["flat", "frozen", "out"]
    assert [len(layer.trainable_weights) for layer in model.layers] == [0, 0, 2]
    rows = infer_shapes(stack, (2, 3))
    trainable = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert (trainable, model.count_params()) == (totals(rows)[0], sum(totals(rows)))


def test_options_reach_keras_as_in_the_chapter() -> None:
    layer = Dense(
        id="d", units=300, activation="elu", kernel_initializer=HeNormal(), kernel_regularizer=L1L2(l2=0.01),
        kernel_constraint=MaxNorm(max_value=1.0), use_bias=False,
    )  # fmt: skip
    by_hand = keras.layers.Dense(
        300,
        activation="elu",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.l2(0.01),
        kernel_constraint=keras.constraints.max_norm(1.0),
        use_bias=False,
        name="d",
    )
    ours, theirs = keras_layer(layer).get_config(), by_hand.get_config()
    for config in (ours, theirs):
        config["kernel_regularizer"] = dict(config["kernel_regularizer"], class_name="L1L2")
        config["kernel_regularizer"]["config"] = {"l1": 0.0} | config["kernel_regularizer"]["config"]
        config["kernel_regularizer"].pop("registered_name")
    for name in theirs:
        if name != "kernel_regularizer":
            assert ours[name] == theirs[name], name
    assert ours["kernel_regularizer"]["config"]["l2"] == pytest.approx(0.01)
    assert theirs["kernel_regularizer"]["config"]["l2"] == pytest.approx(0.01)


@pytest.mark.parametrize("kind", [Dropout, AlphaDropout, GaussianDropout])
def test_monte_carlo_layers_stay_random_when_predicting_and_round_trip(kind: type[Any]) -> None:
    x = np.ones((1, 200), np.float32)
    plain, monte_carlo = keras_layer(kind(id="p", rate=0.5)), keras_layer(kind(id="m", rate=0.5, monte_carlo=True))
    assert np.array_equal(plain(x), x)
    assert not np.array_equal(monte_carlo(x, training=False), x)
    assert not np.array_equal(monte_carlo(x), monte_carlo(x))
    assert type(monte_carlo) is OWN_LAYERS[f"MC{kind.__name__}"]
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(monte_carlo))
    assert type(copy) is type(monte_carlo)
    assert copy.get_config() == monte_carlo.get_config()


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "no layers"),
        ((Input(id="in", shape=(4,)),), "no layers"),
        ((Input(id="in", shape=(5,)), Dense(id="d", units=3)), "in expects rows of 5"),
        ((Conv2D(id="c", filters=2, kernel_size=(3, 3)), Dense(id="d", units=3)), "c needs images"),
        ((Reshape(id="r", target_shape=(3, 3)),), "r cannot lay 4 numbers"),
        ((BatchNormalization(id="b", axis=2),), "axis 2 is not one"),
    ],
)
def test_a_stack_that_cannot_be_is_refused_in_a_sentence(layers: tuple[Layer, ...], words: str) -> None:
    with pytest.raises(UserError, match=words):
        build(Experiment(layers=layers), (4,))


@pytest.mark.parametrize(
    ("summary", "units", "loss", "expected"),
    [
        (CLASSES, 3, "auto", "sparse_categorical_crossentropy"),
        (CLASSES, 5, "auto", "sparse_categorical_crossentropy"),
        (BINARY, 1, "auto", "binary_crossentropy"),
        (BINARY, 2, "sparse_categorical_crossentropy", "sparse_categorical_crossentropy"),
        (BINARY, 1, "mean_squared_error", "mean_squared_error"),
        (NUMBER, 1, "auto", "mean_squared_error"),
        (NUMBER, 1, "huber", "huber"),
        (CLASSES, 2, "auto", "2 units for 3 classes"),
        (CLASSES, 3, "mean_squared_error", "does not fit 3 classes"),
        (BINARY, 2, "auto", "this task needs one"),
        (NUMBER, 3, "auto", "this task needs one"),
        (NUMBER, 1, "sparse_categorical_crossentropy", "loss is for classes"),
    ],
)
def test_the_loss_fits_the_task_or_is_refused(summary: DataSummary, units: int, loss: str, expected: str) -> None:
    experiment = Experiment(layers=(Dense(id="d", units=units, activation="sigmoid"),), loss=loss)
    if "_" in expected or expected == "huber":
        assert check_task(experiment, summary) == resolve_loss(experiment, summary) == expected
    else:
        with pytest.raises(UserError, match=expected):
            check_task(experiment, summary)


def test_an_output_that_is_no_row_of_numbers_is_refused() -> None:
    experiment = Experiment(layers=(Dense(id="d", units=3, activation="softmax"),))
    with pytest.raises(UserError, match="Put a Flatten"):
        check_task(experiment, DataSummary(input_shape=(4, 4), class_names=("a", "b", "c"), binary=False))


def test_an_activation_layer_is_keras_s_own_function() -> None:
    made = keras_layer(Activation(id="a", activation="gelu"))
    assert made.activation is keras.activations.gelu


def test_the_optimizer_starts_at_the_base_rate(experiment: Callable[..., Experiment]) -> None:
    assert float(to_keras(experiment().optimizer).learning_rate.numpy()) == pytest.approx(0.1)


class StoppedAfter(Control):
    """Stops at the look after so many."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.left = looks

    def check(self) -> None:
        if not self.left:
            self.stop()
        self.left -= 1
        super().check()


@pytest.mark.parametrize("looks", [0, 1, 30])
def test_a_stop_is_heard_between_two_layers(looks: int) -> None:
    layers = [Dense(id=f"dense_{number}", units=3) for number in range(50)]
    experiment = Experiment(layers=(Flatten(id="flatten"), *layers))
    with pytest.raises(Cancelled):
        build(experiment, (8, 8), control=StoppedAfter(looks))


def test_who_looks_for_a_stop_builds_the_same_network() -> None:
    stack = (
        Conv2D(id="conv", filters=2, kernel_size=(3, 3)),
        BatchNormalization(id="norm"),
        Flatten(id="flatten"),
        Dropout(id="drop", rate=0.5),
        Dense(id="output", units=3, kernel_initializer=HeNormal()),
    )
    networks = []
    for control in (None, Control()):
        keras.utils.set_random_seed(1)
        networks.append(build(Experiment(layers=stack), (8, 8, 1), control=control))
    first, second = networks
    assert all((a == b).all() for a, b in zip(first.get_weights(), second.get_weights(), strict=True))
    ours = [layer for layer in second.layers if layer.build.__code__.co_name == "build_unless_stopped"]
    assert not ours, "a layer that is built keeps nothing of the job"
