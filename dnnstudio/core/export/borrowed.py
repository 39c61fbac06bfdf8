"""Source text of functions and classes of `dnnstudio.standalone`: run by the engine, quoted in exported scripts.

The text is read and parsed, never imported, so that writing a script does not load Keras.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_PACKAGE = "dnnstudio.standalone"


@cache
def definitions(module: str) -> Mapping[str, str]:
    """The functions and classes of a standalone module: name → source text without type checker comments."""
    text = files(_PACKAGE).joinpath(f"{module}.py").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            lines = text.splitlines()[first - 1 : node.end_lineno]
            found[node.name] = re.sub(r"  # type: ignore\[[^\]]*\]", "", "\n".join(lines))
    return MappingProxyType(found)


@cache
def constants(module: str) -> Mapping[str, object]:
    """The constants (upper-case names with literal values) of a standalone module: name → value."""
    text = files(_PACKAGE).joinpath(f"{module}.py").read_text(encoding="utf-8")
    found: dict[str, object] = {}
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)) if name.isupper():
                found[name] = value
    return MappingProxyType(found)
