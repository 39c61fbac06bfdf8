"""Rows of NumPy as a tensor of TensorFlow in the same memory, where TensorFlow can use it as it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.runtime import tf

ALIGNMENT = 64
"""Bytes. TensorFlow reads by whole lines of the processor's cache."""


class _Lent:
    """The rows as if they could be written, which DLPack asks for; whoever holds what is made of it holds the rows."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self._rows = rows
        self.__array_interface__ = rows.__array_interface__ | {"data": (rows.ctypes.data, False)}


def shared(rows: NDArray[Any]) -> Any:
    """A tensor of the rows, to be read only: no copy where they lie on a boundary, as `engine.data` lays them.

    For many rows a copy would be the largest part of what a training takes in memory.
    """
    if rows.ctypes.data % ALIGNMENT or not rows.flags.c_contiguous or not rows.size:
        return tf.convert_to_tensor(rows)
    return tf.experimental.dlpack.from_dlpack(np.asarray(_Lent(rows)).__dlpack__())
