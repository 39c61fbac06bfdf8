"""TensorBoard's event files: the figures of the history, under the names that Keras's own callback gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense, Flatten
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.backend.runtime import keras, tf
from dnnstudio.engine.session import Session
from dnnstudio.engine.training.event_files import EventFiles

SMALL = Experiment(
    data=Data(source=Digits(), train_limit=100),
    layers=(Flatten(id="flatten"), Dense(id="output", units=10, activation="softmax")),
    training=Training(epochs=2, batch_size=32, tensorboard=True),
)


def written(folder: Path) -> dict[tuple[str, str], dict[int, float]]:
    """Part and tag → step → value, of all event files."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for file in sorted(folder.rglob("events.out.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                if value.HasField("tensor") and value.tensor.dtype == tf.float32.as_datatype_enum:
                    number = float(tf.make_ndarray(value.tensor))
                    found.setdefault((file.parent.name, value.tag), {})[event.step] = number
    return found


def train(folder: Path, experiment: Experiment = SMALL, resume: Path | None = None) -> None:
    Session().run(TrainRun(experiment=experiment, folder=folder, resume_from=resume), Control(), lambda event: None)


def test_the_files_hold_the_history(tmp_path: Path) -> None:
    train(tmp_path / "run")
    found, rows = written(tmp_path / "run" / "tensorboard"), read_rows(tmp_path / "run" / "history.csv")
    wanted = {
        ("validation" if name.startswith("val_") else "train", f"epoch_{name.removeprefix('val_')}"): {
            step: pytest.approx(row[name], rel=1e-6) for step, row in enumerate(rows)
        }
        for name in rows[0]
        if name not in ("epoch", "seconds")
    }
    assert found == wanted and len(rows) == 2
    longer = SMALL.replaced(training=SMALL.training.replaced(epochs=3))
    train(tmp_path / "run", longer, tmp_path / "run")
    assert sorted(written(tmp_path / "run" / "tensorboard")["train", "epoch_loss"]) == [0, 1, 2]


@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_folders_and_tags_are_those_of_the_callback(tmp_path: Path) -> None:
    train(tmp_path / "run")
    model = keras.Sequential([keras.layers.Dense(2, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.zeros((8, 3), np.float32), np.zeros(8, np.int64)
    by_keras = keras.callbacks.TensorBoard(log_dir=str(tmp_path / "keras"), write_graph=False)
    model.fit(x, y, validation_data=(x, y), epochs=1, verbose=0, callbacks=[by_keras])
    theirs = {key for key in written(tmp_path / "keras") if key[1] in ("epoch_loss", "epoch_accuracy")}
    assert theirs == {(part, tag) for part in ("train", "validation") for tag in ("epoch_loss", "epoch_accuracy")}
    assert theirs <= set(written(tmp_path / "run" / "tensorboard"))


def test_without_the_option_there_is_no_folder(tmp_path: Path) -> None:
    train(tmp_path / "run", SMALL.replaced(training=SMALL.training.replaced(tensorboard=False)))
    assert not (tmp_path / "run" / "tensorboard").exists()


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("a file where the folder is to be")
    with pytest.raises(UserError, match=r"tensorboard cannot be written: .*switch training\.tensorboard off"):
        EventFiles(tmp_path).add({"epoch": 1.0, "loss": 0.5, "seconds": 1.0})
