"""Which dropped files a run could answer."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.workspace.ensembles import EnsembleRecord, member_folder, write_ensemble
from dnnstudio.core.workspace.run_rows import RunRows, rows_of_run
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.question import QuestionDialog
from dnnstudio.gui.predict.fitting import fits
from dnnstudio.gui.theme import Theme

TABLE = RunRows(columns=("size", "color"), target="kind")
PICTURES = RunRows(shape=(28, 28), has_white=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size,color\n1,red\n", True),
        ("\n kind;color;size\na;red;1\n", True),
        ('"size"\t"color"\n1\tred\n', True),
        ("size,colour\n1,red\n", False),
        ("", False),
    ],
)
def test_a_table_fits_where_its_first_line_has_all_columns(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    assert fits(TABLE, [path]) is expected
    assert not fits(PICTURES, [path])


def test_pictures_and_folders_of_pictures_fit_a_run_on_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    photo = tmp_path / "own photo.JPG"
    photo.write_bytes(b"")
    assert fits(PICTURES, [photo])
    assert not fits(TABLE, [photo])
    assert not fits(PICTURES, [folder])
    (folder / "inner" / "a.png").write_bytes(b"")
    assert fits(PICTURES, [photo, folder])
    assert not fits(PICTURES, [photo, tmp_path / "model.keras"])
    assert not fits(PICTURES, [])


def test_what_a_run_says_of_its_rows_is_read_from_its_preparation(tmp_path: Path) -> None:
    def write(plain: object) -> None:
        (tmp_path / "preparation.json").write_text(json.dumps(plain), encoding="utf-8")

    assert rows_of_run(tmp_path) == RunRows()
    write({"kind": "table", "columns": [{"column": {"name": "size"}}], "target": {"name": "kind"}})
    assert rows_of_run(tmp_path) == RunRows(columns=("size",), target="kind")
    write({"kind": "scaler", "shape": [8, 8], "full_scale": 255.0})
    assert rows_of_run(tmp_path).takes_pictures
    write({"kind": "scaler", "shape": [8, 8], "full_scale": None})
    assert not rows_of_run(tmp_path).takes_pictures
    write({"kind": "table", "columns": [3]})
    assert rows_of_run(tmp_path) == RunRows()


def test_a_member_says_of_which_rows_its_ensemble_is(tmp_path: Path) -> None:
    write_ensemble(tmp_path, EnsembleRecord(experiment=load_recipe("digits").experiment, seeds=(1, 2), threads=1))
    assert rows_of_run(tmp_path) == RunRows()
    place = member_folder(tmp_path, 2)
    place.mkdir()
    plain = {"kind": "table", "columns": [{"column": {"name": "size"}}], "target": {"name": "kind"}}
    (place / "preparation.json").write_text(json.dumps(plain), encoding="utf-8")
    assert rows_of_run(tmp_path) == RunRows(columns=("size",), target="kind")


@pytest.mark.parametrize(("names", "expected"), [(("color", "size", "kind"), True), (("color", "price"), False)])
@pytest.mark.parametrize("suffix", [".csv.gz", ".parquet", ".xlsx", ".ods"])
def test_a_packed_table_fits_where_it_names_all_columns(
    tmp_path: Path, suffix: str, names: tuple[str, ...], expected: bool
) -> None:
    path = tmp_path / f"new{suffix}"
    if suffix == ".csv.gz":
        path.write_bytes(gzip.compress(",".join(names).encode()))
    elif suffix == ".parquet":
        polars.DataFrame({name: [1, 2] for name in names}).write_parquet(path)
    else:
        part, tag = ("xl/sharedStrings.xml", "t") if suffix == ".xlsx" else ("content.xml", "text:p")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(part, "".join(f"<{tag}>{name}</{tag}>" for name in names))
    assert fits(TABLE, [path]) is expected
    path.write_bytes(path.read_bytes()[:20])
    assert not fits(TABLE, [path])  # damaged


def test_files_of_mnist_are_data_and_no_packed_table(tmp_path: Path) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(b"size,color"))
    assert not fits(TABLE, [path])


def test_arrays_fit_where_a_row_has_the_shape(tmp_path: Path) -> None:
    path = tmp_path / "new.npz"
    np.savez(path, pixels=np.zeros((3, 28, 28), np.uint8), labels=np.zeros(3))
    assert fits(PICTURES, [path])
    np.savez(path, pixels=np.zeros((3, 8, 8), np.uint8), labels=np.zeros(3))
    assert not fits(PICTURES, [path])
    path.write_bytes(b"PK")
    assert not fits(PICTURES, [path])


@pytest.mark.parametrize("answer", ["predict", "data", "cancel"])
def test_a_person_is_asked_what_dropped_files_are_for(qtbot: Any, theme: Theme, tmp_path: Path, answer: str) -> None:
    asked: list[str] = []
    said: list[str] = []

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QuestionDialog)
        asked.extend(found.text() for found in dialog.findChildren(QPushButton))
        said.extend(found.text() for found in dialog.findChildren(QLabel))
        button = dialog.findChild(QPushButton, f"answer_{answer}")
        assert button is not None
        button.click()

    QTimer.singleShot(0, press)
    parent = QWidget()
    qtbot.addWidget(parent)
    given = Dialogs(theme, Settings(tmp_path)).predict_or_data(parent, "run 12, Wardrobe", [Path("/new/photo.png")])
    assert given == answer
    assert "Predict with run 12, Wardrobe" in asked
    assert "A trained network can answer it" in " ".join(said)
