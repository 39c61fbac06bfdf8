"""JSON from files that somebody else may have written: read in linear time, with bounds on depth, values and numbers.

Every JSON file is parsed here. `loads` says by a code what is wrong; who names the file makes the sentence of it.
`parse_record` makes it for the program's own records.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.core.text import printable, shortened

MAX_DEPTH = 64
"""The deepest record of this program has some twenty levels."""
MAX_WHOLE = 2**63 - 1
MAX_WHOLE_TEXT = 20
"""A whole number of more characters than this is not converted: that takes quadratic time."""
LONGEST_SHOWN = 60


class Fault(StrEnum):
    """What is wrong with a JSON text."""

    EMPTY = "empty"
    ENCODING = "encoding"
    SYNTAX = "syntax"
    DEPTH = "depth"
    VALUES = "values"
    REPEATED_KEY = "repeated_key"
    CONSTANT = "constant"
    """NaN or an infinity, written as a word."""
    NUMBER = "number"
    """A number that a float64 or 64 bits cannot hold."""


class JsonError(Exception):
    """A text that is refused: why, and the key, number or place that it is about."""

    def __init__(self, fault: Fault, about: str = "") -> None:
        super().__init__(fault, about)
        self.fault = fault
        self.about = about


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a text may hold. None: as much as its length allows. `constants` allows NaN and Infinity as words.

    `numbers` refuses what becomes an infinity by rounding (1e999), and whole numbers beyond 64 bits.
    """

    depth: int | None = None
    values: int | None = None
    constants: bool = False
    numbers: bool = False


RECORD = Bounds(depth=MAX_DEPTH, numbers=True)
FIGURES = Bounds(depth=MAX_DEPTH, numbers=True, constants=True)
"""Of a training that diverged, figures are NaN or infinite."""


def loads(text: str | bytes, bounds: Bounds = RECORD) -> Any:
    """The plain values in `text`. Raises `JsonError` for anything else, and nothing else."""
    try:
        decoded = text.decode(json.detect_encoding(text)) if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise JsonError(Fault.ENCODING) from None
    if bounds.values is not None and (decoded.count(",") > bounds.values or decoded.count("[") > bounds.values):
        raise JsonError(Fault.VALUES)
    hooks: dict[str, Any] = {"object_pairs_hook": _Objects(bounds.values)}
    if not bounds.constants:
        hooks["parse_constant"] = _refuse_constant
    if bounds.numbers:
        hooks |= {"parse_float": _float, "parse_int": _whole}
    try:
        plain = json.loads(decoded, **hooks)
    except RecursionError:
        raise JsonError(Fault.DEPTH) from None
    except json.JSONDecodeError as error:
        if not decoded.strip():
            raise JsonError(Fault.EMPTY) from None
        raise JsonError(Fault.SYNTAX, f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError:  # Python refuses whole numbers of more than a few thousand digits
        raise JsonError(Fault.NUMBER) from None
    if bounds.depth is not None and is_deeper(plain, bounds.depth):
        raise JsonError(Fault.DEPTH)
    return plain


def parse_record(text: str | bytes, *, name: str, hint: str, bounds: Bounds = RECORD) -> dict[str, Any]:
    """The JSON object that the file `name` holds. Raises `UserError` with one sentence and the `hint`."""
    try:
        plain = loads(text, bounds)
    except JsonError as error:
        raise UserError(f"{name} is damaged: {said(error)}.", hint) from None
    if not isinstance(plain, dict):
        raise UserError(f"{name} is damaged: it holds no object in braces.", hint)
    return plain


def said(error: JsonError) -> str:
    """The fault as the end of a sentence: "it is nested more than 64 deep"."""
    about = printable(shortened(error.about, LONGEST_SHOWN))
    match error.fault:
        case Fault.EMPTY:
            return "it is empty"
        case Fault.ENCODING:
            return "it is not UTF-8 text"
        case Fault.DEPTH:
            return f"it is nested more than {MAX_DEPTH} deep"
        case Fault.VALUES:
            return "it holds too many values"
        case Fault.REPEATED_KEY:
            return f'the key "{about}" stands twice in one object'
        case Fault.CONSTANT | Fault.NUMBER:
            return f"{about or 'a number of thousands of digits'} is no number that it can hold"
    return f"it is not valid JSON, {about}"


def is_deeper(plain: Any, depth: int) -> bool:
    """Whether plain values are nested more than `depth` deep; without recursion."""
    level = [plain]
    for _ in range(depth):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


class _Objects:
    """Makes the dicts, counting what is in them."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._count = 0

    def __call__(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._count += 1 + len(pairs)
        if self._most is not None and self._count > self._most:
            raise JsonError(Fault.VALUES)
        plain = dict(pairs)
        if len(plain) != len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise JsonError(Fault.REPEATED_KEY, twice)
        return plain


def _refuse_constant(text: str) -> Any:
    raise JsonError(Fault.CONSTANT, text)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JsonError(Fault.NUMBER, text)
    return value


def _whole(text: str) -> int:
    if len(text) > MAX_WHOLE_TEXT or abs(value := int(text)) > MAX_WHOLE:
        raise JsonError(Fault.NUMBER, text)
    return value
