"""Get and replace values at a dotted path of a record. Pure functions on frozen records."""

from __future__ import annotations

from typing import Any

from dnnstudio.core.experiment.fields import Option


def parent_of(path: str) -> str:
    """ "kernel_regularizer" for "kernel_regularizer.l2", and "" for a field of the record itself."""
    return path.rpartition(".")[0]


def name_of(path: str) -> str:
    """ "l2" for "kernel_regularizer.l2"."""
    return path.rpartition(".")[2]


def value_at(record: Option, path: str) -> Any:
    """The value at a path; the record itself for "", None inside a section that is off."""
    value: Any = record
    for name in path.split(".") if path else ():
        value = getattr(value, name, None)
    return value


def replaced_at(record: Option, path: str, value: object) -> Option:
    """A validated copy with another value at the path ("" replaces the whole record).

    Raises `pydantic.ValidationError` for an invalid value, and `KeyError` for an unknown path.
    """
    if not path:
        if not isinstance(value, Option):
            raise KeyError("a record can only be replaced by a record")
        return value
    name, _, rest = path.partition(".")
    if name not in type(record).model_fields:
        raise KeyError(f"{type(record).__name__} has no field {name}")
    if not rest:
        return record.replaced(**{name: value})
    inner = getattr(record, name)
    if not isinstance(inner, Option):
        raise KeyError(f"{name} is off, so it has no {rest}")
    return record.replaced(**{name: replaced_at(inner, rest, value)})
