"""A data set of IDX files: images and labels for training and optionally for testing."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import Idx
from dnnstudio.engine.data.arrays.idx import read_idx
from dnnstudio.engine.data.raw import Array, Raw, Rows, check_finite, check_lengths, integer_labels, label_values
from dnnstudio.engine.data.reading import Watch, as_path
from dnnstudio.engine.data.sources import TEST_NOTE, reader


def idx_files(source: Idx, watch: Watch) -> tuple[Path, ...]:
    if (source.test_images is None) != (source.test_labels is None):
        given, missing = ("images", "labels") if source.test_labels is None else ("labels", "images")
        raise UserError(f"The test {given} are given without the test {missing}.", "Give both, or neither.")
    names = {"train_images": "the training images", "train_labels": "the training labels"}
    if source.test_images is not None:
        names |= {"test_images": "the test images", "test_labels": "the test labels"}
    return tuple(as_path(getattr(source, name) or "", what=what) for name, what in names.items())


@reader(Idx, files=idx_files)
def read_idx_source(source: Idx, watch: Watch) -> Raw:
    """Read four IDX files, or two: then a fifth of the rows becomes the test part."""
    paths = list(idx_files(source, watch))
    train_x, train_y, test_x, test_y, digest = read_four(paths, watch)
    for x, path in ((train_x, paths[0]), (test_x, paths[-2])):
        check_finite(x, what=path.name, watch=watch)
    has_test = len(paths) == 4
    if has_test and train_x.shape[1:] != test_x.shape[1:]:
        raise UserError(
            f"{paths[0].name} holds rows of shape {train_x.shape[1:]} but {paths[2].name} of {test_x.shape[1:]}.",
            "Both must have the same size.",
        )
    labels = label_values(train_y, test_y, what=paths[1].name)
    origin = f"{paths[0].name} and {paths[2].name}" if has_test else paths[0].name
    return Raw(
        train=Rows(train_x, train_y),
        test=Rows(test_x, test_y) if has_test else None,
        labels=labels,
        names=tuple(str(label) for label in labels),
        origin=origin + ("" if has_test else TEST_NOTE),
        full_scale=255.0 if train_x.dtype.str == "|u1" else None,
        digest=digest,
    )


def read_four(paths: list[Path], watch: Watch) -> tuple[Array, Array, Array, Array, str]:
    """Training images [n, h, w] and labels [n], then those of the test, and the digest of all files.

    The test arrays are empty, [0, …], for two paths. zlib and SHA-256 release the GIL, so with two cores the digests
    and the smaller files cost almost no extra time.
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
    """Raise `UserError` unless `x` holds images [n, ...] and `y` as many labels [n]: swapped files,
    different lengths.
    """
    if x.ndim == 1 and y.ndim > 1:
        raise UserError(
            f"{x_path.name} holds labels and {y_path.name} pictures: they are swapped.", "Exchange the two files."
        )
    if x.ndim == 1:
        raise UserError(f"{x_path.name} holds labels, not pictures.", "Choose the file of the pictures.")
    if y.ndim != 1:
        raise UserError(f"{y_path.name} holds pictures, not labels.", "Choose the file of the labels.")
    check_lengths(x, y, images=x_path.name, labels=y_path.name)


def _read_and_digest(path: Path, watch: Watch, hashing: ThreadPoolExecutor) -> tuple[Array, hashlib._Hash]:
    """The array and its digest, which is complete once `hashing` is shut down."""
    digest = hashlib.sha256()
    array = read_idx(path, what="a data set", watch=watch, tap=lambda piece: hashing.submit(digest.update, piece))
    return array, digest
