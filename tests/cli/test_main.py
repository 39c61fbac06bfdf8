"""The commands: what they print, and one sentence with exit code 2 for everything that a person can get wrong."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.recipes import list_recipes, load_recipe

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "dnnstudio.cli.main"]
RECIPES = ROOT / "resources" / "recipes"


def plain_digits() -> dict[str, Any]:
    """A network small enough to train in a moment, as the plain contents of its file."""
    return {
        "name": "Small",
        "data": {"source": {"kind": "digits"}, "train_limit": 300},
        "layers": [
            {"kind": "flatten", "id": "flatten"},
            {"kind": "dense", "id": "hidden", "units": 16, "activation": "relu"},
            {"kind": "dropout", "id": "drop", "rate": 0.2},
            {"kind": "dense", "id": "output", "units": 10, "activation": "softmax"},
        ],
        "optimizer": {"kind": "sgd", "learning_rate": 0.05},
        "training": {"epochs": 2, "batch_size": 32},
    }


def write(path: Path, plain: dict[str, Any]) -> Path:
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def idx_bytes(array: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def idx_experiment(folder: Path, images: bytes, labels: bytes) -> Path:
    (folder / "images.idx").write_bytes(images)
    (folder / "labels.gz").write_bytes(gzip.compress(labels))
    plain = plain_digits()
    plain["data"] = {
        "source": {
            "kind": "idx",
            "train_images": str(folder / "images.idx"),
            "train_labels": str(folder / "labels.gz"),
        }
    }
    return write(folder / "idx.json", plain)


PICTURES = np.random.default_rng(1).integers(0, 256, (100, 6, 6))
LABELS = np.arange(100) % 10


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Runs the command, which must refuse in one line on stderr with exit code 2; gives that line."""
    code = main(arguments)
    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    lines = printed.err.splitlines()
    assert len(lines) == 1
    assert lines[0].endswith((".", "?"))
    return lines[0]


# ----------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("verb", [["check"], ["summary"], ["run", "--out", "out"], ["evaluate"]])
def test_a_missing_file_is_named(verb: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sentence = refused([*verb, "nowhere/experiment.json"], capsys)
    assert "nowhere/experiment.json" in sentence
    assert "does not exist" in sentence


BAD_FIELDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("unknown key", {"layers": [{"kind": "dense", "id": "a", "unit": 3, "units": 10}]}, ["layers[0].unit ", '"units"']),
    (
        "negative units",
        {"layers": [{"kind": "dense", "id": "a", "units": -3}]},
        ["layers[0].units", "-3", "at least 1"],
    ),
    ("text for a number", {"layers": [{"kind": "dense", "id": "a", "units": "7"}]}, ["layers[0].units", "whole"]),
    ("rate above one", {"layers": [{"kind": "dropout", "id": "a", "rate": 1.2}]}, ["layers[0].rate", "1.2", "below 1"]),
    ("unknown kind", {"layers": [{"kind": "dens", "id": "a"}]}, ["layers[0].kind", '"dens"', '"dense"']),
    ("no classes", {"data": {"classes": {"keep": []}}}, ["data.classes.keep"]),
    ("one class", {"data": {"classes": {"keep": [3]}}}, ["data.classes.keep"]),
    ("newer format", {"format": 99}, ["99", "newer"]),
]


@pytest.mark.parametrize("verb", [["check"], ["summary"], ["run", "--out", "out"]])
@pytest.mark.parametrize(("change", "words"), [row[1:] for row in BAD_FIELDS], ids=[row[0] for row in BAD_FIELDS])
def test_an_impossible_field_is_named_with_what_is_expected(
    verb: list[str],
    change: dict[str, Any],
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentence = refused([*verb, str(write(tmp_path / "bad.json", plain_digits() | change))], capsys)
    assert [word for word in words if word not in sentence] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["bad.json", "empty"]),
        ('{"name": "x",}', ["line 1"]),
        ("[1, 2]", ["list"]),
        ('{"seed": NaN}', ["NaN"]),
        ('{"seed": 1, "seed": 2}', ["seed", "twice"]),
        ("[" * 100_000, ["nested"]),
    ],
)
def test_a_file_that_is_no_experiment_is_refused(
    text: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    sentence = refused(["check", str(file)], capsys)
    assert [word for word in words if word not in sentence] == []


BAD_IDX: list[tuple[str, bytes, bytes, list[str]]] = [
    ("truncated", idx_bytes(PICTURES)[:-500], idx_bytes(LABELS), ["images.idx"]),
    ("header cut", idx_bytes(PICTURES)[:7], idx_bytes(LABELS), ["images.idx"]),
    ("empty", b"", idx_bytes(LABELS), ["images.idx"]),
    (
        "header lies",
        struct.pack(">BBBB3I", 0, 0, 8, 3, 60000, 28, 28) + idx_bytes(PICTURES)[16:],
        idx_bytes(LABELS),
        ["images.idx", "60000", "28"],
    ),
    ("more labels", idx_bytes(PICTURES), idx_bytes(np.arange(101) % 10), ["100", "101"]),
    ("fewer labels", idx_bytes(PICTURES), idx_bytes(np.arange(60) % 10), ["100", "60"]),
    ("swapped", idx_bytes(LABELS), idx_bytes(PICTURES), ["images.idx"]),
]


@pytest.mark.parametrize(("images", "labels", "words"), [row[1:] for row in BAD_IDX], ids=[row[0] for row in BAD_IDX])
def test_a_damaged_idx_file_is_refused_and_no_run_is_begun(
    images: bytes, labels: bytes, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = idx_experiment(tmp_path, images, labels)
    for arguments in (["check", str(experiment)], ["run", str(experiment), "--out", str(tmp_path / "out")]):
        sentence = refused(arguments, capsys).replace(",", "")
        assert [word for word in words if word not in sentence] == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], ["trian", "run"]),
        (["--foo"], ["--foo"]),
        (["check"], ["EXPERIMENT"]),
        (["check", "--foo", "x"], ["--foo"]),
        (["run", "DIGITS"], ["--out"]),
        (["run", "DIGITS", "--out", "new", "--epochs", "many"], ["--epochs"]),
        (["run", "DIGITS", "--out", "new", "--epochs", "0"], ["training.epochs", "at least 1"]),
        (["run", "DIGITS", "--out", "new", "--seed", "-1"], ["seed", "at least 0"]),
        (["run", "DIGITS", "--out", "new", "--set", "training.epochs"], ["path=value"]),
        (["run", "DIGITS", "--out", "new", "--set", "training.epoch=3"], ["epoch", "epochs"]),
        (["run", "DIGITS", "--out", "new", "--set", "layers[99].units=3"], ["99"]),
        (["run", "DIGITS", "--out", "new", "--set", "layers=[]"], ["empty"]),
        (["run", "DIGITS", "--out", "new", "--resume"], ["new", "no run"]),
        (["run", "MNIST", "--out", "new"], ["MNIST", "--download"]),
        (["evaluate", "DIGITS"], ["--data"]),
        (["recipes", "nope"], ["nope", "digits"]),
        (["data", "nope"], ["nope", "fashion_mnist"]),
        (["data", "csv"], ["csv"]),
        (["data", "mnist"], ["MNIST", "--download"]),
        (["summary", "."], ["run folder"]),
    ],
)
def test_a_wrong_command_line_is_explained(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    mnist = plain_digits() | {"data": {"source": {"kind": "mnist"}}}
    files = {"DIGITS": write(tmp_path / "digits.json", plain_digits()), "MNIST": write(tmp_path / "mnist.json", mnist)}
    sentence = refused([str(files.get(word, word)) for word in arguments], capsys)
    assert [word for word in words if word not in sentence] == []
    assert not (tmp_path / "new").exists()


def test_a_folder_with_other_things_in_it_does_not_become_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "model.keras").write_text("mine")
    experiment = write(tmp_path / "digits.json", plain_digits())
    assert "not empty" in refused(["run", str(experiment), "--out", str(tmp_path)], capsys)
    assert (tmp_path / "model.keras").read_text() == "mine"


def in_a_small_file_system(folder: Path, options: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs the command with a file system of its own mounted on `folder`. Permissions alone do not stop root."""
    folder.mkdir()
    unshare = [] if shutil.which("unshare") is None else ["unshare", "--mount", "--map-root-user", "sh", "-c"]
    mount = f"mount -t tmpfs -o {options} none {folder}"
    if not unshare or subprocess.run([*unshare, mount], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    script = f'{mount} && exec "$@"'
    return subprocess.run([*unshare, script, "sh", *COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [("ro", "read-only"), pytest.param("size=48k", "disk is full", marks=pytest.mark.thorough)],  # it waits for 20 s
)
def test_a_folder_that_cannot_hold_the_run_is_named(options: str, words: str, tmp_path: Path) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits() | {"training": {"epochs": 1}})
    plain = json.loads(experiment.read_text())
    plain["layers"][1]["units"] = 2000  # larger than the disk
    done = in_a_small_file_system(
        tmp_path / "disk", options, ["run", str(write(experiment, plain)), "--out", str(tmp_path / "disk" / "run")]
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert words in done.stderr
    assert str(tmp_path / "disk") in done.stderr


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits())
    code = main(["run", str(experiment), "--out", str(experiment / "run")])
    error = capsys.readouterr().err
    assert (code, len(error.splitlines())) == (2, 1)
    assert str(experiment) in error


def test_without_a_display_the_window_says_what_to_do() -> None:
    environment = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment.pop("QT_QPA_PLATFORM", None)
    for display in ({}, {"DISPLAY": ":971"}):
        done = subprocess.run(COMMAND, cwd=ROOT, env=environment | display, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert len(done.stderr.splitlines()) == 1
        assert "dnnstudio run" in done.stderr
        assert "xvfb-run" in done.stderr


# -------------------------------------------------------------------------------------------------- what they do


def test_the_recipes_are_listed_printed_and_free_of_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [recipe.name for recipe in list_recipes()]
    for name in listed:
        assert main(["recipes", name]) == 0
        file = tmp_path / f"{name}.json"
        file.write_text(capsys.readouterr().out)
        assert codec.load(file) == load_recipe(name).experiment
        assert main(["check", str(file)]) == 0
        capsys.readouterr()


def test_check_exits_1_for_an_experiment_that_cannot_be_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = plain_digits()
    plain["layers"][-1]["units"] = 3
    assert main(["check", str(write(tmp_path / "wrong.json", plain))]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("error: output: ")
    assert printed.err == ""


def test_the_schema_is_json_schema_of_the_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["type"] == "object"
    assert {"data", "layers", "optimizer", "schedule", "training"} <= set(schema["properties"])
    assert schema["$defs"]["Dropout"]["properties"]["rate"]["exclusiveMaximum"] == 1


def test_the_summary_counts_what_the_chapter_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(RECIPES / "batch_normalization.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    # 784·4, 784·300 + 300, 300·4, 300·100 + 100, 100·4, 100·10 + 10; half of each batch normalization is not trained.
    first = next(index for index, line in enumerate(lines) if line.startswith("flatten"))
    numbers = [[word for word in line.split() if word[0].isdigit()] for line in lines[first : first + 7]]
    assert [parameters for _, parameters, _ in numbers] == ["0", "3,136", "235,500", "1,200", "30,100", "400", "1,010"]
    assert lines[-3:] == ["parameters     271,346", "trainable      268,978", "non-trainable    2,368"]


def test_data_says_where_it_was_found_and_counts_the_classes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "digits", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shape"] == [8, 8]
    assert sum(found["rows"].values()) == 1797
    assert set(found["class_counts"]) == set("0123456789")


def history(run: Path) -> list[dict[str, str]]:
    """The rows of history.csv as text."""
    return list(csv.DictReader((run / "history.csv").read_text().splitlines()))


@pytest.fixture
def trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run folder of two epochs on digits."""
    experiment = write(tmp_path / "digits.json", plain_digits())
    assert main(["run", str(experiment), "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr()
    assert "epoch 2/2" in printed.out
    assert printed.err == ""
    return tmp_path / "run"


def test_run_fills_its_folder_and_the_model_is_evaluated_and_summed_up(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {"experiment.json", "history.csv", "model.keras", "best.keras", "metrics.json"} <= names
    metrics = json.loads((trained / "metrics.json").read_text())
    for model in (trained, trained / "model.keras"):
        assert main(["evaluate", str(model), "--data", str(trained.parent / "digits.json"), "--json"]) == 0
        figures = json.loads(capsys.readouterr().out)
        assert figures["accuracy"] == pytest.approx(metrics["test"]["accuracy"], abs=1e-6)
        assert figures["loss"] == pytest.approx(metrics["test"]["loss"], abs=1e-4)
        assert main(["summary", str(model)]) == 0
        assert "1,210" in capsys.readouterr().out.splitlines()[-2]  # 64·16 + 16 + 16·10 + 10


def test_the_same_seed_gives_the_same_history(trained: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert main(["run", str(trained), "--out", str(again)]) == 0
    first, second = history(trained), history(again)
    assert len(first) == 2
    for row in (*first, *second):
        row.pop("seconds")
    assert first == second


def test_options_change_the_experiment_that_is_trained(tmp_path: Path) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits())
    options = ["--seed", "7", "--epochs", "1", "--set", "training.batch_size=100", "--set", "layers.hidden.units=5"]
    assert main(["run", str(experiment), "--out", str(tmp_path / "run"), *options]) == 0
    run = codec.load(tmp_path / "run" / "experiment.json")
    assert (run.seed, run.training.epochs, run.training.batch_size) == (7, 1, 100)
    assert run.layers[1].units == 5


def test_resume_goes_on_where_the_run_stopped(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(trained), "--out", str(trained), "--resume", "--epochs", "3"]) == 0
    assert [int(row["epoch"]) for row in history(trained)] == [1, 2, 3]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process alone")
def test_interrupting_stops_soon_and_keeps_the_run(tmp_path: Path) -> None:
    experiment = write(tmp_path / "digits.json", plain_digits() | {"training": {"epochs": 100_000}})
    arguments = ["run", str(experiment), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("epoch")
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert "Stopped after" in printed
    assert (tmp_path / "run" / "model.keras").exists()
