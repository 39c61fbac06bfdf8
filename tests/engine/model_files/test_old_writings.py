"""Files as older versions of Keras and other programs wrote them: the same predictions, or the real reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras

from dnnstudio.core.errors import UserError
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.model_files.architecture import read_architecture
from dnnstudio.engine.model_files.reading import read_model

from .test_chains import scattered
from .test_foreign_models import predictions

pytestmark = pytest.mark.filterwarnings("ignore")  # of the writer, about its own format
X = np.random.default_rng(1).random((10, 8, 8, 2)).astype(np.float32)


def written(folder: Path) -> tuple[Path, Any]:
    """A file of Keras 2 with most kinds of layers, and its network."""
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((8, 8, 2)),
            layers.Conv2D(4, (3, 2), activation="relu", padding="same", name="conv"),
            layers.MaxPooling2D((2, 2), name="pool"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.25, name="drop"),
            layers.Dense(6, activation="tanh", kernel_regularizer="l2", name="hidden"),
            layers.Dense(3, activation="softmax", name="answer"),
        ]
    )
    scattered(model).save(folder / "old.h5")
    return folder / "old.h5", model


def rewritten(path: Path, change: Callable[[Any], Any], **attributes: str) -> None:
    """Change the file's config, and attributes of the file and of its weights."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(change(config) or config)
        for name, value in attributes.items():
            for place in (file, file["model_weights"]):
                place.attrs[name] = value


def layer_in(config: Any, name: str) -> Any:
    return next(one["config"] for one in config["config"]["layers"] if one["config"]["name"] == name)


def same(path: Path, model: Any) -> None:
    np.testing.assert_allclose(predictions(path, X), np.asarray(model(X, training=False)), rtol=0, atol=1e-6)


def test_a_number_of_numpys_is_read_as_its_value(tmp_path: Path) -> None:
    path, model = written(tmp_path)
    rewritten(path, lambda c: layer_in(c, "drop").update(rate={"type": "ndarray", "value": 0.25}))
    same(path, model)
    assert [layer.rate for layer in read_model(path).layers if layer.id == "drop"] == [0.25]
    rewritten(path, lambda c: layer_in(c, "drop").update(rate={"type": "ndarray", "value": [0.25, 1]}))
    with pytest.raises(UserError, match='Layer 6, "drop", cannot be used'):
        read_model(path)


@pytest.mark.parametrize(
    "record",
    [
        {"class_name": "tanh", "config": {}},
        {"module": "keras.activations", "class_name": "tanh", "config": {}, "registered_name": "tanh"},
        {"module": "builtins", "class_name": "function", "config": "tanh", "registered_name": "function"},
    ],
)
def test_an_activation_that_is_a_record_is_read_by_its_name(tmp_path: Path, record: Any) -> None:
    path, model = written(tmp_path)
    rewritten(path, lambda c: layer_in(c, "hidden").update(activation=record))
    same(path, model)


def test_an_activation_record_of_a_module_of_ones_own_is_refused(tmp_path: Path) -> None:
    path, _ = written(tmp_path)
    record = {"module": "mine", "class_name": "tanh", "config": {}}
    rewritten(path, lambda c: layer_in(c, "hidden").update(activation=record))
    with pytest.raises(UserError, match="does not know"):
        read_model(path)


@pytest.mark.parametrize("options", [{"chunks": True}, {"compression": "gzip", "shuffle": True, "fletcher32": True}])
def test_weights_in_chunks_and_compressed_are_read(tmp_path: Path, options: Any) -> None:
    path, model = written(tmp_path)
    with h5py.File(path, "r+") as file:
        arrays: list[str] = []
        file.visititems(
            lambda name, item: arrays.append(name) if isinstance(item, h5py.Dataset) and item.ndim else None
        )
        for name in arrays:
            values = file[name][()]
            del file[name]
            file.create_dataset(name, data=values, **options)
    same(path, model)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((10_000, 10_000), {"compression": "gzip", "chunks": (1000, 1000), "fillvalue": 0.0}),  # nothing is stored
        ((30_000_000,), {"compression": "gzip", "chunks": (1_000_000,), "data": "zeros"}),  # 120 MB in 120 kB
        ((40_000_000,), {"chunks": (40_000_000,), "fillvalue": 0.0}),
    ],
)
def test_a_small_file_that_unpacks_to_far_more_is_refused(tmp_path: Path, shape: Any, options: Any) -> None:
    path, _ = written(tmp_path)
    with h5py.File(path, "r+") as file:
        given = dict(options)
        if given.pop("data", None):
            given["data"] = np.zeros(shape, np.float32)
        file.create_dataset("model_weights/bomb", shape, "f4", **given)
    with pytest.raises(UserError, match="claims to be"):
        read_model(path)


def test_kernels_of_theano_are_turned_as_keras_2_did(tmp_path: Path) -> None:
    path, model = written(tmp_path)
    rewritten(path, lambda c: None, backend="theano")
    kernel, bias = model.get_layer("conv").get_weights()
    model.get_layer("conv").set_weights([kernel[::-1, ::-1], bias])
    same(path, model)
    assert any("Theano" in note and "180°" in note for note in read_model(path).notes)


def sigmoids(k: Any) -> Any:
    """A network with a hard sigmoid in every place where one can stand."""
    layers = k.layers
    return k.Sequential(
        [
            k.Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="hard_sigmoid", name="conv"),
            layers.DepthwiseConv2D(2, activation="hard_sigmoid", use_bias=False, name="by_channel"),
            layers.SeparableConv2D(3, 2, activation="hard_sigmoid", name="mixed"),
            layers.Activation("hard_sigmoid", name="curve"),
            layers.Flatten(name="flat"),
            layers.Dense(4, activation="hard_sigmoid", name="hidden"),
            layers.Dense(2, activation="tanh", name="answer"),
        ]
    )


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize("writer", [tf_keras, keras], ids=["keras 2", "keras 3"])
def test_a_hard_sigmoid_is_computed_as_its_writer_did(tmp_path: Path, writer: Any, suffix: str) -> None:
    model, path = sigmoids(writer), tmp_path / f"curves{suffix}"
    random = np.random.default_rng(3)
    model.set_weights([random.normal(0, 0.7, tuple(weight.shape)).astype(np.float32) for weight in model.weights])
    model.save(path)
    same(path, model)
    found = read_model(path)
    old = writer is tf_keras
    assert ("curve_slope" in [layer.id for layer in found.layers]) is old
    assert any("conv, by_channel, mixed, hidden are 1.2 times as large" in note for note in found.notes) is old


def as_keras_1(config: Any) -> Any:
    """The config as Keras 1.2 wrote the same network."""
    old = {
        "conv": {
            "nb_filter": 4, "nb_row": 3, "nb_col": 2, "border_mode": "same", "subsample": [1, 1],
            "init": "glorot_uniform", "dim_ordering": "tf", "bias": True, "activation": "relu",
            "W_regularizer": None, "b_regularizer": None,
            "activity_regularizer": None, "W_constraint": None, "b_constraint": None,
            "batch_input_shape": [None, 8, 8, 2], "input_dtype": "float32",
        },
        "pool": {"pool_size": [2, 2], "strides": [2, 2], "border_mode": "valid", "dim_ordering": "tf"},
        "norm": {
            "mode": 0, "axis": -1, "epsilon": 0.001, "momentum": 0.99, "gamma_regularizer": None,
            "beta_regularizer": None,
        },
        "flat": {},
        "drop": {"p": 0.25},
        "hidden": {
            "output_dim": 6, "input_dim": 64, "init": "normal", "activation": "tanh", "bias": True,
            "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}, "b_regularizer": None,
            "activity_regularizer": None, "W_constraint": {"name": "MaxNorm", "m": 2}, "b_constraint": None,
        },
        "answer": {"output_dim": 3, "init": "uniform", "activation": "softmax", "bias": True},
    }  # fmt: skip
    del old["hidden"]["W_constraint"]
    classes = {"conv": "Convolution2D", "pool": "MaxPooling2D", "norm": "BatchNormalization", "flat": "Flatten",
               "drop": "Dropout", "hidden": "Dense", "answer": "Dense"}  # fmt: skip
    records = [
        {"class_name": classes[name], "config": {"name": name, "trainable": True} | settings}
        for name, settings in old.items()
    ]
    return {"class_name": "Sequential", "config": records}


def test_a_network_in_the_words_of_keras_1_is_the_same(tmp_path: Path) -> None:
    path, model = written(tmp_path)
    rewritten(path, as_keras_1, keras_version="1.2.2")
    same(path, model)
    by_name = {layer.id: layer for layer in read_model(path).layers}
    assert by_name["drop"].rate == 0.25 and by_name["hidden"].kernel_initializer.kind == "random_normal"
    assert by_name["hidden"].kernel_regularizer.l2 == 0.01


def test_further_layers_of_keras_1_are_read_by_their_meaning() -> None:
    first = {"batch_input_shape": [None, 8, 8, 2], "dim_ordering": "tf"}
    mixed = {
        "nb_filter": 3, "nb_row": 2, "nb_col": 4, "init": "uniform", "activation": "tanh", "border_mode": "same",
        "subsample": [2, 2], "depth_multiplier": 2, "dim_ordering": "tf", "bias": False, "b_regularizer": None,
        "depthwise_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}, "pointwise_regularizer": None,
        "depthwise_constraint": None, "pointwise_constraint": {"name": "NonNeg"}, "b_constraint": None,
    }  # fmt: skip
    records = [
        ("ZeroPadding2D", {"name": "two", "padding": [1, 2], **first}),
        ("ZeroPadding2D", {"name": "four", "padding": [1, 2, 3, 4], "dim_ordering": "tf"}),
        ("SpatialDropout2D", {"name": "drop", "p": 0.25, "dim_ordering": "tf"}),
        ("SeparableConvolution2D", {"name": "mixed", **mixed}),
    ]
    config = {"class_name": "Sequential", "config": [{"class_name": name, "config": one} for name, one in records]}
    two, four, drop, conv = read_architecture(config, of_keras_1=True).layers
    assert (two.top, two.bottom, two.left, two.right) == (1, 1, 2, 2)
    assert (four.top, four.bottom, four.left, four.right) == (1, 2, 3, 4)
    assert (drop.kind, drop.rate) == ("spatial_dropout2d", 0.25)
    assert (conv.filters, conv.kernel_size, conv.strides, conv.padding) == (3, (2, 4), (2, 2), "same")
    assert (conv.depth_multiplier, conv.use_bias, conv.activation) == (2, False, "tanh")
    assert conv.depthwise_initializer.kind == conv.kernel_initializer.kind == "random_uniform"
    assert conv.depthwise_regularizer.l2 == 0.01 and conv.kernel_constraint.kind == "non_neg"


@pytest.mark.parametrize("axes", [None, (0, 1, 2, 3), (3, 2, 0, 1)], ids=["now", "1.2", "1.1"])
def test_a_network_for_series_in_the_words_of_keras_1_is_the_same(tmp_path: Path, axes: tuple[int, ...] | None) -> None:
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [
            tf_keras.Input((12, 3)),
            layers.Conv1D(4, 3, strides=2, padding="same", activation="relu", name="conv"),
            layers.MaxPooling1D(2, name="pool"),
            layers.GlobalMaxPooling1D(name="all"),
            layers.Dense(2, name="answer"),
        ]
    )
    scattered(model).save(tmp_path / "old.h5")
    conv = {
        "nb_filter": 4, "filter_length": 3, "subsample_length": 2, "border_mode": "same", "init": "glorot_uniform",
        "activation": "relu", "bias": True, "W_regularizer": None, "b_regularizer": None, "activity_regularizer": None,
        "W_constraint": None, "b_constraint": None, "input_dim": 3, "input_length": 12,
        "batch_input_shape": [None, 12, 3], "input_dtype": "float32",
    }  # fmt: skip
    records = [
        ("Convolution1D", "conv", conv),
        ("MaxPooling1D", "pool", {"pool_length": 2, "stride": 2, "border_mode": "valid"}),
        ("GlobalMaxPooling1D", "all", {}),
        ("Dense", "answer", {"output_dim": 2, "init": "uniform", "activation": "linear", "bias": True}),
    ]
    config = [{"class_name": kind, "config": {"name": name} | own} for kind, name, own in records]
    rewritten(tmp_path / "old.h5", lambda c: {"class_name": "Sequential", "config": config}, keras_version="1.2.2")
    if axes is not None:  # as a kernel of pictures that are one pixel wide
        with h5py.File(tmp_path / "old.h5", "r+") as file:
            folder = file["model_weights/conv/conv"]
            kernel = folder["kernel:0"][()]
            del folder["kernel:0"]
            folder["kernel:0"] = kernel[:, None].transpose(axes)
    x = np.random.default_rng(1).random((5, 12, 3)).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    np.testing.assert_allclose(predictions(tmp_path / "old.h5", x), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("conv", {"dim_ordering": "th"}, '"data_format" set to "'),
        ("norm", {"mode": 2}, "normalizes in a way of Keras 1"),
        ("hidden", {"init": "lecun_of_mine"}, "kernel_initializer"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_its_name(tmp_path: Path, name: str, settings: Any, words: str) -> None:
    path, _ = written(tmp_path)

    def changed(config: Any) -> Any:
        new = as_keras_1(config)
        next(one["config"] for one in new["config"] if one["config"]["name"] == name).update(settings)
        return new

    rewritten(path, changed, keras_version="1.2.2")
    with pytest.raises(UserError, match=words):
        read_model(path)
