"""A counted proportion with its confidence interval.

The interval is Wilson's (1927): all p with (p̂ − p)² ≤ z² p (1 − p) / n. Unlike the usual p̂ ± z √(p̂(1 − p̂)/n) it
stays within 0 and 1 and keeps its level for few rows and proportions near 1 (Brown, Cai and DasGupta, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from statistics import NormalDist

LEVEL = 0.95
"""How sure the interval of a share is, unless something else is asked."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `total` rows."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The proportion itself; NaN for no rows."""
        return self.hits / self.total if self.total else nan

    def interval(self, *, level: float = LEVEL) -> tuple[float, float]:
        """Wilson's interval at this confidence level; from 0 to 1 if there are no rows."""
        if not self.total:
            return 0.0, 1.0
        z = NormalDist().inv_cdf((1 + level) / 2)
        weight = z * z / self.total
        middle = (self.value + weight / 2) / (1 + weight)
        half = z / (1 + weight) * sqrt(self.value * (1 - self.value) / self.total + weight / (4 * self.total))
        # Without any hit the lower end is exactly 0, and without any miss the upper end exactly 1, despite rounding.
        low = 0.0 if self.hits == 0 else middle - half
        high = 1.0 if self.hits == self.total else middle + half
        return low, high

    def misses(self, promise: float, *, level: float = LEVEL) -> bool:
        """Whether the proportion is significantly below the promise: even the upper end of the interval is."""
        return self.interval(level=level)[1] < promise
