"""The training data: three parts of scaled rows, and their summary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.engine.data.scaling import RowTransform


@dataclass(frozen=True, eq=False)
class Split:
    """`x` is float32 [n, *shape], read-only; `y` is int64 [n] (float64 for regression), read-only."""

    x: NDArray[np.float32]
    y: NDArray[np.int64] | NDArray[np.float32] | NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Scaled rows in three parts.

    `fingerprint` is the SHA-256 of the stored values and every setting that selects and prepares them.
    """

    train: Split
    validation: Split
    test: Split
    summary: DataSummary
    scaler: RowTransform
    fingerprint: str
    stored_shape: tuple[int, ...] = ()
    full_scale: float | None = None
    columns: tuple[str, ...] = ()
    """The shape of a row as it is stored, its value of white, and its columns' names where it is a table's."""


@dataclass(frozen=True, eq=False)
class StoredPart:
    """One part's unscaled rows `x` [n, *shape], the task's labels `y` [n], and the transform that scales rows."""

    x: NDArray[Any]
    y: NDArray[np.int64] | NDArray[np.float64]
    scaler: RowTransform
    summary: DataSummary
    full_scale: float | None
    columns: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.x)

    def spread(self, count: int | None) -> StoredPart:
        """`count` rows evenly spaced over all: the first ones may all be of one class."""
        if count is None or count >= len(self.x):
            return self
        rows = np.linspace(0, len(self.x) - 1, count).round().astype(np.int64)
        return replace(self, x=self.x[rows], y=self.y[rows])

    def scaled(self) -> NDArray[np.float32]:
        """The rows as network input, float32 [n, *shape]."""
        return self.scaler.apply(self.x)


def taught_rows(dataset: Dataset) -> Split:
    """The training rows with the targets that a network learns: standardized where the target has a unit."""
    unit, train = dataset.summary.target_unit, dataset.train
    return train if unit is None else Split(train.x, (train.y - unit.mean) / unit.std)
