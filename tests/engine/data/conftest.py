"""Makers of small data files, written without the code under test."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.engine.data import forget

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file: two zero bytes, type, dimensions, big-endian lengths, big-endian numbers."""
    header = bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture(autouse=True)
def fresh_memory() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def idx_set(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Writes a set of four (or two) IDX files; gives the fields of the source `idx`."""

    def write(
        train: tuple[np.ndarray, np.ndarray],
        test: tuple[np.ndarray, np.ndarray] | None = None,
        packed: bool = False,
    ) -> dict[str, str]:
        fields = {"train_images": train[0], "train_labels": train[1]}
        if test is not None:
            fields |= {"test_images": test[0], "test_labels": test[1]}
        paths = {}
        for name, array in fields.items():
            path = tmp_path / (name + (".gz" if packed else ""))
            content = idx_bytes(array)
            path.write_bytes(gzip.compress(content) if packed else content)
            paths[name] = str(path)
        return paths

    return write


def pictures(count: int, classes: int = 3, side: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random 8-bit pictures with labels 0, 1, 2, 0, 1, …"""
    random = np.random.default_rng(seed)
    return (
        random.integers(0, 256, (count, side, side), dtype=np.uint8),
        (np.arange(count) % classes).astype(np.uint8),
    )
