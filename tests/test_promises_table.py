"""What the README says of the promises is what `make promises` and `make soak` wrote, one row a promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.figures import BEGIN, END, FOLDER, PROMISES, README, Figure, Report, join, table, write_readme

SOAK = FOLDER / "soak.json"


def report(*figures: Figure, failed: tuple[int, ...] = (), day: str = "today") -> Report:
    here = {"processor": "a", "cores": "2 cores", "python": "Python 3"}
    return Report(here, join(figures), failed, {figure.promise: day for figure in figures})


def test_the_readme_shows_what_the_promises_wrote() -> None:
    shown = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    soak = Report.read(SOAK) if SOAK.exists() else None
    assert shown == table(Report.read(FOLDER / "promises.json"), soak)
    assert all(f"| P{number} | {PROMISES[number]} |" in shown for number in range(1, 15))


def test_each_promise_has_a_figure_and_its_day() -> None:
    stored = Report.read(FOLDER / "promises.json")
    assert list(stored.numbers) == list(PROMISES) == list(range(1, 15))
    assert all(stored.of(number) for number in PROMISES)
    assert set(stored.days) == set(PROMISES)


@pytest.mark.parametrize(
    ("figure", "kept", "words"),
    [
        (Figure(2, "kills survived", 200, of=200), True, "200 of 200 kills survived"),
        (Figure(2, "kills survived", 1199, of=1200), False, "1,199 of 1,200 kills survived"),
        (Figure(5, "slowest", 0.514, unit="s", at_most=2), True, "slowest 0.51 s (at most 2 s)"),
        (Figure(5, "slowest", 2.4, unit="s", at_most=2), False, "slowest 2.4 s (at most 2 s)"),
        (Figure(1, "files", 59, at_least=60), False, "files 59 (at least 60)"),
        (Figure(12, "files grow by", -3e-17, at_most=0.05), True, "files grow by 0 (at most 0.05)"),
        (Figure(12, "runs", 200), True, "runs 200"),
    ],
)
def test_a_figure_says_whether_it_is_kept(figure: Figure, kept: bool, words: str) -> None:
    assert (figure.kept, figure.words) == (kept, words)


def test_counts_are_added_and_of_values_the_worse_one_counts() -> None:
    found = join(
        [
            Figure(4, "flips", 10, of=10),
            Figure(5, "slowest", 1.0, at_most=2),
            Figure(4, "flips", 9, of=10),
            Figure(5, "slowest", 3.0, at_most=2),
            Figure(1, "files", 70, at_least=60),
            Figure(1, "files", 61, at_least=60),
        ]
    )
    assert [(figure.what, figure.value, figure.of) for figure in found] == [
        ("files", 61, None),
        ("flips", 19, 20),
        ("slowest", 3.0, None),
    ]


def test_a_promise_without_a_figure_or_with_a_failed_test_is_missed() -> None:
    found = report(Figure(1, "files", 70), Figure(2, "kills", 1, of=1), failed=(2,))
    assert [found.is_kept(number) for number in (1, 2, 3)] == [True, False, False]
    assert found.lines([3]) == ["P3   MISSED  A full disk keeps the old file, and the program alive: no figure"]


def test_some_promises_can_be_measured_again(tmp_path: Path) -> None:
    before = report(Figure(7, "slowest", 900, at_most=250), Figure(8, "worst", 9, at_most=100), failed=(7,), day="then")
    after = before.updated(report(Figure(7, "slowest", 90, at_most=250), day="now"), [7])
    assert (after.is_kept(7), after.days) == (True, {7: "now", 8: "then"})
    after.write(tmp_path / "promises.json")
    assert Report.read(tmp_path / "promises.json") == after
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}what stood here{END}\nafter\n", encoding="utf-8")
    write_readme(tmp_path, readme)
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| P7 | Stop is answered at once, in every phase | slowest 90 (at most 250) | kept | now |" in text
    assert "what stood here" not in text
