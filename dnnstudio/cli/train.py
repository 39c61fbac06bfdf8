"""The command `run`: trains an experiment."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from dnnstudio.cli.common import (
    Changes,
    ChangeShared,
    ExperimentPath,
    OutFolder,
    changed,
    describe,
    read_experiment,
    report_run,
    require_consent,
    require_run_folder,
    require_trainable,
    train_into,
)
from dnnstudio.core.errors import UserError

app = typer.Typer()


@app.command()
def run(
    experiment: ExperimentPath,
    out: OutFolder,
    seed: Annotated[int | None, typer.Option(help="Train with this seed.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Train for so many epochs.")] = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that DIR holds.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads to compute with; all processors by default.")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    change_shared: ChangeShared = False,
) -> int:
    """Train an experiment and fill DIR with its run."""
    from dnnstudio.core.jobs.requests import TrainRun
    from dnnstudio.core.threads import VARIABLE

    if threads is not None:
        os.environ[VARIABLE] = str(threads)  # read when TensorFlow is imported
    wanted = changed(read_experiment(experiment), set_, seed=seed, training__epochs=epochs)
    if epochs is not None and wanted.transfer is not None and wanted.transfer.phases:
        raise UserError(
            "--epochs has no effect: the experiment's phases say how long each takes.",
            f"For example: --set transfer.phases[0].epochs={epochs}.",
        )
    require_run_folder(out, resume=resume)
    require_trainable(wanted, describe(wanted.data, wanted.seed, download=download).summary)
    base = experiment if experiment.is_dir() else experiment.parent
    require_consent(wanted, base, resumed=out if resume else None, given=change_shared)
    return report_run(
        train_into(TrainRun(experiment=wanted, folder=out, resume_from=out if resume else None, base=base))
    )
