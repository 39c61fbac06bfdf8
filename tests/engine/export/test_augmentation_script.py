"""The exported script varies the training rows by the same layers as the program, and runs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from dnnstudio.core.experiment.data import AnyAugmentation, Data, NoiseAugmentation, PictureAugmentation, known_summary
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.export.writing import to_script
from dnnstudio.engine.backend.augmentation import layers_of

ALL = PictureAugmentation(flip="horizontal", shift=0.2, turn=20, zoom=0.2, contrast=0.3)


def digits(augmentation: AnyAugmentation | None) -> Experiment:
    return Experiment(
        data=Data(augmentation=augmentation, train_limit=64),
        layers=(Flatten(id="flat"), Dense(id="output", units=10, activation="softmax")),
        training=Training(epochs=1, batch_size=16),
    )


def run(experiment: Experiment) -> dict[str, Any]:
    summary = known_summary(experiment.data)
    assert summary is not None
    space: dict[str, Any] = {"__name__": "script"}
    exec(compile(to_script(experiment, summary), "script", "exec"), space)
    return space


@pytest.mark.parametrize("augmentation", [ALL, NoiseAugmentation(stddev=0.2)])
def test_the_script_has_the_layers_of_the_program_and_trains(
    augmentation: AnyAugmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.Sequential, "save", lambda model, path: None)
    space = run(digits(augmentation))
    mine = [layer.get_config() for layer in layers_of(augmentation, value_range=(0.0, 1.0), seed=(1,))]
    theirs = [layer.get_config() for layer in space["augment"].layers if "reshape" not in layer.name]
    for one, other in zip(mine, theirs, strict=True):
        assert {k: v for k, v in one.items() if k not in ("name", "seed")} == {
            k: v for k, v in other.items() if k not in ("name", "seed")
        }
    assert np.isfinite(space["history"].history["val_loss"]).all()
    batch, labels = next(iter(space["train"]))
    assert (tuple(batch.shape), len(labels)) == ((16, 8, 8), 16)


def test_a_script_without_augmentation_is_as_before() -> None:
    experiment, off = digits(None), digits(PictureAugmentation(shift=0, turn=0, zoom=0))
    summary = known_summary(experiment.data)
    assert summary is not None
    assert to_script(off, summary) == to_script(experiment, summary)
    assert "augment" not in to_script(experiment, summary)
    assert "tensorflow as tf" not in to_script(experiment, summary)
