"""`dnnstudio repeat`: an ensemble on disk, its figures, and every verb that takes it as a model."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.reuse.loaded_model import read_model_at

ROOT = Path(__file__).resolve().parents[2]
SEEDS = (1, 2, 5)


def small(**changes: Any) -> dict[str, Any]:
    """Digits with a split and a scaling that depend on the seed, so that each member sees rows in its own way."""
    return {
        "name": "Small",
        "data": {
            "source": {"kind": "digits"},
            "train_limit": 300,
            "validation": {"kind": "fraction", "fraction": 0.2},
            "scaling": "standardize",
        },
        "layers": [
            {"kind": "flatten", "id": "flatten"},
            {"kind": "dense", "id": "hidden", "units": 8, "activation": "relu"},
            {"kind": "dropout", "id": "drop", "rate": 0.2},
            {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
        ],
        "optimizer": {"kind": "sgd", "learning_rate": 0.05},
        "training": {"epochs": 2, "batch_size": 32},
    } | changes


def write(path: Path, plain: dict[str, Any]) -> Path:
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An ensemble of three members, trained once for all tests, and what the command printed."""
    folder = tmp_path_factory.mktemp("repeat")
    file, out = write(folder / "small.json", small()), folder / "ensemble"
    command = [sys.executable, "-m", "dnnstudio.cli.main", "repeat", str(file), "--seeds", "1,2,5", "--out", str(out)]
    done = subprocess.run(
        [*command, "--jobs", "2", "--threads", "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def experiment_of(ensemble: Path) -> Experiment:
    return codec.load(ensemble.parent / "small.json")


def stacked(ensemble: Path) -> tuple[np.ndarray, np.ndarray]:
    """What Keras's own `model.predict` gives for every member on the test rows, and the labels."""
    experiment = experiment_of(ensemble)
    found, labels = [], np.empty(0)
    for seed in SEEDS:
        rows = load_dataset(experiment.data, seed=seed).test
        model = read_model_at(ensemble / "members" / str(seed)).model
        found.append(model.predict(rows.x, batch_size=1000, verbose=0).astype(np.float64))
        labels = rows.y  # type: ignore[assignment]
    return np.stack(found), labels


def test_the_folder_holds_members_and_figures(repeated: tuple[Path, str]) -> None:
    out, printed = repeated
    assert sorted(path.name for path in out.iterdir()) == [
        "checksums.json",
        "ensemble.json",
        "members",
        "metrics.json",
    ]
    assert sorted(path.name for path in (out / "members").iterdir()) == ["1", "2", "5"]
    members = [read_metrics(out / "members" / str(seed)) or {} for seed in SEEDS]
    assert [(metrics["seed"], metrics["threads"]) for metrics in members] == [(seed, 1) for seed in SEEDS]
    metrics = read_metrics(out)
    assert metrics is not None
    for part in ("train", "validation", "test"):
        for name in ("loss", "accuracy"):
            values = [member[part][name] for member in members]
            expected = {"mean": statistics.mean(values), "std": statistics.stdev(values), "n": 3}
            assert metrics[part][name] == expected
    assert [printed.count(f"seed {seed}  epoch 2/2") for seed in SEEDS] == [1, 1, 1]
    assert f"accuracy {metrics['test']['accuracy']['mean']:.4f} ± " in printed
    assert any("validation rows" in note for note in metrics["notes"])


def test_the_ensemble_s_figures_are_those_of_the_mean_answer(
    repeated: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = repeated
    outputs, labels = stacked(out)
    mean = outputs.mean(axis=0)
    loss = -np.log(mean[np.arange(len(labels)), labels]).mean()
    accuracy = (mean.argmax(axis=1) == labels).mean()
    assert main(["evaluate", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["accuracy"] == pytest.approx(accuracy, abs=1e-9)
    assert said["loss"] == pytest.approx(loss, abs=1e-6)  # predict and the compiled blocks round differently
    metrics = read_metrics(out)
    assert metrics is not None
    assert metrics["ensemble"]["test"] == pytest.approx(said, abs=1e-6)
    assert metrics["ensemble"]["test"]["loss"] < metrics["test"]["loss"]["mean"]  # Jensen's inequality


def test_members_are_the_passes_of_an_ensemble(
    repeated: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = repeated
    assert main(["uncertainty", str(out), "--out", str(tmp_path / "members.npz"), "--json"]) == 0
    assert main(["evaluate", str(out), "--json"]) == 0
    said, figures = map(json.loads, capsys.readouterr().out.splitlines())
    with np.load(tmp_path / "members.npz") as arrays:
        held = {name: arrays[name] for name in arrays.files}
    outputs, labels = stacked(out)
    passes = held["probabilities"].astype(np.float64)
    assert passes.shape == (3, len(labels), 10)
    np.testing.assert_allclose(passes, outputs, atol=1e-6)
    mean = passes.mean(axis=0)
    entropy = -(mean * np.log(mean)).sum(axis=1)
    expected = -(passes * np.log(passes)).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(held["entropy"], entropy, atol=1e-9)
    np.testing.assert_allclose(held["mutual_information"], entropy - expected, atol=1e-9)
    np.testing.assert_allclose(held["deterministic"], mean, atol=1e-6)
    assert said["nll"] == pytest.approx(-np.log(mean[np.arange(len(labels)), labels]).mean(), abs=1e-9)
    assert figures["loss"] == pytest.approx(said["nll"], abs=1e-9)
    assert figures["accuracy"] == said["accuracy"]


def test_with_samples_every_member_makes_passes_of_its_own(repeated: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = repeated
    assert main(["uncertainty", str(out), "--samples", "2", "--seed", "3", "--out", str(tmp_path / "all.npz")]) == 0
    with np.load(tmp_path / "all.npz") as arrays:
        passes = arrays["probabilities"]
    assert passes.shape == (6, 360, 10)
    for place, seed in enumerate(SEEDS):
        words = ["uncertainty", str(out / "members" / str(seed)), "--samples", "2", "--seed", "3"]
        assert main([*words, "--out", str(tmp_path / "one.npz")]) == 0
        with np.load(tmp_path / "one.npz") as arrays:
            np.testing.assert_array_equal(passes[place::3], arrays["probabilities"])


def test_the_summary_of_an_ensemble_is_that_of_its_experiment(
    repeated: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = repeated
    assert main(["summary", str(out)]) == 0
    of_ensemble = capsys.readouterr().out
    assert main(["summary", str(out.parent / "small.json")]) == 0
    assert of_ensemble == capsys.readouterr().out


def test_what_is_trained_is_not_repeated_and_a_missing_member_is(
    repeated: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = repeated
    before = {path: path.stat().st_mtime_ns for path in (out / "members").rglob("*") if path.is_file()}
    metrics = read_metrics(out)
    words = ["repeat", str(out.parent / "small.json"), "--seeds", "1,2,5", "--out", str(out), "--json"]
    assert main(words) == 0
    said = json.loads(capsys.readouterr().out)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert said.pop("folder") == str(out)
    assert said["test"] == (metrics or {})["test"]
    other = [word.replace("1,2,5", "1,2") for word in words]
    assert main(other) == 2
    assert "seed 5" in capsys.readouterr().err


def test_a_member_that_cannot_be_trained_is_named_and_the_others_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = write(tmp_path / "small.json", small()), tmp_path / "out"
    write_ensemble(out, EnsembleRecord(experiment=codec.load(file), seeds=(42,), threads=1))
    (out / "members" / "42").write_text("no folder can be made here")
    words = ["repeat", str(file), "--out", str(out), "--jobs", "1", "--json"]
    assert main([*words, "--seeds", "1"]) == 2
    said = capsys.readouterr().err
    assert "\nSeed 42: The folder " in f"\n{said}"
    assert "There is no trained member in the folder." in said
    assert main([*words, "--seeds", "2"]) == 1
    printed = capsys.readouterr()
    metrics = json.loads(printed.out)
    assert "Seed 42: The folder " in printed.err
    assert (metrics["reason"], metrics["seeds"], metrics["missing"]) == ("unfinished", [43], [42])
    assert metrics["test"]["accuracy"]["n"] == 1


def test_ctrl_c_stops_and_the_same_command_goes_on(tmp_path: Path) -> None:
    long = small(training={"epochs": 100_000, "batch_size": 32})
    file, out = write(tmp_path / "small.json", long), tmp_path / "out"
    command = [sys.executable, "-m", "dnnstudio.cli.main", "repeat", str(file), "--seeds", "1", "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "epoch" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "The same command goes on." in said
    rows = (out / "members" / "42" / "history.csv").read_text().splitlines()
    assert len(rows) >= 2
    assert (out / "members" / "42" / "checkpoint" / "state.npz").exists()
