"""Rows shared with TensorFlow: the same memory, read only, alive as long as the tensor is."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from dnnstudio.engine.backend.zero_copy import shared
from dnnstudio.engine.data.scaling import on_a_boundary


def aligned_rows() -> np.ndarray:
    rows = on_a_boundary((100, 7))
    rows[:] = np.arange(700).reshape(100, 7)
    rows.flags.writeable = False
    return rows


def test_rowson_a_boundary_are_not_copied() -> None:
    room = on_a_boundary((100, 7))
    room[:] = 0
    rows = room.view()
    rows.flags.writeable = False
    tensor = shared(rows)
    room[3, 4] = 5
    assert float(tensor[3, 4]) == 5
    assert not rows.flags.writeable


def test_the_rows_live_as_long_as_the_tensor() -> None:
    tensor = shared(aligned_rows())
    gc.collect()
    others = [np.ones(700, np.float32) for _ in range(50)]
    assert tensor.numpy().reshape(-1).tolist() == list(range(700))
    assert len(others) == 50


@pytest.mark.parametrize("start", [1, 3])
def test_rows_anywhere_else_are_copied(start: int) -> None:
    rows = aligned_rows()[start:]
    tensor = shared(rows)
    assert np.array_equal(tensor.numpy(), rows)


def test_no_rows_are_a_tensor_too() -> None:
    assert tuple(shared(np.empty((0, 7), np.float32)).shape) == (0, 7)
