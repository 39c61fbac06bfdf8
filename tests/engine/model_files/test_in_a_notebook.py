"""Run by the command line, opened where this program is not: what Keras alone makes of a saved file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.schedules import (
    Constant,
    CosineRestarts,
    Exponential,
    OneCycle,
    Piecewise,
    Plan,
    Schedule,
    Warmup,
)
from dnnstudio.engine.data import load_dataset

SMALL = {
    "data": {"source": {"kind": "digits"}, "train_limit": 600},
    "layers": [
        {"kind": "flatten", "id": "flatten"},
        {"kind": "dense", "id": "hidden", "units": 30, "activation": "relu"},
        {"kind": "dropout", "id": "drop", "rate": 0.2},
        {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
    ],
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "training": {"epochs": 3, "batch_size": 50},
}
STEPS = 12
SCHEDULES: dict[str, tuple[Schedule, str]] = {
    "exponential": (Exponential(s=2.0), "ExponentialDecay"),
    "by_epoch": (Exponential(s=2.0, progress="epoch"), "ExponentialDecay"),
    "piecewise": (Piecewise(boundaries=(1.0, 2.5), rates_between=(0.01, 0.005, 0.001)), "PiecewiseConstantDecay"),
    "cosine": (CosineRestarts(first_period=1.0), "CosineDecayRestarts"),
    "warm_up": (Constant(warmup=Warmup(duration=1.5)), "CosineDecay"),
}
NOTEBOOK = """
import json, sys
sys.modules["dnnstudio"] = None  # not here, wherever it may be installed
import keras, numpy as np
data = np.load("rows.npz")
found = {}
for name in json.load(open("names.json")):
    model = keras.models.load_model(name)
    optimizer = model.optimizer
    rate = optimizer._learning_rate
    figures = model.evaluate(data["x"], data["y"], verbose=0, return_dict=True)
    found[name] = {
        "optimizer": type(optimizer).__name__,
        "schedule": type(rate).__name__,
        "rates": [float(rate(step)) for step in range(40)],
        "iterations": int(optimizer.iterations),
        "now": float(optimizer.learning_rate),
        "figures": figures,
    }
    history = model.fit(data["x"], data["y"], batch_size=50, epochs=1, verbose=0).history
    found[name]["fitted"] = [float(history["loss"][0]), int(optimizer.iterations)]
print(json.dumps(found))
"""
WITHOUT = """
import sys, warnings
sys.modules["dnnstudio"] = None
import keras, numpy as np
for name in ("model.keras", "model.h5"):
    try:
        keras.models.load_model(name)
    except Exception as error:
        assert "ScheduledRate" in str(error), error
    else:
        raise AssertionError("opened without its schedule")
    model = keras.models.load_model(name, compile=False)
    data = np.load("rows.npz")
    right = model.predict(data["x"], verbose=0).argmax(axis=1) == data["y"]
    print(round(float(right.mean()), 6))
"""
WITH = """
import dnnstudio.engine.backend.schedules
import keras, numpy as np
data = np.load("rows.npz")
for name in ("model.keras", "model.h5"):
    model = keras.models.load_model(name)
    assert type(model.optimizer._learning_rate).__name__ == "ScheduledRate"
    print(round(float(model.evaluate(data["x"], data["y"], verbose=0, return_dict=True)["accuracy"]), 6))
    model.fit(data["x"], data["y"], batch_size=50, epochs=1, verbose=0)
"""


def notebook(code: str, folder: Path, **environment: str) -> str:
    """What a Python of its own prints, away from this program's sources unless they are named."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    options = [] if environment else ["-I"]
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False, env=clean,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Skipping variable loading" not in done.stderr
    return done.stdout


def train(folder: Path, name: str, schedule: Schedule) -> dict[str, Any]:
    """Train in `folder`/`name`, export its network in the other format too, and give the final figures."""
    experiment = SMALL | {"schedule": codec.to_plain(schedule)}
    (folder / f"{name}.json").write_text(json.dumps(experiment))
    assert main(["run", str(folder / f"{name}.json"), "--out", str(folder / name)]) == 0
    for suffix in ("keras", "h5"):
        assert main(["export", str(folder / name), "--to", suffix, "--out", str(folder / f"{name}.{suffix}")]) == 0
    dataset = load_dataset(codec.load(folder / name / "experiment.json").data, seed=42)
    np.savez(folder / "rows.npz", x=dataset.test.x, y=dataset.test.y)
    figures: dict[str, Any] = json.loads((folder / name / "metrics.json").read_text())
    return figures


@pytest.mark.timeout(300)
@pytest.mark.thorough
def test_what_keras_has_a_schedule_for_is_evaluated_and_fitted_without_this_program(tmp_path: Path) -> None:
    figures = {name: train(tmp_path, name, schedule) for name, (schedule, _) in SCHEDULES.items()}
    files = [f"{name}{suffix}" for name in SCHEDULES for suffix in ("/model.keras", ".keras", ".h5")]
    (tmp_path / "names.json").write_text(json.dumps(files))
    found = json.loads(notebook(NOTEBOOK, tmp_path).splitlines()[-1])
    fits = -(-len(np.load(tmp_path / "rows.npz")["x"]) // 50)
    for file in files:
        name = file.removesuffix("/model.keras").removesuffix(".keras").removesuffix(".h5")
        schedule, kind = SCHEDULES[name]
        plan = Plan(0.01, STEPS, 3)
        there, began = found[file], 0 if file.endswith(".h5") else 3 * STEPS
        assert (there["optimizer"], there["schedule"], there["iterations"]) == ("Adam", kind, began)
        np.testing.assert_allclose(there["rates"], schedule.rates(np.arange(40), plan), rtol=1e-6, atol=1e-9)
        assert there["now"] == pytest.approx(float(schedule.rates([began], plan)[0]), rel=1e-5)
        assert there["figures"]["accuracy"] == pytest.approx(figures[name]["test"]["accuracy"], abs=1e-6)
        assert there["figures"]["loss"] == pytest.approx(figures[name]["test"]["loss"], rel=1e-5)
        loss, steps = there["fitted"]
        assert np.isfinite(loss) and steps == began + fits


@pytest.mark.timeout(300)
def test_one_cycle_needs_this_program_to_be_compiled_and_keras_alone_to_be_asked(tmp_path: Path) -> None:
    accuracy = train(tmp_path, "model", OneCycle(max_rate=0.02))["test"]["accuracy"]
    expected = [str(round(accuracy, 6))] * 2
    assert notebook(WITHOUT, tmp_path).split() == expected
    here = str(Path(codec.__file__).resolve().parents[3])
    assert notebook(WITH, tmp_path, PYTHONPATH=here).split() == expected
