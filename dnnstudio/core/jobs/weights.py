"""The jobs that put the weights of a file into a stack of layers, and what of the file fits what of the stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.core.experiment.layers import times
from dnnstudio.core.jobs.requests import Job
from dnnstudio.core.text import count_of

if TYPE_CHECKING:  # who submits the job need not import what it is about
    from dnnstudio.core.experiment.data import TargetUnit
    from dnnstudio.core.experiment.record import Experiment

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchWeights(Job):
    """Compare the arrays of the file `path` with the stack of `experiment`. Result: `WeightsMatch`.

    `input_shape` is that of a row, without the batch. Only shapes are looked at; nothing is built or kept.
    """

    path: Path
    experiment: Experiment
    input_shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWeights(Job):
    """Build the stack of `experiment` with the weights of the file `path`. Result: `OpenedModel`.

    The engine keeps the network under the job's id. `target_unit` is what a number's answers are brought to. With
    `out` the network is also saved there. Where the weights do not fit nothing is built, kept or written.
    """

    path: Path
    experiment: Experiment
    input_shape: Shape
    target_unit: TargetUnit | None = None
    out: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRow:
    """A layer of the file beside the layer of the stack that its arrays go to; one of both may be missing.

    `found` are the shapes of the file's arrays, `needed` those of the layer's variables, with their names in
    `variables`.
    """

    file_layer: str = ""
    found: tuple[Shape, ...] = ()
    layer: str = ""
    kind: str = ""
    variables: tuple[str, ...] = ()
    needed: tuple[Shape, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether the layer's arrays are those of the file."""
        return bool(self.layer) and self.found == self.needed

    @property
    def found_text(self) -> str:
        """The arrays of the file: "784 × 300, 300"."""
        return ", ".join(times(shape) or "a number" for shape in self.found)

    @property
    def needed_text(self) -> str:
        """The variables of the layer: "kernel 784 × 300, bias 300"."""
        return ", ".join(
            f"{name} {times(shape)}".strip() for name, shape in zip(self.variables, self.needed, strict=True)
        )

    @property
    def verdict(self) -> str:
        """What the comparison says of this row."""
        if self.fits:
            return "fits"
        if not self.layer:
            return "left over: no layer for it"
        return "other shapes" if self.found else "missing in the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsMatch:
    """What of a file goes where, in the order of the stack and then what is left of the file.

    `problem` is why the weights cannot be used, with `hint`; empty where they can. `notes` are for the person.
    """

    rows: tuple[WeightsRow, ...]
    problem: str = ""
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether all weights of the stack are in the file, and nothing else."""
        return not self.problem

    @property
    def sentence(self) -> str:
        """What the comparison comes to."""
        layers = count_of(sum(1 for row in self.rows if row.needed), "layer")
        if self.fits:
            return f"All weights fit: {layers} of the stack, each with its arrays in the file."
        return self.problem
