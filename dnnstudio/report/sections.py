"""The parts of a report as plain values, which the page and the test read alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is shown; `value` is the exact number behind it, if it is one."""

    text: str
    value: float | None = None
    name: str = ""
    """Of a figure: "test.accuracy"."""


@dataclass(frozen=True, slots=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A curve: its points in order, and whether it is the second of two (drawn dashed)."""

    name: str
    points: tuple[tuple[float, float], ...]
    second: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    across: str
    lines: tuple[Line, ...]
    dots: bool = False
    """Points instead of lines."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `name` is what it is ticked by."""

    name: str
    title: str
    paragraphs: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    title: str
    subtitle: str
    sections: tuple[Section, ...]


TITLES = {
    "task": "Task",
    "data": "Data",
    "network": "Network",
    "training": "Training",
    "curves": "Curves",
    "result": "Result",
    "trials": "Trials",
    "confusion": "Confusion",
    "residuals": "Residuals",
    "calibration": "Calibration",
    "uncertainty": "Uncertainty and decision",
    "limits": "Limits",
    "origin": "Seed and versions",
}
"""Name of a section → its title, in the order of the page."""


def plain(text: str) -> Cell:
    """A cell without a number behind it."""
    return Cell(text)
