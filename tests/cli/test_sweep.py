"""`dnnstudio sweep`: trials and their table, going on after a kill, and what is refused."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.cli.main import main
from tests.core.study.sweep_kit import KIND, store_sweep

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dnnstudio.cli.main", "sweep"]
PATIENCE_S = 240.0
SMALL: dict[str, Any] = {
    "name": "Small",
    "data": {"source": {"kind": "digits"}, "train_limit": 200, "validation": {"kind": "fraction", "fraction": 0.2}},
    "layers": [
        {"kind": "flatten", "id": "flatten"},
        {"kind": "dense", "id": "hidden", "units": 8, "activation": "relu"},
        {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
    ],
    "optimizer": {"kind": "sgd", "learning_rate": 0.05},
    "training": {"epochs": 1, "batch_size": 32},
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.json"
    path.write_text(json.dumps(SMALL), encoding="utf-8")
    return path


def table(out: Path) -> list[dict[str, str]]:
    if not (out / "trials.csv").exists():
        return []
    with (out / "trials.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def trained(out: Path) -> dict[str, int]:
    """When each trial's network was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("trials/*/model.keras")}


@pytest.mark.timeout(900)  # two programs, which start TensorFlow each
def test_a_killed_sweep_goes_on_repeats_nothing_and_may_grow(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    vary = ["--vary", "optimizer.learning_rate=log:0.001..0.5", "--vary", "layers.hidden.units=4..32"]
    words = [str(small), "--out", str(out), "--jobs", "1", "--json"]
    with subprocess.Popen(
        [*COMMAND, *words, *vary, "--trials", "3"], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + PATIENCE_S
        while len(table(out)) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    before, networks = table(out), trained(out)
    assert [row["status"] for row in before] == ["done"] * len(before)
    more = [*COMMAND, str(out), *words[1:], "--resume", "--trials", "5"]  # its folder says what is varied
    done = subprocess.run(more, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = table(out)
    assert rows[: len(before)] == before
    assert [(row["trial"], row["status"]) for row in rows] == [(str(number), "done") for number in range(5)]
    assert {name: trained(out)[name] for name in networks} == networks
    assert len({row["optimizer.learning_rate"] for row in rows}) == 5
    assert all(4 <= int(row["layers.hidden.units"]) <= 32 for row in rows)
    said = json.loads(done.stdout)
    best = max(rows, key=lambda row: (float(row["val_accuracy"]), -float(row["val_loss"])))
    assert (str(said["best"]["trial"]), said["best"]["folder"]) == (best["trial"], best["folder"])
    assert said["best"]["test"]["accuracy"] == float(best["test_accuracy"])
    assert said["best"]["values"]["optimizer.learning_rate"] == float(best["optimizer.learning_rate"])
    assert said["trials"] == {"done": 5, "failed": 0, "stopped": 0, "pruned": 0}
    files = {path.name for path in out.iterdir()}
    assert files == {"sweep.json", "trials.csv", "trials.json", "trials", "journal.log", "checksums.json"}


def test_ctrl_c_stops_and_the_grid_goes_on(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    words = [str(small), "--vary", "training.epochs=1,100000", "--vary", "layers[1].kind=dense", "--out", str(out)]
    with subprocess.Popen(
        [*COMMAND, *words, "--jobs", "1"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("trial 0  done  training.epochs=1, layers[1].kind=dense")
        assert "1 of 2 trials over, about " in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "--resume goes on" in said
    assert table(out)[0]["status"] == "done"
    assert [row["status"] for row in table(out)[1:]] in ([], ["stopped"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--vary", "layers.hidden.units=8,0"], "With layers.hidden.units=0: "),
        (["--vary", "layers.hidden.units=8..16"], "Add --trials N"),
        (["--vary", "layers.output.units=10,3"], "With layers.output.units=3: "),
        (["--vary", "layers.hidden.units=8,16", "--trials", "3"], "2 combinations"),
        (["--vary", "layers.hidden.units"], "PATH=VALUES"),
        ([], "Nothing is varied"),
        (["--vary", "layers.hidden.units=8,16", "--resume"], "holds no sweep"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_is_written(
    small: Path, tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sweep"
    assert main(["sweep", str(small), "--out", str(out), *words]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""
    assert not out.exists()


def test_a_folder_with_something_in_it_is_refused(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sweep", str(small), "--vary", "seed=1,2", "--out"]
    assert main([*words, str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    (tmp_path / "sweep.json").write_text("{}")
    assert main([*words, str(tmp_path)]) == 2
    assert "holds a sweep already" in capsys.readouterr().err


def test_a_lost_table_is_written_again_and_changed_data_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = store_sweep(
        tmp_path / "sweep", {0: ({KIND: "sgd"}, 0.8), 1: ({KIND: "adam"}, 0.9)}, vary=(f"{KIND}=sgd,adam",)
    )
    before = table(out)
    (out / "trials.csv").unlink()
    words = ["sweep", str(out), "--out", str(out), "--resume"]
    assert main(words) == 0
    assert table(out) == before
    assert "no fair comparison" not in capsys.readouterr().out
    for number in (0, 1):
        (out / "trials" / str(number) / "metrics.json").write_text(json.dumps({"data_fingerprint": str(number)}))
    assert main(words) == 0
    assert "The data was changed between the trials" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    assert "The data was changed between the trials" in json.loads(capsys.readouterr().out)["notes"][0]
