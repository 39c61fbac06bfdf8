"""What the benchmarks share: rounds that take turns, and the table and plot that they leave in `resources/bench`."""

from __future__ import annotations

import csv
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "resources" / "bench"
BAR, ROW, LEFT = 420, 26, 330


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` is how many times quicker than `against`, where `at_least` is such a number."""

    what: str
    against: str
    ours: float
    theirs: float
    unit: str = "s"
    at_least: float = 0.0
    at_most: float = 0.0
    """A limit on ours ÷ theirs, or on ours where there is nothing beside it."""

    @property
    def ratio(self) -> float:
        if self.at_most:
            return self.ours / self.theirs if self.theirs else self.ours
        return self.theirs / self.ours if self.ours else 0.0

    @property
    def reach(self) -> str:
        if self.at_least:
            return f"{self.ratio:.1f}×, at least {self.at_least:g}×"
        if self.at_most and self.theirs:
            return f"{self.ratio:.2f}×, at most {self.at_most:g}×"
        return f"{self.ours:.3g} {self.unit}, at most {self.at_most:g} {self.unit}" if self.at_most else ""

    @property
    def holds(self) -> str:
        if not (self.at_least or self.at_most):
            return ""
        return "yes" if (self.ratio >= self.at_least if self.at_least else self.ratio <= self.at_most) else "no"


@dataclass
class Table:
    """The rows measured in this run."""

    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> Row:
        self.rows.append(row)
        return row

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "bench.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*(part.name for part in fields(Row)), "ratio", "holds"])
            writer.writerows([*asdict(row).values(), f"{row.ratio:.4g}", row.holds] for row in self.rows)
        lines = [
            machine(),
            "",
            "| what | ours | against | there | reach | holds |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        lines += [
            f"| {row.what} | {row.ours:.3g} {row.unit} | {row.against} | "
            f"{f'{row.theirs:.3g} {row.unit}' if row.theirs else ''} | {row.reach} | {row.holds} |"
            for row in self.rows
        ]
        (folder / "bench.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "bench.svg").write_text(self.drawn(), encoding="utf-8")

    def drawn(self) -> str:
        """A pair of bars a row, each pair on its own scale: ours over what it is held against."""
        pairs = [row for row in self.rows if row.theirs]
        parts = []
        for index, row in enumerate(pairs):
            top, most = 34 + index * 2 * ROW, max(row.ours, row.theirs)
            parts.append(f'<text x="{LEFT - 10}" y="{top + 20}" text-anchor="end">{row.what}</text>')
            for line, (value, colour) in enumerate(((row.ours, "#2f6fde"), (row.theirs, "#b8bec9"))):
                width, height = BAR * value / most, top + line * 16
                parts.append(f'<rect x="{LEFT}" y="{height}" width="{width:.1f}" height="14" fill="{colour}"/>')
                parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{height + 11}">{value:.3g} {row.unit}</text>')
        size = f'width="{LEFT + BAR + 110}" height="{50 + len(pairs) * 2 * ROW}"'
        title = '<text x="12" y="20" font-weight="bold">dnnstudio (blue) and what it is held against (grey)</text>'
        style = 'font-family="sans-serif" font-size="12" fill="#333"'
        white = '<rect width="100%" height="100%" fill="white"/>'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{white}{title}\n'
            + "\n".join(parts)
            + "\n</svg>\n"
        )


def machine() -> str:
    """The machine and the versions, in a line."""
    from importlib.metadata import version

    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if (info.exists())
        else [platform.processor()]
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("keras", "numpy"))
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{names[0]}, {cores} cores, Python {platform.python_version()}, {packages}, {time.strftime('%Y-%m-%d')}{load}"
    )


def take_turns(works: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median seconds of each, one after the other in every round; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def gemm_rate() -> float:
    """The machine's multiplications and additions a second, in large products of float32 matrices."""
    a = np.random.default_rng(0).random((2000, 784), dtype=np.float32)
    b = np.random.default_rng(1).random((784, 2000), dtype=np.float32)
    seconds = take_turns({"product": lambda: a @ b}, rounds=9)["product"]
    return 2 * 2000 * 784 * 2000 / seconds


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """Rows added here are written when the session ends."""
    made = Table()
    yield made
    if made.rows:
        made.write(FOLDER)


@pytest.fixture(scope="session")
def turns() -> Callable[..., dict[str, float]]:
    return take_turns


@pytest.fixture(scope="session")
def rate() -> float:
    return gemm_rate()


@pytest.fixture(scope="session")
def row() -> type[Row]:
    return Row
