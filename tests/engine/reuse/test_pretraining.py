"""Pretraining without labels through the session, and what is reused of it afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.optimizers import Adam
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.transfer import Autoencoder, Phase, Reuse, Rotation, Transfer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import EvaluateModel, Job, Reconstruct, TrainRun
from dnnstudio.core.planning.stages import with_more_epochs
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.reuse.pretraining import turned
from dnnstudio.engine.session import Session

BASE = Experiment(
    name="Digits",
    data=Data(source=Digits()),
    layers=(
        Flatten(id="flatten"),
        Dense(id="h1", units=24, activation="relu"),
        Dense(id="h2", units=12, activation="relu"),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=Adam(learning_rate=0.01),
    training=Training(epochs=4, batch_size=64),
)
DRAWING = BASE.replaced(pretraining=Autoencoder(until="h2"))


def run(session: Session, job: Job) -> Any:
    return session.run(job, Control(), lambda event: None)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, Any]:
    session = Session()
    folder = tmp_path_factory.mktemp("runs") / "0001 drawing"
    return session, run(session, TrainRun(experiment=DRAWING, folder=folder))


def test_an_autoencoder_draws_better_than_the_mean_picture(pretrained: tuple[Session, Any]) -> None:
    session, result = pretrained
    data = load_dataset(BASE.data, seed=BASE.seed)
    drawn = run(session, Reconstruct(model=result.run, experiment=BASE, part="test", rows=(0, 5, 7)))
    assert (drawn.originals.shape, drawn.originals.dtype, drawn.drawn.shape) == ((3, 8, 8), np.uint8, (3, 8, 8))
    np.testing.assert_array_equal(drawn.originals, np.rint(data.test.x[[0, 5, 7]] * 255).astype(np.uint8))
    model = session.model(result.run).model
    outputs = np.asarray(model(data.test.x, training=False))
    np.testing.assert_allclose(drawn.errors, np.mean((outputs - data.test.x) ** 2, axis=(1, 2))[[0, 5, 7]], rtol=1e-5)
    mean = np.mean((data.train.x.mean(axis=0) - data.test.x) ** 2)
    assert np.mean((outputs - data.test.x) ** 2) < 0.8 * mean
    assert result.metrics["test"]["mae"] == pytest.approx(np.mean(np.abs(outputs - data.test.x)), rel=1e-4)
    clipped = np.clip(data.test.x, 1e-7, 1 - 1e-7).astype(np.float64)
    guess = np.clip(outputs.astype(np.float64), 1e-7, 1 - 1e-7)
    entropy = -np.mean(clipped * np.log(guess) + (1 - clipped) * np.log(1 - guess))
    assert result.metrics["test"]["loss"] == pytest.approx(entropy, rel=1e-3)


def test_the_run_holds_the_network_that_was_trained(pretrained: tuple[Session, Any]) -> None:
    _, result = pretrained
    stored = codec.load(result.folder / "experiment.json")
    assert [layer.id for layer in stored.layers] == ["flatten", "h1", "h2", "decoder_2", "decoder_1", "decoder_1_shape"]
    assert stored.pretraining == DRAWING.pretraining
    again = run(Session(), EvaluateModel(model=result.folder, experiment=BASE, parts=("test",)))
    assert again.parts["test"] == result.metrics["test"]


def test_a_pretraining_goes_on_where_it_ended(pretrained: tuple[Session, Any], tmp_path: Path) -> None:
    _, result = pretrained
    whole = run(Session(), TrainRun(experiment=with_more_epochs(DRAWING, 1), folder=tmp_path / "whole"))
    more = with_more_epochs(codec.load(result.folder / "experiment.json"), 1)
    part = run(Session(), TrainRun(experiment=more, folder=tmp_path / "part", resume_from=result.folder))
    assert part.metrics["fingerprint"] == whole.metrics["fingerprint"]


def test_the_encoder_is_reused_in_a_classifier(pretrained: tuple[Session, Any], tmp_path: Path) -> None:
    session, result = pretrained
    reuse = tuple(Reuse(layer=name, source=name) for name in ("h1", "h2"))
    transfer = Transfer(source=str(result.folder), reuse=reuse, phases=(Phase(epochs=1, frozen=("h1", "h2")),))
    classifier = run(session, TrainRun(experiment=BASE.replaced(transfer=transfer), folder=tmp_path / "run"))
    ours, theirs = (session.model(key).model for key in (classifier.run, result.run))
    for name in ("h1", "h2"):
        for one, other in zip(ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_layer_by_layer_is_a_run_with_a_phase_a_layer(tmp_path: Path) -> None:
    given = BASE.replaced(pretraining=Autoencoder(until="h2", greedy=True), training=Training(epochs=2, batch_size=64))
    session = Session()
    result = run(session, TrainRun(experiment=given, folder=tmp_path / "run"))
    lines = (result.folder / "history.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[1] for line in lines] == ["phase", "1", "1", "2", "2"]
    assert result.best_epoch > 2
    drawn = run(session, Reconstruct(model=result.run, experiment=BASE, rows=(1,)))
    assert drawn.drawn.shape == (1, 8, 8)


def test_rotation_is_learnt_from_pictures_turned_once_each(tmp_path: Path) -> None:
    x = np.random.default_rng(3).random((41, 4, 4, 3), dtype=np.float32)
    made = turned(x, np.random.default_rng(0))
    for row in range(41):
        np.testing.assert_array_equal(made.x[row], np.rot90(x[row], made.y[row]))
    counts = np.bincount(made.y, minlength=4)
    assert counts.max() - counts.min() <= 1
    given = BASE.replaced(pretraining=Rotation(until="h2"), training=Training(epochs=8, batch_size=64))
    result = run(Session(), TrainRun(experiment=given, folder=tmp_path / "run"))
    assert result.metrics["test"]["accuracy"] > 0.6
    assert codec.load(result.folder / "experiment.json").layers[-1].id == "rotation"


def test_what_draws_nothing_and_rows_that_are_not_there_are_named(
    pretrained: tuple[Session, Any], tmp_path: Path
) -> None:
    session, result = pretrained
    with pytest.raises(UserError, match=r"no row 360 in the test part of 360 rows"):
        run(session, Reconstruct(model=result.run, experiment=BASE, rows=(0, 360)))
    plain = run(session, TrainRun(experiment=BASE.replaced(training=Training(epochs=1)), folder=tmp_path / "plain"))
    with pytest.raises(UserError, match="draws no pictures"):
        run(session, Reconstruct(model=plain.run, experiment=BASE))


def test_pretraining_up_to_nowhere_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such layer"):
        run(Session(), TrainRun(experiment=BASE.replaced(pretraining=Rotation(until="x")), folder=tmp_path / "run"))
    assert list(tmp_path.iterdir()) == []
