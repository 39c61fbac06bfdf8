"""`dnnstudio uncertainty`: the file holds what was promised, and bad input is a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.cli import main


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


def test_bad_input_is_one_sentence(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps(small(rate=0)))
    assert main(["run", str(plain), "--out", str(tmp_path / "plain")]) == 0
    capsys.readouterr()
    cases = (
        ([str(tmp_path / "plain"), "--out", str(tmp_path / "x.npz")], "no dropout layer"),
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
