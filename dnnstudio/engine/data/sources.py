"""One table: which reader reads which kind of source, and which files decide whether it must be read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from dnnstudio.core.data import AnySource, Csv, Idx, ImageFolder, Npz
from dnnstudio.core.errors import UserError
from dnnstudio.engine.data import builtin
from dnnstudio.engine.data.npz import read_npz
from dnnstudio.engine.data.raw import Raw, Rows, check_finite, label_values
from dnnstudio.engine.data.reading import Watch, as_path


def read_source(source: AnySource, watch: Watch) -> Raw:
    """The rows of a source as stored. Raises `UserError`."""
    return _READERS[source.kind][0](source, watch)


def files_of(source: AnySource, watch: Watch) -> tuple[Path, ...]:
    """The files that `read_source` would read; a change in one of them means reading again."""
    return _READERS[source.kind][1](source, watch)


def read_idx_source(source: Idx, watch: Watch) -> Raw:
    """Four IDX files, or two: then a fifth of the rows becomes the test part."""
    paths = list(idx_files(source, watch))
    train_x, train_y, test_x, test_y, digest = builtin.read_four(paths, watch)
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


def idx_files(source: Idx, watch: Watch) -> tuple[Path, ...]:
    if (source.test_images is None) != (source.test_labels is None):
        given, missing = ("images", "labels") if source.test_labels is None else ("labels", "images")
        raise UserError(f"The test {given} are given without the test {missing}.", "Give both, or neither.")
    names = {"train_images": "the training images", "train_labels": "the training labels"}
    if source.test_images is not None:
        names |= {"test_images": "the test images", "test_labels": "the test labels"}
    return tuple(as_path(getattr(source, name) or "", what=what) for name, what in names.items())


def npz_files(source: Npz, watch: Watch) -> tuple[Path, ...]:
    return (as_path(source.path, what="the arrays"),)


def _read_npz_source(source: Npz, watch: Watch) -> Raw:
    raw = read_npz(npz_files(source, watch)[0], watch)
    return raw if raw.test is not None else replace(raw, origin=raw.origin + TEST_NOTE)


def _read_csv_source(source: Csv, watch: Watch) -> Raw:
    from dnnstudio.engine.data.table import read_csv  # polars: a third of a second, for tables only

    raw = read_csv(source, watch)
    return replace(raw, origin=raw.origin + TEST_NOTE)


def _csv_files(source: Csv, watch: Watch) -> tuple[Path, ...]:
    return (as_path(source.path, what="the table"),)


def _read_image_folder(source: ImageFolder, watch: Watch) -> Raw:
    from dnnstudio.engine.data.image_folder import read_image_folder

    raw = read_image_folder(source, watch)
    return raw if raw.test is not None else replace(raw, origin=raw.origin + TEST_NOTE)


def _image_files(source: ImageFolder, watch: Watch) -> tuple[Path, ...]:
    from dnnstudio.engine.data.image_folder import image_files

    return image_files(source, watch)


TEST_NOTE = ", a fifth of each class kept for the test"


def _named_files(source: Any, watch: Watch) -> tuple[Path, ...]:
    folder = builtin.find(source.kind)
    return () if folder is None else builtin.files_in(folder)


_READERS: dict[str, tuple[Callable[[Any, Watch], Raw], Callable[[Any, Watch], tuple[Path, ...]]]] = {
    "digits": (lambda source, watch: builtin.read_digits(source), lambda source, watch: ()),
    "fashion_mnist": (builtin.read_named, _named_files),
    "mnist": (builtin.read_named, _named_files),
    "idx": (read_idx_source, idx_files),
    "npz": (_read_npz_source, npz_files),
    "csv": (_read_csv_source, _csv_files),
    "image_folder": (_read_image_folder, _image_files),
}
