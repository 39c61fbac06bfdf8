"""Compares two repeats seed by seed: is their difference significant?"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from dnnstudio.core.study.repeat import spread_of
from dnnstudio.core.study.repeat_record import spread_words
from dnnstudio.core.text import count_of
from dnnstudio.core.text import figure as number_text
from dnnstudio.core.workspace.runs import Spread

FIGURES = ("accuracy", "mae", "loss")
"""The figures to judge by: the first of them that both repeats have."""
NO_SPREAD = 1e-9
"""A standard deviation of this share of the mean is rounding."""
HIGHER_IS_BETTER = frozenset({"accuracy"})
SHARES = frozenset({"accuracy"})
"""Figures that are told in percent, and their differences in points of it."""

ALIKE = "and so without a spread that tells it from chance"

# fmt: off
_T_975 = (
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
    2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860,
    2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423,
)
# fmt: on
"""97.5 % quantile of Student's t for 1 … 30 degrees of freedom."""
_NORMAL_975 = 1.959964


def student_t(freedom: int) -> float:
    """97.5 % quantile of Student's t for any degrees of freedom from 1 on, accurate to 0.002.

    Above the table, the first term of its expansion around the normal quantile (Abramowitz and Stegun, 26.7.5).
    """
    if freedom <= len(_T_975):
        return _T_975[freedom - 1]
    return _NORMAL_975 + (_NORMAL_975**3 + _NORMAL_975) / (4 * freedom)


FEW = "train more seeds to tell this from chance"


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The difference first − second of one test figure of two repeats, over the seeds that both have.

    `first` and `second` are {"mean", "std", "n"} over those seeds; `std` is the sample standard deviation of the
    differences (n − 1), None for a single pair; `low` and `high` are the 95 % confidence interval of their mean by
    Student's t, which assumes normally distributed differences.
    """

    figure: str
    seeds: tuple[int, ...]
    first: dict[str, Any]
    second: dict[str, Any]
    mean: float
    std: float | None
    low: float | None
    high: float | None

    @property
    def has_spread(self) -> bool:
        """Whether the differences vary. Where all are alike, as with a few rows of difference, no interval follows."""
        return self.std is not None and self.std > NO_SPREAD * max(abs(self.mean), NO_SPREAD)

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval excludes 0."""
        return self.has_spread and self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def compare_repeats(
    first: Mapping[int, Mapping[str, Any]], second: Mapping[int, Mapping[str, Any]]
) -> PairedDifference | None:
    """Compare the first of `FIGURES` on the test part, paired by seed. Each argument maps a seed to a run's metrics.

    None if the two have no seed or no figure in common.
    """
    seeds = tuple(seed for seed in first if seed in second)
    pairs = [(first[seed].get("test") or {}, second[seed].get("test") or {}) for seed in seeds]
    name = next((name for name in FIGURES if pairs and all(name in a and name in b for a, b in pairs)), None)
    if name is None:
        return None
    differences = [a[name] - b[name] for a, b in pairs]
    mean, std, low, high = statistics.mean(differences), None, None, None
    if len(seeds) > 1:
        std = statistics.stdev(differences)
        reach = student_t(len(seeds) - 1) * std / sqrt(len(seeds))
        low, high = mean - reach, mean + reach
    ours, theirs = (spread_of([pair[side][name] for pair in pairs]) for side in (0, 1))
    return PairedDifference(name, seeds, ours, theirs, mean, std, low, high)


def difference_sentence(found: PairedDifference | None, first: str, second: str) -> str:
    """Both means with their spread, the paired difference, and the conclusion; `first` and `second` are names."""
    if found is None:
        return f"{first} and {second} have no seed and test figure in common, so nothing can be paired."
    ours, theirs = (side_text(found.figure, side, counted=True) for side in (found.first, found.second))
    if found.low is None or found.high is None:
        ours, theirs = (side_text(found.figure, side) for side in (found.first, found.second))
        both = f"{ours} ({first}) against {theirs} ({second})"
        return f"Seed {found.seeds[0]}, the one seed in common, has test {found.figure} {both}: {FEW}."
    figures = f"Test {found.figure} {ours} ({first}) against {theirs} ({second})"
    mean = difference_text(found.figure, found.mean)
    if found.mean and not found.has_spread:
        return f"{figures}; {mean} on each of {count_of(len(found.seeds), 'seed')}, {ALIKE}: train more seeds."
    paired = f"paired by {count_of(len(found.seeds), 'seed')} {mean} ({interval_text(found)})"
    if not found.beyond_chance:
        return f"{figures}; {paired}: no difference beyond chance."
    better = first if (found.mean > 0) == (found.figure in HIGHER_IS_BETTER) else second
    return f"{figures}; {paired}: {better} is better, beyond chance."


def side_text(figure: str, side: Mapping[str, Any], *, counted: bool = False, fractions: bool = False) -> str:
    """A repeat's mean and spread as the window writes them: "91.3 ± 0.2 %"; with `fractions` "0.9133 ± 0.0021".

    `counted` adds the number of seeds.
    """
    if fractions:
        text = spread_text(side)
        return text if counted else text.partition(" (n")[0]
    return spread_words(Spread(side["mean"], side["std"], side["n"]), counted=counted, share=figure in SHARES)


def difference_text(figure: str, difference: float, *, fractions: bool = False) -> str:
    """ "+0.85 points" of an accuracy, "-12,430" of another figure; with `fractions` "+0.0085"."""
    unit = " points" if figure in SHARES and not fractions else ""
    return f"{_signed(figure, difference, fractions=fractions)}{unit}"


def interval_text(found: PairedDifference, *, fractions: bool = False) -> str:
    """ "95 % interval +0.39 to +1.31", in the unit of `difference_text`."""
    ends = [_signed(found.figure, end, fractions=fractions) for end in (found.low, found.high) if end is not None]
    return f"95 % interval {' to '.join(ends)}"


def _signed(figure: str, value: float, *, fractions: bool) -> str:
    if fractions:
        return f"{value:+.4f}"
    return f"{100 * value:+.2f}" if figure in SHARES else number_text(value, signed=True)


def spread_text(spread: Mapping[str, Any]) -> str:
    """ "0.9133 ± 0.0021 (n = 5)"; a single value without a spread."""
    if spread["std"] is None:
        return f"{spread['mean']:.4f} (n = {spread['n']})"
    return f"{spread['mean']:.4f} ± {spread['std']:.4f} (n = {spread['n']})"
