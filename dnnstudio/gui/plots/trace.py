"""Numbers that come a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Trace:
    """An array that grows at its end in constant time a value."""

    def __init__(self) -> None:
        self._values: Floats = np.empty(1024)
        self._count = 0

    def append(self, values: Any) -> None:
        """Add numbers at the end."""
        added = np.asarray(values, dtype=np.float64).ravel()
        wanted = self._count + len(added)
        if wanted > len(self._values):
            grown = np.empty(max(wanted, 2 * len(self._values)))
            grown[: self._count] = self._values[: self._count]
            self._values = grown
        self._values[self._count : wanted] = added
        self._count = wanted

    def __len__(self) -> int:
        return self._count

    @property
    def values(self) -> Floats:
        """The numbers so far: a view, not a copy."""
        return self._values[: self._count]
