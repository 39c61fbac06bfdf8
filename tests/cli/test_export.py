"""`dnnstudio export`: scripts, notebooks and model files, and bad input in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.export.formats import EXPORTERS

SMALL = {
    "name": "Small",
    "data": {"source": {"kind": "digits"}, "train_limit": 200},
    "layers": [
        {"kind": "flatten", "id": "flatten"},
        {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
    ],
    "training": {"epochs": 1},
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "small.json").write_text(json.dumps(SMALL))
    return tmp_path / "small.json"


def test_an_experiment_becomes_a_script_and_a_notebook(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script, notebook = small.with_suffix(".py"), small.with_suffix(".ipynb")
    assert main(["export", str(small), "--out", str(script)]) == 0
    assert main(["export", str(small), "--to", "notebook", "--out", str(notebook)]) == 0
    assert f"Written to {notebook}" in capsys.readouterr().out
    compile(script.read_text(encoding="utf-8"), "small.py", "exec")
    assert len(json.loads(notebook.read_text(encoding="utf-8"))["cells"]) > 4


def test_a_run_becomes_files_that_plain_keras_opens(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small.parent / "run"
    assert main(["run", str(small), "--out", str(run)]) == 0
    x = np.random.default_rng(0).random((3, 8, 8), np.float32)
    answers = []
    for to in ("keras", "h5"):
        out = small.parent / f"model.{to}"
        assert main(["export", str(run), "--to", to, "--out", str(out)]) == 0
        assert "It reads rows prepared as in training; preparation.json" in capsys.readouterr().out
        answers.append(keras.models.load_model(out, compile=False).predict(x, verbose=0))
    np.testing.assert_array_equal(answers[0], answers[1])


def test_a_run_becomes_an_onnx_file_that_is_proven(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = small.parent / "run", small.parent / "model.onnx"
    assert main(["run", str(small), "--out", str(run)]) == 0
    assert main(["export", str(run), "--to", "onnx", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert out.exists() and "ran the file on 100 test rows; the largest difference is" in said
    assert main(["export", str(run), "--to", "onnx", "--stochastic", "--out", str(out)]) == 2
    assert "no dropout to keep active" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["small.json", "--to", "keras", "--out", "m.keras"], "has no weights yet"),
        (["small.json", "--to", "h5", "--out", "m.txt"], "ends in .h5"),
        (["small.json", "--to", "h5", "--out", "m.hdf5"], "ends in .h5"),
        (["small.json", "--out", "nowhere/s.py"], "does not exist"),
        (["gone.json", "--out", "s.py"], "gone.json"),
        (["small.json", "--to", "onnx", "--out", "m.onnx"], "has no weights yet"),
        (["small.json", "--to", "onnx", "--out", "m.txt"], "ends in .onnx"),
        (["small.json", "--to", "keras", "--stochastic", "--out", "m.keras"], "--stochastic is for"),
        (["small.json", "--to", "pdf", "--out", "s.pdf"], "pdf"),
    ],
)
def test_bad_input_is_one_sentence(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(small.parent)
    assert main(["export", *words]) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--help"]) == 0
    said = capsys.readouterr().out
    assert all(row.name in said for row in EXPORTERS.values() if row.on_command_line)


def test_an_unknown_format_is_refused(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(small), "--to", "tables", "--out", str(small.with_suffix(".py"))]) == 2
    named = "Use one of python, notebook, keras, h5, onnx, tflite, savedmodel, report, bundle."
    assert named in capsys.readouterr().err
