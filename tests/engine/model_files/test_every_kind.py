"""Every kind of layer, written by plain Keras 3 and by Keras 2 in every format they have: it predicts as its writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import LAYER_KINDS
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.model_files.transcript import Transcript, transcribe_model, transcribe_weights
from dnnstudio.engine.model_files.writing import put_weights
from tests.thorough import some

from .test_chains import scattered

pytestmark = pytest.mark.filterwarnings("ignore")  # of the writers, about their own formats
IMAGE, SERIES, ROW = (8, 7, 4), (10, 3), (6,)
Made = Callable[[Any], list[Any]]
CASES: dict[str, tuple[tuple[int, ...], Made]] = {
    "Input": (ROW, lambda k: [k.Dense(3)]),
    "Flatten": (IMAGE, lambda k: [k.Flatten(), k.Dense(2)]),
    "Reshape": (ROW, lambda k: [k.Reshape((3, -1)), k.Dense(2)]),
    "Dense": (SERIES, lambda k: [k.Dense(4, activation="gelu"), k.Dense(2, use_bias=False, kernel_regularizer="l2")]),
    "Permute": (SERIES, lambda k: [k.Permute((2, 1)), k.Dense(2)]),
    "RepeatVector": (ROW, lambda k: [k.RepeatVector(3), k.Dense(2)]),
    "Identity": (ROW, lambda k: [k.Identity(), k.Dense(2)]),
    "BatchNormalization": (IMAGE, lambda k: [k.BatchNormalization(momentum=0.9), k.BatchNormalization(scale=False)]),
    "Normalization": (ROW, lambda k: [k.Normalization(), k.Dense(2)]),
    "Rescaling": (ROW, lambda k: [k.Rescaling(0.5, offset=0.25), k.Dense(2)]),
    "LayerNormalization": (IMAGE, lambda k: [k.LayerNormalization(), k.LayerNormalization(center=False)]),
    "GroupNormalization": (IMAGE, lambda k: [k.GroupNormalization(2), k.GroupNormalization(-1)]),
    "Activation": (ROW, lambda k: [k.Dense(5), k.Activation("swish"), k.Dense(3), k.Activation("softmax")]),
    "ReLU": (ROW, lambda k: [k.Dense(5), k.ReLU(), k.Dense(3), k.Softmax()]),
    "LeakyReLU": (ROW, lambda k: [k.Dense(5), k.LeakyReLU(0.25)]),
    "PReLU": (IMAGE, lambda k: [k.PReLU(shared_axes=[1, 2]), k.PReLU()]),
    "ELU": (ROW, lambda k: [k.Dense(5), k.ELU(0.75)]),
    "Dropout": (ROW, lambda k: [k.Dropout(0.5, seed=3), k.Dense(2)]),
    "SpatialDropout2D": (IMAGE, lambda k: [k.SpatialDropout2D(0.25), k.Dense(2)]),
    "AlphaDropout": (ROW, lambda k: [k.AlphaDropout(0.25), k.Dense(2)]),
    "GaussianDropout": (ROW, lambda k: [k.GaussianDropout(0.25), k.Dense(2)]),
    "GaussianNoise": (ROW, lambda k: [k.GaussianNoise(0.25), k.Dense(2)]),
    "ActivityRegularization": (ROW, lambda k: [k.ActivityRegularization(l1=0.25), k.Dense(2)]),
    "Conv2D": (IMAGE, lambda k: [k.Conv2D(5, (3, 2), strides=(2, 1), padding="same"), k.Conv2D(2, 2)]),
    "MaxPooling2D": (IMAGE, lambda k: [k.MaxPooling2D((2, 3), padding="same"), k.Dense(2)]),
    "AveragePooling2D": (IMAGE, lambda k: [k.AveragePooling2D(2, strides=1), k.Dense(2)]),
    "GlobalAveragePooling2D": (IMAGE, lambda k: [k.GlobalAveragePooling2D(), k.Dense(2)]),
    "GlobalMaxPooling2D": (IMAGE, lambda k: [k.GlobalMaxPooling2D(keepdims=True), k.Dense(2)]),
    "DepthwiseConv2D": (IMAGE, lambda k: [k.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), k.Dense(2)]),
    "SeparableConv2D": (IMAGE, lambda k: [k.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"), k.Dense(2)]),
    "UpSampling2D": (IMAGE, lambda k: [k.UpSampling2D((2, 1), interpolation="bilinear"), k.Dense(2)]),
    "ZeroPadding2D": (IMAGE, lambda k: [k.ZeroPadding2D(((1, 0), (2, 3))), k.Conv2D(2, 3)]),
    "Conv1D": (SERIES, lambda k: [k.Conv1D(4, 3, padding="causal", dilation_rate=2), k.Conv1D(3, 2, strides=2)]),
    "MaxPooling1D": (SERIES, lambda k: [k.MaxPooling1D(3, padding="same"), k.Dense(2)]),
    "AveragePooling1D": (SERIES, lambda k: [k.AveragePooling1D(2), k.Dense(2)]),
    "GlobalAveragePooling1D": (SERIES, lambda k: [k.GlobalAveragePooling1D(), k.Dense(2)]),
    "GlobalMaxPooling1D": (SERIES, lambda k: [k.GlobalMaxPooling1D(), k.Dense(2)]),
}  # fmt: skip
WRITERS = {"keras 3": keras, "keras 2": tf_keras}
QUICK = [("keras 3", "Conv2D"), ("keras 2", "Conv2D"), ("keras 2", "Conv1D"), ("keras 2", "LayerNormalization")]


def agrees(found: Transcript, x: Any, expected: Any) -> None:
    """The network here answers as its writer."""
    model = build(Experiment(layers=tuple(found.layers)), found.input_shape)
    put_weights(model, found.arrays)
    largest = max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(model(x, training=False), expected, rtol=0, atol=1e-6 * largest)


@pytest.mark.parametrize(("by", "kind"), some([(by, kind) for by in WRITERS for kind in CASES], QUICK))
def test_a_kind_of_layer_predicts_as_its_writer(tmp_path: Path, by: str, kind: str) -> None:
    writer, (shape, layers) = WRITERS[by], CASES[kind]
    model = scattered(writer.Sequential([writer.Input(shape), *layers(writer.layers)]))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()  # Keras 3 computes with what `adapt` found, and looks at its variables here alone
    x = np.random.default_rng(1).random((6, *shape)).astype(np.float32)
    expected = np.asarray(model(x, training=False))
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"whole{suffix}")
        found = transcribe_model((tmp_path / f"whole{suffix}").read_bytes())
        agrees(found, x, expected)
    if not model.weights:
        return
    for suffix in (".weights.h5", ".h5") if writer is tf_keras else (".weights.h5",):
        model.save_weights(tmp_path / f"alone{suffix}")
        agrees(transcribe_weights((tmp_path / f"alone{suffix}").read_bytes(), found.layers, shape), x, expected)


def test_no_kind_of_layer_is_left_out() -> None:
    assert {kind.keras_class for kind in LAYER_KINDS.values()} <= set(CASES)


REFUSED: dict[str, tuple[Made, str]] = {
    "memory": (lambda k: [k.LSTM(3, name="memory")], '"memory", is a "LSTM"'),
    "numbers": (lambda k: [k.Normalization(mean=0.5, variance=2.0, name="n")], '"n", has "mean" set to "0.5"'),
    "first": (lambda k: [k.Conv1D(2, 2, data_format="channels_first", name="c")], '"c", has "data_format" set to'),
    "code": (lambda k: [k.Lambda(lambda x: x, name="code")], '"code", is a "Lambda", which may run code'),
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("by", WRITERS)
def test_what_is_no_kind_here_is_refused_by_its_real_reason(tmp_path: Path, by: str, why: str) -> None:
    writer, (layers, said) = WRITERS[by], REFUSED[why]
    model = writer.Sequential([writer.Input(SERIES), *layers(writer.layers), writer.layers.Dense(2)])
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"a{suffix}")
        with pytest.raises(UserError, match=said):
            transcribe_model((tmp_path / f"a{suffix}").read_bytes())
