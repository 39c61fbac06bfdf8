"""New rows of a table, labelled or not, stored as the run stored its own; what does not fit is named by row, column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import Table
from dnnstudio.engine.data.preparation import Preparation
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.new_rows import NewRows, new_row_blocks
from dnnstudio.engine.predicting.items import Item


@dataclass(frozen=True, slots=True)
class TableReader:
    """Reads the columns that the network was trained on; others, the target among them, may be there or not.

    `source` says how the table is written. `preparations` has one for each member of an ensemble: a category must have
    been seen by all of them. A block of rows is in memory at a time. `notes` are of all the files read so far.
    """

    source: Table
    preparations: tuple[Preparation, ...]
    notes: list[str] = field(default_factory=list)

    def read(self, path: Path, watch: Watch) -> Iterator[Item]:
        """The rows of a table file. Raises `UserError` where it cannot be read, or has not got all the columns."""
        count = 0
        try:
            for new in new_row_blocks(self.source, self.preparations[0], path, watch):
                self.notes.extend(f"{path.name}: {note}" for note in new.notes)
                yield from self._items(new, path, count)
                count += len(new.x) + len(new.dropped)
        except UserError as error:
            if not count:
                raise
            raise UserError(f"{error} The rows of {path.name} from row {count + 1:,} on are not answered.") from None

    def _items(self, new: NewRows, path: Path, before: int) -> Iterator[Item]:
        """The rows of a block, of which so many came `before`, and the lines that are no rows in their place."""
        strange = self._unseen_by_others(new.x)
        found = zip(new.x, new.lines, new.errors, new.unseen, strict=True)
        dropped = new.dropped.tolist()
        number = before
        for row, (values, line, error, unseen) in enumerate(found):
            while dropped and dropped[0] < line:
                number += 1
                yield _no_row(path, number, dropped.pop(0))
            number += 1
            said = " ".join(text for text in (error, unseen or strange.get(row, "")) if text)
            if said:
                yield Item(str(path), number, error=f"{path.name}, {new.place} {line}: {said}")
            else:
                yield Item(str(path), number, values=values)
        for line in dropped:
            number += 1
            yield _no_row(path, number, line)

    def _unseen_by_others(self, x: NDArray[np.float64]) -> dict[int, str]:
        """Row → what to say of a category that some member but the first has not seen."""
        found: dict[int, str] = {}
        for preparation in self.preparations[1:]:
            for place, column in enumerate(preparation.columns):
                if column.column.kind != "category":
                    continue
                there = np.flatnonzero(x[:, place] >= 0)
                inputs = np.asarray(column.places, np.int64)[x[there, place].astype(np.int64)]
                said = f'Column "{column.column.name}" holds a category that some members have never seen.'
                found |= dict.fromkeys(there[inputs < 0].tolist(), said)
        return found


def _no_row(path: Path, row: int, line: int) -> Item:
    return Item(str(path), row, error=f"{path.name}, line {line}: It has not as many cells as the other lines.")
