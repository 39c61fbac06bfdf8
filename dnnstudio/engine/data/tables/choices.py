"""A person's choices put upon what a table's columns were taken for: roles, kinds, and what then becomes of gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data.sources.table import FEATURE_KINDS, ONLY_ONCE, Column, Kind, Missing, Role, Table
from dnnstudio.core.jobs.proposals import ColumnChange
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.tables.encode import present
from dnnstudio.engine.data.tables.judge import (
    FEW_CATEGORIES,
    NOTED_EMPTY,
    RARE_SHARE,
    Judged,
    Judgement,
    judge,
)
from dnnstudio.engine.data.tables.kept_cells import KeptCells
from dnnstudio.engine.data.tables.text.cells import Cells
from dnnstudio.engine.data.tables.values import NumberSigns, to_numbers

CHOSEN = "You chose it."


@dataclass(frozen=True, slots=True)
class Choice:
    """The table as judged and chosen, and why it has nothing to predict, if so: one of both is there at least."""

    columns: tuple[Judged, ...]
    signs: NumberSigns
    judgement: Judgement | None
    refusal: UserError | None = None


def choose(kept: KeptCells, source: Table, changes: Sequence[ColumnChange], watch: Watch) -> Choice:
    """The judgement of a table with a person's changes; a table without a target is refused, but still judged."""
    cells = kept.cells
    signs, judged = kept.judged_as(source, watch)
    wanted = {change.name: change for change in changes}
    predict = next((change.name for change in changes if change.role == "target"), None)
    try:
        found = judge(cells, source, predict=predict, columns=(signs, judged))
    except UserError as error:
        return Choice(_changed(judged, wanted, cells, source, signs), signs, None, error)
    columns = _changed(found.columns, wanted, cells, source, found.signs)
    target = next((item.column for item in columns if item.column.role == "target"), None)
    if target is None:
        nothing = UserError("No column is the one to predict.", "Give one column the role Target.")
        return Choice(columns, found.signs, None, nothing)
    change = wanted.get(target.name)
    predicts = found.predicts
    if change is not None and change.kind is not None:
        predicts = "number" if target.kind == "number" else "classes"
    settled = replace(found, columns=columns, target=target.name, predicts=predicts)
    return Choice(columns, found.signs, settled)


def _changed(
    judged: Sequence[Judged], wanted: Mapping[str, ColumnChange], cells: Cells, source: Table, signs: NumberSigns
) -> tuple[Judged, ...]:
    """The columns with the changes; a role that one column alone may have is taken from the one that had it."""
    taken = {change.role: change.name for change in wanted.values() if change.role in ONLY_ONCE}
    columns = []
    for item in judged:
        name, role = item.column.name, item.column.role
        if role in taken and taken[role] != name:
            item = replace(item, column=item.column.replaced(role="feature"))
        change = wanted.get(name)
        columns.append(item if change is None else _with(item, change, cells, source, signs))
    return tuple(columns)


def _with(item: Judged, change: ColumnChange, cells: Cells, source: Table, signs: NumberSigns) -> Judged:
    column, rows = item.column, len(cells.lines)
    role: Role = change.role or column.role
    kind: Kind = change.kind or column.kind
    if kind not in FEATURE_KINDS:
        if change.role in ("feature", "target"):
            kind = _usable_kind(column, cells, source, signs)
        elif role == "feature":
            role = "ignored"
    column = column.replaced(
        role=role,
        kind=kind,
        missing=_missing(role, kind, item.empty, change.missing),
        indicator=role == "feature" and item.empty >= NOTED_EMPTY * rows > 0,
        min_frequency=_rare_below(role, kind, item.different, rows),
        missing_values=column.missing_values if kind == "number" else None,
        date_format=column.date_format if kind == "date" else None,
    )
    return item if column == item.column else replace(item, column=column, reason=CHOSEN)


def _usable_kind(column: Column, cells: Cells, source: Table, signs: NumberSigns) -> Kind:
    """What an id or a text can be shown as: a number where all its cells are one, else a category."""
    texts = present(cells.frame[column.name], column, source).drop_nulls()
    return "category" if to_numbers(texts, signs).null_count() or not len(texts) else "number"


def _missing(role: Role, kind: Kind, empty: int, wanted: Missing | None) -> Missing:
    """What becomes of empty cells: as wanted, but a value that is predicted is never made up."""
    if not empty:
        return "refuse"
    if wanted is not None and (role == "feature" or wanted in ("refuse", "drop_rows")):
        return wanted
    if role == "feature":
        return "median" if kind in ("number", "date") else "most_frequent"
    return "drop_rows"


def _rare_below(role: Role, kind: Kind, different: int, rows: int) -> int:
    many = role == "feature" and kind == "category" and different > FEW_CATEGORIES
    return max(2, round(RARE_SHARE * rows)) if many else 1
