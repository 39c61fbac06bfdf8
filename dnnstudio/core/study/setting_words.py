"""Settings of an experiment, and their values, in the words of the forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath

from pydantic.fields import FieldInfo

from dnnstudio.core.experiment.fields import Option, field_hint, option_kinds
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.text import within_words

Setting = str | int | float | bool | None
START = "transfer.source"
"""Where the weights come from that a training starts with: a path."""


@lru_cache(maxsize=4096)
def setting_title(path: str) -> str:
    """A setting in the words of its form: "Learning rate", "Optimizer", "dense_1 units"."""
    parts = path.split(".")
    if len(parts) > 1 and parts[-1] == "kind":
        parts.pop()
    layer = parts[1] if parts[0] == "layers" and len(parts) > 1 else ""
    if layer and len(parts) == 2:
        return layer
    words = title_of_field(parts) or parts[-1].replace("_", " ")
    if parts[:2] == ["transfer", "phases"] and len(parts) > 3 and parts[2].isdigit():
        return f"Phase {int(parts[2]) + 1} {within_words(words)}"
    return f"{layer} {within_words(words)}" if layer else words[:1].upper() + words[1:]


def title_of_field(parts: Sequence[str]) -> str:
    """The title that the field at this path has in whatever kinds of record can hold it; "" for no field."""
    return _title_at(tuple(parts))


@lru_cache(maxsize=4096)
def _title_at(parts: tuple[str, ...]) -> str:
    return next((field.title for field in _fields_at(parts) if field.title), "")


@lru_cache(maxsize=4096)
def is_advanced(parts: tuple[str, ...]) -> bool:
    """Whether forms fold the field at this path away."""
    found = _fields_at(parts)
    return bool(found) and all(field_hint(field, "advanced") for field in found)


def _fields_at(parts: tuple[str, ...]) -> list[FieldInfo]:
    """The fields that can stand at a path; none for a layer's name or an item's place in a list."""
    last = parts[-1]
    if parts[1:] and (last.isdigit() or (len(parts) == 2 and parts[0] == "layers")):
        return []
    return [kind.model_fields[last] for kind in _records_at(parts[:-1]).values() if last in kind.model_fields]


@lru_cache(maxsize=4096)
def _records_at(parts: tuple[str, ...]) -> Mapping[str, type[Option]]:
    """The records that can stand at a path, by their kinds."""
    found: dict[str, type[Option]] = {"": Experiment}
    for place, part in enumerate(parts):
        if (place == 1 and parts[0] == "layers") or part.isdigit():
            continue  # the layer's name, or an item's place in a list
        fields = [record.model_fields[part] for record in found.values() if part in record.model_fields]
        found = {kind: record for field in fields for kind, record in option_kinds(field.annotation).items()}
    return found


@lru_cache(maxsize=4096, typed=True)
def setting_value(path: str, value: Setting) -> str:
    """A value as its form shows it: "Adam" for the optimizer "adam"; a place by its name."""
    if path == START and isinstance(value, str):
        return PurePath(value).name or value
    record = _records_at(tuple(path.split("."))[:-1]).get(value) if isinstance(value, str) else None
    return record.label if record is not None and path.endswith(".kind") else setting_text(value)


def setting_text(value: Setting) -> str:
    """A value as a cell shows it."""
    match value:
        case None:
            return "–"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
