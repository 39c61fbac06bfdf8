"""A walk over the imports of the program: every file, inside functions and under TYPE_CHECKING too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "dnnstudio"


@dataclass(frozen=True)
class Import:
    """One import statement: what it names, where it stands, and the functions it stands in.

    `for_types` says that it stands under `if TYPE_CHECKING`, so that it is never run.
    """

    module: str
    file: Path
    line: int
    functions: tuple[str, ...]
    for_types: bool

    @property
    def top(self) -> str:
        return self.module.split(".")[0]

    @property
    def place(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} imports {self.module}"


def source_files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "__pycache__" not in path.parts)


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports_of(file: Path) -> Iterator[Import]:
    package = list(file.relative_to(ROOT).with_suffix("").parts[:-1])

    def walk(node: ast.AST, functions: tuple[str, ...], for_types: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            names: list[str] = []
            if isinstance(child, ast.Import):
                names = [alias.name for alias in child.names]
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*base, *([child.module] if child.module else [])])
                names = [f"{module}.{alias.name}" for alias in child.names]
            yield from (Import(name, file, child.lineno, functions, for_types) for name in names)
            inside = functions
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = (*functions, child.name)
            typed = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
            yield from walk(child, inside, for_types or typed)

    return walk(tree_of(file), (), False)


def imports_under(folder: str) -> list[Import]:
    return [item for file in source_files(folder) for item in imports_of(file)]


def is_ours(module: str, *parts: str) -> bool:
    return any(f"{module}.".startswith(f"dnnstudio.{part}.") for part in parts)


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the program, dotted name → file; a package is its `__init__.py`."""
    found = {}
    for file in source_files("dnnstudio"):
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = file
    return found


def module_of(imported: str) -> str:
    """The module of the program that an imported name stands in: `dnnstudio.core.errors.UserError` → the module."""
    while imported not in modules():
        imported = imported.rpartition(".")[0]
    return imported


@cache
def own_imports() -> tuple[tuple[str, str, Import], ...]:
    """(importing module, imported module, the statement) for every import of the program's own modules."""
    return tuple(
        (name, module_of(item.module), item)
        for name, file in modules().items()
        for item in imports_of(file)
        if item.top == "dnnstudio"
    )


def a_circle(edges: Mapping[str, set[str]]) -> list[str]:
    """The nodes of one circle in their order, the first again at the end; empty where there is none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return [str(node) for node in reversed(error.args[1])]
    return []
