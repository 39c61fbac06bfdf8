"""Turns a pydantic `ValidationError` into one sentence: the field's path, the value given, and what is allowed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from dnnstudio.core.experiment.fields import Option, initial_value, option_kinds, ordered_fields
from dnnstudio.core.text import count_of, listed, shortened

OLD_NAMES = {"lr": "learning_rate", "alpha": "negative_slope", "input_shape": "shape"}
"""Names in older files → present names, suggested if the record has the present one."""
LIMITS = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
_LIMIT_ERRORS = frozenset({"greater_than_equal", "greater_than", "less_than_equal", "less_than"})
_MANY = 16
MOST_LOOKED_AT = 1_000
"""Only so many errors are put into words: a small file can hold a hundred thousand."""
_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text in quotes",
    "string_unicode": "text of whole characters",
    "tuple_type": "a list in square brackets",
    "model_type": "an object in braces",
    "model_attributes_type": "an object in braces",
    "dict_type": "an object in braces",
    "string_pattern_mismatch": "a name that starts with a letter and holds only letters, digits, _ and -",
}
"""pydantic's kind of error → what is expected."""


def explain(error: ValidationError, model: type[BaseModel], *, prefix: str = "") -> str:
    """The first validation error as one sentence: the field, the value given, what is expected, how to fix it.

    `prefix` is the path of the validated record, with its dot: "layers[2].". Further errors are counted.
    """
    found: dict[str, list[tuple[ErrorDetails, type[BaseModel] | None, FieldInfo | None]]] = {}
    for detail in error.errors(include_url=False)[:MOST_LOOKED_AT]:
        path, owner, field = _place(detail["loc"], model)
        found.setdefault(path, []).append((detail, owner, field))
    # A union of a list and something else reports an error for each; the one for the list's item is enough.
    lists = {path[:place] for path in found for place, sign in enumerate(path) if sign == "["}
    found = {path: said for path, said in found.items() if path not in lists}
    path, first = next(iter(found.items()))
    text = _sentence(prefix + path if path else prefix.rstrip(".") or "the experiment", *first[0])
    if len(first) > 1:  # a union reports one error per member
        wanted = dict.fromkeys(_wanted(detail, field) for detail, _, field in first)
        text = f"{prefix}{path} is {_shown(first[0][0]['input'])}; it must be {' or '.join(wanted)}."
    more = len(found) - 1
    if error.error_count() > MOST_LOOKED_AT:
        return f"{text} (Over {MOST_LOOKED_AT:,} problems in all.)"
    return text + (f" ({count_of(more, 'more problem')}.)" if more else "")


def unknown_key(path: str, key: str, owner: type[BaseModel] | None) -> str:
    """Message for an unknown key, with the closest known one or with all of them."""
    key = shortened(key)
    fields = [name for name, _ in ordered_fields(owner)] if owner and issubclass(owner, Option) else []
    known = [name for name in fields if name != "format"]
    if OLD_NAMES.get(key) in known:
        return f"{path} is an old name. It is {OLD_NAMES[key]} now."
    hint = _nearest(key, known) or f"Known here: {', '.join(known)}."
    return f"{path} is not a known key. {hint}"


def _sentence(path: str, detail: ErrorDetails, owner: type[BaseModel] | None, field: FieldInfo | None) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "extra_forbidden":
            return unknown_key(path, str(detail["loc"][-1]), owner)
        case "missing":
            return f"{path} is missing. Add it."
        case "union_tag_invalid" | "union_tag_not_found":
            kinds = _kinds_of(field)
            if kind == "union_tag_not_found":
                return f'{path} has no kind. Add one, such as {{"kind": "{next(iter(kinds), "")}"}}.'
            return _one_of(f"{path}.kind", context.get("tag"), kinds)
        case "value_error":
            return f"{capital(str(context.get('error', detail['msg'])).rstrip('.'))}."
        case "literal_error" if field is not None:
            return _one_of(path, given, _literals(field.annotation))
        case "json_invalid":
            deep = "recursion" in str(context.get("error", ""))
            return "It is nested too deeply." if deep else "A text in it holds half a character (a lone surrogate)."
        case "model_attributes_type" | "model_type" | "dict_type" if isinstance(given, str) and given in _kinds_of(
            field
        ):
            return f'{path} is {_shown(given)}; it must be an object in braces. Write {{"kind": "{given}"}}.'
    return f"{path} is {_shown(given)}; it must be {_wanted(detail, field)}{_such_as(kind, field)}."


def _wanted(detail: ErrorDetails, field: FieldInfo | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _LIMIT_ERRORS:
        return _limits(field) or f"{detail['msg'].removeprefix('Input should be ')}"
    if kind == "too_short":
        return f"a list of at least {context['min_length']}"
    if kind == "too_long":
        return f"a list of at most {context['max_length']}"
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters long"
    return _WANTED.get(kind, detail["msg"].removeprefix("Input should be "))


def _limits(field: FieldInfo | None) -> str:
    """All limits of a number in words: "at least 0 and below 1"."""
    if field is None:
        return ""
    parts = [
        f"{words} {_number(getattr(limit, name))}"
        for limit in field.metadata
        for name, words in LIMITS
        if getattr(limit, name, None) is not None
    ]
    return " and ".join(parts)


def _such_as(kind: str, field: FieldInfo | None) -> str:
    """An example of a valid value, if the field has a numeric initial value."""
    if field is None or (kind not in _LIMIT_ERRORS and kind not in ("int_type", "float_type", "int_from_float")):
        return ""
    start = initial_value(field)
    plain = isinstance(start, int | float) and not isinstance(start, bool)
    return f", such as {_number(start)}" if plain and 0 < start < 1e6 else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:g}"


def _place(
    location: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[str, type[BaseModel] | None, FieldInfo | None]:
    """The path (`layers[2].units`) of pydantic's location without union tags, and the record and field it
    belongs to.
    """
    text = ""
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    inside = True
    """Whether the next part is a field of `owner`, rather than a position or a union's tag on the way to a record."""
    for part in location:
        kinds = _kinds_of(field)
        if isinstance(part, int):
            text += f"[{part}]"
        elif not inside and "" not in kinds:
            owner = kinds.get(part)  # the tag of a plain union ("int") is neither a record nor a field
            inside = owner is not None
        else:
            owner = owner if inside else kinds[""]
            text += f".{shortened(part)}" if text else shortened(part)
            field = owner.model_fields.get(part) if owner is not None else None
            inside = False
    return text, owner, field


def _kinds_of(field: FieldInfo | None) -> dict[str, type[Option]]:
    return option_kinds(field.annotation) if field is not None else {}


def _one_of(path: str, given: Any, allowed: Iterable[str]) -> str:
    names = list(allowed)
    near = _nearest(shortened(str(given)), names)
    shown = ", ".join(names) if len(names) <= _MANY else listed(names, most=_MANY + 1)
    return f"{path} is {_shown(given)}; it must be one of {shown}.{f' {near}' if near else ''}"


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'Did you mean "{near[0]}"?' if near else ""


def _literals(annotation: Any) -> list[str]:
    """The literals that a field accepts, also in unions with None."""
    found: list[str] = []
    for item in getattr(annotation, "__args__", ()):
        found += [item] if isinstance(item, str) else _literals(item)
    return found


def _shown(given: Any) -> str:
    try:
        text = json.dumps(given, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = str(type(given).__name__)
    return shortened(text)


def capital(text: str) -> str:
    """Capitalize a sentence; a path at its start stays as written."""
    return text if any(sign in text.split(" ")[0] for sign in "._[") else text[:1].upper() + text[1:]
