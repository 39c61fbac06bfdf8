"""Finds the records of a text table and their numbers of cells, vectorized with numpy.

Quotes are tracked by parity: inside them neither separators nor line ends count (RFC 4180, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnstudio.engine.data.reading import Watch

BLOCK = 2**24
NEWLINE, QUOTE = ord("\n"), ord('"')


@dataclass(frozen=True, slots=True)
class Records:
    """`starts` are byte offsets, `widths` the cells of each record (0 for a blank line), `lines` their line numbers.

    `regular` says that every quote opens or closes a whole cell, so that a fast reader can be trusted.
    """

    starts: NDArray[np.int64]
    widths: NDArray[np.int64]
    lines: NDArray[np.int64]
    regular: bool


def scan(content: bytes, separator: str, watch: Watch, *, what: str) -> Records:
    """The records of UTF-8 text with normalized line ends."""
    data = np.frombuffer(content, np.uint8)
    quoted = b'"' in content
    ends: list[NDArray[np.int64]] = []
    counts: list[NDArray[np.int64]] = []
    inner = [np.zeros(0, np.int64)]
    carry, open_count, regular = np.uint8(0), 0, True
    for start in range(0, len(data), BLOCK):
        watch.tell(start, len(data), f"Checking {what}")
        part = data[start : start + BLOCK]
        breaks, cuts = part == NEWLINE, part == ord(separator)
        if quoted:
            inside = np.bitwise_xor.accumulate((part == QUOTE).view(np.uint8)) ^ carry
            carry = inside[-1]
            outside = inside == 0
            inner.append(np.flatnonzero(breaks & ~outside) + start)
            breaks &= outside
            cuts &= outside
        places = np.flatnonzero(breaks)
        total = np.concatenate(([0], np.cumsum(_counts(cuts, places))))
        rest = int(np.count_nonzero(cuts)) - int(total[-1])
        found = np.diff(total)
        if len(found):
            found[0] += open_count
            open_count = rest
        else:
            open_count += rest
        ends.append(places + start)
        counts.append(found)
    if quoted:
        regular = carry == 0 and _well_placed(data, ord(separator))
    all_ends, cells = np.concatenate(ends), np.concatenate(counts)
    if not len(all_ends) or all_ends[-1] != len(data) - 1:
        all_ends, cells = np.append(all_ends, len(data)), np.append(cells, open_count)
    starts = np.concatenate(([0], all_ends[:-1] + 1))
    widths = np.where(all_ends == starts, 0, cells + 1)
    lines = np.arange(1, len(starts) + 1) + np.searchsorted(np.concatenate(inner), starts)
    return Records(starts, widths, lines, bool(regular))


def _counts(cuts: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of cuts before each position and after the previous one."""
    if not len(places):
        return np.zeros(0, np.int64)
    return np.diff(np.searchsorted(np.flatnonzero(cuts), places), prepend=0)


def _well_placed(data: NDArray[np.uint8], separator: int) -> bool:
    """Whether each opening quote begins a cell and each closing one ends it; doubled quotes close and open again."""
    quotes = np.flatnonzero(data == QUOTE)
    opening, closing = quotes[0::2], quotes[1::2]
    before = np.where(opening == 0, NEWLINE, data[np.maximum(opening - 1, 0)])
    after = np.where(closing == len(data) - 1, NEWLINE, data[np.minimum(closing + 1, len(data) - 1)])
    edges = (NEWLINE, separator, QUOTE)
    good = np.isin(before, edges).all() and np.isin(after, edges).all()
    # A quote directly before an opening one must close the same cell, not end another cell.
    return bool(good)
