"""Arrays of a file that this program wrote with `numpy.savez`, judged by its headers before anything is taken.

Members are stored, not compressed, so what the arrays need is what the file is long: a small file cannot cost much
memory. Nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_ARRAYS = 100_000
SUFFIX = ".npy"
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    KeyError,
)

LONGEST_HEADER = 10_000
"""As NumPy's own readers have it."""
_WIDTHS = {b"\x01\x00": 2, b"\x02\x00": 4}
_HEADER = re.compile(
    rb"\{'descr': '([^'\x00-\x1f\x7f-\xff]{2,40})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,19}(?:, ?\d{1,19}){0,63},?)?)\),? ?\} *\n"  # a comma each: one way alone to read digits
)
_NUMBERS = re.compile(r"[<>|=](b1|[iu][1248]|f[248])")


def read_stored(content: bytes) -> dict[str, NDArray[Any]]:
    """Name → array, each in its own shape [...]. Raises `ValueError` for whatever `numpy.savez` does not write."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive, len(content))
    except _DAMAGES as error:
        raise ValueError("no whole archive of arrays") from error


def _read(archive: zipfile.ZipFile, length: int) -> dict[str, NDArray[Any]]:
    infos = archive.infolist()
    if len(infos) > MOST_ARRAYS or len({info.filename for info in infos}) < len(infos):
        raise ValueError("too many members, or one twice")
    stored = all(
        info.compress_type == zipfile.ZIP_STORED and info.file_size == info.compress_size and not info.flag_bits & 1
        for info in infos
    )
    if not stored or sum(info.file_size for info in infos) > length:
        raise ValueError("packed members")
    found: dict[str, NDArray[Any]] = {}
    for info in infos:
        if not info.filename.endswith(SUFFIX):
            raise ValueError("a member that is no array")
        found[info.filename.removesuffix(SUFFIX)] = _array(archive.read(info))
    return found


def array_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, str]:
    """Shape, whether columns come first, and type in NumPy's letters of the .npy file that `stream` stands before.

    The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, the header as NumPy
    writes it for a type without fields. Raises `ValueError` for anything else: NumPy has a parser of Python read it.
    """
    start = stream.read(8)
    width = _WIDTHS.get(start[6:])
    if start[:6] != b"\x93NUMPY" or width is None:
        raise ValueError("no array, or one of another version")
    length = int.from_bytes(stream.read(width), "little")
    text = stream.read(length) if length <= LONGEST_HEADER else b""
    found = _HEADER.fullmatch(text)
    if found is None or len(text) < length:
        raise ValueError("no header of an array")
    kind, in_columns, sides = found.groups()
    shape = tuple(int(side) for side in sides.split(b",") if side.strip())
    return shape, in_columns == b"True", kind.decode("ascii")


def _array(content: bytes) -> NDArray[Any]:
    """The array of one .npy file. Raises `ValueError` where its header does not say just what follows it."""
    import numpy as np  # listing runs does not need it

    stream = io.BytesIO(content)
    shape, in_columns, kind = array_header(stream)
    if not _NUMBERS.fullmatch(kind):
        raise ValueError("an array of something else than numbers")
    dtype = np.dtype(kind)
    start = stream.tell()
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError("an array of another length than its header says")
    values: NDArray[np.generic] = np.frombuffer(content, dtype, offset=start)
    return values.reshape(shape, order="F" if in_columns else "C").copy()
