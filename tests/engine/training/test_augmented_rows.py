"""Augmentation: Keras's own layers, training rows alone, seeded, the same both ways, resumed exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment.data import Data, DataSummary, Digits, NoiseAugmentation, PictureAugmentation
from dnnstudio.core.experiment.data.sources.npz import Npz
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.backend.augmentation import augmented, layers_of
from dnnstudio.engine.backend.builder import to_keras
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.training import step_loop
from dnnstudio.engine.training.augmented_rows import BLOCK, PreviewRows, TrainingRows
from dnnstudio.engine.training.trainer import fresh_model
from tests.engine.conftest import Part, Recorder, Rows, make_rows

RANGE = (0.0, 1.0)
ALL = PictureAugmentation(flip="horizontal", shift=0.2, turn=20, zoom=0.2, contrast=0.3)


def pictures(count: int = 40, side: int = 6) -> np.ndarray:
    return np.random.default_rng(3).random((count, side, side), dtype=np.float32)


def picture_rows(train: int = 40) -> Rows:
    x = pictures(train + 20)
    y = (x.mean(axis=(1, 2)) > 0.5).astype(np.int64)
    parts = (Part(x[:train], y[:train]), Part(x[train:][:10], y[train:][:10]), Part(x[train + 10 :], y[train + 10 :]))
    return Rows(*parts, DataSummary((6, 6), ("no", "yes"), False))


def picture_experiment(**changes: Any) -> Experiment:
    layers = (Flatten(id="flat"), Dense(id="hidden", units=8), Dense(id="out", units=2, activation="softmax"))
    values: dict[str, Any] = {"layers": layers, "training": Training(epochs=3, batch_size=16), "seed": 5}
    return Experiment(**(values | {"data": Data(augmentation=ALL)} | changes))


def test_a_flip_mirrors_about_half_and_leaves_the_others_alone() -> None:
    x = pictures(200)
    made = augmented(x, PictureAugmentation(flip="horizontal", shift=0, turn=0, zoom=0), value_range=RANGE, seed=(1, 0))
    same, mirrored = ((made == other).all(axis=(1, 2)) for other in (x, x[:, :, ::-1]))
    assert (same | mirrored).all()
    assert 60 < mirrored.sum() < 140


def test_each_slider_moves_what_it_is_for() -> None:
    x = np.zeros((100, 9, 9), np.float32)
    x[:, 4, 4] = 1
    off = PictureAugmentation(flip="none", shift=0, turn=0, zoom=0, fill_mode="constant")
    turned = augmented(x, off.replaced(turn=90), value_range=RANGE, seed=(1,))
    np.testing.assert_allclose(turned[:, 4, 4], 1, atol=1e-3)  # the centre stays
    shifted = augmented(x, off.replaced(shift=0.5), value_range=RANGE, seed=(1,))
    place = (shifted * np.arange(9)).sum(axis=(1, 2)) / shifted.sum(axis=(1, 2)) - 4
    rows = (shifted * np.arange(9)[:, np.newaxis]).sum(axis=(1, 2)) / shifted.sum(axis=(1, 2)) - 4
    assert place.min() < -2 < 2 < place.max()
    assert abs(np.corrcoef(place, rows)[0, 1]) < 0.5, "height and width are drawn apart"
    contrast = augmented(pictures(), off.replaced(contrast=0.5), value_range=RANGE, seed=(1,))
    assert contrast.std(axis=(1, 2)).std() > pictures().std(axis=(1, 2)).std()
    assert (contrast.min() >= 0) & (contrast.max() <= 1)


def test_the_layers_are_those_of_keras_in_order_and_off_is_none() -> None:
    kinds = [type(layer) for layer in layers_of(ALL, value_range=RANGE, seed=(1,))]
    names = "RandomFlip RandomTranslation RandomRotation RandomZoom RandomContrast"
    assert kinds == [getattr(keras.layers, name) for name in names.split()]
    off = PictureAugmentation(flip="none", shift=0, turn=0, zoom=0)
    assert off.changes_nothing
    assert list(layers_of(off, value_range=RANGE, seed=(1,))) == []


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 1), (6, 6, 3)])
def test_seed_epoch_and_rows_alone_decide(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).random((20, *shape), dtype=np.float32)
    first, again, other = (augmented(x, ALL, value_range=RANGE, seed=seed) for seed in ((1, 2), (1, 2), (1, 3)))
    assert first.shape == x.shape
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(axis=tuple(range(1, x.ndim))).all()


def test_noise_on_a_table_has_the_spread_that_was_asked_for() -> None:
    x = np.ones((500, 20), np.float32)
    made = augmented(x, NoiseAugmentation(stddev=0.3), value_range=(1.0, 1.0), seed=(4,))
    assert abs((made - x).std() - 0.3) < 0.01
    assert abs((made - x).mean()) < 0.01


def test_without_augmentation_the_rows_are_the_data_sets_own() -> None:
    rows = picture_rows()
    for augmentation in (None, PictureAugmentation(shift=0, turn=0, zoom=0)):
        given = TrainingRows(picture_experiment(data=Data(augmentation=augmentation)), rows, Control())
        given.begin(0)
        assert given.split is rows.train


def test_every_epoch_sees_other_rows_and_the_clean_ones_stay() -> None:
    rows, before = picture_rows(BLOCK + 9), picture_rows(BLOCK + 9)
    given = TrainingRows(picture_experiment(), rows, Control())
    seen = []
    for epoch in (0, 1, 0):
        given.begin(epoch)
        seen.append(given.split.x.copy())
    np.testing.assert_array_equal(seen[0], seen[2])
    assert (seen[0] != seen[1]).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(rows.train.x, before.train.x)
    control = Control()
    control.stop()
    with pytest.raises(Cancelled):
        TrainingRows(picture_experiment(), rows, control).begin(0)


def test_an_autoencoder_learns_what_it_sees() -> None:
    rows = picture_rows()
    same = replace(rows, train=Part(rows.train.x, rows.train.x))
    given = TrainingRows(picture_experiment(), same, Control())
    assert given.split.y is given.split.x


def test_the_rows_of_a_table_are_not_turned(rows: Callable[..., Rows]) -> None:
    with pytest.raises(UserError, match=r"flips and turns pictures, but a row has the shape \(6,\)"):
        TrainingRows(picture_experiment(), rows(), Control())


@pytest.mark.parametrize("fast", [True, False])
def test_training_equals_plain_steps_on_the_rows_of_each_epoch(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    """Weights after three epochs as a loop of Keras's own `train_on_batch` over the varied rows gives them."""
    monkeypatch.setattr(step_loop, "pays_from", lambda steps_an_epoch: 0 if fast else 10**9)
    rows, experiment = picture_rows(), picture_experiment()
    recorder.train(experiment, rows)
    got = keras.models.load_model(recorder.folder / "model.keras").get_weights()

    model = fresh_model(experiment, DataSummary((6, 6), (), binary=False))
    source = TrainingRows(experiment, rows, Control())
    model.compile(optimizer=to_keras(experiment.optimizer), loss="sparse_categorical_crossentropy")
    for epoch in range(3):
        source.begin(epoch)
        order = np.random.default_rng([5, epoch]).permutation(40)
        for start in range(0, 40, 16):
            batch = order[start : start + 16]
            model.train_on_batch(source.split.x[batch], source.split.y[batch])
    for mine, wanted in zip(got, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, atol=2e-6)


def test_the_same_seed_gives_the_same_training_and_resuming_changes_nothing(
    recorders: Callable[[str], Recorder],
) -> None:
    rows, experiment = picture_rows(), picture_experiment()
    weights = []
    for name in ("one", "two"):
        recorders(name).train(experiment, rows)
    part = recorders("part")
    part.train(experiment, rows, stop_after=1)
    part.train(experiment, rows, resume_from=part.folder)
    for name in ("one", "two", "part"):
        weights.append(keras.models.load_model(recorders(name).folder / "model.keras").get_weights())
    for other in weights[1:]:
        for mine, wanted in zip(other, weights[0], strict=True):
            np.testing.assert_array_equal(mine, wanted)


def test_noise_trains_a_table(recorder: Recorder, experiment: Callable[..., Experiment]) -> None:
    result = recorder.train(experiment(data=Data(augmentation=NoiseAugmentation(stddev=0.2))), make_rows())
    assert result.reason == "finished"
    assert "clean_loss" in recorder.folder.joinpath("history.csv").read_text()


def test_augmentation_reads_no_data_anew() -> None:
    plain, varied = (load_dataset(Data(augmentation=item), seed=1) for item in (None, ALL))
    assert plain is varied


def test_the_preview_shows_the_picture_and_versions_of_it() -> None:
    rows, plain, varied = PreviewRows(), Data(source=Digits()), Data(source=Digits(), augmentation=ALL)

    def shown(data: Data, count: int = 9) -> NDArray[np.uint8]:
        return rows.pictures(data, seed=42, row=3, count=count).pictures

    clean, first = shown(plain), shown(varied)
    assert (first.shape, first.dtype) == ((9, 8, 8), np.uint8)
    assert (clean == clean[0]).all()
    np.testing.assert_array_equal(first[0], clean[0])
    assert (first[1:] != first[0]).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(shown(varied), first)
    assert len(shown(varied, count=4)) == 4
    np.testing.assert_array_equal(PreviewRows().pictures(varied, seed=42, row=3, count=9).pictures, first)


def test_a_slider_of_the_preview_moves_what_it_is_for_alone() -> None:
    """A quarter more of the turn turns each version by a quarter more: the draws stay."""
    rows = PreviewRows()

    def shown(turn: float) -> NDArray[np.uint8]:
        only = PictureAugmentation(shift=0, turn=turn, zoom=0)
        return rows.pictures(Data(source=Digits(), augmentation=only), seed=42, row=0, count=9).pictures

    still = shown(0)
    small, more = (np.abs(shown(turn).astype(int) - still).sum(axis=(1, 2))[1:] for turn in (2, 8))
    assert (small <= more).all() and (more > 0).any()


def test_the_preview_goes_round_and_refuses_what_is_no_picture(tmp_path: Path) -> None:
    rows = PreviewRows()
    data = Data(source=Digits())
    last = rows.pictures(data, seed=42, row=0, count=1)
    assert rows.pictures(data, seed=42, row=last.rows, count=1).row == 0
    random = np.random.default_rng(1)
    np.savez(tmp_path / "rows.npz", x=random.random((30, 4)), y=random.integers(0, 2, 30))
    with pytest.raises(UserError, match="no pictures"):
        rows.pictures(Data(source=Npz(path=str(tmp_path / "rows.npz"))), seed=42, row=0, count=9)
