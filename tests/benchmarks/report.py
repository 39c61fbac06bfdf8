"""What the benchmarks leave behind: table as JSON and Markdown, plots for light and dark pages, and README's part.

`write` does all of it from the rows alone, so that the README never says what the bench did not.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from xml.sax.saxutils import escape

from tests.benchmarks.neighbours import processor_times, share_taken

BEFORE = processor_times()
ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "resources" / "bench"
README = ROOT / "README.md"
BEGIN, END = "<!-- written by `make bench` -->", "<!-- end of what `make bench` wrote -->"
BAR, LINE, LEFT, RIGHT = 420, 52, 400, 270
COLORS = {"light": ("#ffffff", "#333333", "#2f6fde", "#b8bec9"), "dark": ("#0d1117", "#d0d7de", "#6ea8fe", "#5a6270")}
"""Page, words, ours, what it is held against."""


@dataclass(frozen=True)
class Row:
    """One line of the table. `ratio` is how many times quicker than `against`, where `at_least` is such a number."""

    what: str
    against: str
    ours: float
    theirs: float = 0.0
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
        """What was reached and what was to be reached."""
        if self.at_least:
            return f"{self.ratio:.1f}×, at least {self.at_least:g}×"
        if self.at_most and self.theirs:
            return f"{self.ratio:.2f}×, at most {self.at_most:g}×"
        if self.at_most:
            return f"at most {self.at_most:g} {self.unit}"
        return f"{self.ratio:.1f}×" if self.theirs else ""

    @property
    def holds(self) -> bool | None:
        """None where there is no limit."""
        if self.at_least:
            return self.ratio >= self.at_least
        return self.ratio <= self.at_most if self.at_most else None


@dataclass(frozen=True)
class Report:
    """The rows of one whole run and the machine that they were measured on."""

    machine: dict[str, str]
    rows: tuple[Row, ...]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> Report:
        stored = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
        return cls(stored["machine"], tuple(Row(**row["row"]) for row in stored["rows"]))

    def write(self, folder: Path = FOLDER, readme: Path = README) -> None:
        """Fill `folder`, and what stands between the two markers of `readme`."""
        folder.mkdir(parents=True, exist_ok=True)
        rows = [{"row": asdict(row), "ratio": round(row.ratio, 3), "holds": row.holds} for row in self.rows]
        text = json.dumps({"machine": self.machine, "rows": rows}, indent=1, ensure_ascii=False)
        (folder / "bench.json").write_text(text + "\n", encoding="utf-8")
        (folder / "bench.md").write_text(self.table(), encoding="utf-8")
        for name in COLORS:
            (folder / f"bench_{name}.svg").write_text(self.drawn(name), encoding="utf-8")
        before, rest = readme.read_text(encoding="utf-8").split(BEGIN)
        readme.write_text(before + BEGIN + self.for_readme() + END + rest.split(END)[1], encoding="utf-8")

    def table(self) -> str:
        """The rows with a limit, then how cost grows, as Markdown."""
        limited = [row for row in self.rows if row.holds is not None]
        growing = [row for row in self.rows if row.holds is None]
        parts = [f"Measured on {', '.join(self.machine.values())}.", "", *_lines(limited)]
        return "\n".join([*parts, "", "How cost grows:", "", *_lines(growing)]) + "\n"

    def for_readme(self) -> str:
        """What stands in the README between the markers."""
        folder = FOLDER.relative_to(ROOT).as_posix()
        picture = (
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="{folder}/bench_dark.svg">'
            f'<img alt="Each figure beside what it is held against" src="{folder}/bench_light.svg"></picture>'
        )
        return f"\n\n{self.table()}\n{picture}\n\n"

    def drawn(self, name: str) -> str:
        """A pair of bars a row, each pair on its own scale: ours over what it is held against."""
        page, words, ours, theirs = COLORS[name]
        pairs = [row for row in self.rows if row.theirs]
        parts = []
        for index, row in enumerate(pairs):
            top, most = 34 + index * LINE, max(row.ours, row.theirs)
            parts.append(f'<text x="{LEFT - 10}" y="{top + 20}" text-anchor="end">{escape(row.what)}</text>')
            for line, (value, color, of) in enumerate(((row.ours, ours, ""), (row.theirs, theirs, row.against))):
                width, height = BAR * value / most, top + line * 16
                said = escape(f"{value:.3g} {row.unit} {of}".rstrip())
                parts.append(f'<rect x="{LEFT}" y="{height}" width="{width:.1f}" height="14" fill="{color}"/>')
                parts.append(f'<text x="{LEFT + width + 6:.1f}" y="{height + 11}">{said}</text>')
        size = f'width="{LEFT + BAR + RIGHT}" height="{50 + len(pairs) * LINE}"'
        style = f'font-family="sans-serif" font-size="12" fill="{words}"'
        back = f'<rect width="100%" height="100%" fill="{page}"/>'
        title = '<text x="12" y="20" font-weight="bold">dnnstudio (blue) and what it is held against (grey)</text>'
        return "\n".join(
            [f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', back, title, *parts, "</svg>", ""]
        )


def _lines(rows: list[Row]) -> list[str]:
    lines = ["| what | dnnstudio | held against | | reached |", "| --- | --- | --- | --- | --- |"]
    for row in rows:
        there = f"{row.theirs:.3g} {row.unit}" if row.theirs else ""
        missed = "" if row.holds is not False else " (missed)"
        lines.append(f"| {row.what} | {row.ours:.3g} {row.unit} | {row.against} | {there} | {row.reach}{missed} |")
    return lines


def machine() -> dict[str, str]:
    """The processor, the versions and the day: nothing that names the computer."""
    info = Path("/proc/cpuinfo")
    names = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":")[1].strip() for line in names if line.startswith("model name")]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    loads = f"load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else "load unknown"
    return {
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "cores": f"{cores} cores",
        "python": f"Python {platform.python_version()}",
        "tensorflow": f"TensorFlow {_tensorflow()}",
        "keras": f"Keras {version('keras')}",
        "numpy": f"NumPy {version('numpy')}",
        "day": time.strftime("%Y-%m-%d"),
        "load": loads,
        "others": f"{share_taken(BEFORE):.1%} of the processors' time taken by others",
    }


def _tensorflow() -> str:
    import tensorflow as tf

    return str(tf.__version__)
