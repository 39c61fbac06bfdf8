"""What a person decided about their data so far; all else is found out by the engine. Plain values, no Qt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dnnstudio.core.experiment.data import Column, Data, Fraction, Table
from dnnstudio.core.experiment.data.sources.table import ONLY_ONCE, Kind, Missing, Role
from dnnstudio.core.jobs.proposals import Answer, ColumnChange, Reading
from dnnstudio.core.jobs.requests import ProposeData

SHARE = 0.2
FOUND_OUT = Reading()
"""Nothing is decided about how the file is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The files, how they are read, the changed columns by name, answers to questions, and the shares of the split."""

    paths: tuple[Path, ...]
    seed: int
    reading: Reading = FOUND_OUT
    columns: tuple[ColumnChange, ...] = ()
    answers: tuple[Answer, ...] = ()
    validation_share: float = SHARE
    test_share: float = SHARE

    @classmethod
    def of(cls, data: Data, seed: int) -> Choices | None:
        """The choices that lead to this data; None where it is no table, or none that was settled."""
        source, validation = data.source, data.validation
        if not isinstance(source, Table) or not source.columns:
            return None
        paths = (source.path,) if source.test_path is None else (source.path, source.test_path)
        return cls(
            paths=tuple(Path(path) for path in paths),
            seed=seed,
            reading=Reading(
                encoding=source.encoding,
                separator=source.separator,
                header=source.header,
                decimal=source.decimal,
                thousands=source.thousands,
                sheet=source.sheet,
            ),
            columns=tuple(map(_as_change, source.columns)),
            validation_share=validation.fraction if isinstance(validation, Fraction) else SHARE,
            test_share=data.test_share,
        )

    def job(self) -> ProposeData:
        """The question to the engine."""
        return ProposeData(
            paths=self.paths,
            seed=self.seed,
            reading=self.reading,
            columns=self.columns,
            answers=self.answers,
            validation_share=self.validation_share,
            test_share=self.test_share,
        )

    def with_reading(self, reading: Reading) -> Choices:
        """The file read in another way: other columns may come of it, so the decisions about columns are left behind.

        Only the signs of numbers leave the columns what they are.
        """
        signs = replace(self.reading, decimal=reading.decimal, thousands=reading.thousands)
        return replace(self, reading=reading, columns=self.columns if reading == signs else ())

    def with_role(self, name: str, role: Role) -> Choices:
        """Another role for a column; a role that one column alone may have leaves the one that had it."""
        return self.with_changes([ColumnChange(name, role=role)])

    def with_kind(self, name: str, kind: Kind) -> Choices:
        """Another kind for a column."""
        return self.with_changes([ColumnChange(name, kind=kind)])

    def with_missing(self, name: str, missing: Missing) -> Choices:
        """Something else becomes of a column's empty cells."""
        return self.with_changes([ColumnChange(name, missing=missing)])

    def with_changes(self, changes: Iterable[ColumnChange]) -> Choices:
        """Several columns at once."""
        known = {change.name: change for change in self.columns}
        for change in changes:
            if change.role in ONLY_ONCE:
                for other in [item for item in known.values() if item.role == change.role]:
                    known[other.name] = replace(other, role="feature")
            before = known.get(change.name, ColumnChange(change.name))
            known[change.name] = ColumnChange(
                change.name,
                role=change.role or before.role,
                kind=change.kind or before.kind,
                missing=change.missing or (before.missing if change.kind in (None, before.kind) else None),
            )
        return replace(self, columns=tuple(known.values()))

    def with_answer(self, field: str, value: str) -> Choices:
        """An answer to a question about the file; it takes the place of an earlier one."""
        kept = tuple(answer for answer in self.answers if answer.field != field)
        return replace(self, answers=(*kept, Answer(field, value)))

    def with_shares(self, validation: float, test: float) -> Choices:
        """Other shares of the rows that validate, of those not kept for the test, and that test."""
        return replace(self, validation_share=validation, test_share=test)


def _as_change(column: Column) -> ColumnChange:
    """The decision that leads to a column; empty cells of what is no feature are nobody's decision."""
    missing = column.missing if column.role == "feature" else None
    return ColumnChange(column.name, column.role, column.kind, missing)
