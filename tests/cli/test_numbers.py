"""A number to predict, from a table to answers: trained with what is proposed, and everything in the number's unit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn.metrics
from sklearn.datasets import load_diabetes

from dnnstudio.cli.main import main
from dnnstudio.cli.printing.common import figures
from dnnstudio.core.experiment import codec
from dnnstudio.engine.data import load_dataset


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table, its experiment as proposed, and the run of it."""
    folder = tmp_path_factory.mktemp("numbers")
    data = load_diabetes()
    with (folder / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*data.feature_names, "progression"])
        rows.writerows([*x, y] for x, y in zip(data.data.tolist(), data.target.tolist(), strict=True))
    assert main(["new", str(folder / "table.csv"), "--out", str(folder / "mine.json")]) == 0
    assert main(["run", str(folder / "mine.json"), "--out", str(folder / "run")]) == 0
    return folder


def test_the_proposal_explains_two_fifths_of_the_variance(place: Path) -> None:
    metrics = json.loads((place / "run" / "metrics.json").read_text())
    assert metrics["test"]["r2_score"] > 0.4
    assert 30 < metrics["test"]["root_mean_squared_error"] < 70
    assert codec.load(place / "mine.json").data.target_scaling == "standard"


def test_evaluate_tells_scikit_learn_s_figures(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(place / "run"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    experiment = codec.load(place / "mine.json")
    rows = load_dataset(experiment.data, seed=experiment.seed).test
    said = keras.models.load_model(place / "run" / "model.keras").predict(rows.x, batch_size=1000, verbose=0)[:, 0]
    assert found["mean_absolute_error"] == pytest.approx(sklearn.metrics.mean_absolute_error(rows.y, said), rel=1e-6)
    assert found["r2_score"] == pytest.approx(sklearn.metrics.r2_score(rows.y, said), rel=1e-6)
    assert main(["evaluate", str(place / "run")]) == 0
    line = capsys.readouterr().out
    assert "r2 score 0." in line and line.count("mae") == 1 and "mean absolute error" not in line


def test_new_rows_are_answered_in_the_own_unit(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    assert main(["predict", str(place / "run"), str(place / "table.csv"), "--out", str(out), "--coverage", "0.8"]) == 0
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    said = np.array([float(row["prediction"]) for row in rows])
    assert sklearn.metrics.r2_score(load_diabetes().target, said) > 0.4
    assert all(float(row["low"]) < float(row["prediction"]) < float(row["high"]) for row in rows)


def test_the_run_keeps_the_unit_of_its_training_rows(place: Path) -> None:
    kept = json.loads((place / "run" / "preparation.json").read_text())["target_unit"]
    experiment = codec.load(place / "mine.json")
    y = load_dataset(experiment.data, seed=experiment.seed).train.y
    assert kept == pytest.approx({"mean": y.mean(), "std": y.std()}, rel=1e-12)
    last = keras.models.load_model(place / "run" / "best.keras").layers[-1]
    assert (last.name, last.scale, last.offset) == ("target_unit", pytest.approx(y.std()), pytest.approx(y.mean()))


def test_without_scaling_an_older_file_learns_the_number_as_it_is(place: Path, tmp_path: Path) -> None:
    plain = codec.to_plain(codec.load(place / "mine.json"))
    del plain["data"]["target_scaling"]
    (tmp_path / "old.json").write_text(json.dumps(plain))
    words = ["run", str(tmp_path / "old.json"), "--out", str(tmp_path / "run"), "--epochs", "1"]
    assert main(words) == 0
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.layers[-1].name == "output"
    assert json.loads((tmp_path / "run" / "preparation.json").read_text()).get("target_unit") is None
    assert "target_std" not in json.loads((tmp_path / "run" / "metrics.json").read_text())["trained_with"]


def test_large_figures_are_printed_without_decimals() -> None:
    line = figures({"loss": 37_557_402_166.7160, "mae of all": 152_340.25, "r2_score": 0.41234})
    assert line == "loss 3.756e+10, mae of all 152,340, r2 score 0.4123"
