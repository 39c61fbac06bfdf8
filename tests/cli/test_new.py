"""`dnnstudio new`: from a file or folder of one's own to an experiment that passes its check and trains."""

from __future__ import annotations

import csv
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_diabetes, load_iris

from dnnstudio.cli.main import main
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import Table
from dnnstudio.engine.data import describe
from dnnstudio.engine.data.preparation import Preparation

RANDOM = np.random.default_rng(12)


def iris_rows() -> list[list[Any]]:
    iris = load_iris()
    rows = [[*x, iris.target_names[y]] for x, y in zip(iris.data.tolist(), iris.target, strict=True)]
    return [["sepal length", "sepal width", "petal length", "petal width", "species"], *rows]


def write(path: Path, rows: list[list[Any]], *, separator: str = ",", encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    return path


def passengers(path: Path) -> Path:
    """Names, an id, empty cells, a letter and numbers, as in the lists of ships."""
    rows: list[list[Any]] = [["PassengerId", "Survived", "Class", "Name", "Sex", "Age", "Cabin", "Fare"]]
    for row in range(150):
        age = "" if row % 7 == 0 else 20 + row % 40
        cabin = f"C{row}" if row % 9 == 0 else ""
        name = f"Doe, Mr. John {row} (Smith)"
        rows.append([row + 1, row * 7 % 2, 1 + row % 3, name, ["male", "female"][row % 2], age, cabin, row * 0.37])
    return write(path, rows)


def german(path: Path) -> Path:
    """As a German Excel exports: semicolons, decimal commas, dates with points, Windows-1252."""
    rows: list[list[Any]] = [["Größe", "Gewicht", "Tag", "Stadt", "Kauf"]]
    for row in range(80):
        day = f"{1 + row % 28:02d}.{1 + row % 12:02d}.2023"
        size, weight = f"{1.5 + row / 200:.2f}".replace(".", ","), f"{1_000 + row * 17},5"
        rows.append([size, weight, day, ["Köln", "Ulm", "Bonn"][row % 3], ["ja", "nein"][row * 5 % 2]])
    return write(path, rows, separator=";", encoding="cp1252")


def with_row_names(path: Path) -> Path:
    """As R writes it: a first column without a name, NA, and a factor."""
    rows: list[list[Any]] = [["", "mass", "height", "sex"]]
    rows += [[row + 1, "NA" if row == 5 else RANDOM.normal(), row % 13, "mf"[row % 2]] for row in range(60)]
    return write(path, rows)


def without_head(path: Path) -> Path:
    return write(path, [[row / 7, row % 11 / 3, "abc"[row % 3]] for row in range(60)], separator="\t")


def diabetes(path: Path) -> Path:
    data = load_diabetes()
    rows = [[*x, y] for x, y in zip(data.data.tolist(), data.target.tolist(), strict=True)]
    return write(path, [[*data.feature_names, "progression"], *rows])


TABLES: dict[str, tuple[Callable[[Path], Path], str, str, int]] = {
    "iris.csv": (lambda path: write(path, iris_rows()), "classes", "species", 4),
    "ship.csv": (passengers, "classes", "Survived", 6),
    "german.csv": (german, "classes", "Kauf", 9),
    "r.csv": (with_row_names, "classes", "sex", 2),
    "plain.tsv": (without_head, "classes", "column_3", 2),
    "diabetes.csv": (diabetes, "number", "progression", 10),
}


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_becomes_an_experiment_without_a_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make, task, target, inputs = TABLES[name]
    out = tmp_path / "mine.json"
    assert main(["new", str(make(tmp_path / name)), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["task"], told["target"], told["experiment"]) == (task, target, str(out))
    assert bool(told["classes"]) == (task == "classes")
    assert min(told["rows"].values()) > 0
    roles = {column["name"]: column["role"] for column in told["columns"]}
    assert list(roles.values()).count("target") == 1 and set(roles.values()) <= {"feature", "target", "ignored"}
    assert all(column["reason"].endswith(".") for column in told["columns"])
    assert main(["check", str(out)]) == 0
    assert capsys.readouterr().out == f"{name.split('.')[0]}: nothing wrong.\n"
    experiment = codec.load(out)
    assert describe(experiment.data, seed=experiment.seed).summary.input_shape == (inputs,)


def test_ids_names_and_mostly_empty_columns_are_left_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["new", str(passengers(tmp_path / "ship.csv")), "--out", str(tmp_path / "s.json"), "--json"])
    columns = {column["name"]: column for column in json.loads(capsys.readouterr().out)["columns"]}
    left_out = {name: column["reason"] for name, column in columns.items() if column["role"] == "ignored"}
    assert left_out == {
        "PassengerId": "Its numbers only tell the rows apart.",
        "Name": "150 different free texts in 150 rows.",
        "Cabin": "Each of its texts stands there once.",
    }
    assert columns["Age"]["reason"] == "All its cells are numbers; 22 cells are empty."


def test_the_column_to_predict_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "iris.csv", iris_rows())
    out = tmp_path / "i.json"
    assert main(["new", str(path), "--predict", "petal width", "--out", str(out)]) == 0
    assert "Predicts petal width: a number" in capsys.readouterr().out
    source = codec.load(out).data.source
    assert isinstance(source, Table) and source.target == "number"
    assert main(["new", str(path), "--predict", "petal widht", "--out", str(out)]) == 2
    assert capsys.readouterr().err == 'The table has no column "petal widht". Did you mean "petal width"?\n'


def test_a_run_learns_iris_and_keeps_its_preparation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, run = tmp_path / "i.json", tmp_path / "run"
    main(["new", str(write(tmp_path / "iris.csv", iris_rows())), "--out", str(out)])
    assert main(["run", str(out), "--out", str(run), "--epochs", "40"]) == 0
    assert json.loads((run / "metrics.json").read_text())["test"]["accuracy"] >= 0.9
    kept = Preparation.load(run / "preparation.json")
    assert kept.inputs == ("sepal length", "sepal width", "petal length", "petal width")
    assert kept.target.name == "species" and kept.classes == ("setosa", "versicolor", "virginica")
    assert capsys.readouterr().err == ""


def test_arrays_idx_files_and_pictures_become_experiments_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = RANDOM.integers(0, 256, (60, 14, 14), dtype=np.uint8)
    labels = np.arange(60) % 3
    np.savez(tmp_path / "a.npz", x_train=pictures, y_train=labels)
    idx = tmp_path / "idx"
    idx.mkdir()
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, 60, 14, 14)
    (idx / "train-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
    (idx / "train-labels-idx1-ubyte").write_bytes(
        struct.pack(">BBBBI", 0, 0, 8, 1, 60) + labels.astype(np.uint8).tobytes()
    )
    for row, picture in enumerate(pictures):
        place = tmp_path / "pictures" / "abc"[labels[row]]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{row}.png")
    for source, kind in (("a.npz", "npz"), ("idx", "idx"), ("pictures", "pictures")):
        out = tmp_path / f"{kind}.json"
        assert main(["new", str(tmp_path / source), "--out", str(out), "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["classes"]) == 3
        experiment = codec.load(out)
        assert experiment.data.source.kind == kind and experiment.data.scaling == "unit"
        assert main(["check", str(out)]) == 0
        capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.csv"], "does not exist"),
        (["one.csv"], "one column only"),
        (["empty"], "holds no pictures"),
        (["iris.csv", "--out", "x.txt"], "is no name for an experiment"),
        (["a.npz", "--predict", "y"], "--predict names the column of a table"),
    ],
)
def test_what_cannot_become_an_experiment_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.csv").write_text("a\n1\n2\n")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "iris.csv", iris_rows())
    np.savez(tmp_path / "a.npz", x_train=np.zeros((9, 2)), y_train=np.arange(9) % 2)
    assert main(["new", *words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.out == ""


def test_a_file_that_is_there_is_not_overwritten_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "iris.csv", iris_rows())
    assert main(["new", "iris.csv"]) == 0
    assert (tmp_path / "iris.json").is_file()
    assert main(["new", "iris.csv"]) == 2
    assert "iris.json is there already" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="a path of Windows is shorter")
def test_a_table_whose_name_is_longer_than_an_experiment_s_is_taken(tmp_path: Path) -> None:
    table = write(tmp_path / f"{'L' * 240}.csv", iris_rows())
    assert main(["new", str(table), "--out", str(tmp_path / "iris.json")]) == 0
    assert codec.load(tmp_path / "iris.json").name == "L" * 200
