"""The experiment's JSON: readable, diffable, writable by hand; refused with the path of the field that is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.explain import explain
from dnnstudio.core.files import read_bounded, write_atomically
from dnnstudio.core.options import Option, field_hint, ordered_fields

MAX_BYTES = 4 * 2**20
WIDTH = 110
FORMAT = 1
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Old format number → a function on plain dicts that gives the next format."""
_REQUIRED = object()


def to_json(experiment: Experiment) -> str:
    """The experiment as JSON text. Options that are switched off (null by default) are left out."""
    return pretty(to_plain(experiment)) + "\n"


def to_plain(value: Any) -> Any:
    """Plain dicts, lists and numbers for JSON: kind and id first, what is off or an advanced default left out."""
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
    """The experiment that `text` describes. Raises `UserError` with the path of the first field that is wrong."""
    return from_plain(decode(text, name=name), name=name)


def decode(text: str | bytes, *, name: str) -> Any:
    """The plain value that a JSON text holds; a key twice in one object and NaN are refused. Raises `UserError`."""
    try:
        return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except UserError as error:
        raise UserError(f"{name}: {error.message}", error.hint) from None
    except RecursionError:
        raise UserError(f"{name} is nested too deeply.", "Is it an experiment file?") from None
    except UnicodeDecodeError:
        raise UserError(f"{name} is not UTF-8 text.", "Save it again as UTF-8.") from None
    except json.JSONDecodeError as error:
        if error.msg.startswith("Expecting value") and not text.strip():
            raise UserError(f"{name} is empty.", "Choose a file that holds an experiment.") from None
        raise UserError(
            f"{name} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            "Mend that line.",
        ) from None
    except ValueError:  # Python refuses whole numbers of more than some thousand digits
        raise UserError(f"{name} holds a number of thousands of digits.", "Write a smaller number.") from None


def from_plain(plain: Any, *, name: str = "The experiment") -> Experiment:
    """The experiment of a decoded JSON object; older formats are upgraded first."""
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


def load(path: Path) -> Experiment:
    """Read an experiment file. Raises `UserError`."""
    return from_json(read_bounded(path, MAX_BYTES, what="an experiment"), name=path.name)


def save(experiment: Experiment, path: Path, *, keep_previous: bool = False) -> None:
    """Write an experiment file: the old one stays until the new one is whole, as `name~` if wished for.

    Raises `UserError`.
    """
    write_atomically(path, to_json(experiment).encode(), keep_previous=keep_previous)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise UserError(f'the key "{twice}" stands twice in one object.', "Remove one of them.")
    return plain


def _no_constant(text: str) -> Any:
    raise UserError(f"{text} is not a number that an experiment can hold.", "Use a finite number.")


def _type_name(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


def pretty(plain: Any, indent: int = 0, lead: int = 0) -> str:
    """JSON text on as few lines as fit: a record that fits on a line stays on it. `lead` is what its key takes up."""
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
