"""Labels from a table that lies with the pictures: a column of file names and a column of labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import PART_NAMES, Pictures, Table
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.text import count_of, listed
from dnnstudio.engine.data.pictures.files import Found
from dnnstudio.engine.data.pictures.listing import Item, Listing, make_listing, part_of
from dnnstudio.engine.data.raw import MAX_CLASSES
from dnnstudio.engine.data.reading import Watch, as_path
from dnnstudio.engine.data.tables.encode import as_texts
from dnnstudio.engine.data.tables.files import read_cells

LABEL_NAMES = frozenset(("label", "labels", "class", "classes", "class_name", "category", "target", "y", "species"))
MAX_TABLES = 20

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """A table that names pictures: the picture of each row (None where there is none) and the other columns."""

    path: Path
    name_column: str
    names: tuple[str, ...]
    pictures: tuple[Names | None, ...]
    columns: dict[str, tuple[str, ...]]

    @property
    def matched(self) -> int:
        return sum(picture is not None for picture in self.pictures)

    def label_candidates(self) -> tuple[str, ...]:
        """The columns that could hold labels: two values or more, fewer than rows, and no names of parts."""
        good = []
        for name, cells in self.columns.items():
            values = {cell for cell in cells if cell}
            if 2 <= len(values) <= min(MAX_CLASSES, len(cells) - 1) and not _are_parts(values):
                good.append(name)
        named = [name for name in good if name.strip().casefold() in LABEL_NAMES]
        return tuple(named) if len(named) == 1 else tuple(good)

    def parts(self) -> tuple[int, ...] | None:
        """The part of each row, where a column names them, or else the table's own name or folder does."""
        for cells in self.columns.values():
            if _are_parts(set(cells)):
                return tuple(PART_NAMES[cell.strip().casefold()] for cell in cells)
        words = [*re.split(r"[^a-z]+", self.path.name.lower()), self.path.parent.name.lower()]
        found = {part_of(word) for word in words} - {None}
        part = found.pop() if len(found) == 1 else None
        return None if part is None else (part,) * len(self.names)


def _are_parts(values: set[str]) -> bool:
    return bool(values) and all(part_of(value) is not None for value in values)


def by_table(source: Pictures, found: Found, watch: Watch) -> Listing:
    """The pictures that a table, or a table a part, gives a label. Raises `UserError` where it is not clear which."""
    tables = find_tables(source, found, watch)
    if _is_unclear(tables):
        raise UserError(
            f"{count_of(len(tables), 'table')} in {found.root} name the pictures: "
            f"{listed([table.path.name for table in tables], most=6)}.",
            "Choose one of them as the table of the pictures (data.source.table).",
        )
    items: list[Item] = []
    seen: set[Names] = set()
    column = _label_column(source, _main(tables))
    labelled = [table for table in tables if column in table.columns]
    for table in labelled:
        parts = table.parts() or (0,) * len(table.names)
        for name, names, label, part in zip(table.names, table.pictures, table.columns[column], parts, strict=True):
            reason = _refusal(names, label, column, seen)
            if reason:
                found.left_out.add(name or "a row without a name", f"{reason} ({table.path.name})")
            elif names is not None:
                seen.add(names)
                items.append((names, label, part))
    classes = _in_order({label for _, label, _ in items})
    if len(classes) > MAX_CLASSES:
        raise UserError(
            f"The labels take {len(classes):,} values; at most {MAX_CLASSES:,} classes are supported.",
            "Choose another column of labels.",
        )
    if len(classes) < 2:
        raise UserError(
            f"The table gives {count_of(len(classes), 'class')} to pictures that are there; two or more are needed.",
            "Choose another column of labels, or another table.",
        )
    trained = {label for _, label, part in items if part == 0}
    for names, label, _ in items:
        if label not in trained:
            found.left_out.add("/".join(names), f'no training picture is of the class "{label}"')
    items = [item for item in items if item[1] in trained]
    text = f"Labels from {listed([table.path.name for table in labelled], most=6)}, "
    text += f'column "{column}".'
    without = [names for names in found.pictures if names not in seen]
    return make_listing(found, items, _in_order(trained), text, without, tables=tuple(table.path for table in tables))


def label_question(source: Pictures, found: Found, watch: Watch) -> Question | None:
    """What must be asked before a table of labels can be read; None where nothing must. Raises `UserError`."""
    tables = find_tables(source, found, watch)
    if _is_unclear(tables):
        return Question("table", "Which table holds the labels?", tuple(str(table.path) for table in tables))
    candidates = _main(tables).label_candidates()
    if source.label_column is None and len(candidates) > 1:
        return Question("label_column", "Which column holds the labels?", candidates)
    return None


def _is_unclear(tables: Sequence[LabelTable]) -> bool:
    """Whether several tables name pictures and are not told apart by parts."""
    return len(tables) > 1 and len({table.parts() for table in tables}) < len(tables)


def _main(tables: Sequence[LabelTable]) -> LabelTable:
    return max(tables, key=lambda table: (bool(table.label_candidates()), len(table.names)))


def _refusal(names: Names | None, label: str, column: str, seen: set[Names]) -> str:
    if names is None:
        return "no such picture, or several of that name"
    if not label:
        return f'no value in the column "{column}"'
    return "named twice; the first row counts" if names in seen else ""


def find_tables(source: Pictures, found: Found, watch: Watch) -> list[LabelTable]:
    """The tables that name at least half of their rows' pictures; the one that the source names, whatever it names."""
    given = source.table is not None
    paths = [found.path(names) for names in found.tables]
    if given:
        paths = [as_path(source.table or "", what="the table of labels")]
    places = _Places(found.pictures)
    tables, refusals = [], []
    for path in paths[:MAX_TABLES]:
        watch.check()
        try:
            table = _read(path, places, source.name_column, watch)
        except UserError as error:
            refusals.append(str(error))
            continue
        if table.matched and (given or 2 * table.matched >= len(table.names)):
            tables.append(table)
        else:
            refusals.append(f"{path.name} names {table.matched:,} of them in {count_of(len(table.names), 'row')}.")
    if not tables:
        why = f" {refusals[0]}" if refusals else ""
        raise UserError(
            f"No table in {found.root} names the pictures.{why}",
            "Put a table with a column of file names and a column of labels beside them, or choose one.",
        )
    return tables


class _Places:
    """Pictures by whole path, by name, and by name without its ending; a name that two have stands for none."""

    def __init__(self, pictures: Sequence[Names]) -> None:
        self._by_text: dict[str, Names | None] = {}
        for names in pictures:
            stem = names[-1].rsplit(".", 1)[0]
            for text in {"/".join(names[index:]) for index in range(len(names))} | {stem}:
                self._by_text[text] = None if self._by_text.get(text, names) != names else names
        for names in pictures:
            self._by_text["/".join(names)] = names

    def find(self, cell: str) -> Names | None:
        """The picture that a cell names; folders that are not there (a path on another disk) are passed over."""
        text = cell.strip().replace("\\", "/").removeprefix("./")
        while text:
            if text in self._by_text:
                return self._by_text[text]
            text = text.partition("/")[2]
        return None


def _read(path: Path, places: _Places, wanted: str | None, watch: Watch) -> LabelTable:
    frame = read_cells(Table(path=str(path)), path, watch).frame
    columns = {name: tuple(cell or "" for cell in as_texts(frame[name]).to_list()) for name in frame.columns}
    if wanted is not None and wanted not in columns:
        raise UserError(f'{path.name} has no column "{wanted}".', f"It has: {listed(list(columns), most=12)}.")
    found = {
        name: tuple(places.find(cell) for cell in cells)
        for name, cells in columns.items()
        if wanted is None or name == wanted
    }
    best = max(found, key=lambda name: sum(names is not None for names in found[name]))
    rest = {name: tuple(cell.strip() for cell in cells) for name, cells in columns.items() if name != best}
    return LabelTable(path, best, columns[best], found[best], rest)


def _label_column(source: Pictures, table: LabelTable) -> str:
    if source.label_column is not None:
        if source.label_column not in table.columns:
            raise UserError(
                f'{table.path.name} has no column "{source.label_column}" besides the file names.',
                f"It has: {listed(list(table.columns), most=12)}.",
            )
        return source.label_column
    candidates = table.label_candidates()
    if not candidates:
        raise UserError(
            f"{table.path.name} names the pictures but has no column of labels: few values for many pictures.",
            "Name the column (data.source.label_column).",
        )
    if len(candidates) > 1:
        raise UserError(
            f"Several columns of {table.path.name} could be the labels: {listed(candidates, most=12)}.",
            "Name one of them (data.source.label_column).",
        )
    return candidates[0]


def _in_order(labels: set[str]) -> tuple[str, ...]:
    """Whole numbers by value, everything else by the alphabet; "01" and "1" stay two classes."""
    if all(re.fullmatch(r"-?[0-9]{1,15}", label) for label in labels):
        return tuple(sorted(labels, key=lambda label: (int(label), label)))
    return tuple(sorted(labels))
