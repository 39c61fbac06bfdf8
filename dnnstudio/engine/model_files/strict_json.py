"""JSON out of a stranger's file: size, depth and doubled keys are checked, and nothing but `UserError` comes out."""

from __future__ import annotations

import json
from typing import Any

from dnnstudio.core.errors import UserError

MAX_JSON = 4 * 2**20
MAX_DEPTH = 64
MAX_VALUES = 400_000
"""Values in one text; a network of 200 layers has fewer than 20,000."""


def parse_json(text: bytes, *, what: str) -> dict[str, Any]:
    """The object that `text` holds. `what` names it in the sentences: "The network's description"."""
    if len(text) > MAX_JSON:
        raise UserError(f"{what} is larger than {MAX_JSON // 2**20} MB.", "Is it a model file?")
    values = 0

    def checked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal values
        values += 1 + len(pairs)
        if values > MAX_VALUES:
            raise UserError(f"{what} holds more than {MAX_VALUES:,} values.", "Is it a model file?")
        plain = dict(pairs)
        if len(plain) != len(pairs):
            raise UserError(f"{what} holds a key twice.", "The file is damaged or was tampered with.")
        return plain

    if text.count(b",") > MAX_VALUES or text.count(b"[") > MAX_VALUES:
        raise UserError(f"{what} holds more than {MAX_VALUES:,} values.", "Is it a model file?")
    try:
        plain = json.loads(text.decode("utf-8"), object_pairs_hook=checked, parse_constant=_refuse_constant)
    except RecursionError:
        raise UserError(f"{what} is nested more than {MAX_DEPTH} deep.", "Is it a model file?") from None
    except UnicodeDecodeError:
        raise UserError(f"{what} is not UTF-8 text.", "The file is damaged.") from None
    except ValueError:  # bad JSON, a number with too many digits, NaN
        raise UserError(f"{what} is not valid JSON.", "The file is damaged.") from None
    if not isinstance(plain, dict):
        raise UserError(f"{what} is no JSON object.", "The file is damaged.")
    _check_depth(plain, what)
    return plain


def _refuse_constant(text: str) -> Any:
    raise ValueError(text)


def _check_depth(plain: Any, what: str) -> None:
    level = [plain]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise UserError(f"{what} is nested more than {MAX_DEPTH} deep.", "Is it a model file?")
