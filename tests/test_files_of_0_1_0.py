"""Files that version 0.1.0 wrote mean today what they meant then: experiment, run folder, unsaved work, settings.

The samples were written by the program of commit 218a6c4. `tests/engine/test_models_of_0_1_0.py` opens the models.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Data, Digits
from dnnstudio.core.experiment.layers import Dense, Dropout, Flatten
from dnnstudio.core.experiment.optimizers import SGD
from dnnstudio.core.experiment.record import Experiment, Training
from dnnstudio.core.experiment.schedules import OneCycle
from dnnstudio.core.experiment.weights import L1L2, HeNormal
from dnnstudio.core.jobs.resume import continued
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_run
from dnnstudio.gui.base.autosave_files import find_unsaved
from dnnstudio.gui.base.settings import Settings

SAMPLES = Path(__file__).parent / "samples" / "0.1.0"
EXPERIMENT = Experiment(
    name="Sample of 0.1.0",
    seed=7,
    data=Data(source=Digits(), train_limit=300),
    layers=(
        Flatten(id="flatten"),
        Dense(
            id="hidden",
            units=16,
            activation="elu",
            kernel_initializer=HeNormal(),
            kernel_regularizer=L1L2(l2=0.001),
        ),
        Dropout(id="drop", rate=0.25),
        Dense(id="output", units=10, activation="softmax"),
    ),
    optimizer=SGD(learning_rate=0.05, momentum=0.9, clipnorm=1.0),
    schedule=OneCycle(max_rate=0.1),
    training=Training(epochs=3, batch_size=50),
)


@pytest.mark.parametrize("name", ["experiment.json", "run/experiment.json"])
def test_an_experiment_file_is_the_same_experiment_and_is_written_alike(name: str) -> None:
    assert codec.load(SAMPLES / name) == EXPERIMENT
    assert codec.to_json(EXPERIMENT) == (SAMPLES / name).read_text(encoding="utf-8")


def test_a_run_folder_says_what_it_said() -> None:
    record = read_run(SAMPLES / "run")
    assert (record.epochs_done, record.epochs_planned, record.status) == (2, 3, "stopped")
    rows = read_rows(SAMPLES / "run" / "history.csv")
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["val_loss"] == 1.750577401473651
    assert rows[1]["clean_accuracy"] == 0.6366666666666667


def test_a_run_folder_can_be_gone_on_with() -> None:
    job = continued(SAMPLES / "run")
    assert (job.experiment, job.stop_after) == (EXPERIMENT, None)


def test_unsaved_work_is_offered(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "recovery.unsaved.json", tmp_path / "0-1764300000.unsaved.json")  # no process has number 0
    (found,) = find_unsaved(tmp_path)
    assert found.experiment == EXPERIMENT.replaced(name="Edited but not saved")
    assert (found.path, found.tries) == (Path("/home/somebody/networks/sample.json"), 1)
    assert found.when == 1795901336.642495


def test_settings_are_kept(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "settings.json", tmp_path / "settings.json")
    settings = Settings(tmp_path)
    assert settings.theme == "dark"
    assert settings.workspace == Path("/home/somebody/dnnstudio")
    assert settings.library_files == [Path("/home/somebody/models/one.keras")]
    assert settings.geometry.data() == b"\x01geometry"
