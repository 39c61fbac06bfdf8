"""Proposes an experiment for a user's file or folder: reads and judges it, splits it, and adds a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.data import (
    Classes,
    Data,
    DataSummary,
    Fraction,
    Source,
    Table,
)
from dnnstudio.core.experiment.data.questions import Question
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.planning.following import data_name
from dnnstudio.core.planning.network_for import network_for, scaling_for
from dnnstudio.core.text import listed
from dnnstudio.engine.data.loading import describe, find_consequences
from dnnstudio.engine.data.reading import Watch
from dnnstudio.engine.data.recognize import Recognized, recognize

SEED = 42


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """One column of a table: its role, its kind, and the reason for both."""

    name: str
    role: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An experiment on the user's data, and the findings it is based on. `columns` is empty except for tables."""

    experiment: Experiment
    summary: DataSummary
    target: str
    columns: tuple[ColumnGuess, ...]
    warnings: tuple[str, ...]

    @property
    def task(self) -> str:
        """ "classes" or "number"."""
        return "classes" if self.summary.classes else "number"


def propose(path: Path, *, predict: str | None = None, control: Control | None = None) -> Proposal:
    """The experiment for a table, an .npz file, a folder of IDX files or of images. `predict` names a table's target.

    Raises `UserError`, or `Cancelled` through the control.
    """
    found = recognize([path], watch=Watch(control))
    if found.kind != "data" or found.source is None:
        raise no_data(found)
    if found.questions:
        raise UserError(f"It is not clear how to read {path.name}.", _asked(found.questions))
    source, target = found.source, "label"
    columns: tuple[ColumnGuess, ...] = ()
    if isinstance(source, Table):
        source, columns = _table(source, predict, Watch(control))
        target = next(column.name for column in columns if column.role == "target")
    elif predict is not None:
        raise UserError("--predict names the column of a table, but this is none.", "Leave it out.")
    return propose_for(source, path, columns=columns, target=target, control=control)


def propose_for(
    source: Source,
    path: Path,
    *,
    columns: tuple[ColumnGuess, ...] = (),
    target: str = "label",
    control: Control | None = None,
) -> Proposal:
    """The experiment for a source of which all is known; `path` gives it its name. Raises like `propose`."""
    data = Data(source=source, classes=Classes(), validation=Fraction(fraction=0.2))
    summary = describe(data, seed=SEED, control=control).summary
    data = data.replaced(scaling=scaling_for(summary))
    summary = describe(data, seed=SEED, control=control).summary
    experiment = network_for(data, summary, name=data_name(path), seed=SEED)
    found = find_consequences(data, seed=SEED, control=control)
    warnings = (*(item.text for item in found), *summary.notes)
    return Proposal(experiment, summary, target, columns, warnings)


def no_data(found: Recognized) -> UserError:
    """Why what was found is nothing to learn from."""
    path = found.paths[0]
    if found.kind == "unlabelled":
        name = path.name if len(found.paths) == 1 else path.parent.name
        return UserError(
            f"{name}: these pictures have no class, so there is nothing to learn from them.",
            "Put them into a folder a class, or let a trained network predict them.",
        )
    what = {"model": "a model", "experiment": "an experiment", "run": "the folder of a run"}[found.kind]
    return UserError(f"{path.name} is {what}, not data.", "Open it instead.")


def _asked(questions: Sequence[Question]) -> str:
    """How a question is answered on the command line."""
    return " ".join(
        f"Set data.source.{item.field} of an experiment to one of: {listed(item.choices, most=8)}."
        for item in questions
    )


def _table(source: Table, predict: str | None, watch: Watch) -> tuple[Table, tuple[ColumnGuess, ...]]:
    """The table source with all inferred settings, and the reasons."""
    from dnnstudio.engine.data.tables.files import read_cells
    from dnnstudio.engine.data.tables.judge import judge
    from dnnstudio.engine.data.tables.reader import with_findings

    cells = read_cells(source, Path(source.path), watch)
    found = judge(cells, source, predict=predict, watch=watch)
    guesses = tuple(
        ColumnGuess(item.column.name, item.column.role, item.column.kind, item.reason) for item in found.columns
    )
    return with_findings(source, cells, found), guesses
