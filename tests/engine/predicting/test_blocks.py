"""Answers come a block at a time: memory does not grow with the inputs, ensembles answer with their members' mean, and
sampled rows have the masks that they have in one array."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, Npz
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.answers import Answer
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.workspace.ensembles import EnsembleRecord, member_folder, write_ensemble
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.predicting.items import Item
from dnnstudio.engine.predicting.predict import predict
from dnnstudio.engine.reuse.loaded_model import read_model_at
from dnnstudio.engine.sampling.mc_dropout import BLOCK, Sampler
from dnnstudio.engine.session import Session

SEEDS = (3, 4)
SIDE = 12
IN_FLIGHT = BLOCK["independent"]
"""Cases that are read before they are answered together."""


def pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE), dtype=np.uint8)


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two members, each standardized by the training rows of its own seed."""
    folder = tmp_path_factory.mktemp("ensemble")
    np.savez(folder / "rows.npz", x_train=pictures(300, 0), y_train=np.arange(300) % 3)
    experiment = Experiment(
        data=Data(source=Npz(path=str(folder / "rows.npz")), scaling="standardize"),
        layers=(
            Flatten(id="flat"),
            Dense(id="hidden", units=8, activation="relu"),
            Dropout(id="drop", rate=0.4),
            Dense(id="out", units=3, activation="softmax"),
        ),
        optimizer=SGD(learning_rate=0.05),
        training=Training(epochs=2, batch_size=32),
    )
    place = folder / "members"
    write_ensemble(place, EnsembleRecord(experiment=experiment, seeds=SEEDS, threads=1))
    for seed in SEEDS:
        job = TrainRun(experiment=experiment.replaced(seed=seed), folder=member_folder(place, seed))
        Session().run(job, Control(), lambda event: None)
    return place


def answers(place: Path, *inputs: Path, **options: Any) -> list[Answer]:
    return list(predict(place, inputs, **options).answers)


def scaled(run: Path, x: np.ndarray) -> tuple[Any, np.ndarray]:
    live = read_model_at(run)
    return live.model, load_dataset(live.experiment.data, seed=live.experiment.seed).scaler.apply(x)


def test_an_ensemble_answers_with_the_mean_of_its_members(ensemble: Path, tmp_path: Path) -> None:
    x = pictures(50, 1)
    np.savez(tmp_path / "new.npz", x=x)
    found = answers(ensemble, tmp_path / "new.npz")
    members = []
    for seed in SEEDS:
        model, rows = scaled(member_folder(ensemble, seed), x)
        members.append(model.predict(rows, verbose=0).astype(np.float64))
    mean = np.mean(members, axis=0)
    np.testing.assert_allclose([answer.probabilities for answer in found], mean, rtol=0, atol=1e-6)
    winner = mean.argmax(axis=1)
    spread = np.std(members, axis=0)[np.arange(50), winner]
    np.testing.assert_allclose([answer.std for answer in found], spread, rtol=0, atol=1e-6)
    assert [answer.prediction for answer in found] == [str(place) for place in winner]


def test_the_sets_of_an_ensemble_are_calibrated_on_rows_that_no_member_has_seen(ensemble: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", x=pictures(5, 1))
    found = predict(ensemble, (tmp_path / "new.npz",), coverage=0.8)
    assert all(answer.kept is not None for answer in found.answers)
    assert found.notes == [
        "The coverage is calibrated on 30 rows, half of the test rows, for each member kept other validation rows."
    ]


def test_rows_beyond_the_first_block_have_the_masks_of_one_array(ensemble: Path, tmp_path: Path) -> None:
    x = pictures(2300, 2)
    np.savez(tmp_path / "new.npz", x=x)
    run = member_folder(ensemble, SEEDS[0])
    found = answers(run, tmp_path / "new.npz", samples=2, seed=9)
    model, rows = scaled(run, x)
    passes = np.stack(list(Sampler(model).passes(rows, 0, 2, seed=9))).astype(np.float64)
    wanted = passes.mean(axis=0)
    np.testing.assert_allclose([answer.probabilities for answer in found], wanted, rtol=0, atol=1e-6)


@pytest.mark.thorough
def test_memory_does_not_grow_with_the_number_of_pictures(ensemble: Path, tmp_path: Path) -> None:
    run = member_folder(ensemble, SEEDS[0])
    for number, picture in enumerate(pictures(3000, 3)):
        Image.fromarray(picture).save(tmp_path / f"{number:04d}.png", compress_level=0)

    def peak(inputs: tuple[Path, ...]) -> int:
        """The most that was traced. Pillow leaves cycles, which Python sweeps when it likes: here after each block."""
        found = predict(run, inputs)
        tracemalloc.start()
        try:
            for number, answer in enumerate(found.answers):
                assert not answer.error
                if number % IN_FLIGHT == 0:
                    gc.collect()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = peak((tmp_path,)), peak((tmp_path,) * 3)
    # Two blocks at most are in flight, one read and one answered; 6,000 pictures more would be six blocks more.
    a_block = IN_FLIGHT * tracked_case()
    assert many < few + a_block, (few, many, a_block)


def tracked_case() -> int:
    """Bytes of a case while it is in flight: its pixels as an array, its path, and its answer."""
    case = Item("/" + "a" * 120, 1, values=np.zeros((SIDE, SIDE), np.uint8))
    answer = Answer(source=case.source, row=1, prediction="0", probability=0.5, probabilities=(0.25, 0.25, 0.5))
    parts = (case, case.values, case.source, answer, answer.probabilities, *answer.probabilities)
    return sum(map(sys.getsizeof, parts))


def test_a_stop_is_heard_between_two_answers(ensemble: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", x=pictures(2500, 4))
    control = Control()
    found = predict(member_folder(ensemble, SEEDS[0]), (tmp_path / "new.npz",), control=control)
    next(found.answers)
    control.stop()
    with pytest.raises(Cancelled):
        list(found.answers)


def test_a_member_that_is_not_there_is_named(ensemble: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "new.npz", x=pictures(3, 9))
    assert predict(ensemble, [tmp_path / "new.npz"]).notes == []
    place, away = member_folder(ensemble, 4), tmp_path / "away"
    place.rename(away)
    try:
        found = predict(ensemble, [tmp_path / "new.npz"])
        assert len(list(found.answers)) == 3
        assert found.notes == ["1 member of 2 answered: seed 4 is not there, or not trained to the end."]
    finally:
        away.rename(place)


def test_a_damaged_member_is_named_by_its_seed(ensemble: Path, tmp_path: Path) -> None:
    model = member_folder(ensemble, 4) / "model.keras"
    before = model.read_bytes()
    model.write_bytes(before[:100])
    try:
        with pytest.raises(UserError, match=r"The member of seed 4: model\.keras"):
            predict(ensemble, [tmp_path])
    finally:
        model.write_bytes(before)
