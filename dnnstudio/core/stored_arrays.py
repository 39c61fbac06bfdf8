"""Arrays of a file that this program wrote with `numpy.savez`, judged by its headers before anything is taken.

Members are stored, not compressed, so what the arrays need is what the file is long: a small file cannot cost much
memory. Nothing is unpickled.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

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


def _array(content: bytes) -> NDArray[Any]:
    """The array of one .npy file. Raises `ValueError` where its header does not say just what follows it."""
    import numpy as np  # listing runs does not need it

    stream = io.BytesIO(content)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(stream)
    if version not in read:
        raise ValueError("an array of another version")
    try:
        shape, in_columns, dtype = read[version](stream)
    except (TypeError, SyntaxError, RecursionError, OverflowError, MemoryError) as error:
        raise ValueError("no header of an array") from error
    start = stream.tell()
    if dtype.kind not in "biuf" or any(side < 0 for side in shape):
        raise ValueError("an array of something else than numbers")
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError("an array of another length than its header says")
    values: NDArray[np.generic] = np.frombuffer(content, dtype, offset=start)
    return values.reshape(shape, order="F" if in_columns else "C").copy()
