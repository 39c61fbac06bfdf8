"""The job that writes a trained network in another program's format, and what was proven of the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.jobs.requests import Job
from dnnstudio.core.text import count_of, figure, percent, small

if TYPE_CHECKING:  # who submits the job need not import what it is about
    from dnnstudio.core.workspace.runs import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportNetwork(Job):
    """Write a network to `path` in the format called `to`, and run the written file. Result: `ExportedFile`.

    `model` is a run id, an opened model's id, a run folder, a model file or an ensemble's folder. With `stochastic`
    dropout stays active in the file. Nothing is left behind where the file does not compute as the network.
    """

    model: str | Path
    path: Path
    to: str
    weights: Weights = "last"
    stochastic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a file's own runtime computed of `rows` rows, against the network itself.

    `part` is the part that the rows are of; empty for made-up rows. `difference` is the largest between two answers;
    `spread_ratio` is set where dropout is active, and `difference` is then that of the means over `passes`.
    `size` is the largest answer where that is above 1: a number has a unit, and its difference says little without.
    """

    runtime: str
    rows: int
    part: str
    difference: float
    size: float = 1.0
    passes: int = 1
    spread_ratio: float | None = None

    @property
    def sentence(self) -> str:
        """What was proven."""
        of = count_of(self.rows, f"{self.part or 'made-up'} row")
        beside = f", of answers up to {figure(self.size)}" if self.size > 1 else ""
        if self.spread_ratio is None:
            return f"{self.runtime} ran the file on {of}; the largest difference is {small(self.difference)}{beside}."
        return (
            f"{self.runtime} ran the file {self.passes} times on {of}; mean and spread are those of the network within "
            f"Monte Carlo error (largest difference of a mean {small(self.difference)}{beside}; of the spread "
            f"{percent(abs(self.spread_ratio - 1), 1)})."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """The file or folder that was written. `proof` is None where nothing was there to run it, and `notes` says why.

    `beside` is the file that says how rows are prepared, where the written one reads prepared rows; `codes` says which
    number stands for which text of a table, where the written one prepares its rows itself.
    """

    path: Path
    bytes: int
    proof: Proof | None
    beside: Path | None = None
    codes: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """Everything that a person should know, a sentence each."""
        found = [] if self.proof is None else [self.proof.sentence]
        if self.beside is not None:
            found.append(f"It reads prepared rows; {self.beside.name} beside it says how to prepare them.")
        if self.codes is not None:
            found.append(f"It reads a number for each text; {self.codes.name} beside it says which.")
        return (*found, *self.notes)


def missing_runtime(title: str, extra: str) -> str:
    """The sentence where a format's own program is not installed."""
    install = f" Install {extra} to have it proven." if extra else ""
    return f"Nothing here runs {title} files, so this one is not proven.{install}"
