"""The command `predict`: answers to new pictures, tables and arrays, as a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from dnnstudio.cli.common import AskedPath, WhichWeights, as_weights, run_job, say
from dnnstudio.core.errors import UserError

SOME_FAILED = 1

app = typer.Typer()


@app.command()
def predict(
    model: AskedPath,
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT…", help="Pictures, folders of them, tables or .npz arrays.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The .csv, .parquet or .json file to write.")],
    samples: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, help="Passes with dropout on; the answer is their mean, with its spread."),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Add sets or intervals that are right in this share of cases: 0.9."),
    ] = None,
    sets: Annotated[
        Literal["lac", "aps", "by_class"],
        typer.Option(help="How sets are made: the smallest, larger where in doubt, or right in each class too."),
    ] = "lac",
    seed: Annotated[
        int | None, typer.Option(min=0, help="Same seed, same passes; the experiment's if left out.")
    ] = None,
    columns: Annotated[
        bool,
        typer.Option("--columns", help="Add what each row of a table holds in the columns that the network reads."),
    ] = False,
    invert: Annotated[
        bool,
        typer.Option(
            "--invert", help="Invert pictures that are dark on light where it learnt light on dark, or the reverse."
        ),
    ] = False,
    weights: WhichWeights = "last",
) -> int:
    """Answer new cases, prepared as the run prepared its own, and write a row for each.

    What does not fit is named in the column "error", and the exit code is then 1; it is 2 where nothing could be done.
    """
    from dnnstudio.core.jobs.requests import PredictFiles
    from dnnstudio.core.jobs.results import PredictedFiles
    from dnnstudio.core.text import count_of
    from dnnstudio.core.uncertainty.conformal import Promise
    from dnnstudio.engine.predicting.writing import format_of

    if not model.exists():
        raise UserError(f"{model} does not exist.", "Check the path.")
    format_of(out)
    if not out.parent.is_dir():
        raise UserError(f"The folder {out.parent} does not exist.", "Make it first, or choose another.")
    if coverage is not None:
        Promise.of(coverage)
    elif sets != "lac":
        raise UserError("--sets says how the sets of --coverage are made, and there is no --coverage.", "Add it: 0.9.")
    chosen = as_weights(weights)
    job = PredictFiles(
        model=model,
        inputs=tuple(inputs),
        out=out,
        weights=chosen,
        samples=samples,
        coverage=coverage,
        sets=sets,
        seed=seed,
        columns=columns,
        invert=invert,
    )
    found = run_job(job)
    assert isinstance(found, PredictedFiles)
    for note in found.notes:
        say(note, file=sys.stderr)
    if found.failed:
        say(f"{count_of(found.failed, 'case')} without an answer. The first: {found.first_error}", file=sys.stderr)
    say(f"{count_of(found.answered, 'answer')} written to {out}")
    return SOME_FAILED if found.failed else 0
