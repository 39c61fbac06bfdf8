"""`dnnstudio uncertainty`: the file holds what was promised, and bad input is a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.cli.main import main


def small(*, rate: float) -> dict[str, Any]:
    dropout = [{"kind": "dropout", "id": "drop", "rate": rate}] if rate else []
    return {
        "name": "Small",
        "data": {"source": {"kind": "digits"}, "train_limit": 200},
        "layers": [
            {"kind": "flatten", "id": "flatten"},
            *dropout,
            {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
        ],
        "training": {"epochs": 1, "batch_size": 32},
    }


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "small.json").write_text(json.dumps(small(rate=0.3)))
    assert main(["run", str(tmp_path / "small.json"), "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    return tmp_path / "run"


def test_the_file_holds_passes_scores_and_labels(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = trained.parent / "samples.npz"
    assert main(["uncertainty", str(trained), "--samples", "5", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    with np.load(out) as arrays:
        held = {name: arrays[name] for name in arrays.files}
    assert held["probabilities"].shape == (5, 360, 10)
    assert held["probabilities"].dtype == np.float32
    mean = held["probabilities"].astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(held["mean"], mean, atol=1e-6)
    np.testing.assert_allclose(held["std"], held["probabilities"].astype(np.float64).std(axis=0), atol=1e-6)
    entropy = -(mean * np.log(np.maximum(mean, 1e-300))).sum(axis=1)
    np.testing.assert_allclose(held["entropy"], entropy, atol=1e-9)
    np.testing.assert_allclose(held["mutual_information"], entropy - held["expected_entropy"], atol=1e-9)
    assert held["deterministic"].shape == (360, 10)
    assert said["accuracy"] == float((mean.argmax(axis=1) == held["labels"]).mean())
    assert said["samples"] == 5 and said["images"] == 360


def test_the_same_seed_writes_the_same_passes_from_the_run_and_from_its_model(trained: Path) -> None:
    outs = [trained.parent / name for name in ("a.npz", "b.npz", "c.npz")]
    from_file = [str(trained / "model.keras"), "--data", str(trained.parent / "small.json")]
    for out, source, seed in zip(outs, ([str(trained)], from_file, [str(trained)]), ("1", "1", "2"), strict=True):
        words = ["uncertainty", *source, "--samples", "3", "--seed", seed, "--out", str(out)]
        assert main(words) == 0
    a, b, c = (np.load(out)["probabilities"] for out in outs)
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_the_experiment_s_seed_is_the_usual_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, run = tmp_path / "seven.json", tmp_path / "run"
    path.write_text(json.dumps(small(rate=0.3) | {"seed": 7}))
    assert main(["run", str(path), "--out", str(run)]) == 0
    passes = []
    for number, words in enumerate(([], ["--seed", "7"])):
        out = tmp_path / f"{number}.npz"
        assert main(["uncertainty", str(run), "--samples", "2", *words, "--out", str(out)]) == 0
        with np.load(out) as arrays:
            assert int(arrays["seed"]) == 7
            passes.append(arrays["probabilities"])
    assert np.array_equal(*passes)


def test_bad_input_is_one_sentence(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(small(rate=0)))
    assert main(["run", str(plain), "--out", str(tmp_path / "plain")]) == 0
    capsys.readouterr()
    cases = (
        ([str(tmp_path / "plain"), "--samples", "9", "--out", str(tmp_path / "x.npz")], "no dropout layer"),
        ([str(trained), "--out", str(tmp_path / "x.csv")], ".npz"),
        ([str(trained), "--out", str(tmp_path / "no" / "x.npz")], "does not exist"),
        ([str(tmp_path / "none"), "--out", str(tmp_path / "x.npz")], "does not exist"),
        ([str(trained / "model.keras"), "--out", str(tmp_path / "x.npz")], "--data"),
        ([str(trained), "--out", str(tmp_path / "x.npz"), "--samples", "0"], "samples"),
    )
    for words, expected in cases:
        assert main(["uncertainty", *words]) == 2
        said = capsys.readouterr().err
        assert expected in said
        assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "x.npz").exists()


def test_a_network_without_dropout_answers_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "plain.json", tmp_path / "plain.npz"
    path.write_text(json.dumps(small(rate=0)))
    assert main(["run", str(path), "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert main(["uncertainty", str(tmp_path / "run"), "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert main(["uncertainty", str(tmp_path / "run"), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "Nothing in this network is random" in text and "mutual" not in text
    with np.load(out) as arrays:
        assert arrays["probabilities"].shape == (1, 360, 10)
        assert np.array_equal(arrays["probabilities"][0], arrays["deterministic"])
        assert not arrays["std"].any() and not arrays["mutual_information"].any()
        right = (arrays["deterministic"].argmax(axis=1) == arrays["labels"]).mean()
    assert said["samples"] == 1
    assert said["accuracy"] == said["accuracy_deterministic"] == right


def test_a_number_is_written_with_its_passes_and_told_in_its_own_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, path, out = tmp_path / "rows.csv", tmp_path / "number.json", tmp_path / "number.npz"
    table.write_text("a,b,y\n" + "\n".join(f"{n},{n * n % 7},{n / 3}" for n in range(80)))
    source = {"kind": "csv", "path": str(table), "label_column": "y", "target": "number"}
    layers = [
        {"kind": "dense", "id": "hidden", "units": 8},
        {"kind": "dropout", "id": "drop", "rate": 0.3},
        {"kind": "dense", "id": "output", "units": 1},
    ]
    path.write_text(
        json.dumps({"name": "Number", "data": {"source": source}, "layers": layers, "training": {"epochs": 1}})
    )
    assert main(["run", str(path), "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    words = ["uncertainty", str(tmp_path / "run"), "--samples", "20", "--out", str(out)]
    assert main([*words, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    with np.load(out) as arrays:
        passes, truth = arrays["predictions"].astype(np.float64), arrays["labels"]
    assert passes.shape == (20, len(truth)) and passes.std(axis=0).min() > 0
    assert said["mean_absolute_error"] == pytest.approx(np.abs(passes.mean(axis=0) - truth).mean())
    held = np.abs(passes.mean(axis=0) - truth) <= 1.6448536 * passes.std(axis=0)
    assert said["coverage_of_90"] == held.mean()
    assert main(words) == 0
    assert "20 passes over" in capsys.readouterr().out
