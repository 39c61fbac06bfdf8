"""The jobs that put a run into one file for another person, and open such a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.jobs.requests import Job
from dnnstudio.core.text import figure, small

SUFFIX = ".dnnstudio"
SAME = 1e-7
"""Two answers are the same up to this difference, as a share of the largest answer where that is above 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBundle(Job):
    """Write the run in the folder `model` to `path`. Result: `ExportedFile`."""

    model: Path
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBundle(Job):
    """Judge the bundle at `path`, put its run into the new `folder`, and answer its test inputs.

    Result: `OpenedBundle`.
    """

    path: Path
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBundle:
    """The run that was opened, and the largest difference of its answers here to those in the bundle.

    `scale` is the largest answer where that is above 1.
    """

    folder: Path
    rows: int
    difference: float
    scale: float = 1.0

    @property
    def is_same(self) -> bool:
        """Whether it computes the same here."""
        return self.difference <= SAME * self.scale

    @property
    def sentence(self) -> str:
        """What the answers say."""
        of = f"{self.rows} test inputs; the largest difference is {small(self.difference)}"
        if self.scale > 1:
            of += f" of answers up to {figure(self.scale)}"
        if self.is_same:
            return f"It computes the same here ({small(SAME)}), on {of}."
        return f"It does not compute the same here, on {of}, and {small(SAME * self.scale)} is allowed."
