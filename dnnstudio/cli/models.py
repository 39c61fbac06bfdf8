"""The commands on a single network: `evaluate` and `summary`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dnnstudio.cli.common import (
    AsJson,
    AskedPath,
    DataFrom,
    WhichWeights,
    as_weights,
    describe,
    experiment_for,
    opened_bundle,
    read_experiment,
    run_job,
    say,
)

if TYPE_CHECKING:
    from dnnstudio.core.experiment.layers import AnyLayer
    from dnnstudio.core.experiment.record import Experiment

app = typer.Typer()


@app.command()
def evaluate(model: AskedPath, data: DataFrom = None, weights: WhichWeights = "last", as_json: AsJson = False) -> None:
    """Print loss and metrics of a model on the test part."""
    from dnnstudio.cli.printing.common import figures
    from dnnstudio.core.jobs.requests import EvaluateModel
    from dnnstudio.core.jobs.results import Evaluation
    from dnnstudio.core.workspace.ensembles import absent_note
    from dnnstudio.core.workspace.run_rows import data_changed
    from dnnstudio.core.workspace.runs import home_of

    experiment = experiment_for(model, data)
    job = EvaluateModel(model=model, experiment=experiment, parts=("test",), weights=as_weights(weights))
    result = run_job(job)
    assert isinstance(result, Evaluation)
    values = result.parts["test"]
    say(json.dumps(values) if as_json else f"test: {figures(values)}")
    if absent := absent_note(model):
        say(absent, file=sys.stderr)
    if data is None and data_changed(home_of(model), describe(experiment.data, experiment.seed).summary.fingerprint):
        say(
            "The data of this run changed since it was trained: rows that trained it may be among these.",
            file=sys.stderr,
        )


@app.command()
def summary(
    model_or_experiment: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL_OR_EXPERIMENT",
            help="An experiment, a run folder, a model file or a bundle.",
            callback=opened_bundle,
        ),
    ],
) -> None:
    """Print the layers with their shapes and parameters."""
    from dnnstudio.cli.printing.common import layer_table

    network, input_shape = _network_of(model_or_experiment)
    say(layer_table(network, input_shape))


def _network_of(path: Path) -> tuple[Experiment | tuple[AnyLayer, ...], tuple[int, ...]]:
    """The experiment of a file or run, or the layers of a model file, and the input shape."""
    from dnnstudio.core.experiment.data import known_summary
    from dnnstudio.core.workspace.catalog import SUFFIXES

    if path.suffix.lower() in SUFFIXES:
        from dnnstudio.engine.model_files import read_model

        contents = read_model(path)
        return contents.layers, contents.input_shape
    experiment = read_experiment(path)
    known = known_summary(experiment.data) or describe(experiment.data, experiment.seed).summary
    return experiment, known.input_shape
