"""Pictures beside a table of file names and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Pictures
from dnnstudio.engine.data import describe
from dnnstudio.engine.data.pictures.pictures import read_pictures
from dnnstudio.engine.data.raw import Raw
from dnnstudio.engine.data.reading import Watch


def fill(folder: Path, count: int, start: int = 0) -> None:
    """Pictures 0.png, 1.png, … whose grey level is their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(start, start + count):
        Image.fromarray(np.full((3, 3), index, np.uint8)).save(folder / f"{index}.png")


def read(root: Path, **fields: object) -> Raw:
    return read_pictures(Pictures(path=str(root), height=3, width=3, **fields), Watch())


def labels_of(raw: Raw) -> dict[int, str]:
    return {int(x[0, 0]): raw.names[y] for x, y in zip(raw.train.x, raw.train.y, strict=True)}


def kind(index: int) -> str:
    return ("owl", "bat", "cat")[index % 3]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
@pytest.mark.parametrize("form", ["{}.png", "{}", "images/{}.png", "C:\\data\\images\\{}.png"])
def test_names_in_every_form_and_table(tmp_path: Path, suffix: str, form: str) -> None:
    fill(tmp_path / "images", 12)
    frame = pl.DataFrame({"file": [form.format(i) for i in range(12)], "kind": [kind(i) for i in range(12)]})
    path = tmp_path / f"labels{suffix}"
    match suffix:
        case ".csv":
            frame.write_csv(path)
        case ".tsv":
            frame.write_csv(path, separator="\t")
        case _:
            frame.write_parquet(path)
    raw = read(tmp_path)
    assert raw.names == ("bat", "cat", "owl")
    assert labels_of(raw) == {i: kind(i) for i in range(12)}
    assert raw.report is not None
    assert raw.report.layout == f'Labels from labels{suffix}, column "kind".'


def test_what_table_and_folder_do_not_share_is_counted(tmp_path: Path) -> None:
    fill(tmp_path, 10)
    rows = [f"{i}.png,{i % 2}" for i in range(8)] + ["77.png,1", "3.png,1", "8.png,"]
    (tmp_path / "labels.csv").write_text("\n".join(["image,label", *rows]))
    raw = read(tmp_path)
    report = raw.report
    assert report is not None
    assert labels_of(raw) == {i: str(i % 2) for i in range(8)}
    assert [(item.name, item.reason) for item in report.left_out] == [
        ("77.png", "no such picture, or several of that name (labels.csv)"),
        ("3.png", "named twice; the first row counts (labels.csv)"),
        ("8.png", 'no value in the column "label" (labels.csv)'),
    ]
    assert report.unlabelled == 2


def test_a_column_or_the_names_of_tables_say_the_parts(tmp_path: Path) -> None:
    fill(tmp_path / "one", 12)
    parts = ["train"] * 6 + ["Valid"] * 3 + ["test"] * 3
    rows = [f"{i}.png,{parts[i]},{kind(i)}" for i in range(12)]
    (tmp_path / "one" / "all.csv").write_text("\n".join(["name,split,label", *rows]))
    two = tmp_path / "two"
    for part, begin, end in (("train", 0, 6), ("val", 6, 9), ("test", 9, 12)):
        fill(two / part, end - begin, begin)
        rows = [f"{i}.png,{kind(i)}" for i in range(begin, end)]
        (two / f"{part}.csv").write_text("\n".join(["name,label", *rows]))
    for root in (tmp_path / "one", two):
        raw = read(root)
        assert raw.keys.parts is not None
        levels = raw.train.x[:, 0, 0]
        assert [sorted(levels[raw.keys.parts == part].tolist()) for part in range(3)] == [
            [0, 1, 2, 3, 4, 5],
            [6, 7, 8],
            [9, 10, 11],
        ]
        assert labels_of(raw) == {i: kind(i) for i in range(12)}


def test_several_label_columns_are_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, 9)
    rows = [f"{i}.png,{kind(i)},{i % 2},n{i}" for i in range(9)]
    (tmp_path / "t.csv").write_text("\n".join(["picture,animal,sex,note", *rows]))
    with pytest.raises(UserError, match=r"could be the labels: animal and sex.*data\.source\.label_column"):
        read(tmp_path)
    assert labels_of(read(tmp_path, label_column="sex")) == {i: str(i % 2) for i in range(9)}
    with pytest.raises(UserError, match='no column "colour"'):
        read(tmp_path, label_column="colour")


def test_labels_that_look_alike_stay_apart_and_numbers_are_in_order(tmp_path: Path) -> None:
    fill(tmp_path, 8)
    labels = ["01", "1", "10", "9"] * 2
    rows = [f"{i}.png,{label}" for i, label in enumerate(labels)]
    (tmp_path / "t.csv").write_text("\n".join(["file,label", *rows]))
    assert read(tmp_path).names == ("01", "1", "9", "10")


def test_a_changed_table_is_read_again(tmp_path: Path) -> None:
    fill(tmp_path, 8)
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["file,label", *(f"{i}.png,{'ab'[i % 2]}" for i in range(8))]))
    data = Data(source=Pictures(path=str(tmp_path), height=3, width=3))
    assert describe(data, seed=1).label_counts == (4, 4)
    table.write_text("\n".join(["file,label", *(f"{i}.png,{'ab'[i < 6]}" for i in range(8))]))
    assert describe(data, seed=1).label_counts == (2, 6)


def test_tables_that_name_no_picture_are_refused_with_the_reason(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    (tmp_path / "prices.csv").write_text("a,b\n1.5,20\n3.5,40\n")
    with pytest.raises(UserError, match=r"names the pictures\. prices\.csv names 0 of them in 2 rows"):
        read(tmp_path)
