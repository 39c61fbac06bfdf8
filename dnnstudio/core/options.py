"""The base of every part of an experiment: a frozen record whose fields carry limits, title and help.

Forms, files, checks and the exported script are all made from these fields, so a new option is one line.

The modules of records do without `from __future__ import annotations`: pydantic would have to read every type from
its text, in each subclass anew, which is a sixth of what importing an experiment takes.
"""

import os
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

# Nobody plugs anything into these records, and looking for plugins reads about every installed package at the start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


class Option(BaseModel):
    """A frozen, strictly typed record. `keras_class` names the Keras class it stands for, where there is one.

    Strict means that `"7"`, `true` and `2.5` are no units; a whole number is accepted where a float is meant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    label: ClassVar[str] = ""
    """What a person reads where the kind is chosen: "He normal"."""
    help: ClassVar[str] = ""
    """One sentence that teaches what the kind is for."""
    keras_class: ClassVar[str] = ""
    not_keras: ClassVar[frozenset[str]] = frozenset({"kind"})
    """Fields that are no arguments of the Keras class."""

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A fresh one: the given values, the defaults, and the `initial` value of every required field."""
        for name, field in cls.model_fields.items():
            if name not in given and field.is_required():
                given[name] = initial_value(field)
        return cls(**given)

    def replaced(self, **changes: Any) -> Self:
        """A checked copy with some fields changed. Raises `pydantic.ValidationError` where a value is impossible."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**(values | changes))

    def keras_arguments(self) -> dict[str, Any]:
        """The arguments of the Keras constructor in the order of the fields; nested options stay options."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in self.not_keras}


def option(
    default: Any = ...,
    *,
    title: str,
    help: str,
    initial: Any = None,
    unit: str = "",
    advanced: bool = False,
    widget: str = "",
    late: bool = False,
    **limits: Any,
) -> Any:
    """A field of an `Option`.

    `help` is the one sentence of its tooltip. `initial` is what a new one starts with where Keras has no default,
    and what switching on gives where the default is None.
    `advanced` fields are folded away in the form. `widget` overrides the editor that the type implies.
    `late` fields come after a kind's own, though they are inherited.
    `limits` are pydantic's: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`, `pattern`.
    """
    extra = {"unit": unit, "advanced": advanced, "widget": widget, "late": late}
    return Field(
        default,
        title=title,
        description=help,
        json_schema_extra=({} if initial is None else {"initial": initial})
        | {key: value for key, value in extra.items() if value},
        **limits,
    )


def field_hint(field: FieldInfo, key: str) -> Any:
    """What `option` was told of a field under `key` (`initial`, `unit`, `advanced`, `widget`), or None."""
    extra = field.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None


def ordered_fields(kind: type[Option]) -> list[tuple[str, FieldInfo]]:
    """The fields as a person reads them: kind and id, a kind's own, then the inherited ones marked `late`."""
    return sorted(
        kind.model_fields.items(),
        key=lambda item: (item[0] != "kind", item[0] != "id", bool(field_hint(item[1], "late"))),
    )


def initial_value(field: FieldInfo) -> Any:
    """What a new record starts with: the default, or `initial` where the field is required."""
    return field_hint(field, "initial") if field.is_required() else field.get_default(call_default_factory=True)


def option_kinds(annotation: Any) -> dict[str, type[Option]]:
    """The records that a field of this type may hold, by their kind (by "" where a record has none)."""
    if isinstance(annotation, type) and issubclass(annotation, Option):
        kind = annotation.model_fields.get("kind")
        return {"" if kind is None else str(kind.default): annotation}
    found: dict[str, type[Option]] = {}
    for inner in get_args(annotation):
        found |= option_kinds(inner)
    return found
