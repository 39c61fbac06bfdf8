"""New rows as NumPy arrays in an .npz file, streamed: a block of them is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.engine.data.arrays.npz import npz_rows
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.predicting.items import Item


@dataclass(frozen=True, slots=True)
class ArrayReader:
    """Reads rows of `shape` in the unit in which the run's own were stored."""

    shape: tuple[int, ...]

    def read(self, path: Path, watch: Watch) -> Iterator[Item]:
        """The rows of the array x (or x_test, or the only array that can be rows). Raises `UserError`."""
        count = 0
        for block in npz_rows(path, watch):
            if block.shape[1:] != self.shape:
                raise UserError(
                    f"{path.name} holds rows of shape {block.shape[1:]}, but the network was trained on rows of shape "
                    f"{self.shape}.",
                    "Give rows of the same shape.",
                )
            finite = np.asarray(np.isfinite(block).reshape(len(block), -1).all(axis=1))
            for place, values in enumerate(block):
                count += 1
                if not finite[place]:
                    error = f"{path.name}: row {count} holds a value that is not a finite number."
                    yield Item(str(path), count, error=error)
                else:
                    yield Item(str(path), count, values=values)
