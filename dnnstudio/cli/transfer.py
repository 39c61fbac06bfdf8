"""The commands for transfer learning: `transfer`, `compare`, `library` and `diff`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dnnstudio.cli.common import (
    INTERRUPTED,
    AsJson,
    Changes,
    ChangeShared,
    ExperimentPath,
    Jobs,
    ModelPath,
    OnCluster,
    Threads,
    changed,
    cluster_of,
    describe,
    read_experiment,
    report_run,
    require_consent,
    require_run_folder,
    require_trainable,
    run_job,
    runner_of,
    say,
    stopping,
    train_into,
)
from dnnstudio.core.errors import Cancelled, UserError

if TYPE_CHECKING:
    from dnnstudio.core.experiment.layers import AnyLayer

app = typer.Typer()

OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that is filled.")]


@app.command()
def transfer(
    model: ModelPath,
    experiment: ExperimentPath,
    out: OutFolder,
    mode: Annotated[
        Literal["clone", "share"] | None,
        typer.Option(help="Clone every reused layer, or share it: then the source changes too."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Train with this seed.")] = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    change_shared: ChangeShared = False,
) -> int:
    """Train an experiment that starts from layers of a trained model.

    What its transfer section says is done; without one, all but the output is reused, frozen first and then not.
    """
    from dnnstudio.core.jobs.requests import TrainRun
    from dnnstudio.core.planning.compatibility import default_transfer

    if not model.exists():
        raise UserError(f"{model} does not exist.", "Check the path.")
    given = read_experiment(experiment)
    require_run_folder(out, resume=False)
    if given.transfer is None:
        shape = describe(given.data, given.seed, download=download).summary.input_shape
        made = default_transfer(given, shape, "", _layers_of(model), mode=mode or "clone")
        given = given.replaced(transfer=made)
    assert given.transfer is not None
    reuse = tuple(item if mode is None else item.replaced(mode=mode) for item in given.transfer.reuse)
    section = given.transfer.replaced(source=str(model.absolute()), reuse=reuse)
    wanted = changed(given.replaced(transfer=section), set_, seed=seed)
    require_trainable(wanted, describe(wanted.data, wanted.seed, download=download).summary)
    require_consent(wanted, experiment.parent, resumed=None, given=change_shared or mode == "share")
    return report_run(train_into(TrainRun(experiment=wanted, folder=out, base=experiment.parent)))


@app.command()
def compare(
    experiment: ExperimentPath,
    out: OutFolder,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL_OR_RUN", help="Start from this instead of the source named.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from the experiment's own on.")] = 3,
    jobs: Jobs = None,
    threads: Threads = None,
    cluster: OnCluster = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> int:
    """Train from scratch and transferred, once a seed, and say whether the transfer helped.

    EXPERIMENT may also be the name of a bundled one. A source that is an experiment file is trained first, once a seed.
    DIR gets every run and the table as JSON and CSV; what is there already is not trained again.
    """
    from dnnstudio.cli.printing.common import plain_console
    from dnnstudio.cli.printing.transfer import ComparisonPrinter, comparison_object, comparison_text
    from dnnstudio.runner.capacity import default_jobs, threads_each
    from dnnstudio.runner.comparing import Comparison, ComparisonPlan

    experiment = _file_or_recipe(experiment)
    wanted = changed(read_experiment(experiment), set_)
    if wanted.transfer is None:
        raise UserError(f"{experiment} has no transfer section, so there is nothing to compare.", "Add one.")
    if source is not None:
        wanted = wanted.replaced(transfer=wanted.transfer.replaced(source=str(source.absolute())))
    found = cluster_of(cluster)
    plan = ComparisonPlan(
        experiment=wanted,
        folder=out,
        seeds=tuple(range(wanted.seed, wanted.seed + seeds)),
        base=experiment if experiment.is_dir() else experiment.parent,
    )
    with ComparisonPrinter(plain_console(to_stderr=as_json)) as printer:
        made = Comparison(plan, printer.take)
        at_once = min(jobs or (found[1].slots if found else default_jobs()), made.total)
        each = threads or (found[1].threads if found else threads_each(at_once))
        runner = runner_of(found[0] if found else None, at_once, threads=each, on_event=made.take)
        with runner, stopping(made.stop):
            try:
                result = made.run(runner, lambda: printer.show(made.done, made.total))
            except Cancelled:
                say("Stopped. The same command goes on.", file=sys.stderr)
                return INTERRUPTED
    say(json.dumps(comparison_object(result)) if as_json else comparison_text(result))
    return 0


@app.command()
def library(
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="A folder with runs/ and models/.")],
    as_json: AsJson = False,
) -> None:
    """List the trained models of a workspace: task, accuracy, fingerprint, and whose layers they have."""
    from dnnstudio.cli.printing.transfer import library_object, library_text
    from dnnstudio.core.jobs.requests import ListLibrary
    from dnnstudio.core.jobs.results import Library

    if not workspace.is_dir():
        raise UserError(f"{workspace} is no folder.", "Give the folder that holds runs and models.")
    result = run_job(ListLibrary(workspace=workspace), warm=False)
    assert isinstance(result, Library)
    say(json.dumps(library_object(result)) if as_json else library_text(result))


@app.command()
def diff(
    first: ModelPath,
    second: ModelPath,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="EXPERIMENT", help="On whose test part to measure both.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two models: layers, weights, options, and their figures on the same test part."""
    from dnnstudio.cli.printing.transfer import diff_object, diff_text
    from dnnstudio.core.jobs.requests import CompareModels
    from dnnstudio.core.jobs.results import ModelComparison

    for model in (first, second):
        if not model.exists():
            raise UserError(f"{model} does not exist.", "Check the path.")
    experiment = None if data is None else read_experiment(data)
    result = run_job(CompareModels(first=first, second=second, experiment=experiment))
    assert isinstance(result, ModelComparison)
    say(json.dumps(diff_object(result)) if as_json else diff_text(result))


def _file_or_recipe(path: Path) -> Path:
    """The file of a bundled experiment if `path` is its name and no file; its source is beside it."""
    from dnnstudio.core.resources import resource_folder

    recipe = resource_folder() / "recipes" / f"{path.name}.json"
    return recipe if not path.exists() and len(path.parts) == 1 and recipe.exists() else path


def _layers_of(model: Path) -> tuple[AnyLayer, ...]:
    """The layers of a run or model file, without TensorFlow. Raises `UserError`."""
    if model.is_dir():
        return read_experiment(model).layers
    from dnnstudio.engine.model_files import read_model

    return read_model(model).layers
