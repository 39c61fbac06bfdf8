"""The data sets known by name: digits from scikit-learn, Fashion-MNIST and MNIST where they lie on this computer."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import platformdirs

from dnnstudio.core.data import MNIST, FashionMNIST, Source
from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.idx import read_idx
from dnnstudio.engine.data.raw import Array, Raw, Rows, check_lengths, digest_of, integer_labels
from dnnstudio.engine.data.reading import Watch

Downloadable = Literal["fashion_mnist", "mnist"]
FOLDERS: dict[str, str] = {"fashion_mnist": "fashion-mnist", "mnist": "mnist"}
TITLES: dict[str, str] = {"fashion_mnist": "Fashion-MNIST", "mnist": "MNIST"}
STEMS = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
SYSTEM_FOLDER = Path("/usr/share/datasets")
"""Where Debian's and Ubuntu's package dataset-fashion-mnist puts its files."""


def own_folder(kind: str) -> Path:
    """Where this program keeps what it downloaded."""
    return Path(platformdirs.user_cache_dir("dnnstudio", appauthor=False)) / FOLDERS[kind]


def find(kind: str) -> Path | None:
    """The folder that holds the four files of a data set, or None. Digits are always there: their file."""
    if kind == "digits":
        return _digits_file()
    for folder in _places(kind):
        if all(_file(folder, stem) is not None for stem in STEMS):
            return folder
    return None


def files_in(folder: Path) -> tuple[Path, ...]:
    """The four files of a folder, plain or packed, in the order of `STEMS`; fewer where some are missing."""
    return tuple(path for stem in STEMS if (path := _file(folder, stem)) is not None)


def read_named(source: FashionMNIST | MNIST, watch: Watch) -> Raw:
    """Fashion-MNIST or MNIST from where `find` sees it. Raises `UserError` where it is nowhere."""
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


def read_four(paths: list[Path], watch: Watch) -> tuple[Array, Array, Array, Array, str]:
    """Training pictures and labels, test pictures and labels (none of two paths alone), and the digest of all.

    zlib and SHA-256 let go of the interpreter, so on two cores the digests and the smaller files cost next to nothing.
    """
    quiet = Watch(watch.control)
    with ThreadPoolExecutor(2) as files, ThreadPoolExecutor(1) as hashing:
        pending = [
            files.submit(_read_and_digest, path, watch if index == 0 else quiet, hashing)
            for index, path in enumerate(paths)
        ]
        results = [future.result() for future in pending]
    arrays = [array for array, _ in results]
    pairs = [(arrays[i], paths[i], arrays[i + 1], paths[i + 1]) for i in range(0, len(paths), 2)]
    for x, x_path, y, y_path in pairs:
        check_pictures(x, x_path, y, y_path)
    labels = [integer_labels(y, what=path.name) for _, _, y, path in pairs]
    if len(pairs) == 1:
        arrays, labels = [*arrays, arrays[0][:0]], [*labels, labels[0][:0]]
    whole = "".join(f"{array.dtype.str}{array.shape}{digest.hexdigest()}" for array, digest in results)
    return arrays[0], labels[0], arrays[2], labels[1], hashlib.sha256(whole.encode()).hexdigest()


def check_pictures(x: Array, x_path: Path, y: Array, y_path: Path) -> None:
    """Refuse labels given as pictures, pictures given as labels, and parts of different length."""
    if x.ndim == 1 and y.ndim > 1:
        raise UserError(
            f"{x_path.name} holds labels and {y_path.name} pictures: they are swapped.", "Exchange the two files."
        )
    if x.ndim == 1:
        raise UserError(f"{x_path.name} holds labels, not pictures.", "Choose the file of the pictures.")
    if y.ndim != 1:
        raise UserError(f"{y_path.name} holds pictures, not labels.", "Choose the file of the labels.")
    check_lengths(x, y, images=x_path.name, labels=y_path.name)


def read_digits(source: Source) -> Raw:
    """Scikit-learn's bundled digits (1,797 of 8 × 8, values 0 to 16).

    The file is read directly: importing scikit-learn for it would keep the first start waiting for two seconds.
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


def _read_and_digest(path: Path, watch: Watch, hashing: ThreadPoolExecutor) -> tuple[Array, hashlib._Hash]:
    """The array, and its digest in the making: complete once `hashing` is shut down."""
    digest = hashlib.sha256()
    array = read_idx(path, what="a data set", watch=watch, tap=lambda piece: hashing.submit(digest.update, piece))
    return array, digest


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
