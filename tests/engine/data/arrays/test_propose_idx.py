"""The siblings of an IDX file are found from any of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Data, Idx
from dnnstudio.engine.data import load_dataset
from dnnstudio.engine.data.arrays.propose import propose_idx
from tests.engine.data.conftest import idx_bytes, pictures

USUAL = "train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte"
DOTTED = "train-images.idx3-ubyte train-labels.idx1-ubyte t10k-images.idx3-ubyte t10k-labels.idx1-ubyte"
LETTERS = (
    "emnist-letters-train-images-idx3-ubyte emnist-letters-train-labels-idx1-ubyte "
    "emnist-letters-test-images-idx3-ubyte emnist-letters-test-labels-idx1-ubyte"
)


def write(folder: Path, names: list[str]) -> list[Path]:
    train, test = pictures(30), pictures(9, seed=1)
    for name, array in zip(names, (*train, *test), strict=False):
        content = idx_bytes(array)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return [folder / name for name in names]


@pytest.mark.parametrize("names", [USUAL, DOTTED, LETTERS])
@pytest.mark.parametrize("packed", [(), (0, 1, 2, 3), (0, 3)])
def test_any_of_the_four_finds_the_others(tmp_path: Path, names: str, packed: tuple[int, ...]) -> None:
    paths = write(tmp_path, [name + (".gz" if i in packed else "") for i, name in enumerate(names.split())])
    (tmp_path / "readme.txt").write_text("images labels train")
    fields = ("train_images", "train_labels", "test_images", "test_labels")
    wanted = Idx(**dict(zip(fields, map(str, paths), strict=True)))
    assert [propose_idx(path) for path in (*paths, tmp_path)] == [wanted] * 5
    assert load_dataset(Data(source=wanted), seed=1).summary.counts == (24, 6, 9)


def test_two_sets_in_one_folder_are_kept_apart(tmp_path: Path) -> None:
    write(tmp_path, USUAL.split())
    paths = write(tmp_path, LETTERS.split())
    assert propose_idx(paths[2]).train_labels == str(paths[1])
    with pytest.raises(UserError, match="several sets of IDX files"):
        propose_idx(tmp_path)


def test_half_a_test_part_is_left_out_and_a_missing_training_part_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, USUAL.split())
    paths[3].unlink()
    assert propose_idx(paths[0]) == Idx(train_images=str(paths[0]), train_labels=str(paths[1]))
    paths[1].unlink()
    with pytest.raises(UserError, match="the training labels are missing"):
        propose_idx(paths[0])


def test_a_name_that_says_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "numbers-ubyte").write_bytes(b"")
    with pytest.raises(UserError, match="does not say"):
        propose_idx(tmp_path / "numbers-ubyte")
