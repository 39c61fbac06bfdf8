"""Reader of untrusted HDF5 files: every link is checked before anything is opened, every size before it is read.

HDF5 can refer to other files, expand 20 kB to 6 GB, and crash on damaged bytes. Only hard links, plain numbers stored
in the file itself, and short texts are accepted. It still belongs in the child process.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import h5py
import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.layers import Shape, times
from dnnstudio.engine.model_files.contents import MAX_FILE, Array, shown
from dnnstudio.engine.model_files.strict_json import MAX_JSON

MAX_LINKS = 20_000
MAX_NAMES = 10_000
UNPACKED, MOST_TIMES = 64 * 2**20, 20
"""Arrays in chunks may be so many bytes, and so many times the file's size, once they are unpacked."""
MOST_IN_A_CHUNK = 2**24
"""Numbers; a chunk is read whole."""
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
"""Filters that are part of HDF5 itself."""
_DAMAGED = "The file is damaged: its HDF5 structure cannot be read."
_FOREIGN = "It was not written by Keras, or it was tampered with."
_LOW_LEVEL = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, SystemError, UnicodeError)


@dataclass(frozen=True, slots=True)
class Entry:
    """A dataset that was inspected but not read."""

    path: str
    shape: Shape
    dtype: np.dtype[Any]


class Store:
    """An HDF5 file in memory. `entries` holds every dataset by its path, without a leading slash."""

    def __init__(self, file: h5py.h5f.FileID, size: int) -> None:
        self._file = file
        self._left = size
        self._unpacked = min(MAX_FILE, UNPACKED + MOST_TIMES * size)
        self._dropped: set[str] = set()
        self.groups: set[str] = set()
        self._seen: dict[str, tuple[Shape, tuple[int, ...]]] = {}
        self.entries: dict[str, Entry] = self._walk()

    @property
    def converted(self) -> set[str]:
        """The number formats other than float32 in the file, such as "float64"."""
        return self._dropped

    def read(self, path: str, expected: Shape) -> Array:
        """The array at `path` as float32 [*expected]. The caller must have checked that its shape is `expected`."""
        entry = self.entries[path]
        if entry.shape != expected:
            raise AssertionError(f"{path}: compare the shapes before reading.")
        with _translated():
            dataset = h5py.h5d.open(self._file, path.encode())
            stored, order = self._seen.get(path, (entry.shape, None))
            found = np.empty(stored, entry.dtype)
            dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, found)
        if order is not None:
            found = np.ascontiguousarray(found.transpose(order).reshape(expected))
        if entry.dtype.kind == "f" and entry.dtype.name != "float32":  # in any byte order
            self._dropped.add(entry.dtype.name)
        return found.astype(np.float32)

    def see_as(self, path: str, shape: Shape, order: tuple[int, ...]) -> None:
        """Have `read` give an array with its axes in another order, and then in `shape` [as many numbers]."""
        entry = self.entries[path]
        self._seen[path] = (entry.shape, order)
        self.entries[path] = replace(entry, shape=shape)

    def text(self, name: str, group: str = "") -> str | None:
        """The text of an attribute, or None if it does not exist."""
        with _translated():
            names = self._attribute(name, group)
        if names is None:
            return None
        if len(names) != 1:
            raise UserError(f"The attribute {shown(name)} of the file is no single text.", _FOREIGN)
        return names[0]

    def texts(self, name: str, group: str) -> list[str] | None:
        """A list of texts, which Keras splits into name0, name1, … if it is long."""
        with _translated():
            whole = self._attribute(name, group)
            if whole is not None:
                return whole
            pieces: list[str] = []
            for number in range(MAX_NAMES):
                piece = self._attribute(f"{name}{number}", group)
                if piece is None:
                    return pieces if number else None
                pieces += piece
        raise UserError(f"The attribute {shown(name)} of the file is too long.", _FOREIGN)

    def _attribute(self, name: str, group: str) -> list[str] | None:
        owner = h5py.h5o.open(self._file, (group or "/").encode())
        if not h5py.h5a.exists(owner, name.encode()):
            return None
        attribute = h5py.h5a.open(owner, name.encode())
        kind, shape = attribute.get_type(), attribute.shape
        if prod(shape) > MAX_NAMES:
            raise UserError(f"The attribute {shown(name)} of the file is too long.", _FOREIGN)
        if prod(shape) == 0:
            return []
        if not isinstance(kind, h5py.h5t.TypeStringID):
            raise UserError(f"The attribute {shown(name)} of the file is no text.", _FOREIGN)
        if not kind.is_variable_str() and kind.get_size() * prod(shape) > MAX_JSON:
            raise UserError(f"The attribute {shown(name)} of the file is too long.", _FOREIGN)
        values = np.empty(shape, dtype=attribute.dtype)
        attribute.read(values)
        return [_decoded(value) for value in values.reshape(-1).tolist()]

    def _walk(self) -> dict[str, Entry]:
        names: list[str] = []
        problem: list[str] = []

        def visit(name: bytes, info: Any) -> bool | None:
            text = name.decode("utf-8", "replace")
            names.append(text)
            if info.type == h5py.h5l.TYPE_EXTERNAL:
                problem.append(f"The file points to another file at {shown(text)}.")
            elif info.type != h5py.h5l.TYPE_HARD:
                problem.append(f"The file holds a link that is none of Keras's at {shown(text)}.")
            elif len(names) > MAX_LINKS:
                problem.append(f"The file holds more than {MAX_LINKS:,} entries.")
            return True if problem else None

        with _translated():
            self._file.links.visit(visit, info=True)
        if problem:
            raise UserError(problem[0], _FOREIGN)
        with _translated():
            found = [self._look_at(name) for name in names]
        return {entry.path: entry for entry in found if entry is not None}

    def _look_at(self, path: str) -> Entry | None:
        item = h5py.h5o.open(self._file, path.encode())
        if isinstance(item, h5py.h5g.GroupID):
            self.groups.add(path)
            return None
        if not isinstance(item, h5py.h5d.DatasetID):
            raise UserError(f"The file holds something other than arrays at {shown(path)}.", _FOREIGN)
        plan = item.get_create_plist()
        if plan.get_external_count():
            raise UserError(f"The array {shown(path)} lies in another file.", _FOREIGN)
        in_chunks = plan.get_layout() == h5py.h5d.CHUNKED
        known = in_chunks or plan.get_layout() in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT)
        filters = {plan.get_filter(number)[0] for number in range(plan.get_nfilters())}
        if not known or not filters <= (_FILTERS if in_chunks else set()):
            raise UserError(f"The array {shown(path)} is not stored as Keras stores arrays.", _FOREIGN)
        kind, shape = item.get_type(), tuple(int(n) for n in item.shape)
        if not isinstance(kind, h5py.h5t.TypeFloatID | h5py.h5t.TypeIntegerID | h5py.h5t.TypeStringID):
            raise UserError(f"The array {shown(path)} does not hold numbers.", _FOREIGN)
        if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():
            raise UserError(f"The array {shown(path)} does not hold numbers.", _FOREIGN)
        size = prod(shape) * kind.get_size()
        if in_chunks:  # compressed, or rounded up to whole chunks: bounded by what real weights are packed to
            whole = item.get_storage_size() > 0 and size <= self._unpacked and prod(plan.get_chunk()) <= MOST_IN_A_CHUNK
            self._unpacked -= size
        else:
            whole = item.get_storage_size() == size and size <= self._left
            self._left -= size
        if size and not whole:
            raise UserError(
                f"The array {shown(path)} claims to be {times(shape)} numbers, more than lie in the file.",
                "It is damaged or was tampered with.",
            )
        return Entry(path, shape, np.dtype(kind.dtype))


def open_store(content: bytes) -> Store:
    """Inspect an HDF5 file in memory. Raises `UserError` for anything that Keras would not have written."""
    with _translated():
        file = h5py.h5f.open_file_image(content)
    return Store(file, len(content))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Converts HDF5's own errors to a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except _LOW_LEVEL:
        raise UserError(_DAMAGED, "Use a copy of it.") from None


def _decoded(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
