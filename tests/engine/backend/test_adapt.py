"""Normalization measured on the training rows, and batch normalization over several axes, against numpy by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Normalization,
    Rescaling,
)
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.adapt import BLOCK, adapt_normalizations
from dnnstudio.engine.backend.builder import build
from dnnstudio.engine.backend.custom_layers import AdaptedNormalization, AxesBatchNormalization
from dnnstudio.engine.model_files import put_weights, read_model, read_weights, save_model

RANDOM = np.random.default_rng(3)


def images(count: int = 50) -> np.ndarray:
    return (RANDOM.normal(size=(count, 3, 4)) * 5 + np.arange(12).reshape(3, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("axis", "reduced", "shape"),
    [(-1, (0, 1), (4,)), (1, (0, 2), (3,)), ((1, 2), (0,), (3, 4)), ((-1, 1), (0,), (3, 4)), (None, (0, 1, 2), ())],
)
def test_normalization_takes_mean_and_variance_of_the_training_rows(
    axis: Any, reduced: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    x = images(BLOCK // 10)
    layer = Normalization(id="norm", axis=axis)
    model = build(Experiment(layers=(layer,)), (3, 4))
    adapt_normalizations(model, x)
    mean, variance, count = model.layers[0].get_weights()
    assert mean.shape == variance.shape == shape == infer_shapes((layer,), (3, 4))[0].variables[0].shape
    assert int(count) == len(x)
    np.testing.assert_allclose(mean, x.mean(axis=reduced, dtype=np.float64), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(variance, x.var(axis=reduced, dtype=np.float64), rtol=1e-5)
    expected = (x - x.mean(axis=reduced, keepdims=True)) / x.std(axis=reduced, keepdims=True)
    np.testing.assert_allclose(model(x).numpy(), expected, atol=1e-4)
    theirs = keras.layers.Normalization(axis=axis)
    theirs.adapt(x)
    np.testing.assert_allclose(model(x).numpy(), theirs(x).numpy(), atol=1e-4)
    back = build(Experiment(layers=(Normalization(id="norm", axis=axis, invert=True),)), (3, 4))
    back.set_weights(model.get_weights())
    np.testing.assert_allclose(back(model(x)).numpy(), x, atol=1e-3)


def test_blocks_are_joined_without_losing_digits_to_a_large_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnnstudio.engine.backend.adapt.BLOCK", 7)
    x = (RANDOM.normal(size=(40, 2)) + 10_000).astype(np.float32)
    model = build(Experiment(layers=(Normalization(id="norm"),)), (2,))
    adapt_normalizations(model, x)
    np.testing.assert_allclose(model.layers[0].get_weights()[1], x.astype(np.float64).var(axis=0), rtol=1e-5)


def test_it_is_measured_behind_the_layers_before_it_and_random_ones_are_passed_by() -> None:
    x = images()
    stack = (
        Rescaling(id="re", scale=2.0, offset=1.0),
        Flatten(id="flat"),
        Dropout(id="drop", rate=0.5, monte_carlo=True),
        Normalization(id="norm"),
        Normalization(id="again"),
    )
    model = build(Experiment(layers=stack), (3, 4))
    adapt_normalizations(model, x)
    first, second = model.get_layer("norm").get_weights(), model.get_layer("again").get_weights()
    np.testing.assert_allclose(first[0], (2 * x + 1).reshape(50, 12).mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(second[0], np.zeros(12), atol=1e-5)
    np.testing.assert_allclose(second[1], np.ones(12), rtol=1e-4)


def test_what_never_changes_is_not_blown_up() -> None:
    x = np.array([[1, 5], [3, 5]], np.float32)
    model = build(Experiment(layers=(Normalization(id="norm"),)), (2,))
    adapt_normalizations(model, x)
    assert model(np.array([[2, 6]], np.float32)).numpy().tolist() == [[0, 1]]


def test_measured_once_it_stays_and_numbers_that_are_none_are_refused() -> None:
    model = build(Experiment(layers=(Normalization(id="norm"),)), (2,))
    with pytest.raises(UserError, match="norm cannot be measured"):
        adapt_normalizations(model, np.array([[1, np.nan]], np.float32))
    adapt_normalizations(model, np.array([[1, 5], [3, 5]], np.float32))
    adapt_normalizations(model, np.array([[9, 9]], np.float32))
    assert model.get_weights()[0].tolist() == [2, 5]
    control = Control()
    control.stop()
    fresh = build(Experiment(layers=(Normalization(id="norm"),)), (2,))
    with pytest.raises(Cancelled):
        adapt_normalizations(fresh, np.zeros((3, 2), np.float32), control)


@pytest.mark.parametrize(
    ("axis", "reduced", "shape"),
    [
        ((1, 2), (0,), (1, 3, 4)),
        ((-1, 1), (0,), (1, 3, 4)),
        ((2, 3), (0, 1), (1, 1, 4, 2)),
        ((1, -1), (0, 2), (1, 3, 1, 2)),
    ],
)
def test_batch_normalization_over_several_axes_does_what_numpy_does(
    axis: tuple[int, ...], reduced: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    rows = (3, 4) if len(shape) == 3 else (3, 4, 2)
    x = (RANDOM.normal(size=(20, *rows)) * 3 + 2).astype(np.float32)
    layer = BatchNormalization(id="bn", axis=axis, momentum=0.9, epsilon=0.01)
    (row,) = infer_shapes((layer,), rows)
    model = build(Experiment(layers=(layer,)), rows)
    made = model.layers[0]
    assert isinstance(made, AxesBatchNormalization)
    assert [tuple(v.shape) for v in made.weights] == [v.shape for v in row.variables] == [shape] * 4
    assert [v.trainable for v in made.weights] == [v.trainable for v in row.variables]
    gamma, beta = (RANDOM.normal(size=shape).astype(np.float32) for _ in range(2))
    made.set_weights([gamma, beta, np.zeros(shape), np.ones(shape)])
    mean, variance = x.mean(axis=reduced, keepdims=True), x.var(axis=reduced, keepdims=True)
    expected = (x - mean) / np.sqrt(variance + 0.01) * gamma + beta
    np.testing.assert_allclose(model(x, training=True).numpy(), expected, atol=1e-4)
    moving_mean, moving_variance = made.get_weights()[2:]
    np.testing.assert_allclose(moving_mean, 0.1 * mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(moving_variance, 0.9 + 0.1 * variance, rtol=1e-4)
    predicted = (x - moving_mean) / np.sqrt(moving_variance + 0.01) * gamma + beta
    np.testing.assert_allclose(model(x, training=False).numpy(), predicted, atol=1e-4)
    made.trainable = False
    np.testing.assert_allclose(model(x, training=True).numpy(), predicted, atol=1e-4)


def test_several_axes_are_batch_normalization_of_the_flattened_row() -> None:
    """An independent reference: over all axes of an image it is Keras's own, one number a pixel."""
    x = images(16)
    ours = build(Experiment(layers=(BatchNormalization(id="bn", axis=(1, 2)),)), (3, 4))
    theirs = keras.Sequential([keras.Input((3, 4)), keras.layers.Flatten(), keras.layers.BatchNormalization()])
    for _ in range(3):
        one, other = ours(x, training=True).numpy(), theirs(x, training=True).numpy()
        np.testing.assert_allclose(one.reshape(16, 12), other, atol=1e-5)
    for mine, reference in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine.reshape(-1), reference, atol=1e-5)


def test_one_axis_in_a_list_is_keras_s_own_layer() -> None:
    model = build(Experiment(layers=(BatchNormalization(id="bn", axis=(2,)),)), (3, 4))
    assert type(model.layers[0]) is keras.layers.BatchNormalization
    assert [tuple(v.shape) for v in model.weights] == [(4,)] * 4


STACK: tuple[Layer, ...] = (
    Normalization(id="norm", axis=(1, 2)),
    BatchNormalization(id="bn", axis=(1, 2)),
    Flatten(id="flat"),
    BatchNormalization(id="bn_2"),
)


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_a_saved_network_comes_back_with_both(
    suffix: str, tmp_path: Path, rows: Callable[..., Any], experiment: Callable[..., Experiment]
) -> None:
    given = experiment(*STACK)
    model = build(given, (3, 4))
    x = images()
    adapt_normalizations(model, x)
    model(x, training=True)
    path = tmp_path / f"model{suffix}"
    save_model(model, path, experiment=given, input_shape=(3, 4))
    if suffix == ".weights.h5":
        arrays = read_weights(path, given, (3, 4)).arrays
    else:
        contents = read_model(path)
        assert contents.layers == given.layers
        assert contents.experiment == given
        arrays = contents.arrays
    fresh = build(given, (3, 4))
    put_weights(fresh, arrays)
    assert np.array_equal(fresh(x).numpy(), model(x).numpy())


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_opens_what_was_saved(suffix: str, tmp_path: Path, experiment: Callable[..., Experiment]) -> None:
    plain = experiment(Normalization(id="norm"), Flatten(id="flat"))
    model, x = build(plain, (3, 4)), images()
    adapt_normalizations(model, x)
    path = tmp_path / f"model{suffix}"
    save_model(model, path, input_shape=(3, 4))
    opened = keras.saving.load_model(path, compile=False)
    assert type(opened.layers[0]) is keras.layers.Normalization
    np.testing.assert_allclose(opened(x).numpy(), model(x).numpy(), atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")  # keras.save, NumPy 2
def test_a_network_that_keras_saved_is_transcribed_with_what_it_measured(tmp_path: Path) -> None:
    x = images()
    norm = keras.layers.Normalization(axis=None, name="norm")
    norm.adapt(x)
    theirs = keras.Sequential([keras.Input((3, 4)), norm, keras.layers.Flatten(), keras.layers.Dense(2, name="out")])
    for suffix in (".keras", ".h5"):
        path = tmp_path / f"theirs{suffix}"
        theirs.save(path)
        contents = read_model(path)
        assert contents.layers[0] == Normalization(id="norm", axis=None)
        assert contents.notes == ()
        model = build(Experiment(layers=contents.layers), contents.input_shape)
        put_weights(model, contents.arrays)
        np.testing.assert_allclose(model(x).numpy(), theirs(x).numpy(), atol=1e-5)


def test_training_measures_before_the_first_step_and_a_resumed_run_does_not_again(
    recorder: Any, rows: Callable[..., Any], experiment: Callable[..., Experiment]
) -> None:
    data = rows()
    given = experiment(Normalization(id="norm"), Dense(id="h", units=4, activation="relu"))
    result = recorder.train(given, data)
    contents = read_model(result.folder / "model.keras")
    mean, variance, count = contents.arrays["norm"]
    np.testing.assert_allclose(mean, data.train.x.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(variance, data.train.x.var(axis=0), rtol=1e-4)
    assert float(count) == len(data.train.x)


def test_the_layers_pass_through_keras_s_own_record() -> None:
    for layer in (Normalization(id="n", axis=(1, 2)), BatchNormalization(id="b", axis=(1, 2), momentum=0.5)):
        made = build(Experiment(layers=(layer,)), (3, 4)).layers[0]
        assert isinstance(made, AdaptedNormalization | AxesBatchNormalization)
        copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
        assert type(copy) is type(made)
        assert copy.get_config() == made.get_config()
