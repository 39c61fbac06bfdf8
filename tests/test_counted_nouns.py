"""No text says "1 passes": a number before a noun is written by `count_of`, in every sentence of the program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from dnnstudio.core.text import count_of, plural

PACKAGE = Path(__file__).parents[1] / "dnnstudio"
NOUNS = (
    "pass", "unit", "image", "row", "run", "epoch", "step", "layer", "class", "seed", "trial", "member", "column",
    "model", "network", "file", "label", "picture", "feature", "parameter", "case", "answer", "group", "folder",
)  # fmt: skip
PLURALS = {plural(noun): noun for noun in NOUNS}
ADJECTIVES = {"training", "validation", "test", "hidden", "made-up"}
NO_NUMBERS = {"how", "text", "what", "words", "part", "root", "to.title", "title", "row.layer.id", "layer.name"}
"""Expressions that stand before such a noun and are words or names."""


def counted(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and words of each number that is followed by a noun in the plural."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        for place, (value, after) in enumerate(zip(node.values, node.values[1:], strict=False)):
            if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            words = str(after.value).replace(".", " ").replace(",", " ").split(" ")
            if len(words) < 2 or words[0]:
                continue
            words = words[2:] if words[1] in ADJECTIVES else words[1:]
            if not words or words[0] not in PLURALS:
                continue
            number: ast.expr | None = value
            if ast.unparse(value.value).endswith("part"):  # "1,000 {part} rows": the number stands before, if at all
                two = node.values[place - 2 : place] if place >= 2 else []
                number = two[0] if len(two) == 2 and isinstance(two[1], ast.Constant) and two[1].value == " " else None
            if isinstance(number, ast.FormattedValue):
                yield node.lineno, f"{{{ast.unparse(number.value)}}} {words[0]}"


def is_number(words: str) -> bool:
    """Whether what stands in the braces may be the number 1."""
    expression = words[1 : words.index("}")]
    if expression in NO_NUMBERS or expression.isupper() or expression.startswith(("times(", "len(COLORS")):
        return False  # a name, a fixed number above 1, or "28 × 28"
    return "(" not in expression or expression.startswith(("len(", "min(", "max(", "sum("))


def test_every_number_of_things_is_written_by_count_of() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {words}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "standalone" not in path.parts
        for line, words in counted(ast.parse(path.read_text(encoding="utf-8")))
        if is_number(words)
    ]
    assert not found, "\n".join(found)


def test_the_walk_sees_what_it_is_for() -> None:
    tree = ast.parse(
        'text = f"{len(rows):,} training rows, {n} passes, {few} {job.part} rows, half of the {part} rows."'
    )
    assert [words for _, words in counted(tree)] == ["{len(rows)} rows", "{n} passes", "{few} rows"]
    assert all(is_number(words) for _, words in counted(tree))


@pytest.mark.parametrize("noun", NOUNS)
def test_one_of_each(noun: str) -> None:
    assert count_of(1, noun) == f"1 {noun}"
    assert count_of(2, noun) == f"2 {plural(noun)}"
