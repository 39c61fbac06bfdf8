"""What is saved opens again, here and in plain Keras, number for number; what Keras saved opens here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import BatchNormalization, Conv2D, Dense, Dropout
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.weights import L1L2, HeNormal, MaxNorm
from dnnstudio.engine.model_files import put_weights, read_model, read_weights, save_model
from dnnstudio.engine.model_files.contents import ModelContents, WeightsMismatchError
from dnnstudio.engine.model_files.writing import arrays_of, model_bytes

SHAPE = (6, 6)
FORMATS = (".keras", ".h5", ".weights.h5")
Model = Any


@pytest.fixture
def rows() -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).random((5, *SHAPE), dtype=np.float32)


def same_arrays(one: Any, other: Any) -> bool:
    return list(one) == list(other) and all(
        a.dtype == b.dtype == np.float32 and np.array_equal(a, b)
        for name in one
        for a, b in zip(one[name], other[name], strict=True)
    )


def experiment_of(contents: ModelContents, **more: Any) -> Experiment:
    return Experiment(layers=contents.layers, **more)


@pytest.fixture(scope="module")
def contents(chapter_model: Model, tmp_path_factory: pytest.TempPathFactory) -> ModelContents:
    path = tmp_path_factory.mktemp("contents") / "first.keras"
    save_model(chapter_model, path, input_shape=SHAPE)
    return read_model(path)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_saved_network_opens_with_every_setting_and_number(chapter_model: Model, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    size = save_model(chapter_model, path, input_shape=SHAPE)
    found = read_model(path)
    assert size == path.stat().st_size
    assert found.input_shape == SHAPE
    assert [layer.id for layer in found.layers] == [layer.name for layer in chapter_model.layers]
    layers = {layer.id: layer for layer in found.layers}
    assert layers["dense_1"] == Dense(
        id="dense_1",
        units=5,
        activation="elu",
        kernel_initializer=HeNormal(),
        kernel_regularizer=L1L2(l2=0.01),
        kernel_constraint=MaxNorm(max_value=1.0),
    )
    assert layers["bn_1"] == BatchNormalization(id="bn_1", trainable=False)
    assert layers["drop_1"] == Dropout(id="drop_1", rate=0.2, seed=7)
    assert layers["conv"] == Conv2D(id="conv", filters=4, kernel_size=(3, 3), activation="relu")
    assert same_arrays(found.arrays, arrays_of(chapter_model))
    assert (found.experiment, found.notes, found.not_finite) == (None, (), ())


@pytest.mark.parametrize("suffix", FORMATS)
def test_plain_keras_opens_what_was_saved(
    chapter_model: Model, tmp_path: Path, suffix: str, rows: Any, contents: ModelContents
) -> None:
    import keras

    path = tmp_path / f"model{suffix}"
    save_model(chapter_model, path, input_shape=SHAPE, experiment=experiment_of(contents))
    if suffix == ".weights.h5":
        opened = keras.models.clone_model(chapter_model)
        opened.load_weights(path)
    else:
        opened = keras.models.load_model(path, compile=False)
    np.testing.assert_array_equal(opened(rows), chapter_model(rows))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("loss", [None, "mse"])
def test_what_keras_saved_opens_here(chapter_model: Model, tmp_path: Path, suffix: str, loss: str | None) -> None:
    import keras

    model = keras.models.clone_model(chapter_model)
    if loss is not None:
        model.compile("adam", loss)
        model.optimizer.build(model.trainable_variables)  # its arrays go into the file too
    path = tmp_path / f"model{suffix}"
    if suffix == ".weights.h5":
        model.save_weights(path)
        model.save(tmp_path / "whole.keras")
        layers = read_model(tmp_path / "whole.keras").layers
        assert same_arrays(read_weights(path, Experiment(layers=layers), SHAPE).arrays, arrays_of(model))
    else:
        model.save(path)
        found = read_model(path)
        assert same_arrays(found.arrays, arrays_of(model))
        assert [layer.id for layer in found.layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_experiment_comes_back(chapter_model: Model, tmp_path: Path, suffix: str, contents: ModelContents) -> None:
    layers = list(contents.layers)
    layers.insert(2, Dense(id="resting", units=4, enabled=False))
    experiment = Experiment(name="Ünï ☂", layers=tuple(layers), seed=7)
    save_model(chapter_model, tmp_path / f"m{suffix}", input_shape=SHAPE, experiment=experiment, state={"epoch": 3})
    found = read_model(tmp_path / f"m{suffix}")
    assert found.experiment == experiment
    assert found.layers == contents.layers
    assert found.state == {"epoch": 3}


def test_an_experiment_of_another_network_is_left_aside(chapter_model: Model, tmp_path: Path) -> None:
    other = Experiment(layers=(Dense(id="x", units=3),))
    save_model(chapter_model, tmp_path / "m.keras", input_shape=SHAPE, experiment=other)
    found = read_model(tmp_path / "m.keras")
    assert found.experiment is None
    assert any("describes other layers" in note for note in found.notes)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_network_gives_the_same_bytes(chapter_model: Model, suffix: str) -> None:
    once, twice = (model_bytes(chapter_model, suffix, input_shape=SHAPE) for _ in range(2))
    assert once == twice


def monte_carlo_model() -> Model:
    import keras

    from dnnstudio.engine.backend.custom_layers import OWN_LAYERS

    dense = keras.layers.Dense
    return keras.Sequential(
        [
            keras.Input((4,)),
            dense(3, name="a"),
            OWN_LAYERS["MCDropout"](0.5, name="mc"),
            keras.layers.Dropout(0.1, name="d"),
            dense(2, name="b"),
        ]
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_monte_carlo_layers_open_anywhere_and_stay_monte_carlo_here(tmp_path: Path, suffix: str) -> None:
    import keras

    model = monte_carlo_model()
    save_model(model, tmp_path / f"m{suffix}", input_shape=(4,))
    found = read_model(tmp_path / f"m{suffix}")
    assert found.layers[1] == Dropout(id="mc", rate=0.5, monte_carlo=True)
    assert found.layers[2] == Dropout(id="d", rate=0.1)
    assert same_arrays(found.arrays, arrays_of(model))
    opened = keras.models.load_model(tmp_path / f"m{suffix}", compile=False)
    assert type(opened.layers[1]) is keras.layers.Dropout


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_monte_carlo_layers_saved_by_keras_itself_are_known(tmp_path: Path, suffix: str) -> None:
    model = monte_carlo_model()
    model.save(tmp_path / f"m{suffix}")
    found = read_model(tmp_path / f"m{suffix}")
    assert found.layers[1] == Dropout(id="mc", rate=0.5, monte_carlo=True)
    assert same_arrays(found.arrays, arrays_of(model))


@pytest.mark.parametrize("suffix", FORMATS)
def test_weights_for_another_network_are_refused_with_a_table(
    chapter_model: Model, tmp_path: Path, suffix: str, contents: ModelContents
) -> None:
    path = tmp_path / f"m{suffix}"
    save_model(chapter_model, path, input_shape=SHAPE)
    changed = tuple(layer.replaced(units=6) if layer.id == "dense_1" else layer for layer in contents.layers)
    with pytest.raises(WeightsMismatchError, match="kernel of dense_1 is 16 × 5 in the file, but 16 × 6") as caught:
        read_weights(path, Experiment(layers=changed), SHAPE)
    table = {(row.layer, row.variable): (row.needed, row.found) for row in caught.value.differences}
    assert table[("dense_1", "kernel")] == ((16, 6), (16, 5))
    assert table[("output", "kernel")] == ((6, 3), (5, 3))
    shorter = tuple(layer for layer in contents.layers if layer.id != "slope")
    with pytest.raises(WeightsMismatchError, match="does not fit the network"):
        read_weights(path, Experiment(layers=shorter), SHAPE)


def test_weights_that_do_not_fit_leave_the_model_bit_for_bit(chapter_model: Model) -> None:
    before = {name: [array.tobytes() for array in items] for name, items in arrays_of(chapter_model).items()}
    good = {name: [array + 1 for array in items] for name, items in arrays_of(chapter_model).items()}
    spoiled: dict[str, Any] = {
        "wrong shape": good | {"output": [np.zeros((5, 4), "f4"), good["output"][1]]},
        "layer missing": {name: items for name, items in good.items() if name != "output"},
        "layer too many": good | {"more": [np.zeros(3, "f4")]},
        "array missing": good | {"output": good["output"][:1]},
    }
    for arrays in spoiled.values():
        with pytest.raises(WeightsMismatchError):
            put_weights(chapter_model, arrays)
    with pytest.raises(UserError, match="weights of output hold NaN or infinity"):
        put_weights(chapter_model, good | {"output": [good["output"][0] * np.nan, good["output"][1]]})
    after = {name: [array.tobytes() for array in items] for name, items in arrays_of(chapter_model).items()}
    assert before == after


def test_a_failure_in_the_middle_of_assigning_is_undone(chapter_model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: [array.tobytes() for array in items] for name, items in arrays_of(chapter_model).items()}
    last = chapter_model.layers[-1].weights[0]
    real, calls = type(last).assign, []

    def fail_late(self: Any, value: Any) -> Any:
        calls.append(self)
        if self is last and len(calls) < 20:
            raise MemoryError
        return real(self, value)

    monkeypatch.setattr(type(last), "assign", fail_late)
    with pytest.raises(MemoryError):
        put_weights(chapter_model, {name: [a + 1 for a in items] for name, items in arrays_of(chapter_model).items()})
    after = {name: [array.tobytes() for array in items] for name, items in arrays_of(chapter_model).items()}
    assert before == after


def test_weights_are_put_where_they_belong(chapter_model: Model, tmp_path: Path, rows: Any) -> None:
    import keras

    save_model(chapter_model, tmp_path / "m.h5", input_shape=SHAPE)
    fresh = keras.models.clone_model(chapter_model)
    put_weights(fresh, read_model(tmp_path / "m.h5").arrays)
    np.testing.assert_array_equal(fresh(rows), chapter_model(rows))


def test_nan_is_said_and_kept(chapter_model: Model, tmp_path: Path) -> None:
    import keras

    model = keras.models.clone_model(chapter_model)
    arrays = arrays_of(model)
    arrays["dense_1"][1][2] = np.nan
    arrays["output"][0][0, 0] = 3e6
    put_weights(model, arrays, allow_not_finite=True)
    save_model(model, tmp_path / "m.keras", input_shape=SHAPE)
    found = read_model(tmp_path / "m.keras")
    assert found.not_finite == ("dense_1",)
    assert found.notes == (
        "NaN or infinity stands in the weights of dense_1.",
        "Weights beyond a million stand in output: the file may be damaged.",
    )


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("m.txt", "does not say in which format"),
        (".keras", "does not say"),
        ("m.hdf5", "does not say"),
        ("no/m.h5", "folder does not exist"),
    ],
)
def test_a_name_that_cannot_be_saved_under_is_refused(
    chapter_model: Model, tmp_path: Path, name: str, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        save_model(chapter_model, tmp_path / name, input_shape=SHAPE)
    assert list(tmp_path.iterdir()) == []


def test_a_functional_network_cannot_be_saved(tmp_path: Path) -> None:
    import keras

    here = keras.Input((4,))
    model = keras.Model(here, keras.layers.Dense(2)(here))
    with pytest.raises(UserError, match="A Functional cannot be saved"):
        save_model(model, tmp_path / "m.keras", input_shape=(4,))


def test_a_wrong_input_shape_is_noticed_before_anything_is_written(chapter_model: Model, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expects rows of 6 × 6, not 36"):
        save_model(chapter_model, tmp_path / "m.keras", input_shape=(36,))
    assert list(tmp_path.iterdir()) == []


def test_the_file_holds_the_checksum_of_its_weights(chapter_model: Model, tmp_path: Path) -> None:
    import hashlib

    save_model(chapter_model, tmp_path / "m.h5", input_shape=SHAPE)
    with h5py.File(tmp_path / "m.h5") as file:
        record = json.loads(file.attrs["dnnstudio"])
    digest = hashlib.sha256(b"".join(np.asarray(a, "<f4").tobytes() for a in chapter_model.get_weights()))
    assert record["weights_sha256"] == digest.hexdigest()
    assert set(record["versions"]) == {"dnnstudio", "keras"}


SAMPLES = Path(__file__).with_name("samples")


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_a_file_of_keras_2_gives_the_answers_it_gave_there(suffix: str) -> None:
    import keras

    found = read_model(SAMPLES / f"keras_2_15{suffix}")
    assert found.notes == ()
    assert found.input_shape == (4, 4)
    assert [layer.kind for layer in found.layers][:6] == [
        "flatten",
        "batch_normalization",
        "dense",
        "prelu",
        "leaky_relu",
        "activation",
    ]
    assert found.layers[4].negative_slope == 0.2
    known = np.load(SAMPLES / "keras_2_15_answers.npz")
    (slope, first, middle, last) = (found.arrays[name] for name in ("pr", "dense_1", "dense_2", "output"))
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((4, 4)),
            layers.Flatten(),
            layers.BatchNormalization(name="bn_1"),
            layers.Dense(6, name="dense_1", activation="silu"),
            layers.PReLU(name="pr"),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Activation("relu"),
            layers.Dense(4, name="dense_2"),
            layers.ELU(alpha=0.5),
            layers.Dense(3, name="output", activation="softmax"),
        ]
    )
    put_weights(model, {"bn_1": found.arrays["bn_1"], "dense_1": first, "pr": slope, "dense_2": middle, "output": last})
    np.testing.assert_allclose(model(known["x"]), known["y"], atol=1e-6)


@pytest.mark.parametrize(
    "name", ["keras_2_15.weights.h5", "keras_2_15_legacy_weights.h5", "keras_2_15.h5", "keras_2_15.keras"]
)
def test_weights_of_keras_2_are_found_in_all_its_layouts(name: str) -> None:
    network = read_model(SAMPLES / "keras_2_15.h5")
    assert same_arrays(read_weights(SAMPLES / name, Experiment(layers=network.layers), (4, 4)).arrays, network.arrays)


def test_a_weights_file_is_no_network() -> None:
    with pytest.raises(UserError, match="holds weights only"):
        read_model(SAMPLES / "keras_2_15.weights.h5")
