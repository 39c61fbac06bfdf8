"""From the files and folders that a person gave to new cases, one file open at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of, refusal_of
from dnnstudio.engine.data.pictures.folder import IGNORED
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import is_table_file
from dnnstudio.engine.predicting.items import Item, ReadFile
from dnnstudio.engine.predicting.preparing import Readers

ARRAYS = ".npz"


def items_of(inputs: Iterable[Path], readers: Readers, watch: Watch) -> Iterator[Item]:
    """The cases of all inputs in the order given; a folder's files come in the order of their names, folder by folder.

    A file that cannot be used is one item with an error and no row. Raises `Cancelled`.
    """
    inputs = tuple(inputs)
    if readers.pictures is not None:
        readers.pictures.deep.files = lambda: _files_of(inputs)
    for given in inputs:
        if given.is_dir():
            yield from _items_below(given, readers, watch)
        else:
            yield from _items_in(given, readers, watch)


def _files_of(inputs: Iterable[Path]) -> Iterator[Path]:
    """All plain files that are given."""
    for given in inputs:
        if not given.is_dir():
            found: Iterable[Path] = (given,)
        else:
            found = (Path(place) / name for place, _, names in os.walk(given) for name in names)
        yield from (path for path in found if path.is_file())


def _items_below(folder: Path, readers: Readers, watch: Watch) -> Iterator[Item]:
    """Hidden files are passed over, and links to folders are not followed, so that no circle can catch us."""
    refused: list[OSError] = []
    empty = True
    for place, folders, names in os.walk(folder, onerror=refused.append):
        watch.check()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower() not in IGNORED:
                empty = False
                yield from _items_in(Path(place) / name, readers, watch)
    for error in refused:
        yield Item(str(error.filename), None, error=f"{error.filename} cannot be read: {reason_of(error)}.")
    if empty and not refused:
        yield Item(str(folder), None, error=f"{folder} holds no files.")


def _items_in(path: Path, readers: Readers, watch: Watch) -> Iterator[Item]:
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist.", "Check the path.")
        if not path.is_file():  # a pipe or a device could block for ever
            raise UserError(f"{path} is not a plain file.", "Give files and folders.")
        yield from _reader_of(path, readers)(path, watch)
    except (UserError, OSError) as error:
        refusal = error if isinstance(error, UserError) else refusal_of(error)
        if refusal is None:
            raise
        yield Item(str(path), None, error=str(refusal))


def _reader_of(path: Path, readers: Readers) -> ReadFile:
    """What reads a file of this name. Raises `UserError` where the network cannot take such files."""
    suffix = path.suffix.lower()
    if suffix == ARRAYS and readers.arrays is not None:
        return readers.arrays.read
    if is_table_file(path) and readers.tables is not None:
        return readers.tables.read
    if readers.pictures is not None and suffix != ARRAYS and not is_table_file(path):
        return readers.pictures.read
    kinds = (
        (readers.pictures, "pictures"),
        (readers.tables, "tables with the columns that it was trained on"),
        (readers.arrays, ".npz arrays"),
    )
    taken = " or ".join(name for reader, name in kinds if reader is not None)
    raise UserError(f"{path.name} is no file that this network can answer.", f"It reads {taken}.")
