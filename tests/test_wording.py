"""Sentences are for people: no line of the program decides by the wording of one, and one module words numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "dnnstudio"
FOREIGN = {
    "core/experiment/refusals.py": "pydantic gives a JSON text that is too deep no error type of its own",
    "engine/data/tables/text/layout.py": "the csv module raises one class for all that is wrong",
}
"""Files that read the words of another library's exception, which says nothing else, and why."""
SENTENCES = {"message", "hint", "text", "note", "reason"}
"""Attributes that hold a sentence for a person."""
PARTS = {"startswith", "endswith", "split", "rsplit", "partition", "find", "index", "count", "removeprefix"}
SOURCES = {"error", "failure", "event", "cause", "exception", "refusal"}
"""What the things are called that carry such sentences."""


CODES = {("event", "reason")}
"""What is called like a sentence and is a code: `RunEnded.reason` is one of `EndReason`."""


def is_sentence(node: ast.expr) -> bool:
    """`error.message`, `event.text`, `str(error)`, `explain(cause)` and their lower() and the like."""
    match node:
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            return name in SOURCES and attribute in SENTENCES and (name, attribute) not in CODES
        case ast.Call(func=ast.Name(id="str" | "explain"), args=[ast.Name(id=name)]):
            return name in SOURCES
        case ast.Call(func=ast.Name(id="explain"), args=[ast.Attribute(attr="cause")]):
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "strip" | "casefold")):
            return is_sentence(inner)
        case ast.Call(func=ast.Name(id="str"), args=[ast.Call(func=ast.Attribute(attr="get"), args=[first, *_])]):
            return isinstance(first, ast.Constant) and first.value in SOURCES
    return False


def decisions(tree: ast.AST) -> Iterator[int]:
    """The lines that compare a sentence with a text, look for words in it, or take it to pieces."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, ops=ops, comparators=others):
                texts = [part for part in (left, *others) if isinstance(part, ast.Constant)]
                asks = any(isinstance(op, ast.In | ast.NotIn | ast.Eq | ast.NotEq) for op in ops)
                if asks and any(text.value for text in texts) and any(map(is_sentence, (left, *others))):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(value=inner, attr=attribute)) if attribute in PARTS and is_sentence(inner):
                yield node.lineno


def ids_taken_apart(tree: ast.AST) -> Iterator[int]:
    """The lines that split a run's or a job's id."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="run") | ast.Name(id="run"), attr=attribute)) if (
                attribute in PARTS
            ):
                yield node.lineno


@pytest.mark.parametrize(
    "line",
    [
        'if "already" not in error.message: pass',
        '"is taken" in str(error)',
        'not event.text.startswith("Pass ")',
        "explain(event.cause).split('. ')[0]",
        'error.message.lower() == "gone"',
        'deep = "recursion" in str(context.get("error", ""))',
    ],
)
def test_a_decision_by_words_is_found(line: str) -> None:
    assert list(decisions(ast.parse(line))) == [1]


@pytest.mark.parametrize("line", ["self.say(error.message)", 'event.text or "Working"', "if error.hint: pass"])
def test_a_sentence_that_is_only_shown_is_no_decision(line: str) -> None:
    assert not list(decisions(ast.parse(line)))


def test_an_id_that_is_taken_apart_is_found() -> None:
    assert list(ids_taken_apart(ast.parse('event.run.split("-")[0] == job.id'))) == [1]


def test_nothing_is_decided_by_the_wording_of_a_sentence() -> None:
    found = {
        str(file.relative_to(PACKAGE)): lines
        for file in sorted(PACKAGE.rglob("*.py"))
        if (lines := list(decisions(ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert set(found) == set(FOREIGN), found


def test_no_id_is_taken_apart() -> None:
    found = [
        f"{file.relative_to(PACKAGE)}:{line}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for line in ids_taken_apart(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not found


TEXT = "core/text.py"
UNIT = re.compile(r"^[ \u00a0]?(?:[kKMGT]i?B|min|h)\b")
"""What follows a number that was made a size or a duration by hand."""
ENDINGS = {"s", "es", "ies"}
STAMPS = {
    "core/workspace/model_store.py": "the names of what lies in the trash begin with a time that sorts",
    "gui/base/table_text.py": "the names of pasted tables end in a time that sorts",
}


def written_by_hand(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines that word a size, a duration, a plural, a share, a date or a no-break space, and what of these."""
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                for value, after in zip(values, [*values[1:], ast.Constant("")], strict=True):
                    if not isinstance(value, ast.FormattedValue):
                        continue
                    if isinstance(after, ast.Constant) and UNIT.match(str(after.value)):
                        yield node.lineno, "size or duration"
                    if isinstance(value.value, ast.IfExp) and ENDINGS & {
                        part.value for part in (value.value.body, value.value.orelse) if isinstance(part, ast.Constant)
                    }:
                        yield node.lineno, "plural"
                    if value.format_spec is not None and ast.unparse(value.format_spec).endswith(("%'", '%"')):
                        yield node.lineno, "share"
            case ast.Call(func=ast.Attribute(attr="localtime" | "strftime" | "fromtimestamp")):
                yield node.lineno, "date"
            case ast.Constant(value=str(text)) if "\u00a0" in text:
                yield node.lineno, "no-break space"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('f"{count / 2**20:.1f} MB"', "size or duration"),
        ('f"{total // 3600} h {total // 60 % 60}"', "size or duration"),
        ("f\"{n} row{'s' if n != 1 else ''}\"", "plural"),
        ("f\"{n} pass{'' if n == 1 else 'es'}\"", "plural"),
        ('f"{most:.0%} of them"', "share"),
        ('time.strftime("%H:%M", then)', "date"),
        ('"5\u00a0%"', "no-break space"),
    ],
)
def test_what_is_worded_by_hand_is_found(line: str, what: str) -> None:
    assert list(written_by_hand(ast.parse(line))) == [(1, what)]


def test_one_module_words_numbers_sizes_times_and_plurals() -> None:
    found = {
        name: lines
        for file in sorted(PACKAGE.rglob("*.py"))
        if (name := file.relative_to(PACKAGE).as_posix()) != TEXT
        and (lines := list(written_by_hand(ast.parse(file.read_text(encoding="utf-8")))))
    }
    assert set(found) == set(STAMPS), found
