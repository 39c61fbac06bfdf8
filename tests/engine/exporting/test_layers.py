"""Every layer, activation and recipe computes the same in ONNX Runtime, LiteRT and TensorFlow as in Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import known_summary
from dnnstudio.core.experiment.layers import LAYER_KINDS, Dense, Layer, ShapeError
from dnnstudio.core.experiment.recipes import list_recipes
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.planning.pretraining import pretraining_experiment
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.exporting.litert import open_litert, save_litert
from dnnstudio.engine.exporting.network import ExportedNetwork, Member
from dnnstudio.engine.exporting.onnx.activations import ACTIVATIONS
from dnnstudio.engine.exporting.onnx.layers import CONVERTERS
from dnnstudio.engine.exporting.onnx.writing import open_onnx, save_onnx
from dnnstudio.engine.exporting.saved_model import open_saved_model, save_saved_model
from tests.thorough import some

L = keras.layers
IMAGE, SERIES = (9, 8, 4), (20, 3)
Case = tuple[tuple[int, ...], Callable[[], list[Any]]]

CASES: dict[str, Case] = {
    "flatten": (IMAGE, lambda: [L.Conv2D(4, 2, activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(3)]),
    "reshape": ((12,), lambda: [L.Reshape((3, -1)), L.Permute((2, 1)), L.Reshape((2, 2, 3)), L.Conv2D(2, 1)]),
    "repeat": ((5,), lambda: [L.RepeatVector(3), L.Dense(2, use_bias=False)]),
    "dilated": (IMAGE, lambda: [L.Conv2D(6, 3, dilation_rate=2, padding="same")]),
    "grouped": (IMAGE, lambda: [L.Conv2D(6, 3, groups=2)]),
    "causal": (SERIES, lambda: [L.Conv1D(6, 3, dilation_rate=2, padding="causal")]),
    "zero padding": (IMAGE, lambda: [L.Conv2D(4, 2), L.ZeroPadding2D(((1, 2), (0, 3)))]),
    "nearest": (IMAGE, lambda: [L.Conv2D(4, 2), L.UpSampling2D((2, 3))]),
    "bilinear": (IMAGE, lambda: [L.UpSampling2D((2, 3), interpolation="bilinear")]),
    "batch normalization": (IMAGE, lambda: [L.Conv2D(4, 2), L.BatchNormalization(), L.PReLU(shared_axes=(1, 2))]),
    "without scale": (IMAGE, lambda: [L.BatchNormalization(axis=1, scale=False), L.BatchNormalization(center=False)]),
    "layer normalization": (IMAGE, lambda: [L.LayerNormalization(), L.LayerNormalization(axis=(1, 2))]),
    "group normalization": (IMAGE, lambda: [L.Conv2D(6, 2), L.GroupNormalization(3)]),
    "slopes": (IMAGE, lambda: [L.Conv2D(3, 2), L.PReLU(), L.ELU(0.7), L.LeakyReLU(0.3), L.Rescaling(0.5, 0.2)]),
    "passed on": (
        (6,),
        lambda: [L.Dense(4), L.GaussianNoise(1.0), L.ActivityRegularization(0.1), L.Identity(), L.Dropout(0.3)],
    ),
}
for _padding in ("same", "valid"):
    for _strides in (1, 2):
        _as: dict[str, Any] = {"padding": _padding, "strides": _strides}
        _images = [L.Conv2D, L.MaxPooling2D, L.AveragePooling2D]
        CASES[f"conv {_padding} {_strides}"] = (
            IMAGE,
            lambda a=_as: [L.Conv2D(6, (3, 2), activation="relu", **a), L.Conv2D(3, 2, activation="softmax")],
        )
        CASES[f"max {_padding} {_strides}"] = (IMAGE, lambda a=_as: [L.MaxPooling2D((3, 2), **a)])
        CASES[f"average {_padding} {_strides}"] = (IMAGE, lambda a=_as: [L.AveragePooling2D((3, 2), **a)])
        CASES[f"depthwise {_padding} {_strides}"] = (
            IMAGE,
            lambda a=_as: [L.DepthwiseConv2D(3, depth_multiplier=2, **a)],
        )
        CASES[f"separable {_padding} {_strides}"] = (
            IMAGE,
            lambda a=_as: [L.SeparableConv2D(5, 3, depth_multiplier=2, activation="tanh", **a)],
        )
        CASES[f"series {_padding} {_strides}"] = (
            SERIES,
            lambda a=_as: [L.Conv1D(5, 4, **a), L.MaxPooling1D(3, **a), L.AveragePooling1D(2, padding=a["padding"])],
        )
for _name in ("GlobalMaxPooling2D", "GlobalAveragePooling2D"):
    CASES[_name] = (IMAGE, lambda n=_name: [L.Conv2D(4, 2), getattr(L, n)()])
    CASES[f"{_name} kept"] = (IMAGE, lambda n=_name: [getattr(L, n)(keepdims=True), L.Flatten()])
for _name in ("GlobalMaxPooling1D", "GlobalAveragePooling1D"):
    CASES[_name] = (SERIES, lambda n=_name: [getattr(L, n)()])
for _name in ACTIVATIONS:
    CASES[f"activation {_name}"] = ((6, 4), lambda n=_name: [L.Dense(5, activation=n)])


def network(case: str) -> tuple[keras.Sequential, np.ndarray[Any, Any]]:
    """The network of a case with random weights, and rows for it."""
    shape, layers = CASES[case]
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input(shape), *layers()])
    return with_random_weights(model), np.random.default_rng(1).normal(size=(7, *shape)).astype(np.float32)


def with_random_weights(model: keras.Sequential) -> keras.Sequential:
    """Averages and offsets are not 0 or 1, so that a layer that is left out shows."""
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.dtype != "float32":
            continue
        positive = "variance" in weight.name or "gamma" in weight.name
        values = random.uniform(0.5, 2, weight.shape) if positive else random.normal(size=weight.shape) * 0.5
        weight.assign(values if weight.name != "kernel" else weight.numpy())
    return model


def difference(model: keras.Sequential, x: np.ndarray[Any, Any], save: Any, start: Any, path: Path) -> float:
    save(ExportedNetwork((Member(model),), x.shape[1:]), path)
    _, run = start(path)
    expected = np.asarray(model(x, training=False))
    found = run(x)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("case", CASES)
def test_onnx_runtime_computes_each_layer_as_keras(case: str, tmp_path: Path) -> None:
    model, x = network(case)
    assert difference(model, x, save_onnx, open_onnx, tmp_path / "a.onnx") < 1e-5


@pytest.mark.parametrize("case", some(CASES, ["flatten", "separable same 2", "group normalization"]))
def test_litert_computes_each_layer_as_keras(case: str, tmp_path: Path) -> None:
    model, x = network(case)
    assert difference(model, x, save_litert, open_litert, tmp_path / "a.tflite") < 1e-5


def test_tensorflow_computes_a_saved_model_as_keras(tmp_path: Path) -> None:
    model, x = network("flatten")
    assert difference(model, x, save_saved_model, open_saved_model, tmp_path / "a") < 1e-5


def test_whole_channels_are_dropped_in_an_onnx_file_too(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    shape = (6, 5, 8)
    layers = (LAYER_KINDS["spatial_dropout2d"].new(id="drop", rate=0.25), LAYER_KINDS["flatten"].new(id="flat"))
    model = build(Experiment(layers=layers), shape)
    save_onnx(ExportedNetwork((Member(model),), shape, stochastic=True), tmp_path / "a.onnx")
    _, run = open_onnx(tmp_path / "a.onnx")
    drawn = run(np.ones((200, *shape), np.float32)).reshape(200, 30, 8)
    assert (drawn == drawn[:, :1]).all()
    np.testing.assert_allclose(np.unique(drawn), [0, 1 / 0.75], rtol=1e-6)
    assert (drawn[:, 0] > 0).mean() == pytest.approx(0.75, abs=0.05)  # four standard deviations of 1,600 draws


def of_recipe(name: str) -> tuple[keras.Sequential, np.ndarray[Any, Any]]:
    """The network of a recipe with fresh weights, and rows for it."""
    (recipe,) = [one for one in list_recipes() if one.name == name]
    summary = known_summary(recipe.experiment.data)
    assert summary is not None
    experiment = pretraining_experiment(recipe.experiment, summary.input_shape)
    keras.utils.set_random_seed(1)
    model = build(experiment, summary.input_shape)
    return model, np.random.default_rng(1).random((5, *summary.input_shape), np.float32)


RECIPES = [recipe.name for recipe in list_recipes()]


@pytest.mark.parametrize(
    "name", some(RECIPES, ["digits", "normalization", "alpha_dropout", "convolution", "autoencoder"])
)
def test_onnx_runtime_computes_each_recipe_as_keras(name: str, tmp_path: Path) -> None:
    model, x = of_recipe(name)
    assert difference(model, x, save_onnx, open_onnx, tmp_path / "a.onnx") < 1e-5


@pytest.mark.parametrize("name", some(RECIPES, ["convolution"]))
def test_litert_computes_each_recipe_as_keras(name: str, tmp_path: Path) -> None:
    model, x = of_recipe(name)
    assert difference(model, x, save_litert, open_litert, tmp_path / "a.tflite") < 1e-5


def shape_for(layer: Layer) -> tuple[int, ...]:
    """A shape of rows that the layer accepts."""
    for shape in ((6,), (6, 4), (8, 8, 4)):
        try:
            layer.output_shape(shape)
        except ShapeError:
            continue
        return shape
    raise AssertionError(f"no shape for {layer.kind}")


FORMATS: dict[str, tuple[Any, Any, str]] = {
    "onnx": (save_onnx, open_onnx, "a.onnx"),
    "tflite": (save_litert, open_litert, "a.tflite"),
}
KINDS = [(kind, to) for to in FORMATS for kind in LAYER_KINDS]


@pytest.mark.parametrize(("kind", "to"), some(KINDS, [*((kind, "onnx") for kind in LAYER_KINDS), ("conv1d", "tflite")]))
def test_every_kind_of_layer_is_written_or_refused_by_its_name(kind: str, to: str, tmp_path: Path) -> None:
    given = {"shape": (6,)} if kind == "input" else {"dims": (2, 1)} if kind == "permute" else {}
    layer = LAYER_KINDS[kind].new().model_copy(update={"id": "mine", **given})
    shape = shape_for(layer)
    model = with_random_weights(build(Experiment(layers=(layer, Dense(id="output", units=2))), shape))
    x = np.random.default_rng(1).random((5, *shape), np.float32)
    save, start, name = FORMATS[to]
    path = tmp_path / name
    try:
        found = difference(model, x, save, start, path)
    except UserError as error:
        assert error.message.startswith("mine is a ")
        assert not path.exists()
    else:
        assert found < 1e-5


def test_what_onnx_cannot_hold_is_refused_by_name_before_anything_is_written(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input(SERIES), L.LSTM(3, name="memory")])
    with pytest.raises(UserError, match="memory is a LSTM"):
        save_onnx(ExportedNetwork((Member(model),), SERIES), tmp_path / "a.onnx")
    model = keras.Sequential([keras.Input(IMAGE), L.UpSampling2D(interpolation="lanczos3", name="large")])
    with pytest.raises(UserError, match="large enlarges by lanczos3"):
        save_onnx(ExportedNetwork((Member(model),), IMAGE), tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []
    assert "LSTM" not in CONVERTERS
