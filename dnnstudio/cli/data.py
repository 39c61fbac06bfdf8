"""The command `data`: describes a data set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from dnnstudio.cli.common import AsJson, describe, read_experiment, say
from dnnstudio.core.errors import UserError

app = typer.Typer()


@app.command()
def data(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="digits, fashion_mnist, mnist, or an experiment.")],
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print where a data set was found, its shape and class counts."""
    from dnnstudio.cli.printing.common import data_object, data_text
    from dnnstudio.core.experiment.data import SOURCE_KINDS, Data

    chosen, seed, whole = Data(), 42, True
    known = [name for name, source in SOURCE_KINDS.items() if source.shape is not None]
    if kind in known:
        chosen = Data.model_validate({"source": {"kind": kind}})
    elif Path(kind).exists():
        experiment = read_experiment(Path(kind))
        chosen, seed, whole = experiment.data, experiment.seed, False
    elif kind in SOURCE_KINDS:
        raise UserError(f"{kind} is read from files of yours.", "Give the experiment that names them.")
    else:
        raise UserError(f'There is no data set or experiment "{kind}".', f"Data sets: {', '.join(known)}.")
    found = describe(chosen, seed, download=download)
    if as_json:
        say(json.dumps(data_object(found, whole=whole)))
    else:
        say(data_text(found, whole=whole))
