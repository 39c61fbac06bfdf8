"""The description of a field for the form, from its type, limits, title and help. No Qt objects are created here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import floor, log10
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Discriminator
from pydantic.fields import FieldInfo

from dnnstudio.core.experiment.fields import Option, field_hint, initial_value, option_kinds, ordered_fields
from dnnstudio.gui.forms.sentences import choice_label
from dnnstudio.gui.widgets.inputs.numbers import Limits, Number, Steps
from dnnstudio.gui.widgets.inputs.segmented import Choice

NO_LIMITS = Limits()


class EditorKind(Enum):
    """The kind of editor for a field."""

    NUMBER = "number"
    TOGGLE = "toggle"
    CHOICE = "choice"
    TEXT = "text"
    LIST = "list"
    """Several numbers in one line: a shape, a pair, boundaries."""
    NESTED = "nested"
    """Another record, of one kind or of several."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldSpec:
    """One field of an `Option`, as the form sees it. There is one object per class and field, so it compares by
    identity.
    """

    name: str
    title: str
    help: str
    editor: EditorKind
    optional: bool
    """Whether None is a value: "off"."""
    initial: object
    """Initial value; for a field that is off by default, the value when switched on."""
    default: object
    advanced: bool = False
    unit: str = ""
    widget: str = ""
    integer: bool = False
    limits: Limits = NO_LIMITS
    steps: Steps = Steps.LINEAR
    step_size: float = 0.1
    choices: tuple[Choice, ...] = ()
    kinds: tuple[type[Option], ...] = ()
    usual: type[Option] | None = None
    """The kind meant when none is named; its numbers then stand in the row without the name of the kind."""
    length: int | None = None
    """Of a list: how many numbers, where that is fixed."""
    single: bool = False
    """Of a list: one number may stand alone, without being a list."""

    def like(self, other: FieldSpec) -> bool:
        """Whether fields of two classes can be edited together."""
        return (self.name, self.editor, self.optional, self.integer, self.kinds, self.length, self.choices) == (
            (other.name, other.editor, other.optional, other.integer, other.kinds, other.length, other.choices)
        )


@cache
def specs_of(kind: type[Option]) -> tuple[FieldSpec, ...]:
    """The fields of a class in display order: its own first, switches after numbers and choices.

    The `kind` and lists of records (the layers of an experiment) are not edited in forms.
    """
    found = []
    for place, (name, field) in enumerate(ordered_fields(kind)):
        spec = _spec(name, field)
        if spec is not None and name != "kind":
            toggle = spec.editor is EditorKind.TOGGLE
            inherited = toggle and not any(name in vars(base).get("__annotations__", {}) for base in (kind,))
            found.append(((bool(field_hint(field, "late")), toggle, inherited, place), spec))
    return tuple(spec for _, spec in sorted(found, key=lambda item: item[0]))


def spec_at(kind: type[Option], name: str) -> FieldSpec:
    """The field with that name. Raises `KeyError`."""
    for spec in specs_of(kind):
        if spec.name == name:
            return spec
    raise KeyError(f"{kind.__name__} has no field {name}")


def kind_choices(kinds: Iterable[type[Option]], *, optional: bool) -> tuple[Choice, ...]:
    """The kinds as choices by class; None for "off"."""
    named = tuple(Choice(kind, kind.label or kind.__name__, kind.help) for kind in kinds)
    return (Choice(None, "None"), *named) if optional else named


def _spec(name: str, field: FieldInfo) -> FieldSpec | None:
    members, optional, usual_tag = _members(field)
    shared: dict[str, Any] = {
        "name": name,
        "title": field.title or choice_label(name),
        "help": field.description or "",
        "optional": optional,
        "default": None if field.is_required() else field.get_default(call_default_factory=True),
        "initial": initial_value(field),
        "advanced": bool(field_hint(field, "advanced")),
        "unit": field_hint(field, "unit") or "",
        "widget": field_hint(field, "widget") or "",
    }
    if all(isinstance(member, type) and issubclass(member, Option) for member in members):
        usual = next((kind for kind in members if _tag(kind) == usual_tag), None) if usual_tag else None
        return FieldSpec(editor=EditorKind.NESTED, kinds=tuple(members), usual=usual, **shared)
    first = members[0]
    if get_origin(first) is Literal:
        choices = tuple(Choice(value, choice_label(value)) for value in get_args(first))
        return FieldSpec(editor=EditorKind.CHOICE, choices=choices, **shared)
    if members == [bool]:
        return FieldSpec(editor=EditorKind.TOGGLE, **shared)
    if members == [str]:
        return FieldSpec(editor=EditorKind.TEXT, **shared)
    if members in ([int], [float]):
        return _number(first is int, field, shared)
    lists = [member for member in members if get_origin(member) is tuple]
    return _list(lists[0], field, shared, single=len(members) > 1) if lists else None


def _number(integer: bool, field: FieldInfo, shared: dict[str, Any]) -> FieldSpec:
    limits = _limits(field)
    hint = field_hint(field, "initial")
    start = shared["initial"] if shared["initial"] is not None else hint
    if start is None:
        start = _usable(integer, limits)
    steps, size = _steps(integer, limits, start)
    shared["initial"] = start
    return FieldSpec(editor=EditorKind.NUMBER, integer=integer, limits=limits, steps=steps, step_size=size, **shared)


def _list(member: Any, field: FieldInfo, shared: dict[str, Any], *, single: bool) -> FieldSpec | None:
    items = get_args(member)
    numbers = {item for item in items if item is not Ellipsis}
    if numbers not in ({int}, {float}):
        return None
    length = None if Ellipsis in items else len(items)
    return FieldSpec(
        editor=EditorKind.LIST, integer=numbers == {int}, length=length, single=single, limits=_limits(field), **shared
    )


def _members(field: FieldInfo) -> tuple[list[Any], bool, str | None]:
    """The types that a field accepts (except None), and the tag of a record without a kind."""
    waiting: list[Any] = [field.annotation]
    members: list[Any] = []
    optional = False
    marks = [*field.metadata, field.discriminator]
    while waiting:
        part: Any = waiting.pop(0)
        origin = get_origin(part)
        if origin is Annotated:
            marks.extend(part.__metadata__)
            waiting.insert(0, part.__origin__)
        elif origin in (Union, UnionType):
            waiting = [*get_args(part), *waiting]
        elif part is type(None):
            optional = True
        elif isinstance(part, type) and issubclass(part, Option):
            members.extend(option_kinds(part).values())
        else:
            members.append(part)
    tag = None
    for mark in marks:
        if isinstance(mark, Discriminator) and callable(mark.discriminator):
            tag = mark.discriminator({})
    return members, optional, tag if isinstance(tag, str) else None


def _tag(kind: type[Option]) -> object:
    return kind.model_fields["kind"].default if "kind" in kind.model_fields else None


def _limits(field: FieldInfo) -> Limits:
    found: dict[str, Number] = {}
    for mark in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if getattr(mark, key, None) is not None:
                found[key] = getattr(mark, key)
    return Limits(**found)


def _usable(integer: bool, limits: Limits) -> Number:
    """A valid initial number if the field declares none."""
    lower, upper = limits.lower, limits.upper
    if integer:
        return max(int(lower or 0), 100 if lower == 1 else 0)
    if lower == 0 and upper == 1:
        return 0.9
    return 1.0 if limits.allow(1.0) else float(lower if lower is not None else upper or 0.0)


def _steps(integer: bool, limits: Limits, start: Number) -> tuple[Steps, float]:
    lower, upper = limits.lower, limits.upper
    if integer:
        return (Steps.COUNT if lower is not None and lower >= 1 else Steps.UNIT), 1.0
    if lower == 0 and (upper is None or upper > 1):
        return Steps.FACTOR, 0.1
    if lower == 0 and upper == 1:
        return Steps.SHARE, 0.05
    size = abs(start)
    return Steps.LINEAR, 0.1 if size >= 1 or size == 0 else 10.0 ** floor(log10(size))
