"""The experiment's JSON format: readable, diffable and easy to write by hand. Errors name the path of the
wrong field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dnnstudio.core.atomic_files import read_bounded, write_atomically
from dnnstudio.core.bounded_json import Bounds, Fault, JsonError, loads
from dnnstudio.core.checksums import note
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.fields import Option, field_hint, ordered_fields
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.refusals import explain
from dnnstudio.core.text import as_unicode, is_unicode, printable, shortened

MAX_BYTES = 4 * 2**20
WIDTH = 110
FORMAT = 1
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Old format number → a function on plain dicts that gives the next format."""
_REQUIRED = object()


def to_json(experiment: Experiment) -> str:
    """The experiment as JSON text. Options that are off (None by default) are left out."""
    return pretty(to_plain(experiment)) + "\n"


def to_plain(value: Any) -> Any:
    """The record as plain dicts, lists and numbers for JSON: kind and id first; options that are off and advanced
    fields at their default are left out.
    """
    if isinstance(value, Option):
        return {
            name: to_plain(held)
            for name, default, advanced in _fields(type(value))
            if not _is_silent(held := getattr(value, name), default, advanced)
        }
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, tuple | list) else value


@cache
def _fields(kind: type[Option]) -> tuple[tuple[str, Any, bool], ...]:
    """Name, default and whether it is advanced, for each field in the order of the file."""
    return tuple(
        (name, _REQUIRED if field.is_required() else field.default, bool(field_hint(field, "advanced")))
        for name, field in ordered_fields(kind)
    )


def _is_silent(value: Any, default: Any, advanced: bool) -> bool:
    if default is _REQUIRED or value != default:
        return False
    return value is None or advanced or (isinstance(value, Option) and not to_plain(value))


def from_json(text: str | bytes, *, name: str = "The experiment") -> Experiment:
    """The experiment in `text`. Raises `UserError` with the path of the first invalid field."""
    return from_plain(decode(text, name=name), name=name)


def decode(text: str | bytes, *, name: str) -> Any:
    """Parse a JSON text into plain values. Raises `UserError`, also for a repeated key in one object and for NaN."""
    try:
        return loads(text, Bounds())
    except JsonError as error:
        raise _refusal(error, name) from None


def _refusal(error: JsonError, name: str) -> UserError:
    match error.fault:
        case Fault.DEPTH:
            return UserError(f"{name} is nested too deeply.", "Is it an experiment file?")
        case Fault.ENCODING:
            return UserError(f"{name} is not UTF-8 text.", "Save it again as UTF-8.")
        case Fault.EMPTY:
            return UserError(f"{name} is empty.", "Choose a file that holds an experiment.")
        case Fault.SYNTAX:
            return UserError(f"{name} is not valid JSON: {error.about}.", "Mend that line.")
        case Fault.REPEATED_KEY:
            twice = shortened(printable(error.about))
            return UserError(f'{name}: the key "{twice}" stands twice in one object.', "Remove one of them.")
        case Fault.CONSTANT:
            return UserError(
                f"{name}: {error.about} is not a number that an experiment can hold.", "Use a finite number."
            )
    return UserError(f"{name} holds a number of thousands of digits.", "Write a smaller number.")


def from_plain(plain: Any, *, name: str = "The experiment") -> Experiment:
    """The experiment of a parsed JSON object, upgraded first if its format is older. Raises `UserError`."""
    if not isinstance(plain, dict):
        raise UserError(f"{name} holds {_type_name(plain)}; an experiment is a JSON object, in braces.")
    number = plain.get("format", FORMAT)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise UserError(f"{name}: format is {number!r}; it must be a whole number.", f"Set it to {FORMAT}.")
    if number > FORMAT:
        raise UserError(
            f"{name} has format {number}, which is newer than this program reads ({FORMAT}).",
            "Update dnnstudio.",
        )
    while number < FORMAT:
        plain = UPGRADES[number](plain)
        number += 1
    try:
        return Experiment.model_validate_json(json.dumps(plain | {"format": FORMAT}))
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise UserError(f"{name} is nested too deeply.", "Is it an experiment file?") from None
        raise UserError(f"{name}: {explain(error, Experiment)}") from None


_PACKED = (b"PK\x03\x04", b"\x89HDF\r\n")
"""What the files begin with in which models and bundles are kept: zip and HDF5."""


def load(path: Path) -> Experiment:
    """Read an experiment file. Raises `UserError`."""
    content = read_bounded(path, MAX_BYTES, what="an experiment")
    if content.startswith(_PACKED):
        raise UserError(
            f"{path.name} is a model file or an archive, and no experiment.",
            "Give the .json file of an experiment, or the folder of a run.",
        )
    return from_json(content, name=path.name)


def save(experiment: Experiment, path: Path, *, keep_previous: bool = False, checked: bool = False) -> None:
    """Write an experiment file atomically; `keep_previous` leaves the last version as `name~`. That of a run is
    `checked`: its folder keeps a checksum of it.

    Raises `UserError` if the file cannot be written.
    """
    text = to_json(experiment)
    if not is_unicode(text):
        line = next(line for line in text.splitlines() if not is_unicode(line))
        raise UserError(
            f"{path.name} cannot be written: {shortened(as_unicode(line.strip()), 120)} is not UTF-8 text.",
            "Rename the file or folder that it names.",
        )
    content = text.encode()
    if checked:
        note(path, content)
    write_atomically(path, content, keep_previous=keep_previous)


def _type_name(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def pretty(plain: Any, indent: int = 0, lead: int = 0) -> str:
    """JSON text with each record on a single line if it fits; `lead` is the width its key takes up."""
    compact = json.dumps(plain, ensure_ascii=False)
    fits = len(compact) + indent + lead < WIDTH  # with the comma after it
    if (indent and fits) or not isinstance(plain, dict | list) or not plain:
        return compact
    inner = " " * (indent + 2)
    if isinstance(plain, dict):
        keys = {key: json.dumps(key, ensure_ascii=False) + ": " for key in plain}
        rows = [f"{inner}{keys[key]}{pretty(item, indent + 2, len(keys[key]))}" for key, item in plain.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [inner + pretty(item, indent + 2) for item in plain]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
