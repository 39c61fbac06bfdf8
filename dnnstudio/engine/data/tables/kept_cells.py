"""The cells of the table that a person is just looking at: reading them again at every choice would be felt.

One table at a time, on the engine's thread; `forget` lets its memory go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.core.jobs.proposals import ColumnFacts
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.files import read_cells
from dnnstudio.engine.data.tables.judge import JudgedColumns, judge_columns
from dnnstudio.engine.data.tables.text.cells import Cells

Stamp = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class KeptCells:
    """The cells, how they were asked for, and what was worked out about their columns by a key of its own."""

    asked: Table
    stamp: Stamp
    cells: Cells
    facts: dict[object, ColumnFacts] = field(default_factory=dict)
    judged: dict[object, JudgedColumns] = field(default_factory=dict)

    def judged_as(self, source: Table, watch: Watch) -> JudgedColumns:
        """What the columns hold, for these signs of numbers and of empty cells. Raises `Cancelled` by the watch."""
        key = (source.decimal, source.thousands, source.missing_values)
        if key not in self.judged:
            self.judged[key] = judge_columns(self.cells, source, watch=watch)
        return self.judged[key]

    def fit(self, source: Table, stamp: Stamp) -> bool:
        """Whether reading the file as `source` says would give these cells: what it leaves open was found out."""
        found = (self.cells.encoding, self.cells.separator, "yes" if self.cells.header else "no", self.cells.sheet)
        return stamp == self.stamp and all(
            wanted == there or (wanted is None and asked is None)
            for wanted, asked, there in zip(_ways(source), _ways(self.asked), found, strict=True)
        )


_kept: KeptCells | None = None


def keep(source: Table, path: Path, watch: Watch) -> KeptCells:
    """The cells of `path`, all of them as texts where the file holds texts. Raises `UserError`, or `Cancelled`."""
    global _kept
    stamp = _stamp(path)
    if _kept is None or not _kept.fit(source, stamp):
        _kept = None  # two large tables need not be in memory at once
        _kept = KeptCells(source, stamp, read_cells(source, path, watch))
    return _kept


def remembered(source: Table, path: Path) -> Cells | None:
    """The kept cells, where they are those of this file read in this way."""
    return _kept.cells if _kept is not None and _kept.fit(source, _stamp(path)) else None


def forget() -> None:
    """Let go of the cells."""
    global _kept
    _kept = None


def _ways(source: Table) -> tuple[str | None, ...]:
    return source.encoding, source.separator, source.header, source.sheet


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), status.st_size, status.st_mtime_ns
