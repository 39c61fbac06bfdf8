"""One-step changes of the whole stack do what the chapter does by hand, and doing them twice changes nothing more."""

from __future__ import annotations

from typing import Any

import pytest

from dnnstudio.core.analysis import transformations
from dnnstudio.core.analysis.checks import find_problems
from dnnstudio.core.analysis.transformations import TRANSFORMATIONS
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, FashionMNIST
from dnnstudio.core.experiment.layers import (
    ELU,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    Layer,
)
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import L1L2, HeNormal, MaxNorm

HE = HeNormal()


def dense(name: str, units: int, activation: Any = None, **given: Any) -> Dense:
    return Dense(id=name, units=units, activation=activation, **({"kernel_initializer": HE} | given))


OUT = Dense(id="out", units=10, activation="softmax")
PLAIN = Experiment(
    data=Data(source=FashionMNIST()),
    layers=(Flatten(id="flat"), dense("a", 300, "elu"), dense("b", 100, "elu"), OUT),
)


def test_normalization_before_is_the_chapters_network() -> None:
    """Dense without bias, batch normalization, activation; the output is left as it is."""
    after = transformations.normalize_before_activations(PLAIN)
    assert after.layers == (
        Flatten(id="flat"),
        dense("a", 300, use_bias=False),
        BatchNormalization(id="bn_1"),
        Activation(id="act_1", activation="elu"),
        dense("b", 100, use_bias=False),
        BatchNormalization(id="bn_2"),
        Activation(id="act_2", activation="elu"),
        OUT,
    )
    assert find_problems(after) == ()


def test_normalization_after_is_the_chapters_network() -> None:
    after = transformations.normalize_after_activations(PLAIN)
    assert after.layers == (
        Flatten(id="flat"),
        dense("a", 300, "elu"),
        BatchNormalization(id="bn_1"),
        dense("b", 100, "elu"),
        BatchNormalization(id="bn_2"),
        OUT,
    )


def test_normalization_that_is_there_is_moved_and_not_doubled() -> None:
    before = transformations.normalize_before_activations(PLAIN)
    after = transformations.normalize_after_activations(before)
    assert [layer.id for layer in after.layers] == ["flat", "a", "act_1", "bn_1", "b", "act_2", "bn_2", "out"]
    assert after.layers[1] == dense("a", 300)  # with a bias again
    assert transformations.normalize_before_activations(after) == before
    own = transformations.normalize_before_activations(transformations.normalize_after_activations(PLAIN))
    assert own == before


def test_activations_that_are_layers_are_found() -> None:
    apart = Experiment(layers=(Flatten(id="flat"), dense("a", 30), Dropout(id="d", rate=0.1), ELU(id="e"), OUT))
    before = transformations.normalize_before_activations(apart)
    assert [layer.id for layer in before.layers] == ["flat", "a", "d", "bn_1", "e", "out"]
    assert before.layers[1] == dense("a", 30, use_bias=False)
    after = transformations.normalize_after_activations(apart)
    assert [layer.id for layer in after.layers] == ["flat", "a", "d", "e", "bn_1", "out"]


def test_layers_that_are_off_are_left_alone() -> None:
    off = Experiment(layers=(Flatten(id="flat"), dense("a", 300, "elu", enabled=False), dense("b", 100, "elu"), OUT))
    after = transformations.normalize_before_activations(off)
    assert [layer.id for layer in after.layers] == ["flat", "a", "b", "bn_1", "act_1", "out"]
    assert after.layers[1] == off.layers[1]


def test_dropout_comes_before_every_dense_that_has_none() -> None:
    after = transformations.add_dropout(PLAIN, rate=0.3)
    assert [layer.id for layer in after.layers] == ["flat", "drop_1", "a", "drop_2", "b", "drop_3", "out"]
    assert after.layers[1] == Dropout(id="drop_1", rate=0.3)
    assert transformations.add_dropout(after) == after


def test_a_selu_network_gets_alpha_dropout() -> None:
    selu = Experiment(layers=(Flatten(id="flat"), dense("a", 30, "selu"), OUT))
    assert transformations.add_dropout(selu).layers[1] == AlphaDropout(id="alpha_dropout_1", rate=0.2)
    assert transformations.add_dropout(selu, kind="dropout").layers[1] == Dropout(id="drop_1", rate=0.2)


def test_all_dropout_becomes_monte_carlo_and_back() -> None:
    layers: tuple[Layer, ...] = (
        Flatten(id="flat"), Dropout(id="d", rate=0.1), AlphaDropout(id="e", rate=0.1),
        GaussianDropout(id="g", rate=0.1, monte_carlo=True), OUT,
    )  # fmt: skip
    start = Experiment(layers=layers)
    after = transformations.make_dropout_monte_carlo(start)
    assert [getattr(layer, "monte_carlo", None) for layer in after.layers] == [None, True, True, True, None]
    back = transformations.make_dropout_monte_carlo(after, on=False)
    assert [getattr(layer, "monte_carlo", None) for layer in back.layers] == [None, False, False, False, None]


def test_freezing_up_to_here_freezes_what_is_below_and_frees_what_is_above() -> None:
    start = transformations.normalize_after_activations(PLAIN)
    frozen = transformations.freeze_up_to(start, "bn_1")
    assert [getattr(layer, "trainable", None) for layer in frozen.layers] == [None, False, False, True, True, True]
    lower = transformations.freeze_up_to(frozen, "a")
    assert [getattr(layer, "trainable", None) for layer in lower.layers] == [None, False, True, True, True, True]
    assert transformations.unfreeze_all(frozen) == start
    assert transformations.unfreeze_all(start) == start


def test_hidden_layers_share_options_but_not_sizes() -> None:
    regular = {"kernel_regularizer": L1L2(l2=0.01), "kernel_constraint": MaxNorm()}
    after = transformations.set_hidden_options(PLAIN, **regular)
    assert after.layers == (
        Flatten(id="flat"),
        dense("a", 300, "elu", **regular),
        dense("b", 100, "elu", **regular),
        OUT,
    )
    one = Experiment(layers=(Flatten(id="flat"), dense("a", 300, "tanh", **regular), dense("b", 100, "elu"), OUT))
    assert transformations.spread_options(one, "a").layers[2] == dense("b", 100, "tanh", **regular)


def test_convolutions_are_normalized_by_channel() -> None:
    start = load_recipe("convolution").experiment
    after = transformations.normalize_before_activations(start)
    assert [layer.kind for layer in after.layers[:5]] == [
        "reshape", "conv2d", "batch_normalization", "activation", "max_pooling2d",
    ]  # fmt: skip
    assert find_problems(after) == ()


@pytest.mark.parametrize("change", TRANSFORMATIONS, ids=lambda change: change.name)
def test_every_entry_of_the_menu_does_something_and_is_done_after_once(
    change: transformations.Transformation,
) -> None:
    start = Experiment(
        layers=(
            Flatten(id="flat"), Dropout(id="d", rate=0.1), dense("a", 9, "elu", trainable=False),
            dense("b", 9, "relu"), OUT,
        )
    )  # fmt: skip
    once = change.apply(start, ("a",) if change.name != "freeze" else ("b",))
    assert once != start
    assert change.apply(once, ("a",) if change.name != "freeze" else ("b",)) == once
    assert change.label and change.help.endswith(".")


@pytest.mark.parametrize("change", TRANSFORMATIONS, ids=lambda change: change.name)
def test_what_has_nothing_to_work_on_says_so(change: transformations.Transformation) -> None:
    if change.name == "unfreeze":
        assert change.apply(Experiment(), ()) == Experiment()
        return
    with pytest.raises(UserError) as caught:
        change.apply(Experiment(), ())
    assert caught.value.hint


def test_options_of_a_layer_that_has_none_cannot_be_spread() -> None:
    with pytest.raises(UserError, match="Only a Dense or convolutional layer"):
        transformations.spread_options(PLAIN, "flat")
    with pytest.raises(UserError, match="There is no layer"):
        transformations.freeze_up_to(PLAIN, "nix")
