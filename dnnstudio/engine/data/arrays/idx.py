"""Reader of IDX, the format of MNIST: the header is checked against the file before the pixels are read.

A header is two zero bytes, a type byte, the number of dimensions, and a big-endian 32-bit length per dimension
(http://yann.lecun.com/exdb/mnist/). Files may be plain or gzipped, which is detected from their first bytes.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.engine.backend.memory import need_memory
from dnnstudio.engine.data.raw import Array
from dnnstudio.engine.data.reading import Watch, opened

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 4
GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 2**18
PIECE = 2**20
DEFLATE_LIMIT = 1032
"""Deflate's maximum compression ratio is 1,032 (zlib's technical notes): a header that implies more is false."""


def read_idx(
    path: Path, *, what: str, watch: Watch | None = None, tap: Callable[[memoryview], object] | None = None
) -> Array:
    """The array of an IDX file, in native byte order and the header's shape [...]. Reads no more than the header says.

    `tap` is called with every piece of the array in order, for a digest computed meanwhile. Raises `UserError`.
    """
    watch = watch or Watch()
    with opened(path, what=what) as (file, size):
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        stream = _Gzip(file, path) if packed else _Plain(file)
        shape, kind = _header(stream, path)
        claimed = math.prod(shape) * kind.itemsize
        header = 4 + 4 * len(shape)
        if packed and claimed > size * DEFLATE_LIMIT:
            raise _lie(path, shape, kind, f"{size:,} compressed bytes cannot hold that")
        if not packed and size - header != claimed:
            raise _lie(path, shape, kind, f"the file has {max(size - header, 0):,}")
        need_memory(claimed + 4 * math.prod(shape), what=path.name, packed=size if packed else None)
        array = np.empty(shape, kind)
        target = array.reshape(-1).view(np.uint8).data
        done = 0
        while done < claimed:
            watch.tell(done, claimed, f"Reading {path.name}")
            part = stream.read(min(PIECE, claimed - done))
            if not part:
                raise _lie(path, shape, kind, f"the file has {done:,}")
            target[done : done + len(part)] = part
            if tap is not None:
                tap(target[done : done + len(part)])
            done += len(part)
        if stream.read(1):  # reading to the end makes zlib verify the CRC
            raise _lie(path, shape, kind, "the file has more")
    return array.astype(kind.newbyteorder("="), copy=False)


def _header(stream: _Plain | _Gzip, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    start = stream.read(4)
    if len(start) < 4 or start[:2] != b"\0\0":
        raise _damaged(path, "it does not begin with an IDX header")
    if start[2] not in TYPES:
        raise _damaged(path, f"its header names the unknown number type 0x{start[2]:02x}")
    if not 1 <= start[3] <= MAX_DIMENSIONS:
        raise _damaged(path, f"its header says {start[3]} dimensions, 1 to {MAX_DIMENSIONS} are possible")
    lengths = stream.read(4 * start[3])
    if len(lengths) < 4 * start[3]:
        raise _damaged(path, "it ends in the middle of its header")
    shape = tuple(int(length) for length in np.frombuffer(lengths, ">u4"))
    if 0 in shape:
        raise _damaged(path, f"its header says {_product(shape)}, so it holds nothing")
    return shape, np.dtype(TYPES[start[2]])


class _Plain:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        return self._file.read(count)


class _Gzip:
    """Decompresses no more than requested. Several members in a row are one file, as in `gzip`.

    zlib itself verifies each member's CRC and length. The standard library's reader works in pieces of 8 kB and raises
    five kinds of exceptions; this one raises only `UserError`.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._waiting = b""

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, or fewer at the end of the file."""
        parts: list[bytes] = []
        while count > 0:
            if self._inflate.eof and not self._next_member():
                break
            if not self._waiting:
                self._waiting = self._file.read(CHUNK)
                if not self._waiting:
                    raise _damaged(self._path, "it ends too early")
            try:
                part = self._inflate.decompress(self._waiting, count)
            except zlib.error:
                raise _damaged(self._path, "its compressed bytes are damaged") from None
            self._waiting = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            parts.append(part)
            count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _next_member(self) -> bool:
        """Begin the next member; False at the end of the file, which may be padded with zero bytes."""
        while True:
            self._waiting = self._waiting.lstrip(b"\0")
            if len(self._waiting) >= 2:
                break
            more = self._file.read(CHUNK)
            if not more:
                break
            self._waiting += more
        if not self._waiting:
            return False
        if not self._waiting.startswith(GZIP_MAGIC):
            raise _damaged(self._path, "something else follows its compressed bytes")
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return True


def _product(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{length:,}" for length in shape)


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path.name} is not a whole IDX file: {reason}.", "Copy or download it again.")


def _lie(path: Path, shape: tuple[int, ...], kind: np.dtype[Any], found: str) -> UserError:
    width = f" × {kind.itemsize} bytes" if kind.itemsize > 1 else ""
    total = math.prod(shape) * kind.itemsize
    return _damaged(path, f"its header says {_product(shape)}{width} = {total:,} bytes, {found}")
