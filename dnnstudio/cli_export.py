"""The command `export`: an experiment as a script or notebook, a run's network as a Keras file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dnnstudio.core.errors import UserError

MODEL_SUFFIXES = {"keras": ".keras", "h5": ".h5"}


class Target(StrEnum):
    """What an experiment or a run can become."""

    PYTHON = "python"
    NOTEBOOK = "notebook"
    KERAS = "keras"
    H5 = "h5"


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(export)


def export(
    place: Annotated[Path, typer.Argument(metavar="EXPERIMENT_OR_RUN", help="An experiment file or a run folder.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The file that is written.")],
    to: Annotated[Target, typer.Option("--to", help="What it becomes.")] = Target.PYTHON,
) -> None:
    """Write an experiment as a Python script or notebook of plain Keras, or a run's network as a model file."""
    from dnnstudio.core.files import write_atomically

    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")
    if to in (Target.KERAS, Target.H5):
        _export_model(place, out, to)
    else:
        write_atomically(out, _code(place, to).encode())
    print(f"Written to {out}")


def _code(place: Path, to: Target) -> str:
    from dnnstudio import cli
    from dnnstudio.core.data import known_summary
    from dnnstudio.core.script import to_notebook, to_script

    experiment = cli.read_experiment(place)
    summary = known_summary(experiment.data) or cli._describe(experiment.data, experiment.seed).summary
    return (to_notebook if to is Target.NOTEBOOK else to_script)(experiment, summary)


def _export_model(place: Path, out: Path, to: Target) -> None:
    from dnnstudio import cli
    from dnnstudio.core.jobs import SaveModel

    if out.suffix.lower() != MODEL_SUFFIXES[to.value]:
        raise UserError(f"--out is {out}; with --to {to.value} it ends in {MODEL_SUFFIXES[to.value]}.", "Rename it.")
    if place.suffix.lower() == ".json":
        raise UserError(f"{place} is an experiment, which has no weights yet.", "Train it, and give its run folder.")
    cli._do(SaveModel(model=place, path=out))
