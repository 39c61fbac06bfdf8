"""What files and folders are, as they are dropped on the window or named on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.codec import save as save_experiment
from dnnstudio.core.experiment.data import Idx, Npz, Pictures, Table
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.runs import EXPERIMENT
from dnnstudio.engine.data.pictures.proposal import proposed_size
from dnnstudio.engine.data.proposing import propose as propose_experiment
from dnnstudio.engine.data.recognize import Recognized, recognize
from tests.engine.data.conftest import idx_bytes, pictures


def picture(path: Path, level: int = 0, size: tuple[int, int] = (20, 12)) -> Path:
    """A picture of (width, height); a level of 255 is red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((size[1], size[0], 3), level, np.uint8)
    if level == 255:
        values[..., 1:] = 0
    Image.fromarray(values).save(path)
    return path


def folder(root: Path, *classes: str, count: int = 6, level: int = 9) -> Path:
    for name in classes:
        for index in range(count):
            picture(root / name / f"{index}.png", level)
    return root


def test_a_file_is_told_by_its_name(tmp_path: Path) -> None:
    for name in ("m.keras", "m.h5", "t.csv", "t.parquet", "t.tsv.gz", "e.json"):
        (tmp_path / name).write_bytes(b"")
    wanted = {"m.keras": "model", "m.h5": "model", "e.json": "experiment"}
    for path in sorted(tmp_path.iterdir()):
        found = recognize([path])
        assert found.kind == wanted.get(path.name, "data")
        assert found.paths == (path,)
        assert found.source == (None if path.name in wanted else Table(path=str(path)))


def test_arrays_runs_and_idx_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", p=np.zeros((9, 3)), q=np.zeros((9, 2)), r=np.zeros(9))
    found = recognize([tmp_path / "a.npz"])
    assert (found.kind, found.source) == ("data", Npz(path=str(tmp_path / "a.npz")))
    assert found.questions[0] == Question(
        "x_train", "Which array holds the rows to train on?", ("p", "q"), ("p float64 9 × 3", "q float64 9 × 2")
    )
    (tmp_path / "run").mkdir()
    save_experiment(Experiment(), tmp_path / "run" / EXPERIMENT)
    assert recognize([tmp_path / "run"]) == Recognized("run", (tmp_path / "run",))
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    place = tmp_path / "mnist"
    place.mkdir()
    for name, array in zip(names, pictures(30), strict=True):
        (place / name).write_bytes(idx_bytes(array))
    paths = [place / name for name in names]
    source = Idx(train_images=str(paths[0]), train_labels=str(paths[1]))
    assert recognize([place]).source == recognize([paths[1]]).source == recognize(paths).source == source


@pytest.mark.parametrize("layout", [("a", "b"), ("train/a", "train/b", "Valid/a", "Valid/b")])
def test_folders_of_pictures_get_their_size(tmp_path: Path, layout: tuple[str, ...]) -> None:
    found = recognize([folder(tmp_path, *layout)])
    assert (found.kind, found.questions) == ("data", ())
    assert found.source == Pictures(path=str(tmp_path), height=12, width=20, color=False)


def test_colour_is_proposed_where_there_is_some(tmp_path: Path) -> None:
    folder(tmp_path, "a", "b")
    picture(tmp_path / "b" / "red.png", 255)
    assert recognize([tmp_path]).source == Pictures(path=str(tmp_path), height=12, width=20, color=True)


def test_the_size_is_the_median_and_bounded() -> None:
    assert proposed_size([(20, 10), (24, 12), (900, 900)]) == (12, 24)
    assert proposed_size([(640, 320)] * 3) == (32, 64)
    assert proposed_size([(4000, 1)]) == (1, 64)


def test_a_turned_picture_counts_as_it_is_seen(tmp_path: Path) -> None:
    for name in ("a", "b"):
        path = picture(tmp_path / name / "0.jpg")
        image = Image.open(path)
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(path, exif=exif)
    assert recognize([tmp_path]).source == Pictures(path=str(tmp_path), height=20, width=12, color=False)


def test_pictures_without_a_class_can_be_predicted(tmp_path: Path) -> None:
    flat = folder(tmp_path, "new") / "new"
    files = tuple(sorted(flat.iterdir()))
    assert recognize([flat]) == Recognized("unlabelled", files)
    assert recognize([tmp_path]) == Recognized("unlabelled", files)
    assert recognize([files[2]]) == Recognized("unlabelled", (files[2],))
    assert recognize(files[:2]) == Recognized("unlabelled", files[:2])


def test_a_table_of_labels_is_found_or_its_column_asked_for(tmp_path: Path) -> None:
    folder(tmp_path, "images", count=8)
    rows = [f"{i}.png,{'ab'[i % 2]},{'xyz'[i % 3]}" for i in range(8)]
    table = tmp_path / "list.csv"
    table.write_text("\n".join(["name,first,second", *rows]))
    found = recognize([tmp_path])
    assert found.questions == (Question("label_column", "Which column holds the labels?", ("first", "second")),)
    table.write_text("\n".join(["name,first,label", *rows]))
    assert recognize([tmp_path]) == Recognized(
        "data", (tmp_path,), Pictures(path=str(tmp_path), height=12, width=20, color=False)
    )


def test_what_is_nothing_known_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_bytes(b"")
    (tmp_path / "b.csv").write_bytes(b"")
    for paths, words in (
        ([], "No file is given"),
        ([tmp_path / "gone"], "does not exist"),
        ([tmp_path / "a.exe"], "no file that can be opened here"),
        ([tmp_path / "a.exe", tmp_path / "b.csv"], r"a\.exe and b\.csv are not the files of one data set"),
    ):
        with pytest.raises(UserError, match=words):
            recognize(paths)


def test_an_experiment_is_made_of_folders_of_parts(tmp_path: Path) -> None:
    folder(tmp_path, "train/a", "train/b", "val/a", "val/b")
    found = propose_experiment(tmp_path)
    assert found.experiment.data.source == Pictures(path=str(tmp_path), height=12, width=20, color=False)
    assert found.summary.class_names == ("a", "b")
    assert found.summary.counts is not None
    assert found.summary.counts[1] == 12
