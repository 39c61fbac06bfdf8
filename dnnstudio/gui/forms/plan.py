"""Which rows a form shows for given records, in order. Pure functions, testable without a window."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dnnstudio.core.experiment.fields import Option
from dnnstudio.gui.forms.spec import EditorKind, FieldSpec, specs_of

KIND = "kind"
"""The path of the row that chooses the kind of the whole record, where several are offered."""


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row: the path of its value, its field, and how it is shown."""

    path: str
    spec: FieldSpec
    title: str
    depth: int = 0
    advanced: bool = False
    inline: tuple[FieldSpec, ...] = ()
    """Fields of the nested record that stand in the same row."""
    combo: bool = False
    """Whether the row offers the kinds in a combo; without one they are in the menu of its label."""


def plan(
    records: Sequence[Option], *, only: Collection[str] = (), exclude: Collection[str] = ()
) -> tuple[PlannedRow, ...]:
    """The rows for editing all records together: the fields that they have in common."""
    return tuple(_rows(records, only=only, exclude=exclude))


def kind_row(kinds: tuple[type[Option], ...], *, title: str, help: str) -> PlannedRow | None:
    """The row for choosing the kind of the whole record; None if no kinds are offered."""
    if not kinds:
        return None
    spec = FieldSpec(
        name=KIND,
        title=title,
        help=help,
        editor=EditorKind.NESTED,
        optional=False,
        initial=None,
        default=None,
        kinds=kinds,
    )
    return PlannedRow(KIND, spec, title, combo=True)


def _rows(
    records: Sequence[Option],
    *,
    only: Collection[str] = (),
    exclude: Collection[str] = (),
    prefix: str = "",
    depth: int = 0,
    advanced: bool = False,
    before: str = "",
) -> Iterator[PlannedRow]:
    for spec in _common(records):
        if (only and spec.name not in only) or spec.name in exclude:
            continue
        path = f"{prefix}{spec.name}"
        hidden = advanced or spec.advanced
        folded = hidden and not advanced and depth > 0
        title = f"{before}, {spec.title[:1].lower()}{spec.title[1:]}" if folded and before else spec.title
        level = 0 if folded else depth
        if spec.editor is not EditorKind.NESTED:
            yield PlannedRow(path, spec, title, level, hidden)
            continue
        inner = [getattr(record, spec.name) for record in records]
        present = [value for value in inner if value is not None]
        alike = len(present) == len(inner) and len({type(value) for value in present}) == 1
        inline = _inline(spec, type(present[0]) if alike else None, mixed=bool(present))
        combo = len(spec.kinds) > 1 and not (spec.usual is not None and inline and not _named(spec, present))
        yield PlannedRow(path, spec, title, level, hidden, inline, combo)
        if alike:
            yield from _rows(
                present,
                exclude={child.name for child in inline},
                prefix=f"{path}.",
                depth=level + 1,
                advanced=hidden,
                before=spec.title,
            )


def _named(spec: FieldSpec, present: Sequence[Option]) -> bool:
    """Whether a kind other than the usual one is in use, so that the row must name it."""
    return any(type(value) is not spec.usual for value in present)


def _inline(spec: FieldSpec, kind: type[Option] | None, *, mixed: bool) -> tuple[FieldSpec, ...]:
    """The numbers that fit in the row of the nested record: two alone, one beside a combo box or switch."""
    if kind is None:
        if spec.usual is None or mixed:
            return ()
        kind = spec.usual
    visible = [child for child in specs_of(kind) if not child.advanced]
    room = 2 if kind is spec.usual else 1
    plain = all(child.editor is EditorKind.NUMBER and not child.optional for child in visible)
    return tuple(visible) if plain and len(visible) <= room else ()


def _common(records: Sequence[Option]) -> tuple[FieldSpec, ...]:
    kinds = list(dict.fromkeys(type(record) for record in records))
    if not kinds:
        return ()
    rest = [{spec.name: spec for spec in specs_of(kind)} for kind in kinds[1:]]
    return tuple(
        spec for spec in specs_of(kinds[0]) if all(spec.name in other and spec.like(other[spec.name]) for other in rest)
    )
