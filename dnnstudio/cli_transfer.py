"""The commands for reusing what was learnt: transfer, compare, library and diff; `dnnstudio.cli` registers them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.core.layers import AnyLayer

ExperimentPath = Annotated[Path, typer.Argument(metavar="EXPERIMENT", help="An experiment file or a run folder.")]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="A .keras or .h5 file or a run folder.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that is filled.")]
Changes = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change a field: --set transfer.phases.0.epochs=2.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for verb in (transfer, compare, library, diff):
        app.command()(verb)


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
) -> int:
    """Train an experiment that starts from layers of a trained model.

    What its transfer section says is done; without one, all but the output is reused, frozen first and then not.
    """
    from dnnstudio import cli
    from dnnstudio.core.jobs import RunResult, TrainRun
    from dnnstudio.core.reusing import default_transfer

    if not model.exists():
        raise UserError(f"{model} does not exist.", "Check the path.")
    given = cli.read_experiment(experiment)
    cli._require_run_folder(out, resume=False)
    if given.transfer is None:
        shape = cli._describe(given.data, given.seed, download=download).summary.input_shape
        made = default_transfer(given, shape, "", _layers_of(model), mode=mode or "clone")
        given = given.replaced(transfer=made)
    assert given.transfer is not None
    reuse = tuple(item if mode is None else item.replaced(mode=mode) for item in given.transfer.reuse)
    section = given.transfer.replaced(source=str(model.absolute()), reuse=reuse)
    wanted = cli.changed(given.replaced(transfer=section), set_, seed=seed)
    cli.require_trainable(wanted, cli._describe(wanted.data, wanted.seed, download=download).summary)
    result = cli._do(TrainRun(experiment=wanted, folder=out, base=experiment.parent))
    assert isinstance(result, RunResult)
    return cli._report(result)


def compare(
    experiment: ExperimentPath,
    out: OutFolder,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="MODEL_OR_RUN", help="Start from this instead of the source named.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many seeds, from the experiment's own on.")] = 3,
    set_: Changes = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
) -> None:
    """Train from scratch and transferred, once a seed, and say whether the transfer helped.

    EXPERIMENT may also be the name of a bundled one. A source that is an experiment file is trained first, once a seed.
    DIR gets every run and the table as JSON and CSV; what is there already is not trained again.
    """
    from dnnstudio import cli
    from dnnstudio.cli_transfer_output import RunLines, comparison_object, comparison_text
    from dnnstudio.core.jobs import CompareTransfer, TransferComparison

    experiment = _file_or_recipe(experiment)
    wanted = cli.changed(cli.read_experiment(experiment), set_)
    if wanted.transfer is None:
        raise UserError(f"{experiment} has no transfer section, so there is nothing to compare.", "Add one.")
    if source is not None:
        wanted = wanted.replaced(transfer=wanted.transfer.replaced(source=str(source.absolute())))
    job = CompareTransfer(
        experiment=wanted,
        folder=out,
        seeds=tuple(range(wanted.seed, wanted.seed + seeds)),
        base=experiment if experiment.is_dir() else experiment.parent,
    )
    result = cli._do(job, RunLines())
    assert isinstance(result, TransferComparison)
    print(json.dumps(comparison_object(result)) if as_json else comparison_text(result))


def library(
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help="A folder with runs/ and models/.")],
    as_json: AsJson = False,
) -> None:
    """List the trained models of a workspace: task, accuracy, fingerprint, and whose layers they have."""
    from dnnstudio import cli
    from dnnstudio.cli_transfer_output import library_object, library_text
    from dnnstudio.core.jobs import Library, ListLibrary

    if not workspace.is_dir():
        raise UserError(f"{workspace} is no folder.", "Give the folder that holds runs and models.")
    result = cli._do(ListLibrary(workspace=workspace), warm=False)
    assert isinstance(result, Library)
    print(json.dumps(library_object(result)) if as_json else library_text(result))


def diff(
    first: ModelPath,
    second: ModelPath,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="EXPERIMENT", help="On whose test part to measure both.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two models: layers, weights, options, and their figures on the same test part."""
    from dnnstudio import cli
    from dnnstudio.cli_transfer_output import diff_object, diff_text
    from dnnstudio.core.jobs import CompareModels, ModelComparison

    for model in (first, second):
        if not model.exists():
            raise UserError(f"{model} does not exist.", "Check the path.")
    experiment = None if data is None else cli.read_experiment(data)
    result = cli._do(CompareModels(first=first, second=second, experiment=experiment))
    assert isinstance(result, ModelComparison)
    print(json.dumps(diff_object(result)) if as_json else diff_text(result))


def _file_or_recipe(path: Path) -> Path:
    """The file of a bundled experiment where `path` is its name and no file: its source lies beside it."""
    from dnnstudio.core.resources import resource_folder

    recipe = resource_folder() / "recipes" / f"{path.name}.json"
    return recipe if not path.exists() and len(path.parts) == 1 and recipe.exists() else path


def _layers_of(model: Path) -> tuple[AnyLayer, ...]:
    """The layers of a run or model file, without TensorFlow. Raises `UserError`."""
    from dnnstudio import cli

    if model.is_dir():
        return cli.read_experiment(model).layers
    from dnnstudio.engine.model_files import read_model

    return read_model(model).layers
