"""Stored form of a table's rows: one float64 column per feature, and the keys that assign rows to parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.experiment.data.sources.table import Column


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """One stored feature: a number, 0 or 1 for yes/no, a date in days since 1970; NaN for an empty cell.

    A category is its index in `vocabulary`, which contains every category of the table.
    """

    column: Column
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitKeys:
    """The keys that assign each row to a part, [rows] each or None: its group, its time, or its part by name.

    `parts` holds 0 for training, 1 for validation, 2 for the test.
    """

    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    parts: NDArray[np.int64] | None = None

    def where(self, keep: NDArray[np.bool_]) -> SplitKeys:
        """The keys of the rows for which `keep`, bool [rows], is True."""
        return SplitKeys(
            groups=None if self.groups is None else self.groups[keep],
            times=None if self.times is None else self.times[keep],
            parts=None if self.parts is None else self.parts[keep],
        )


NO_KEYS = SplitKeys()
