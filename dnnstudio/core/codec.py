"""The experiment's JSON: readable, diffable, writable by hand; refused with the path of the field that is wrong."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import read_bounded, write_atomically
from dnnstudio.core.options import Option, field_hint, ordered_fields

MAX_BYTES = 4 * 2**20
WIDTH = 110
FORMAT = 1
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Old format number → a function on plain dicts that gives the next format."""


def to_json(experiment: Experiment) -> str:
    """The experiment as JSON text. Options that are switched off (null by default) are left out."""
    return _pretty(to_plain(experiment)) + "\n"


def to_plain(value: Any) -> Any:
    """Plain dicts, lists and numbers for JSON: kind and id first, what is off or an advanced default left out."""
    if isinstance(value, Option):
        fields = ordered_fields(type(value))
        return {name: to_plain(getattr(value, name)) for name, field in fields if not _is_silent(value, name, field)}
    return [to_plain(item) for item in value] if isinstance(value, tuple) else value


def _is_silent(record: Option, name: str, field: FieldInfo) -> bool:
    value = getattr(record, name)
    return bool(value == field.default and not field.is_required()) and (
        value is None or bool(field_hint(field, "advanced"))
    )


def from_json(text: str | bytes, *, name: str = "The experiment") -> Experiment:
    """The experiment that `text` describes. Raises `UserError` with the path of the first field that is wrong."""
    try:
        plain = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except RecursionError:
        raise UserError(f"{name} is nested too deeply.", "Is it an experiment file?") from None
    except UnicodeDecodeError:
        raise UserError(f"{name} is not UTF-8 text.", "Save it again as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{name} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            "Mend that line.",
        ) from None
    return from_plain(plain, name=name)


def from_plain(plain: Any, *, name: str = "The experiment") -> Experiment:
    """The experiment of a decoded JSON object; older formats are upgraded first."""
    if not isinstance(plain, dict):
        raise UserError(f"{name} holds a {_type_name(plain)}; an experiment is a JSON object, in braces.")
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


def save(experiment: Experiment, path: Path) -> None:
    """Write an experiment file: the old one stays until the new one is whole. Raises `UserError`."""
    write_atomically(path, to_json(experiment).encode())


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem as one sentence: which field, what was given, what is expected, how to mend it."""
    details = error.errors(include_url=False)
    sentence = _sentence(details[0], model)
    more = len(details) - 1
    return sentence + (f" ({more} more problem{'s' if more > 1 else ''})" if more else "")


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    path, owner = _path(detail["loc"], model)
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    shown = json.dumps(given, default=str, ensure_ascii=False)
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    match kind:
        case "extra_forbidden":
            key = str(detail["loc"][-1])
            known = [name for name in owner.model_fields if name != "format"] if owner else []
            near = difflib.get_close_matches(key, known, n=1)
            hint = f'Did you mean "{near[0]}"?' if near else f"Known here: {', '.join(known)}."
            return f"{path} is not a known key. {hint}"
        case "missing":
            return f"{path} is missing. Add it."
        case "union_tag_invalid":
            return f"{path}.kind is {json.dumps(context.get('tag'))}; it must be one of {context.get('expected_tags')}."
        case "union_tag_not_found":
            return f'{path} needs a kind, such as {{"kind": …}}.'
        case "value_error":
            return f"{str(context.get('error', detail['msg'])).rstrip('.')}."
        case "greater_than_equal":
            wanted = f"at least {context['ge']:g}"
        case "greater_than":
            wanted = f"above {context['gt']:g}"
        case "less_than_equal":
            wanted = f"at most {context['le']:g}"
        case "less_than":
            wanted = f"below {context['lt']:g}"
        case "literal_error":
            wanted = f"one of {context['expected']}"
        case "int_type" | "int_from_float" | "int_parsing":
            wanted = "a whole number"
        case "float_type" | "finite_number":
            wanted = "a finite number"
        case "bool_type":
            wanted = "true or false"
        case "string_type":
            wanted = "text in quotes"
        case "tuple_type":
            wanted = "a list in square brackets"
        case "model_type" | "model_attributes_type" | "dict_type":
            wanted = "an object in braces"
        case "string_pattern_mismatch":
            wanted = "a name that starts with a letter and holds only letters, digits, _ and -"
        case "too_short":
            wanted = f"a list of at least {context['min_length']}"
        case "too_long" | "string_too_long":
            wanted = f"no longer than {context['max_length']}"
        case _:
            return f"{path} is {shown}: {detail['msg']}."
    return f"{path} is {shown}; it must be {wanted}."


def _path(location: tuple[int | str, ...], model: type[BaseModel]) -> tuple[str, type[BaseModel] | None]:
    """`layers[2].units` for pydantic's location, whose union tags are dropped, and the record it lies in."""
    text = ""
    owner: type[BaseModel] | None = model
    for index, part in enumerate(location):
        if isinstance(part, int):
            text += f"[{part}]"
        elif owner is None and index:  # inside a union: the tag that says which record
            owner = _KINDS.get(part)
        else:
            text += f".{part}" if text else part
            if owner is not None and part in owner.model_fields:
                descended = _only_model(owner.model_fields[part].annotation)
                owner = owner if index == len(location) - 1 else descended
    return text or "the experiment", owner


def _only_model(annotation: Any) -> type[BaseModel] | None:
    """The record of a field that holds one kind of record (or null); None for unions and plain values."""
    candidates = [annotation, *getattr(annotation, "__args__", ())]
    found = [item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel)]
    return found[0] if len(found) == 1 else None


def _all_kinds() -> dict[str, type[Option]]:
    found: dict[str, type[Option]] = {}
    waiting: list[type[Option]] = [Option]
    while waiting:
        current = waiting.pop()
        waiting.extend(current.__subclasses__())
        if "kind" in current.model_fields:
            found[current.model_fields["kind"].default] = current
    return found


_KINDS = _all_kinds()


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in names if names.count(key) > 1)
        raise UserError(f'The key "{twice}" stands twice in one object.', "Remove one of them.")
    return plain


def _no_constant(text: str) -> Any:
    raise UserError(f"{text} is not a number that an experiment can hold.", "Use a finite number.")


def _type_name(value: Any) -> str:
    return {list: "list", str: "text", bool: "true or false", type(None): "null"}.get(type(value), "number")


def _pretty(plain: Any, indent: int = 0) -> str:
    """JSON on as few lines as fit: a record that fits on a line stays on it."""
    compact = json.dumps(plain, ensure_ascii=False)
    if (indent and len(compact) + indent <= WIDTH) or not isinstance(plain, dict | list) or not plain:
        return compact
    inner = " " * (indent + 2)
    if isinstance(plain, dict):
        rows = [f"{inner}{json.dumps(key)}: {_pretty(item, indent + 2)}" for key, item in plain.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    rows = [inner + _pretty(item, indent + 2) for item in plain]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"
