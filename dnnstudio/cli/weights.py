"""The command `weights`: the weights of a file into a stack of the same shapes."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dnnstudio.cli.common import AsJson, describe, read_experiment, run_job, say
from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.core.experiment.data import TargetUnit
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.jobs.weights import WeightsMatch

app = typer.Typer()
UNFIT = 1
"""Exit code where only the comparison was asked for and the weights do not fit."""


@app.command()
def weights(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .weights.h5 or .h5 file with weights, or a model file.")
    ],
    stack: Annotated[
        Path,
        typer.Argument(metavar="EXPERIMENT_OR_MODEL", help="Whose layers: an experiment, a run folder, a model file."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="MODEL", help="Write the network with these weights (.keras, .h5, .weights.h5)."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Show which weights of a file fit which layer, and with --out put them there: all of them, or none.

    Without --out the exit code is 1 where they do not fit; with it 2, and nothing is written.
    """
    from dnnstudio.core.jobs.weights import LoadWeights, MatchWeights

    if out is not None and not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")
    experiment, input_shape, unit = _stack_of(stack)
    match: WeightsMatch = run_job(MatchWeights(path=file, experiment=experiment, input_shape=input_shape), warm=False)
    _print(match, as_json=as_json)
    if out is None:
        return 0 if match.fits else UNFIT
    if not match.fits:
        raise UserError(match.problem, match.hint)
    run_job(LoadWeights(path=file, experiment=experiment, input_shape=input_shape, target_unit=unit, out=out))
    say(f"Written to {out}", file=sys.stderr if as_json else sys.stdout)
    return 0


def _stack_of(place: Path) -> tuple[Experiment, tuple[int, ...], TargetUnit | None]:
    """Experiment, shape of a row and unit of the answers of an experiment file, a run or a model file."""
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.workspace.catalog import SUFFIXES
    from dnnstudio.core.workspace.runs import is_run, model_file
    from dnnstudio.engine.model_files import read_model

    trained = model_file(place, "last") if place.is_dir() and is_run(place) else place
    if trained.is_file() and trained.suffix.lower() in SUFFIXES:
        contents = read_model(trained)
        experiment = contents.experiment or Experiment(name=place.stem[:200], layers=contents.layers)
        return experiment, contents.input_shape, contents.target_unit
    experiment = read_experiment(place)
    summary = describe(experiment.data, experiment.seed).summary
    return experiment, summary.input_shape, summary.target_unit


def _print(match: WeightsMatch, *, as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [asdict(row) | {"fits": row.fits} for row in match.rows]
        said = {"fits": match.fits, "rows": rows, "problem": match.problem, "notes": list(match.notes)}
        say(json.dumps(said))
        return
    from dnnstudio.cli.printing.common import table

    lines = [("file", "arrays", "layer", "kind", "variables", "")]
    for row in match.rows:
        lines.append((row.file_layer, row.found_text, row.layer, row.kind, row.needed_text, row.verdict))
    say(table(lines))
    say(f"\n{match.sentence}")
    for note in match.notes:
        say(note)
