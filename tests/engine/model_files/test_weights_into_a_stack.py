"""Files with weights alone, put into a stack of the same shapes: all of them, or none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tf_keras

from dnnstudio.cli.main import main
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import TargetUnit
from dnnstudio.core.experiment.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Rescaling
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import OpenModel, SaveModel
from dnnstudio.core.jobs.weights import LoadWeights, MatchWeights, WeightsMatch
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.reuse import held_models
from dnnstudio.engine.session import Session
from tests.thorough import some

pytestmark = pytest.mark.filterwarnings("ignore")  # of the writers, about their own formats
SHAPE = (8, 8)
X = np.random.default_rng(4).random((12, *SHAPE)).astype(np.float32)
STACK = Experiment(
    name="stack",
    layers=(
        Flatten(id="flatten"),
        Dense(id="hidden", units=12, activation="tanh"),
        BatchNormalization(id="norm"),
        Dropout(id="drop", rate=0.3),
        Dense(id="output", units=10, activation="softmax"),
    ),
)
WRITERS = [(keras, "a.weights.h5"), (tf_keras, "a.weights.h5"), (tf_keras, "a.h5")]
NAMES = ["keras 3", "keras 2 .weights.h5", "keras 2 .h5"]


def run(session: Session, job: Any) -> Any:
    return session.run(job, Control(), lambda event: None)


def written(k: Any, path: Path, *, units: int = 12, activation: str = "tanh") -> Any:
    """The same network by Keras 2 or 3, its weights in the file."""
    layers = k.layers
    model = k.Sequential(
        [
            k.Input(SHAPE),
            layers.Flatten(),
            layers.Dense(units, activation=activation, name="mine"),
            layers.BatchNormalization(name="batch_normalization"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax", name="last"),
        ]
    )
    random = np.random.default_rng(7)
    model.set_weights([random.uniform(0.1, 0.9, tuple(weight.shape)).astype(np.float32) for weight in model.weights])
    model.save_weights(path)
    return model


def loaded(session: Session, path: Path, experiment: Experiment = STACK, **more: Any) -> Any:
    opened = run(session, LoadWeights(path=path, experiment=experiment, input_shape=SHAPE, **more))
    return opened, session.model(opened.model).model


def matched(path: Path, experiment: Experiment = STACK) -> WeightsMatch:
    found: WeightsMatch = run(Session(), MatchWeights(path=path, experiment=experiment, input_shape=SHAPE))
    return found


@pytest.mark.parametrize(("writer", "name"), WRITERS, ids=NAMES)
def test_weights_answer_as_in_the_network_they_were_saved_from(tmp_path: Path, writer: Any, name: str) -> None:
    theirs = written(writer, tmp_path / name)
    opened, model = loaded(Session(), tmp_path / name)
    assert (opened.experiment, opened.input_shape, opened.notes) == (STACK, SHAPE, ())
    np.testing.assert_allclose(model(X, training=False), theirs(X, training=False), rtol=0, atol=1e-6)
    match = matched(tmp_path / name)
    assert match.fits and [(row.layer, row.verdict) for row in match.rows] == [
        ("hidden", "fits"),
        ("norm", "fits"),
        ("output", "fits"),
    ]


@pytest.mark.parametrize("name", some(NAMES, NAMES[:1]))
def test_what_does_not_fit_is_shown_and_changes_nothing(tmp_path: Path, name: str) -> None:
    writer, name = WRITERS[NAMES.index(name)]
    written(writer, tmp_path / name)
    session = Session()
    _, model = loaded(session, tmp_path / name)
    before = [weight.numpy().tobytes() for weight in model.weights]
    wider = STACK.replaced(
        layers=(*STACK.layers[:2], *STACK.layers[3:4], Dense(id="more", units=10), Dense(id="output", units=9))
    )
    match = matched(tmp_path / name, wider)
    assert not match.fits and "do not fit" in match.problem
    verdicts = {row.layer: row.verdict for row in match.rows}
    assert verdicts["hidden"] == "fits"
    assert set(verdicts.values()) > {"fits"}
    keys = session._held.keys
    with pytest.raises(UserError, match="does not fit"):
        loaded(session, tmp_path / name, wider, out=tmp_path / "out.keras")
    assert session._held.keys == keys and not (tmp_path / "out.keras").exists()
    assert [weight.numpy().tobytes() for weight in model.weights] == before


def test_each_row_says_what_goes_where_and_what_does_not(tmp_path: Path) -> None:
    written(keras, tmp_path / "a.weights.h5")
    wider = STACK.replaced(
        layers=(*STACK.layers[:2], Dense(id="more", units=7), Dense(id="extra", units=10, use_bias=False))
    )
    rows = [(row.file_layer, row.found_text, row.layer, row.needed_text, row.verdict) for row in matched(
        tmp_path / "a.weights.h5", wider).rows]  # fmt: skip
    assert rows == [
        ("dense (mine)", "64 × 12, 12", "hidden", "kernel 64 × 12, bias 12", "fits"),
        ("dense_1 (last)", "12 × 10, 10", "more", "kernel 12 × 7, bias 7", "other shapes"),
        ("", "", "extra", "kernel 7 × 10", "missing in the file"),
        ("batch_normalization", "12, 12, 12, 12", "", "", "left over: no layer for it"),
    ]


def test_a_hard_sigmoid_of_keras_2_is_computed_as_it_was(tmp_path: Path) -> None:
    theirs = written(tf_keras, tmp_path / "a.h5", activation="hard_sigmoid")
    curved = STACK.replaced(layers=(STACK.layers[0], Dense(id="hidden", units=12, activation="hard_sigmoid"),
                                    *STACK.layers[2:]))  # fmt: skip
    opened, model = loaded(Session(), tmp_path / "a.h5", curved)
    assert "1.2 times as large" in opened.notes[0]
    np.testing.assert_allclose(model(X, training=False), theirs(X, training=False), rtol=0, atol=1e-6)
    apart = STACK.replaced(layers=(*STACK.layers[:1], Dense(id="hidden", units=12),
                                   Activation(id="curve", activation="hard_sigmoid"), *STACK.layers[2:]))  # fmt: skip
    match = matched(tmp_path / "a.h5", apart)
    assert "curve is a hard sigmoid" in match.problem and "Rescaling with scale 1.2" in match.hint
    cured = apart.replaced(layers=(*apart.layers[:2], Rescaling(id="slope", scale=1.2), *apart.layers[2:]))
    _, model = loaded(Session(), tmp_path / "a.h5", cured)
    np.testing.assert_allclose(model(X, training=False), theirs(X, training=False), rtol=0, atol=1e-6)
    written(tf_keras, tmp_path / "b.weights.h5", activation="hard_sigmoid")
    assert "does not say which Keras wrote it" in matched(tmp_path / "b.weights.h5", curved).notes[0]
    written(keras, tmp_path / "c.weights.h5", activation="hard_sigmoid")
    assert matched(tmp_path / "c.weights.h5", curved).notes == ()


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    written(keras, tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5", "r+") as file:
        file["layers/dense/vars/1"][3] = np.nan
    match = matched(tmp_path / "a.weights.h5")
    assert match.problem == "The weights of hidden hold NaN or infinity." and all(row.fits for row in match.rows)
    with pytest.raises(UserError, match="NaN or infinity"):
        loaded(Session(), tmp_path / "a.weights.h5")


def test_a_loaded_network_is_read_again_once_it_left_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = written(keras, tmp_path / "a.weights.h5")
    theirs.save(tmp_path / "a.keras")
    session = Session()
    monkeypatch.setattr(held_models, "LIVE_MODELS", 1)
    opened, _ = loaded(session, tmp_path / "a.weights.h5")
    run(session, OpenModel(path=tmp_path / "a.keras"))
    run(session, SaveModel(model=opened.model, path=tmp_path / "b.keras"))
    again = keras.models.load_model(tmp_path / "b.keras")
    np.testing.assert_allclose(again(X, training=False), theirs(X, training=False), rtol=0, atol=1e-6)


def test_a_number_is_brought_to_its_unit(tmp_path: Path) -> None:
    theirs = written(keras, tmp_path / "a.weights.h5")
    _, model = loaded(Session(), tmp_path / "a.weights.h5", target_unit=TargetUnit(mean=3.0, std=2.0))
    np.testing.assert_allclose(model(X, training=False), 2 * theirs(X, training=False) + 3, rtol=0, atol=1e-5)


def test_the_command_shows_loads_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = written(tf_keras, tmp_path / "a.h5")
    theirs.save(tmp_path / "whole.keras")
    words = ["weights", str(tmp_path / "a.h5")]
    assert main([*words, str(tmp_path / "whole.keras"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fits"] is True
    assert main([*words, str(tmp_path / "whole.keras"), "--out", str(tmp_path / "b.keras")]) == 0
    assert "All weights fit: 3 layers" in capsys.readouterr().out
    model = keras.models.load_model(tmp_path / "b.keras")
    np.testing.assert_allclose(model(X, training=False), theirs(X, training=False), rtol=0, atol=1e-6)
    written(tf_keras, tmp_path / "a.h5", units=11)
    assert main([*words, str(tmp_path / "b.keras")]) == 1
    assert "other shapes" in capsys.readouterr().out
    kept = (tmp_path / "b.keras").read_bytes()
    assert main([*words, str(tmp_path / "b.keras"), "--out", str(tmp_path / "b.keras")]) == 2
    assert "do not fit" in capsys.readouterr().err and (tmp_path / "b.keras").read_bytes() == kept
