"""NumPy rows as a TensorFlow tensor that shares their memory, if their alignment allows it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.backend.runtime import tf

ALIGNMENT = 64
"""In bytes: TensorFlow requires the alignment of a cache line."""


class _Lent:
    """The rows declared writable, which DLPack requires; whoever holds the tensor keeps the rows alive."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self._rows = rows
        self.__array_interface__ = rows.__array_interface__ | {"data": (rows.ctypes.data, False)}


def shared(rows: NDArray[Any]) -> Any:
    """A read-only tensor of the rows [n, *shape]: without a copy if they are aligned, as `engine.data` allocates them.

    With many rows a copy would be the largest part of a training's memory.
    """
    if rows.ctypes.data % ALIGNMENT or not rows.flags.c_contiguous or not rows.size:
        return tf.convert_to_tensor(rows)
    return tf.experimental.dlpack.from_dlpack(np.asarray(_Lent(rows)).__dlpack__())
