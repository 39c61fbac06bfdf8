"""The command `new`: creates an experiment from the user's file or folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dnnstudio.cli.common import say, told_to_end
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.text import count_of

if TYPE_CHECKING:
    from dnnstudio.engine.data.proposing import Proposal

SHOWN_CLASSES = 12


app = typer.Typer()


@app.command()
def new(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="A table, an .npz file, or a folder of pictures or IDX files."),
    ],
    predict: Annotated[
        str | None, typer.Option("--predict", metavar="COLUMN", help="The column of a table to predict.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.json", help="The experiment file; else SOURCE's name.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Make an experiment from your own data: it fits the data and can be trained as it is."""
    place = out or Path(f"{source.name.split('.')[0] or 'experiment'}.json")
    if place.suffix.lower() != ".json":
        raise UserError(f"{place} is no name for an experiment.", "Give --out a name that ends in .json.")
    if out is None and place.exists():
        raise UserError(f"{place} is there already.", "Name another file by --out.")
    proposal = _written(source, predict, place)
    say(json.dumps(proposal_object(proposal, place)) if as_json else _text(proposal, place))
    return 0


def _written(source: Path, predict: str | None, place: Path) -> Proposal:
    """The experiment that fits the data, written to `place`. Raises `UserError`, or `Cancelled` by Ctrl+C."""
    from dnnstudio.core.experiment import codec
    from dnnstudio.core.jobs.control import Control

    control = Control()
    try:
        with told_to_end(control.stop):
            from dnnstudio.engine.data.proposing import propose

            proposal = propose(source, predict=predict, control=control)
            codec.save(proposal.experiment, place)  # whole, also where the wish to end comes now
            return proposal
    except KeyboardInterrupt:  # a second one, which does not wait
        raise Cancelled from None


def proposal_object(proposal: Proposal, place: Path) -> dict[str, Any]:
    """The data for `--json`."""
    counts = proposal.summary.counts or (0, 0, 0)
    return {
        "task": proposal.task,
        "target": proposal.target,
        "classes": list(proposal.summary.class_names),
        "rows": dict(zip(("train", "validation", "test"), counts, strict=True)),
        "columns": [
            {"name": column.name, "role": column.role, "kind": column.kind, "reason": column.reason}
            for column in proposal.columns
        ],
        "warnings": list(proposal.warnings),
        "experiment": str(place),
    }


def _text(proposal: Proposal, place: Path) -> str:
    from dnnstudio.cli.printing.common import shown_name

    summary = proposal.summary
    train, validation, test = summary.counts or (0, 0, 0)
    names = ", ".join(shown_name(name) for name in summary.class_names[:SHOWN_CLASSES])
    more = f", … ({summary.classes:,} in all)" if summary.classes > SHOWN_CLASSES else ""
    lines = [f"Predicts {proposal.target}: " + (f"classes {names}{more}" if summary.classes else "a number")]
    lines += [f"{count_of(train, 'row')} to train, {validation:,} to validate, {test:,} for the test"]
    named = [(shown_name(column.name), column) for column in proposal.columns]
    width = max((len(name) for name, _ in named), default=0)
    lines += [f"  {name:<{width}}  {column.role:<8}  {column.kind:<8}  {column.reason}" for name, column in named]
    lines += [f"Warning: {warning}" for warning in proposal.warnings]
    return "\n".join([*lines, f"Written to {place}"])
