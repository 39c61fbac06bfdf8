"""Base class of every part of an experiment: a frozen record whose fields carry limits, title and help.

Forms, files, checks and the exported script are generated from these fields, so a new option is one line.

Modules that define records do not use `from __future__ import annotations`: pydantic would have to evaluate every
annotation from its text, again in each subclass, which takes a sixth of the time to import an experiment.
"""

import os
from collections.abc import Mapping
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

# No plugin extends these records, and searching for plugins reads the metadata of every installed package at start-up.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


class Option(BaseModel):
    """A frozen, strictly typed record. `keras_class` names the Keras class it configures, if there is one.

    Strict means that `"7"`, `true` and `2.5` are not valid `units`; an integer is accepted as a float.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)

    label: ClassVar[str] = ""
    """Name of the kind in menus: "He normal"."""
    help: ClassVar[str] = ""
    """One sentence that teaches what the kind is for."""
    keras_class: ClassVar[str] = ""
    not_keras: ClassVar[frozenset[str]] = frozenset({"kind"})
    """Fields that are no arguments of the Keras class."""

    @classmethod
    def new(cls, **given: Any) -> Self:
        """A new record: the given values, the defaults, and the `initial` value of every required field."""
        for name, field in cls.model_fields.items():
            if name not in given and field.is_required():
                given[name] = initial_value(field)
        return cls(**given)

    def replaced(self, **changes: Any) -> Self:
        """A validated copy with some fields changed. Raises `pydantic.ValidationError` for an invalid value."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**(values | changes))

    def keras_arguments(self) -> dict[str, Any]:
        """The arguments of the Keras constructor in field order; nested options are not converted."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in self.not_keras}

    @classmethod
    def from_keras(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Keras's settings under the names of the fields, unchecked: the way back from `keras_arguments`.

        What cannot be understood keeps Keras's name, for which there is no field.
        """
        return dict(config)


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
    """Declare a field of an `Option`.

    `help` is its one-sentence tooltip. `initial` is the value in a new record if Keras has no default, and the value
    when switched on if the default is None. `advanced` fields are collapsed in the form. `widget` overrides the editor
    implied by the type. `late` fields come after the subclass's own, although they are inherited. `limits` are
    pydantic's: `ge`, `gt`, `le`, `lt`, `min_length`, `max_length`, `pattern`.
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
    """The metadata that `option` stored for a field under `key` (`initial`, `unit`, `advanced`, `widget`), or None."""
    extra = field.json_schema_extra
    return extra.get(key) if isinstance(extra, dict) else None


def ordered_fields(kind: type[Option]) -> list[tuple[str, FieldInfo]]:
    """The fields in display order: kind and id, the class's own, then the inherited ones marked `late`."""
    return sorted(
        kind.model_fields.items(),
        key=lambda item: (item[0] != "kind", item[0] != "id", bool(field_hint(item[1], "late"))),
    )


def initial_value(field: FieldInfo) -> Any:
    """The field's value in a new record: the default, or `initial` if it is required."""
    return field_hint(field, "initial") if field.is_required() else field.get_default(call_default_factory=True)


def option_kinds(annotation: Any) -> dict[str, type[Option]]:
    """The record classes that a field of this type accepts, by their kind ("" for a record without one)."""
    if isinstance(annotation, type) and issubclass(annotation, Option):
        if "kinds" in vars(annotation):  # the base of a family stands for all its kinds, see `kinds.Kinded`
            return dict(vars(annotation)["kinds"])
        kind = annotation.model_fields.get("kind")
        return {"" if kind is None else str(kind.default): annotation}
    found: dict[str, type[Option]] = {}
    for inner in get_args(annotation):
        found |= option_kinds(inner)
    return found
