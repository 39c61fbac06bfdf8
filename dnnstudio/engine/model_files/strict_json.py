"""JSON from an untrusted model file: size, depth and duplicate keys are checked; the only exception is `UserError`."""

from __future__ import annotations

from typing import Any

from dnnstudio.core.bounded_json import MAX_DEPTH, Bounds, Fault, JsonError, loads
from dnnstudio.core.errors import UserError
from dnnstudio.core.text import byte_size

MAX_JSON = 4 * 2**20
MAX_VALUES = 400_000
"""The most values in one text; a network of 200 layers has fewer than 20,000."""

_WHICH = "Is it a model file?"
_DAMAGED = "The file is damaged."


def parse_json(text: bytes, *, what: str) -> dict[str, Any]:
    """The object in `text`. `what` names it in messages: "The network's description". Raises `UserError`."""
    if len(text) > MAX_JSON:
        raise UserError(f"{what} is larger than {byte_size(MAX_JSON)}.", _WHICH)
    try:
        plain = loads(text.decode(), Bounds(depth=MAX_DEPTH, values=MAX_VALUES))
    except JsonError as error:
        raise _refusal(error, what) from None
    except UnicodeDecodeError:
        raise UserError(f"{what} is not UTF-8 text.", _DAMAGED) from None
    if not isinstance(plain, dict):
        raise UserError(f"{what} is no JSON object.", _DAMAGED)
    return plain


def _refusal(error: JsonError, what: str) -> UserError:
    match error.fault:
        case Fault.VALUES:
            return UserError(f"{what} holds more than {MAX_VALUES:,} values.", _WHICH)
        case Fault.DEPTH:
            return UserError(f"{what} is nested more than {MAX_DEPTH} deep.", _WHICH)
        case Fault.REPEATED_KEY:
            return UserError(f"{what} holds a key twice.", "The file is damaged or was tampered with.")
    return UserError(f"{what} is not valid JSON.", _DAMAGED)
