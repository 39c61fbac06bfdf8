"""What the README says of speed is what the bench wrote, and nothing there names the computer."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest

from tests.benchmarks import neighbours
from tests.benchmarks.report import BEGIN, COLORS, END, FOLDER, README, Report, Row, machine


@pytest.fixture
def report() -> Report:
    return Report.read()


def test_the_readme_shows_what_the_bench_wrote(report: Report) -> None:
    shown = README.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert shown == report.for_readme()
    assert (FOLDER / "bench.md").read_text(encoding="utf-8") == report.table()


def test_the_plots_are_of_the_same_run(report: Report) -> None:
    for name in COLORS:
        assert (FOLDER / f"bench_{name}.svg").read_text(encoding="utf-8") == report.drawn(name)


def test_every_line_of_the_reach_has_its_row(report: Report) -> None:
    rows = " | ".join(f"{row.what} ({row.against})" for row in report.rows if row.holds is not None)
    for words in (
        r"SELU.*model\.fit",
        r"dropout, Adam.*model\.fit",
        r"normalization.*model\.fit",
        "arithmetic alone",
        "own masks",
        "one mask a pass",
        "one image",
        "first painting",
        "while training, p99",
        "while sampling, p99",
        "loading Fashion-MNIST",
        "memory of a training",
        "live window",
    ):
        assert re.search(words, rows), words


def test_the_machine_is_described_but_not_named() -> None:
    described = machine()
    assert {"processor", "cores", "python", "tensorflow", "keras"} <= set(described)
    assert platform.node() not in described.values()


def test_a_report_is_written_and_read_again(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}old{END}\nafter\n", encoding="utf-8")
    rows = (Row("an epoch", "fit", 1.0, 4.0, at_least=4), Row("batches of 8", "fit", 2.0, 3.0))
    made = Report({"processor": "a & b"}, rows)
    made.write(tmp_path / "bench", readme)
    assert Report.read(tmp_path / "bench") == made
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| an epoch | 1 s | fit | 4 s | 4.0×, at least 4× |" in text
    assert "old" not in text


@pytest.mark.parametrize(
    ("row", "holds", "words"),
    [
        (Row("w", "a", 1.0, 3.9, at_least=4), False, "3.9×, at least 4×"),
        (Row("w", "a", 1.6, 1.0, at_most=1.5), False, "1.60×, at most 1.5×"),
        (Row("w", "a", 12.0, unit="ms", at_most=20), True, "at most 20 ms"),
        (Row("w", "a", 1.0, 2.0), None, "2.0×"),
    ],
)
def test_a_row_says_whether_it_holds(row: Row, holds: bool | None, words: str) -> None:
    assert (row.holds, row.reach) == (holds, words)


def test_a_round_that_neighbours_disturbed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to as often again; then those in which others took least are what there is."""

    def results(shares: list[float]) -> list[int]:
        left, tried = iter(shares), iter(range(99))
        monkeypatch.setattr(neighbours, "share_taken", lambda before: next(left))
        return neighbours.least_disturbed(lambda: next(tried), rounds=2)

    assert results([0.0, 0.01]) == [0, 1]
    assert results([0.0, 0.2, 0.02]) == [0, 2]
    assert results([0.3, 0.1, 0.2, 0.4]) == [1, 2]
