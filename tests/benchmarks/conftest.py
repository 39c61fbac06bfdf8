"""What the benchmarks share: rounds that take turns, and the table that a whole run leaves in `resources/bench`."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.neighbours import least_disturbed
from tests.benchmarks.report import Report, Row, machine

ROWS: list[Row] = []


class Table:
    """The rows measured in this run."""

    def add(self, row: Row) -> Row:
        ROWS.append(row)
        return row


def take_turns(works: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median seconds of each, one after the other in every round; a first round is not counted."""

    def one_round() -> dict[str, float]:
        seconds: dict[str, float] = {}
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name] = time.perf_counter() - began
        return seconds

    one_round()
    found = least_disturbed(one_round, rounds=rounds)
    return {name: statistics.median(seconds[name] for seconds in found) for name in works}


class Products:
    """Large products of float32 matrices: what the machine can do at best, to be measured in turns with what it does.

    Its speed swings by half from minute to minute, so that a rate of another minute says nothing.
    """

    SHAPE = (2000, 784, 2000)
    MANY = 9

    def __init__(self) -> None:
        rows, inner, columns = self.SHAPE
        self._a = np.random.default_rng(0).random((rows, inner), dtype=np.float32)
        self._b = np.random.default_rng(1).random((inner, columns), dtype=np.float32)

    def __call__(self) -> None:
        for _ in range(self.MANY):
            self._a @ self._b

    def rate(self, seconds: float) -> float:
        """Multiplications and additions a second, where a call took `seconds`."""
        return 2 * math.prod(self.SHAPE) * self.MANY / seconds


@pytest.fixture(scope="session")
def table() -> Table:
    return Table()


@pytest.fixture(scope="session")
def turns() -> Callable[..., dict[str, float]]:
    return take_turns


@pytest.fixture
def products() -> Products:
    return Products()


@pytest.fixture(scope="session")
def row() -> type[Row]:
    return Row


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the rows. Those of a whole run are also written down; a row that is missing fails the README's test."""
    if not ROWS:
        return
    report = Report(machine(), tuple(ROWS))
    terminalreporter.section("benchmarks")
    terminalreporter.write_line(report.table())
    only = [Path(part.split("::")[0]).name for part in config.args]
    whole = only == ["benchmarks"] and not config.option.keyword and not config.option.markexpr
    if whole:
        report.write()
        terminalreporter.write_line("Written to resources/bench and to the README.")
    else:
        terminalreporter.write_line("Not written: only a whole `make bench` is.")
