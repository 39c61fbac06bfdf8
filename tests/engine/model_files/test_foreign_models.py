"""Files of plain Keras 3 and of Keras 2, opened as the program opens them: the predictions are theirs to 1e-6."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import OpenModel
from dnnstudio.engine.session import Session

SAMPLES = Path(__file__).with_name("samples")


def predictions(path: Path, x: Any) -> Any:
    session, job = Session(), OpenModel(path=path)
    session.run(job, Control(), lambda event: None)
    return np.asarray(session.model(job.id).model(x, training=False).numpy())


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # keras.save, NumPy 2
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_plain_keras_3_predicts_the_same(tmp_path: Path, suffix: str) -> None:
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 6)),
            layers.Flatten(),
            layers.BatchNormalization(),
            layers.Dense(12, activation="selu", kernel_initializer="lecun_normal"),
            layers.Dropout(0.2),
            layers.Dense(8),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    random = np.random.default_rng(0)
    x = random.random((40, 6, 6)).astype(np.float32)
    model.set_weights([random.uniform(0.1, 1.0, tuple(weight.shape)) for weight in model.weights])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.save(tmp_path / f"plain{suffix}")
    expected = model(x, training=False).numpy()
    np.testing.assert_allclose(predictions(tmp_path / f"plain{suffix}", x), expected, atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_of_keras_2_predicts_what_it_did_there(suffix: str) -> None:
    known = np.load(SAMPLES / "keras_2_15_answers.npz")
    np.testing.assert_allclose(predictions(SAMPLES / f"keras_2_15{suffix}", known["x"]), known["y"], atol=1e-6)
