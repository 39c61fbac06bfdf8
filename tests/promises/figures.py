"""The fourteen promises of reliability, the figures that tests measured for them, and README's table of both.

`make promises` writes `resources/promises/promises.json`, `make soak` `soak.json` beside it; the README shows nothing
else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.report import machine

ROOT = Path(__file__).resolve().parents[2]
FOLDER, README = ROOT / "resources" / "promises", ROOT / "README.md"
BEGIN = "<!-- written by `make promises` and `make soak` -->"
END = "<!-- end of what `make promises` and `make soak` wrote -->"
PROMISES = {
    1: "Opening a model file never runs code from it",
    2: "Killed while it saves, nothing is lost",
    3: "A full disk keeps the old file, and the program alive",
    4: "Every flipped bit in a file of the program is noticed",
    5: "No small file costs much time or memory",
    6: "A failed open or import changes nothing",
    7: "Stop is answered at once, in every phase",
    8: "The window is never held up",
    9: "Same seed, same machine: the same weights, resumed or not",
    10: "A number that is none does not pass",
    11: "Looking never changes anything",
    12: "Many runs in one session do not grow",
    13: "Edit, undo, redo, save, load: no difference",
    14: "No network unless a download was asked for",
}
PROMISED, FAILED = "promised", "promise failed"
"""Properties of a test's report: a figure, and the number of a promise whose test failed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure of a promise: a count `of` all cases, or a value with a limit, or one that is only told."""

    promise: int
    what: str
    value: float
    of: float | None = None
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether it is all of the cases, and within its limits."""
        enough = self.at_least is None or self.value >= self.at_least
        return enough and (self.of is None or self.value == self.of) and not self._above

    @property
    def _above(self) -> bool:
        return self.at_most is not None and self.value > self.at_most

    @property
    def words(self) -> str:
        """As `200 of 200 kills survived` or `slowest 0.51 s (at most 2 s)`."""
        unit = f" {self.unit}" if self.unit else ""
        if self.of is not None:
            return f"{self.value:,.0f} of {self.of:,.0f} {self.what}"
        limits = [("at most", self.at_most), ("at least", self.at_least)]
        limit = ", ".join(f"{word} {_short(value)}{unit}" for word, value in limits if value is not None)
        return f"{self.what} {_short(self.value)}{unit}" + (f" ({limit})" if limit else "")

    def joined(self, other: Figure) -> Figure:
        """Both as one: counts are added, of values the worse one counts."""
        if self.of is not None and other.of is not None:
            return replace(self, value=self.value + other.value, of=self.of + other.of)
        worse = min if self.at_least is not None else max
        return replace(self, value=worse(self.value, other.value))


def join(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """One figure for each thing measured of each promise, in the order of the promises."""
    found: dict[tuple[int, str], Figure] = {}
    for figure in figures:
        key = (figure.promise, figure.what)
        found[key] = found[key].joined(figure) if key in found else figure
    return tuple(sorted(found.values(), key=lambda figure: figure.promise))


@dataclass(frozen=True)
class Report:
    """What was measured, of which promises tests failed, and on which machine; `days` says when, promise by promise."""

    machine: dict[str, str]
    figures: tuple[Figure, ...]
    failed: tuple[int, ...] = ()
    days: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Report:
        stored = json.loads(path.read_text(encoding="utf-8"))
        figures = tuple(Figure(**figure) for figure in stored["figures"])
        days = {int(number): day for number, day in stored["days"].items()}
        return cls(stored["machine"], figures, tuple(stored["failed"]), days)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = {"machine": self.machine, "days": self.days, "failed": self.failed}
        text = json.dumps(plain | {"figures": list(map(asdict, self.figures))}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    def updated(self, newer: Report, numbers: Iterable[int]) -> Report:
        """This one with the promises of `numbers` as a newer run found them."""
        again = set(numbers)
        figures = [figure for figure in self.figures if figure.promise not in again]
        failed = [number for number in self.failed if number not in again]
        newer_figures = [figure for figure in newer.figures if figure.promise in again]
        newer_failed = [number for number in newer.failed if number in again]
        days = self.days | {number: day for number, day in newer.days.items() if number in again}
        return Report(newer.machine, join([*figures, *newer_figures]), tuple(sorted([*failed, *newer_failed])), days)

    def with_figures(self, newer: Report) -> Report:
        """This one with the figures of a newer run in the place of those of the same name."""
        again = {(figure.promise, figure.what) for figure in newer.figures}
        figures = [figure for figure in self.figures if (figure.promise, figure.what) not in again]
        failed = set(newer.failed) | (set(self.failed) - set(newer.numbers))
        return Report(newer.machine, join([*figures, *newer.figures]), tuple(sorted(failed)), self.days | newer.days)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The promises that it says something of."""
        return tuple(sorted({figure.promise for figure in self.figures} | set(self.failed)))

    def of(self, number: int) -> tuple[Figure, ...]:
        return tuple(figure for figure in self.figures if figure.promise == number)

    def is_kept(self, number: int) -> bool:
        """A promise without a figure is not kept."""
        figures = self.of(number)
        return bool(figures) and number not in self.failed and all(figure.kept for figure in figures)

    def measured(self, number: int) -> str:
        return "; ".join(figure.words for figure in self.of(number)) or "no figure"

    def lines(self, numbers: Iterable[int] = PROMISES) -> list[str]:
        """A line for each promise, for a terminal."""
        said = {True: "kept", False: "MISSED"}
        return [
            f"P{number:<3} {said[self.is_kept(number)]:<7} {PROMISES[number]}: {self.measured(number)}"
            for number in numbers
        ]

    def rows(self, numbers: Iterable[int], mark: str = "") -> list[str]:
        """Rows of a Markdown table."""
        said = {True: "kept", False: "**missed**"}
        return [
            f"| P{number}{mark} | {PROMISES[number]} | {self.measured(number)} | {said[self.is_kept(number)]} "
            f"| {self.days.get(number, '')} |"
            for number in numbers
        ]


def reported(reports: Iterable[Any]) -> Report:
    """What the tests' reports of a session hold."""
    found = [(key, value) for report in reports for key, value in report.user_properties]
    figures = join(Figure(**value) for key, value in found if key == PROMISED)
    failed = tuple(sorted({value for key, value in found if key == FAILED}))
    here = machine()
    measured = {figure.promise for figure in figures} | set(failed)
    return Report(here, figures, failed, dict.fromkeys(sorted(measured), f"{here['day']}, {here['load']}"))


def table(promises: Report, soak: Report | None) -> str:
    """README's part: the promises as `make promises` measured them, and those that `make soak` measured longer."""
    head = ["| | promise | measured | | when |", "| --- | --- | --- | --- | --- |"]
    rows = promises.rows(PROMISES) + (soak.rows(soak.numbers, ", soak") if soak else [])
    about = f"{promises.machine['processor']}, {promises.machine['cores']}, {promises.machine['python']}"
    return "\n".join(["", "", f"Measured by `make promises` and `make soak` on {about}.", "", *head, *rows, "", ""])


def write_readme(folder: Path = FOLDER, readme: Path = README) -> None:
    """Put the table of what lies in `folder` between the two markers of `readme`."""
    promises, soak = (
        Report.read(path) if (path := folder / name).exists() else None for name in ("promises.json", "soak.json")
    )
    if promises is None:
        return
    text = table(promises, soak)
    before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
    readme.write_text(before + BEGIN + text + END + rest.split(END)[1], encoding="utf-8")


def all_tries(measure: Callable[[], Sequence[Figure]], tries: int = 2) -> tuple[Figure, ...]:
    """The figures of the first try within all limits, or of the last one: for timings on a machine that others use."""
    found: Sequence[Figure] = ()
    for _ in range(tries):
        found = measure()
        if all(figure.kept for figure in found):
            break
    return tuple(found)


def _short(value: float) -> str:
    if abs(value) < 1e-3:
        return "0"
    if abs(value) < 100 and value != int(value):
        return f"{value:.2g}"
    return f"{value:,.0f}"
