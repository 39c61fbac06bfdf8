"""Arrays have shapes: each public function of core and engine that takes or gives one says which in its docstring."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "dnnstudio"
FILES = [file for part in ("core", "engine") for file in sorted((PACKAGE / part).rglob("*.py"))]
ARRAYS = frozenset({"NDArray", "ndarray", "ArrayLike", "Tensor"})
"""Types of arrays in the libraries; the program's own names for them are found in its modules."""


def names(node: ast.AST) -> set[str]:
    """The names and attributes in an expression."""
    return {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }


def own_aliases(tree: ast.Module) -> frozenset[str]:
    """The names that a module gives to types of arrays: `Floats` for `Floats = NDArray[np.float64]`."""
    return frozenset(
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign) and names(node.value) & ARRAYS
        for target in node.targets
        if isinstance(target, ast.Name)
    )


TREES = {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in FILES}
ALIASES = {"dnnstudio." + name.removesuffix(".py").replace("/", "."): own_aliases(tree) for name, tree in TREES.items()}


def array_types(tree: ast.Module) -> frozenset[str]:
    """Every name by which a module knows a type of array: the libraries', its own, and those it imports."""
    imported = frozenset(
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name in ALIASES.get(node.module or "", ())
    )
    return ARRAYS | own_aliases(tree) | imported


def takes_or_gives(function: ast.FunctionDef, arrays: frozenset[str]) -> bool:
    """Whether the signature names an array type."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    annotations = [argument.annotation for argument in arguments if argument is not None] + [function.returns]
    return any(names(annotation) & arrays for annotation in annotations if annotation is not None)


def is_declared_only(function: ast.FunctionDef) -> bool:
    """Whether the body is `...` alone, as in a protocol, whose class says what its members are."""
    match function.body:
        case [ast.Expr(value=ast.Constant(value=value))]:
            return value is Ellipsis
    return False


def public_functions(node: ast.AST, path: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """The public functions of a module and the public methods of its public classes, by their dotted names."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) if name.startswith("_"):
                continue
            case ast.ClassDef(name=name):
                yield from public_functions(child, f"{path}{name}.")
            case ast.FunctionDef(name=name):
                yield f"{path}{name}", child


def without_shape(tree: ast.Module) -> list[str]:
    """The public functions with arrays whose docstring has no shape in square brackets."""
    arrays = array_types(tree)
    return [
        name
        for name, function in public_functions(tree)
        if takes_or_gives(function, arrays)
        and not is_declared_only(function)
        and "[" not in (ast.get_docstring(function) or "")
    ]


@pytest.mark.parametrize(
    "text",
    [
        'def mean(x: NDArray[np.float64]) -> float:\n    """The mean."""\n    return 0.0',
        "def ones() -> np.ndarray:\n    return np.ones(3)",
        'Rows = NDArray[np.int32]\ndef last(rows: Rows) -> int:\n    """The last row."""\n    return 0',
        "from dnnstudio.core.uncertainty.scores import Floats\ndef last(x: list[Floats]) -> int:\n    return 0",
        'class Loop:\n    def run(self, *, x: tf.Tensor | None) -> None:\n        """Run."""\n        return None',
    ],
)
def test_an_array_without_a_shape_is_found(text: str) -> None:
    assert without_shape(ast.parse(text))


@pytest.mark.parametrize(
    "text",
    [
        'def mean(x: NDArray[np.float64]) -> float:\n    """The mean of x [rows]."""\n    return 0.0',
        "def _mean(x: NDArray[np.float64]) -> float:\n    return 0.0",
        "class _Loop:\n    def run(self, x: tf.Tensor) -> None:\n        return None",
        "class Rows(Protocol):\n    def x(self) -> NDArray[np.float32]: ...",
        'def total(values: list[float]) -> float:\n    """The sum."""\n    return 0.0',
    ],
)
def test_what_has_a_shape_or_no_public_array_is_left_alone(text: str) -> None:
    assert not without_shape(ast.parse(text))


def test_every_public_array_has_a_shape() -> None:
    found = {name: missing for name, tree in TREES.items() if (missing := without_shape(tree))}
    assert not found, f"say the shapes, as in [rows, classes], in the docstrings of {found}"
