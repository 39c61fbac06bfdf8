"""The noise table: by exact class, with the formulas of the papers; what is not in it is refused."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import LAYER_KINDS, RandomLayer
from dnnstudio.core.experiment.optimizers import OPTIMIZER_KINDS, Optimizer
from dnnstudio.engine.backend.adapt import adapt_normalizations
from dnnstudio.engine.backend.builder import keras_layer, to_keras
from dnnstudio.engine.backend.custom_layers import AdaptedNormalization
from dnnstudio.engine.backend.layer_types import keras_class, kind_of_layer, kind_of_optimizer
from dnnstudio.engine.backend.noise import first_kept, is_on, noise_of
from dnnstudio.engine.sampling.mc_dropout import Sampler
from dnnstudio.engine.training.compiled.noise import NoiseStream
from dnnstudio.engine.training.compiled.reasons import why_not

RANDOM = [kind for kind in LAYER_KINDS.values() if issubclass(kind, RandomLayer)]
X = np.random.default_rng(0).normal(size=(64, 5)).astype(np.float32)


class Quieter(keras.layers.GaussianDropout):
    """A layer of somebody's own, which halves the noise."""


def channels(*before: Any) -> keras.Sequential:
    """A network of plain Keras in which whole channels are dropped."""
    return keras.Sequential(
        [keras.Input((4, 3)), *before, keras.layers.SpatialDropout1D(0.5, name="drop"), keras.layers.Flatten()]
    )


def test_a_spatial_dropout_of_keras_is_never_sampled_number_by_number() -> None:
    with pytest.raises(UserError, match="drop is a SpatialDropout1D, and how that draws") as caught:
        Sampler(channels())
    assert caught.value.hint


def test_a_spatial_dropout_of_keras_is_not_compiled() -> None:
    model = channels()
    assert why_not(model) == "Trains step by step: drop (SpatialDropout1D) cannot be compiled."
    with pytest.raises(UserError, match="SpatialDropout1D"):
        NoiseStream(model.layers[0], (8, 4, 3), index=0)


def test_normalizations_are_not_measured_behind_an_unknown_random_layer() -> None:
    model = channels()
    model.add(AdaptedNormalization(name="n"))
    with pytest.raises(UserError, match="SpatialDropout1D"):
        adapt_normalizations(model, np.ones((4, 4, 3), np.float32))


UNKNOWN = (
    Quieter(0.5, name="own"),
    keras.layers.RandomFlip(name="own"),
    keras.layers.SpatialDropout1D(0.5, name="own"),
)


@pytest.mark.parametrize("layer", UNKNOWN, ids=lambda layer: type(layer).__name__)
def test_random_layers_that_nobody_wrote_down_are_refused(layer: Any) -> None:
    with pytest.raises(UserError, match=f"own is a {type(layer).__name__}"):
        noise_of(layer)


def test_a_noise_shape_is_not_sampled_number_by_number() -> None:
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.Dropout(0.5, noise_shape=(None, 1, 3), name="drop")])
    with pytest.raises(UserError, match="drop shares its mask along an axis"):
        Sampler(model)


@pytest.mark.parametrize("kind", RANDOM, ids=lambda kind: kind.__name__)
def test_plain_and_monte_carlo_classes_have_the_same_noise(kind: type[RandomLayer]) -> None:
    noise = noise_of(keras_layer(kind.new(id="layer")))
    assert noise is not None
    assert noise.is_dropout == kind.is_dropout
    for name in kind.class_names():
        strength = {"stddev": 0.5} if kind.keras_class == "GaussianNoise" else {"rate": 0.5}
        layer = keras_class(name)(**strength)
        assert noise_of(layer) == noise
        assert is_on(layer)
        assert kind_of_layer(layer) is kind


def test_layers_that_draw_nothing_have_no_noise() -> None:
    assert noise_of(keras.layers.Dense(3)) is None
    assert noise_of(keras.layers.Softmax()) is None
    assert not is_on(keras.layers.Dropout(0.0))


def test_each_formula_is_that_of_its_paper() -> None:
    """In NumPy, by hand; alpha dropout with the constants that keep mean 0 and variance 1 (Klambauer et al., 2017)."""
    kept = np.random.default_rng(1).random(X.shape) >= 0.2
    normal = np.random.default_rng(2).normal(size=X.shape).astype(np.float32)
    floor = -1.0507009873554805 * 1.6732632423543772
    a = (0.8 + floor**2 * 0.8 * 0.2) ** -0.5
    expected = {
        "dropout": np.where(kept, X / 0.8, 0),
        "spatial_dropout2d": np.where(kept, X / 0.8, 0),
        "alpha_dropout": a * np.where(kept, X, floor) - a * 0.2 * floor,
        "gaussian_dropout": X * (1 + normal * np.sqrt(0.2 / 0.8)),
        "gaussian_noise": X + 0.2 * normal,
    }
    assert set(expected) == {kind for kind, cls in LAYER_KINDS.items() if issubclass(cls, RandomLayer)}
    for name, wanted in expected.items():
        strength = {"stddev": 0.2} if name == "gaussian_noise" else {"rate": 0.2}
        layer = keras_layer(LAYER_KINDS[name].new(id="layer", **strength))
        noise = noise_of(layer)
        assert noise is not None
        found = noise.apply(layer, X, normal if noise.normal else kept)
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=2e-6, atol=2e-6)


def test_the_rate_is_met_by_16_bits() -> None:
    assert first_kept(keras.layers.Dropout(0.25)) == 16384
    assert first_kept(keras.layers.Dropout(1 / 3)) == 21845


# ----------------------------------------------------------------------------- what the records say, held to Keras


def plain_layers(trait: str) -> list[Any]:
    return [kind for kind in LAYER_KINDS.values() if getattr(kind, trait)]


@pytest.mark.parametrize("kind", plain_layers("passes_zero"), ids=lambda kind: kind.__name__)
def test_a_layer_that_says_so_passes_units_of_zero_on(kind: Any) -> None:
    x = X.reshape(8, 4, 2, 5).copy() if kind.wants_images else X.copy()
    x[..., 2] = 0
    layer = keras_layer(kind.new(id="layer"))
    for _ in range(3):
        assert not np.asarray(layer(x, training=True) if issubclass(kind, RandomLayer) else layer(x))[..., 2].any()


@pytest.mark.parametrize("kind", plain_layers("elementwise"), ids=lambda kind: kind.__name__)
def test_a_layer_that_says_so_may_be_given_some_units_alone(kind: Any) -> None:
    layer = keras_layer(kind.new(id="layer"))
    whole = np.asarray(layer(X))
    np.testing.assert_array_equal(np.asarray(layer.call(X[:, [1, 3]])), whole[:, [1, 3]])


SETTINGS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{"momentum": 0.9}],
    "rmsprop": [{"momentum": 0.9}, {"centered": True}, {"momentum": 0.9, "centered": True}],
    "adam": [{"amsgrad": True}],
    "adamw": [{"amsgrad": True}],
}


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_an_optimizer_keeps_as_many_arrays_as_it_says(kind: str) -> None:
    for given in ({}, *SETTINGS.get(kind, [])):
        option: Optimizer = OPTIMIZER_KINDS[kind].new(**given)
        weight = keras.Variable(np.zeros((7, 11), np.float32), name="kernel")
        optimizer = to_keras(option)
        optimizer.build([weight])
        found = [variable for variable in optimizer.variables if tuple(variable.shape) == (7, 11)]
        assert len(found) == option.slots(), given
        assert kind_of_optimizer(optimizer) is type(option)


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS)
def test_a_weight_of_zero_without_a_gradient_stays_zero_where_the_optimizer_says_so(kind: str) -> None:
    """The last column of a kernel is zero, and so is its gradient: it stays so, and changes nothing for the others."""
    chance = np.random.default_rng(3)
    values, gradients = chance.normal(size=(2, 8, 5)).astype(np.float32)
    after = {}
    for columns in (5, 6):
        wide = [np.pad(array, ((0, 0), (0, columns - 5))) for array in (values, gradients)]
        weight = keras.Variable(wide[0], name="kernel")
        optimizer = to_keras(OPTIMIZER_KINDS[kind].new(learning_rate=0.1, weight_decay=0.01))
        for _ in range(3):
            optimizer.apply([keras.ops.convert_to_tensor(wide[1])], [weight])
        after[columns] = weight.numpy()
    unmoved = not after[6][:, 5].any() and np.allclose(after[6][:, :5], after[5], rtol=1e-6)
    assert unmoved or not OPTIMIZER_KINDS[kind].keeps_zero
