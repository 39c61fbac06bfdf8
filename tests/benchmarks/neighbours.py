"""What others take of a virtual machine's processors, and measuring in spite of it.

A hypervisor that gives a tenth of a processor to somebody else makes one round slower than the next, and a window's
loop late: that says nothing of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
MOST_TAKEN = 0.03
"""A round in which others took a larger share of the processors' time is tried again."""


def processor_times() -> tuple[int, int]:
    """What the processors wanted and others got, and all of their time; 0 where nobody counts it."""
    counted = Path("/proc/stat")
    times = [int(number) for number in counted.read_text().splitlines()[0].split()[1:9]] if counted.exists() else []
    return (times[7], sum(times)) if len(times) == 8 else (0, 0)


def share_taken(before: tuple[int, int]) -> float:
    """The share of the processors' time that others got since then."""
    taken, total = (now - then for now, then in zip(processor_times(), before, strict=True))
    return taken / total if total else 0.0


def least_disturbed(measure: Callable[[], T], *, rounds: int) -> list[T]:
    """So many results of `measure`; of up to twice as many rounds those in which others took least."""
    found: list[tuple[float, T]] = []
    while sum(share <= MOST_TAKEN for share, _ in found) < rounds and len(found) < 2 * rounds:
        before = processor_times()
        result = measure()
        found.append((share_taken(before), result))
    found.sort(key=lambda pair: pair[0])
    return [result for _, result in found[:rounds]]
