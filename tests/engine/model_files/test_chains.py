"""Functional models that are plain chains, and models inside models, of Keras 3 and Keras 2: the same predictions."""

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
from dnnstudio.engine.model_files.reading import read_model

from .test_foreign_models import predictions

pytestmark = pytest.mark.filterwarnings("ignore")  # of both writers, about their own formats
X = np.random.default_rng(1).random((20, 6, 6)).astype(np.float32)
Writer = Any


def functional(k: Writer) -> Any:
    x = inputs = k.Input((6, 6), name="picture")
    x = k.layers.Flatten(name="flat")(x)
    x = k.layers.Dense(8, name="hidden")(x)
    x = k.layers.BatchNormalization(name="norm")(x)
    x = k.layers.Dense(8, activation="relu", name="second")(x)
    x = k.layers.Dropout(0.3, name="drop")(x)
    return k.Model(inputs, k.layers.Dense(3, activation="softmax", name="answer")(x))


def functional_in_sequential(k: Writer) -> Any:
    x = inputs = k.Input((36,))
    for number in range(2):
        x = k.layers.Dense(7, name=f"dense_{number}")(x)
        x = k.layers.BatchNormalization(name=f"norm_{number}")(x)
    inside = k.Model(inputs, x, name="inside")
    return k.Sequential(
        [
            k.Input((6, 6)),
            k.layers.Flatten(),
            inside,
            k.layers.Dense(5, activation="relu", name="dense_0"),
            k.layers.Dense(3),
        ]
    )


def sequential_in_functional(k: Writer) -> Any:
    first = k.Sequential([k.layers.Dense(6, activation="tanh"), k.layers.BatchNormalization()], name="first")
    deep = k.Sequential(
        [k.Sequential([k.layers.Dense(4)], name="deepest"), k.layers.Dense(4, activation="relu")], name="deep"
    )
    inputs = k.Input((6, 6))
    x = k.layers.Flatten()(inputs)
    return k.Model(inputs, k.layers.Dense(2)(deep(first(x))))


def places(k: Writer) -> Any:
    x = inputs = k.Input((6, 6))
    x = k.layers.Permute((2, 1))(x)
    x = k.layers.Reshape((6, 6, 1))(x)
    x = k.layers.ZeroPadding2D(((1, 0), (2, 3)))(x)
    x = k.layers.ZeroPadding2D((0, 1))(x)
    x = k.layers.UpSampling2D((2, 3), interpolation="bilinear")(x)
    x = k.layers.Conv2D(4, 3, name="look")(x)
    x = k.layers.SpatialDropout2D(0.3, name="drop")(x)
    x = k.layers.GlobalMaxPooling2D()(x)
    x = k.layers.RepeatVector(3)(x)
    return k.Model(inputs, k.layers.Dense(2, name="answer")(k.layers.Flatten()(x)))


def normalized(k: Writer) -> Any:
    x = inputs = k.Input((6, 6))
    x = k.layers.LayerNormalization(axis=(1, 2), name="whole")(x)
    x = k.layers.Reshape((6, 1, 6))(x)
    x = k.layers.GroupNormalization(groups=3, name="grouped")(x)
    x = k.layers.GroupNormalization(groups=-1, scale=False, epsilon=0.01, name="each")(x)
    x = k.layers.LayerNormalization(center=False, name="last")(x)
    return k.Model(inputs, k.layers.GlobalMaxPooling2D()(x))


def separable(k: Writer) -> Any:
    x = inputs = k.Input((6, 6))
    x = k.layers.Reshape((6, 6, 1))(x)
    x = k.layers.DepthwiseConv2D(3, depth_multiplier=4, activation="tanh", name="by_channel")(x)
    x = k.layers.DepthwiseConv2D((1, 2), strides=2, padding="same", depthwise_regularizer="l2", use_bias=False)(x)
    x = k.layers.SeparableConv2D(3, 2, depth_multiplier=2, depthwise_constraint="max_norm", name="mixed")(x)
    return k.Model(inputs, k.layers.Dense(2, activation="softmax", name="answer")(k.layers.Flatten()(x)))


def series(k: Writer) -> Any:
    x = inputs = k.Input((6, 6))
    x = k.layers.Conv1D(5, 2, dilation_rate=2, padding="causal", activation="tanh", name="past")(x)
    x = k.layers.MaxPooling1D(2, strides=1, padding="same")(x)
    x = k.layers.Conv1D(4, 3, strides=2, padding="same", name="look")(x)
    x = k.layers.AveragePooling1D(2)(x)
    x = k.layers.Conv1D(4, 1, name="each")(x)
    x = k.layers.GlobalAveragePooling1D(keepdims=True)(x)
    return k.Model(inputs, k.layers.Dense(2, name="answer")(k.layers.GlobalMaxPooling1D()(x)))


MODELS: dict[str, Callable[[Writer], Any]] = {
    "functional": functional,
    "other places": places,
    "normalized row by row": normalized,
    "separable": separable,
    "series": series,
    "functional in sequential": functional_in_sequential,
    "sequential in functional": sequential_in_functional,
}


def scattered(model: Any) -> Any:
    """The model with weights that are all different, also where an initializer gives zeros and ones."""
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1.0, tuple(weight.shape)).astype(np.float32) for weight in model.weights])
    return model


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("writer", [keras, tf_keras], ids=["keras 3", "keras 2"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_chain_predicts_as_its_writer(tmp_path: Path, kind: str, writer: Writer, suffix: str) -> None:
    model = scattered(MODELS[kind](writer))
    model.save(tmp_path / f"chain{suffix}")
    expected = np.asarray(model(X, training=False))
    np.testing.assert_allclose(predictions(tmp_path / f"chain{suffix}", X), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("writer", [keras, tf_keras], ids=["keras 3", "keras 2"])
def test_names_that_come_twice_are_made_different_and_told(tmp_path: Path, writer: Writer, suffix: str) -> None:
    functional_in_sequential(writer).save(tmp_path / f"chain{suffix}")
    found = read_model(tmp_path / f"chain{suffix}")
    names = [layer.id for layer in found.layers]
    assert names[1:5] == ["dense_0", "norm_0", "dense_1", "norm_1"] and names[5] == "dense_0_2"
    assert any('"dense_0" is called dense_0_2' in note for note in found.notes)


@pytest.mark.parametrize("writer", [keras, tf_keras], ids=["keras 3", "keras 2"])
def test_dropout_that_was_called_with_training_stays_on(tmp_path: Path, writer: Writer) -> None:
    inputs = writer.Input((4,))
    x = writer.layers.Dropout(0.5, name="always")(writer.layers.Dense(4)(inputs), training=True)
    writer.Model(inputs, writer.layers.Dense(2)(x)).save(tmp_path / "on.h5")
    found = read_model(tmp_path / "on.h5")
    assert [layer.monte_carlo for layer in found.layers if layer.id == "always"] == [True]
    assert any("active in predictions too" in note for note in found.notes)


# ------------------------------------------------------------------------------------------ what is no chain


def two_inputs(k: Writer) -> Any:
    a, b = k.Input((4,), name="left"), k.Input((4,), name="right")
    return k.Model([a, b], k.layers.Add(name="both")([a, b]))


def two_outputs(k: Writer) -> Any:
    inputs = k.Input((4,))
    return k.Model(inputs, [k.layers.Dense(2, name="one")(inputs), k.layers.Dense(2, name="other")(inputs)])


def skip(k: Writer) -> Any:
    inputs = k.Input((4,))
    x = k.layers.Dense(4, name="hidden")(inputs)
    return k.Model(inputs, k.layers.Dense(2)(k.layers.Add(name="sum")([inputs, x])))


def shared(k: Writer) -> Any:
    inputs, dense = k.Input((4,)), k.layers.Dense(4, name="again")
    return k.Model(inputs, dense(dense(inputs)))


@pytest.mark.parametrize("writer", [keras, tf_keras], ids=["keras 3", "keras 2"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (two_inputs, r'The model has 2 inputs: "left", "right"\.'),
        (two_outputs, r'The model has 2 outputs: "one", "other"\.'),
        (skip, r'In the model layer "sum" has 2 inputs: .*"hidden"\.'),
        (shared, r'The model uses the layer "again" 2 times\.'),
    ],
)
def test_a_graph_is_refused_by_what_makes_it_one(
    tmp_path: Path, make: Callable[[Writer], Any], words: str, writer: Writer
) -> None:
    make(writer).save(tmp_path / "graph.h5")
    with pytest.raises(UserError, match=words):
        read_model(tmp_path / "graph.h5")


def test_a_graph_inside_a_stack_is_refused_by_its_name_too(tmp_path: Path) -> None:
    inside = skip(keras)
    keras.Sequential([keras.Input((4,)), inside]).save(tmp_path / "graph.h5")
    with pytest.raises(UserError, match=rf'In the model "{inside.name}" inside it layer "sum" has 2 inputs'):
        read_model(tmp_path / "graph.h5")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["layers"][2].update(inbound_nodes=7), "how layer .* is called cannot be read"),
        (lambda c: c.update(output_layers=[["nobody", 0, 0]]), "does not say which layer is its output"),
        (lambda c: c["layers"][1]["inbound_nodes"][0].__setitem__(0, ["answer", 0, 0, {}]), "runs in a circle"),
        (lambda c: c["layers"][1]["inbound_nodes"][0][0].__setitem__(3, {"mask": 3}), 'is called with "mask"'),
        (lambda c: c["layers"].append(c["layers"][1]), "two layers of one name"),
        (lambda c: c.update(layers=[]), "has no layers"),
    ],
)
def test_a_record_that_was_tampered_with_is_one_sentence(
    tmp_path: Path, change: Callable[[Any], Any], words: str
) -> None:
    functional(tf_keras).save(tmp_path / "chain.h5")
    with h5py.File(tmp_path / "chain.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config["config"])
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(UserError, match=words):
        read_model(tmp_path / "chain.h5")
