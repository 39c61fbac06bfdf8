"""Functions and classes of the program that a script needs too, as their own source text: written once, tested once."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]


@cache
def source_of(file: str, name: str) -> str:
    """The text of a function or class of the package, without hints for the type checker.

    `file` is the module's path in the package: "engine/layers.py". It is read, never imported.
    """
    text = (_PACKAGE / file).read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            lines = text.splitlines()[first - 1 : node.end_lineno]
            return re.sub(r"  # type: ignore\[[^\]]*\]", "", "\n".join(lines))
    raise LookupError(f"{file} has no {name}")
