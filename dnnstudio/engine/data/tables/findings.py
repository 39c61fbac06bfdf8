"""A table's findings for a person: its first rows, each column's facts, the inputs, and what is worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from dnnstudio.core.experiment.data.sources.table import Column, Table
from dnnstudio.core.jobs.proposals import (
    ColumnChange,
    DroppedLine,
    FileKind,
    InputGroup,
    Note,
    Reading,
    TableFindings,
)
from dnnstudio.core.text import count_of, listed, printable, shortened
from dnnstudio.engine.data.preparation import DATE_PARTS, Preparation
from dnnstudio.engine.data.tables.choices import Choice
from dnnstudio.engine.data.tables.consequences import Consequence
from dnnstudio.engine.data.tables.encode import as_texts, present
from dnnstudio.engine.data.tables.files import PARQUET, SHEETS
from dnnstudio.engine.data.tables.judge import Judged
from dnnstudio.engine.data.tables.kept_cells import KeptCells
from dnnstudio.engine.data.tables.profile import facts_of
from dnnstudio.engine.data.tables.text.cells import Cells

SHOWN_ROWS = 200
SHOWN_COLUMNS = 500
"""Columns whose cells are shown; a table of pictures as rows has thousands, which nobody reads."""
LONGEST_CELL = 60
NAMED_LINES = 5
NAMED_COLUMNS = 4
"""So many columns that are left out get a note of their own."""
LEAVES_OUT = frozenset({"label_in_other_words", "same_as_target", "id_gives_away", "constant"})
"""Consequences that go away with the columns that they are about."""


def findings(kept: KeptCells, source: Table, choice: Choice, preparation: Preparation | None) -> TableFindings:
    """All that the window shows of a table. `source` says how it is read, `preparation` what its columns become."""
    cells = kept.cells
    by_name = {} if preparation is None else {item.column.name: len(item.inputs) for item in preparation.columns}
    classes = choice.judgement is None or choice.judgement.predicts == "classes"
    columns = tuple(
        replace(
            facts_of(kept, source, item, choice.signs, as_classes=classes and item.column.role == "target"),
            inputs=by_name.get(item.column.name, 0),
        )
        for item in choice.columns
    )
    return TableFindings(
        file=_file_kind(Path(source.path)),
        reading=_reading(source, cells, choice),
        sheets=cells.sheets,
        rows=len(cells.lines),
        width=cells.frame.width,
        place=cells.place,
        columns=columns,
        lines=tuple(int(line) for line in cells.lines[:SHOWN_ROWS]),
        cells=_first_rows(cells, source, [item.column for item in choice.columns]),
        dropped=tuple(DroppedLine(item.line, item.cells, printable(item.text)) for item in cells.dropped),
        dropped_count=cells.dropped_count,
        inputs=() if preparation is None else tuple(_groups(preparation)),
    )


def notes(
    kept: KeptCells,
    source: Table,
    choice: Choice,
    found: Sequence[Consequence],
    told: Sequence[str],
    changes: Sequence[ColumnChange],
) -> tuple[Note, ...]:
    """What is worth knowing; what costs rows comes first, then what could mislead. `told` is the reader's."""
    target = source.target_column
    return (
        *_dropped(kept.cells),
        *(_consequence(item, target) for item in found),
        *_left_out(choice.columns, {change.name for change in changes}),
        *_dates(choice.columns),
        *(Note(text=text) for text in told if text != kept.cells.ragged_note),
    )


def _file_kind(path: Path) -> FileKind:
    suffix = path.suffix.lower()
    return "columns" if suffix in PARQUET else "sheet" if suffix in SHEETS else "text"


def _reading(source: Table, cells: Cells, choice: Choice) -> Reading:
    return Reading(
        encoding=cells.encoding,
        separator=cells.separator,
        header="yes" if cells.header else "no",
        decimal=choice.signs.decimal,
        thousands=choice.signs.thousands,
        sheet=cells.sheet,
    )


def _first_rows(cells: Cells, source: Table, columns: Sequence[Column]) -> tuple[tuple[str | None, ...], ...]:
    shown = [
        _without_midnight(as_texts(present(cells.frame[column.name].head(SHOWN_ROWS), column, source))).to_list()
        for column in columns[:SHOWN_COLUMNS]
    ]
    return tuple(
        tuple(None if cell is None else printable(shortened(cell, LONGEST_CELL)) for cell in row)
        for row in zip(*shown, strict=True)
    )


def _without_midnight(texts: pl.Series) -> pl.Series:
    """Dates without the time of day where it is midnight in all of them: a sheet has no other way to store a date."""
    ends = r"^(\d{4}-\d\d-\d\d) 00:00:00(\.0+)?$"
    return texts.str.replace(ends, "$1") if bool(texts.drop_nulls().str.contains(ends).all()) else texts


def _groups(preparation: Preparation) -> Iterator[InputGroup]:
    """Categories and dates one by one, largest first; numbers and yes/no columns each together; marks last."""
    single: list[InputGroup] = []
    together: dict[str, list[tuple[str, int]]] = {}
    marked: list[str] = []
    scaled = {"standardize": "standardized", "unit": "brought to 0…1", "none": "as stored"}[preparation.scaling]
    for item in preparation.columns:
        name, kind = item.column.name, item.column.kind
        inputs = len(item.inputs) - item.column.indicator
        if item.column.indicator:
            marked.append(name)
        if kind == "category":
            single.append(InputGroup((name,), f"one of {inputs:,}", inputs))
        elif kind == "date":
            single.append(InputGroup((name,), "parts of the date", inputs))
        else:
            together.setdefault(scaled if kind == "number" else "0 or 1", []).append((name, inputs))
    yield from sorted(single, key=lambda group: -group.inputs)
    for how, items in together.items():
        yield InputGroup(tuple(name for name, _ in items), how, sum(inputs for _, inputs in items))
    if marked:
        yield InputGroup(tuple(marked), "1 if it is missing", len(marked))


# ------------------------------------------------------------------------------------------------ worth knowing


def _dropped(cells: Cells) -> Iterator[Note]:
    if cells.dropped:
        lines = [f"{item.line:,}" for item in cells.dropped[:NAMED_LINES]]
        more = f" and {cells.dropped_count - len(lines):,} more" if cells.dropped_count > len(lines) else ""
        has = "It does" if cells.dropped_count == 1 else "They do"
        yield Note(
            text=f"{count_of(cells.dropped_count, 'line')} dropped: {', '.join(lines)}{more}.",
            detail=f"{has} not have {cells.frame.width} cells like the others.",
            severity="hint",
            action="Show",
            line=cells.dropped[0].line,
        )


def _consequence(item: Consequence, target: Column | None) -> Note:
    if item.code in LEAVES_OUT and item.columns:
        changes = tuple(ColumnChange(name, role="ignored") for name in item.columns)
        action = "Leave it out" if len(changes) == 1 else "Leave them out"
        return Note(text=item.text, severity="hint", action=action, changes=changes)
    if item.code == "many_numbers" and target is not None:
        change = ColumnChange(target.name, role="target", kind="number")
        return Note(text=item.text, severity="hint", action="Predict a number", changes=(change,))
    return Note(text=item.text, severity="hint")


def _left_out(columns: Sequence[Judged], chosen: set[str]) -> Iterator[Note]:
    """Columns that were left out by their looks; what a person left out needs no word."""
    out = [item for item in columns if item.column.role == "ignored" and item.column.name not in chosen]
    shown = out if len(out) <= NAMED_COLUMNS else out[: NAMED_COLUMNS - 1]
    for item in shown:
        name = item.column.name
        can = item.different > 1
        yield Note(
            text=f"{shortened(name, 30)} is left out.",
            detail=item.reason,
            action="Keep it" if can else "",
            changes=(ColumnChange(name, role="feature"),) if can else (),
        )
    if len(out) > len(shown):
        yield Note(text=f"{len(out) - len(shown):,} more columns are left out.", detail="Their heads say why.")


def _dates(columns: Sequence[Judged]) -> Iterator[Note]:
    dates = [item.column for item in columns if item.column.role == "feature" and item.column.kind == "date"]
    if dates:
        names = listed([shortened(column.name, 30) for column in dates])
        yield Note(text=f"{names} {'becomes' if len(dates) == 1 else 'become'} {', '.join(DATE_PARTS)}.")
