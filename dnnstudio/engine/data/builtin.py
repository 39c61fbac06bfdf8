"""The built-in data sets: digits from scikit-learn, and Fashion-MNIST and MNIST if they are on this computer."""

from __future__ import annotations

import gzip
import importlib.util
import os
from pathlib import Path

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import MNIST, Digits, FashionMNIST, Source
from dnnstudio.core.jobs.control import Control
from dnnstudio.engine.data.arrays.idx_set import read_four
from dnnstudio.engine.data.known_files import FOLDERS, STEMS, TITLES, own_folder
from dnnstudio.engine.data.raw import Raw, Rows, digest_of
from dnnstudio.engine.data.reading import ProgressCall, Watch
from dnnstudio.engine.data.sources import reader

SYSTEM_FOLDER = Path("/usr/share/datasets")
"""Folder of Debian's and Ubuntu's package dataset-fashion-mnist."""


def find(kind: str) -> Path | None:
    """The folder with the four files of a data set, or None. Digits are bundled and always found."""
    if kind == "digits":
        return _digits_file()
    for folder in _places(kind):
        if all(_file(folder, stem) is not None for stem in STEMS):
            return folder
    return None


def files_in(folder: Path) -> tuple[Path, ...]:
    """The four files of a folder, plain or gzipped, in the order of `STEMS`; fewer if some are missing."""
    return tuple(path for stem in STEMS if (path := _file(folder, stem)) is not None)


def _files_of_named(source: Source, watch: Watch) -> tuple[Path, ...]:
    folder = find(source.kind)
    return () if folder is None else files_in(folder)


def _download(source: Source, progress: ProgressCall | None, control: Control | None) -> Path:
    from dnnstudio.engine.data.fetch import download

    return download(source.kind, progress, control)


@reader(FashionMNIST, MNIST, files=_files_of_named, download=_download)
def read_named(source: Source, watch: Watch) -> Raw:
    """Read Fashion-MNIST or MNIST from the folder that `find` returns. Raises `UserError` if there is none."""
    kind = source.kind
    folder = find(kind)
    if folder is None:
        package = ", or install the package dataset-fashion-mnist" if kind == "fashion_mnist" else ""
        raise UserError(f"{TITLES[kind]} is not on this computer.", f"Download it from the data panel (once){package}.")
    paths = list(files_in(folder))
    train_x, train_y, test_x, test_y, digest = read_four(paths, watch)
    for array, path in ((train_x, paths[0]), (test_x, paths[2])):
        if array.dtype != np.uint8 or array.shape[1:] != source.shape:
            raise UserError(
                f"{path} holds {array.dtype} values of shape {array.shape[1:]}; {TITLES[kind]} has 8-bit "
                f"pictures of {source.shape}.",
                "Remove the file, or download the set again.",
            )
    names = source.class_names
    for labels, path in ((train_y, paths[1]), (test_y, paths[3])):
        if labels.max() >= len(names):
            raise UserError(f"{path} holds the label {labels.max()}; {TITLES[kind]} has 0 to {len(names) - 1}.")
    return Raw(
        train=Rows(train_x, train_y),
        test=Rows(test_x, test_y),
        labels=tuple(range(len(names))),
        names=names,
        origin=f"{TITLES[kind]} from {folder}",
        full_scale=255.0,
        digest=digest,
    )


@reader(Digits, files=lambda source, watch: ())
def read_digits(source: Digits, watch: Watch) -> Raw:
    """Scikit-learn's bundled digits (1,797 images of 8 × 8, values 0 to 16).

    The file is read directly: importing scikit-learn would delay the first start by two seconds.
    """
    path = _digits_file()
    if path is not None:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    else:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        table = np.column_stack([bunch.data, bunch.target]).astype(np.uint8)
    x, y = np.ascontiguousarray(table[:, :-1]).reshape(-1, 8, 8), table[:, -1].astype(np.int64)
    return Raw(
        train=Rows(x, y),
        test=None,
        labels=tuple(range(10)),
        names=source.class_names,
        origin="Digits from scikit-learn",
        full_scale=16.0,
        digest=digest_of(x, y),
    )


def _digits_file() -> Path | None:
    spec = importlib.util.find_spec("sklearn")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return path
    return None


def _places(kind: str) -> list[Path]:
    name = FOLDERS[kind]
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    return [SYSTEM_FOLDER / name, own_folder(kind), keras / name]


def _file(folder: Path, stem: str) -> Path | None:
    for name in (f"{stem}.gz", stem):
        if (folder / name).is_file():
            return folder / name
    return None
