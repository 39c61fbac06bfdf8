"""What training gets: three parts of scaled rows, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.data import DataSummary
from dnnstudio.engine.data.scaling import Scaler


@dataclass(frozen=True, eq=False)
class Split:
    """`x` is float32 [n, *shape], read-only; `y` is int64 [n] (float32 where a number is predicted), read-only."""

    x: NDArray[np.float32]
    y: NDArray[np.int64] | NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Dataset:
    """`thumbnails` shows one training row a class: uint8 [classes, h, w] or [classes, h, w, 3], None for tables.

    `fingerprint` is the SHA-256 over the stored values and every choice that decides which of them are used and how.
    """

    train: Split
    validation: Split
    test: Split
    summary: DataSummary
    thumbnails: NDArray[np.uint8] | None
    scaler: Scaler
    fingerprint: str


@dataclass(frozen=True, eq=False)
class StoredPart:
    """One part's rows `x` as they are stored, the task's labels `y`, and what brings rows to the network."""

    x: NDArray[Any]
    y: NDArray[np.int64] | NDArray[np.float32]
    scaler: Scaler
    summary: DataSummary
    full_scale: float | None
    columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    def spread(self, count: int | None) -> StoredPart:
        """So many rows alone, evenly spread over all: the first ones may be of one class."""
        if count is None or count >= len(self.x):
            return self
        rows = np.linspace(0, len(self.x) - 1, count).round().astype(np.int64)
        return replace(self, x=self.x[rows], y=self.y[rows])

    def scaled(self) -> NDArray[np.float32]:
        """The rows as the network sees them."""
        return self.scaler.apply(self.x)
