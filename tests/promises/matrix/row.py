"""A row of the matrix, and what of some rows cannot be tested here."""

from __future__ import annotations

POWER = "Writes that a power cut loses need a file system that loses them (LazyFS); the order of flushes is tested."
STALLED = "A network drive that stalls in the kernel cannot be made here; what waits for a process can be called off."
UNPLUGGED = "A drive cannot be unplugged here; the system's error while reading is what is tested."
REASONS = (POWER, STALLED, UNPLUGGED)


class Row:
    """One row: its number, the fault in short, its tests, and what of it cannot be tested here."""

    def __init__(self, number: int, fault: str, *tests: str, reason: str = "") -> None:
        self.number, self.fault, self.tests, self.reason = number, fault, tests, reason
