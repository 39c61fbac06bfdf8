"""Models and runs of version 0.1.0 in today's engine, and in a notebook that imports the name which its files say."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.requests import EvaluateModel
from dnnstudio.core.jobs.resume import continued
from dnnstudio.core.workspace.history import read_rows
from dnnstudio.engine.backend.runtime import keras
from dnnstudio.engine.model_files import read_model
from dnnstudio.engine.schedules import ScheduledRate
from dnnstudio.engine.session import Session

SAMPLES = Path(__file__).parent.parent / "samples" / "0.1.0"
EXPERIMENT = codec.load(SAMPLES / "experiment.json")
METRICS = json.loads((SAMPLES / "run" / "metrics.json").read_text())
NOTEBOOK = """
import json, sys
import numpy as np
import dnnstudio.engine.schedules
import keras
model = keras.models.load_model(sys.argv[1])
rate = model.optimizer._learning_rate
rows = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 8, 8)
print(json.dumps([type(rate).__name__, type(rate).__module__, float(rate(6)), model.predict(rows, verbose=0).tolist()]))
"""


def run(job: Any) -> Any:
    return Session().run(job, Control(), lambda event: None)


@pytest.mark.parametrize("model", ["run", "run/model.keras", "model.h5"])
def test_a_model_has_the_figures_that_were_written_down(model: str) -> None:
    found = run(EvaluateModel(model=SAMPLES / model, experiment=EXPERIMENT, parts=("validation", "test")))
    for part in ("validation", "test"):
        known = {name: found.parts[part][name] for name in METRICS[part]}
        assert known == pytest.approx(METRICS[part], rel=1e-5)


def test_a_model_file_holds_the_layers_and_weights_of_its_run() -> None:
    kept, other = read_model(SAMPLES / "run" / "model.keras"), read_model(SAMPLES / "model.h5")
    assert kept.experiment == EXPERIMENT
    for contents in (kept, other):
        assert contents.input_shape == (8, 8)
        assert [layer.id for layer in contents.layers] == ["flatten", "hidden", "drop", "output"]
        assert {name: [a.shape for a in found] for name, found in contents.arrays.items() if found} == {
            "hidden": [(64, 16), (16,)],
            "output": [(16, 10), (10,)],
        }
    for name in ("hidden", "output"):
        for one, same in zip(kept.arrays[name], other.arrays[name], strict=True):
            np.testing.assert_array_equal(one, same)


def test_a_stopped_run_goes_on_to_its_planned_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(SAMPLES / "run", folder)
    result = run(continued(folder))
    assert (result.reason, result.epochs) == ("finished", 3)
    rows, before = read_rows(folder / "history.csv"), read_rows(SAMPLES / "run" / "history.csv")
    assert rows[:2] == before
    assert rows[2]["loss"] < before[1]["loss"]


def test_a_notebook_that_imports_the_public_name_opens_the_file() -> None:
    """1cycle is a schedule that Keras has not got; the file names the module that 0.1.0's README promised."""
    path = SAMPLES / "run" / "model.keras"
    done = subprocess.run([sys.executable, "-c", NOTEBOOK, str(path)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    kind, module, rate, answers = json.loads(done.stdout.splitlines()[-1])
    assert (kind, module) == ("ScheduledRate", "dnnstudio.engine.schedules")
    # Step 6 of 18, where the way up has 8: from a tenth of the highest rate.
    assert rate == pytest.approx(0.01 + (0.1 - 0.01) * 6 / 8, rel=1e-6)
    np.testing.assert_allclose(np.sum(answers, axis=1), 1, rtol=1e-5)


def test_files_of_today_name_the_schedule_as_those_of_0_1_0_do() -> None:
    schedule = ScheduledRate(EXPERIMENT.schedule, learning_rate=0.05, steps_per_epoch=6, epochs=3)
    assert keras.saving.serialize_keras_object(schedule)["module"] == "dnnstudio.engine.schedules"
