"""Parses and formats the text of line edits: lists of numbers and names, with the reasons for refusals."""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import ValidationError

from dnnstudio.gui.forms.spec import EditorKind, FieldSpec
from dnnstudio.gui.widgets.inputs.numbers import Number, parse, text_of

_BETWEEN = re.compile(r"[,;×xX\s]+")


def reader_of(spec: FieldSpec) -> Callable[[str], object]:
    """The function that parses this field's text; it raises `ValueError` with the message."""
    if spec.editor is EditorKind.LIST:
        return lambda text: _read_list(text, spec)
    return lambda text: _read_text(text, spec)


def writer_of(spec: FieldSpec) -> Callable[[object], str]:
    """The function that formats this field's value as text."""
    if spec.editor is EditorKind.LIST:
        return lambda value: write_list(value, pair=spec.length is not None)
    return str


def write_list(value: object, *, pair: bool) -> str:
    """(3, 3) as "3 × 3", (1, 2) as "1, 2", and a single number as itself."""
    numbers: tuple[Number, ...] = value if isinstance(value, tuple) else (value,)
    return (" × " if pair else ", ").join(text_of(number).removesuffix(".0") for number in numbers)


def list_sentence(spec: FieldSpec) -> str:
    """The expected input of a list field."""
    kind = "whole numbers" if spec.integer else "numbers"
    if spec.length is not None:
        example = " × ".join(["3"] * spec.length)
        return f"{spec.title} must be {spec.length} {kind}, such as {example}."
    return f"{spec.title} must be {kind} separated by commas, such as {'1, 2' if spec.integer else '0.01, 0.001'}."


def _read_list(text: str, spec: FieldSpec) -> object:
    parts = [part for part in _BETWEEN.split(text.strip().strip("()[]")) if part]
    if not parts and spec.optional:
        return None
    try:
        numbers = tuple(parse(part, integer=spec.integer) for part in parts)
    except ValueError:
        raise ValueError(list_sentence(spec)) from None
    if not numbers or (spec.length is not None and len(numbers) != spec.length):
        raise ValueError(list_sentence(spec))
    return numbers[0] if spec.single and len(numbers) == 1 else numbers


def _read_text(text: str, spec: FieldSpec) -> object:
    stripped = text.strip()
    return None if spec.optional and not stripped else stripped


def refusal(error: ValidationError, title: str) -> str:
    """Why a record refuses a value, as a message below the field."""
    detail = error.errors(include_url=False)[0]
    context = detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            text = str(context.get("error", detail["msg"])).rstrip(".")
            return f"{text[:1].upper()}{text[1:]}."
        case "string_pattern_mismatch":
            return f"{title} must start with a letter and hold only letters, digits, _ and -."
        case "string_too_long":
            return f"{title} must be no longer than {context['max_length']} letters."
        case "string_too_short":
            return f"{title} must not be empty."
        case "too_short":
            return f"{title} needs at least {context['min_length']} numbers."
        case "too_long":
            return f"{title} takes at most {context['max_length']} numbers."
        case _:
            return f"{title} is impossible: {detail['msg']}."


def is_about_the_whole(error: ValidationError) -> bool:
    """Whether fields of the record conflict, while each is valid by itself."""
    return any(detail["type"] == "value_error" and not detail["loc"] for detail in error.errors(include_url=False))
