"""What the fake engine answers where trained models are reused: library, comparisons, reconstructions, exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.shapes import infer_shapes
from dnnstudio.core.jobs.bundles import OpenBundle, OpenedBundle, WriteBundle
from dnnstudio.core.jobs.events import Progress
from dnnstudio.core.jobs.exports import ExportedFile, ExportNetwork, Proof
from dnnstudio.core.jobs.report_figures import Bin, MeasureForReport, ReportFigures
from dnnstudio.core.jobs.requests import CompareModels, ListLibrary, Reconstruct
from dnnstudio.core.jobs.results import (
    Library,
    ModelComparison,
    OpenedModel,
    Reconstructions,
)
from dnnstudio.core.jobs.weights import LoadWeights, MatchWeights, WeightsMatch, WeightsRow
from dnnstudio.core.workspace.catalog import compare_layers, compare_options, run_entry
from dnnstudio.core.workspace.ensembles import EnsembleRecord, write_ensemble
from dnnstudio.core.workspace.runs import EXPERIMENT, run_folders

SIDE = 8
ROWS = 25
"""So many rows have the parts that are reconstructed."""


def _match_weights(job: MatchWeights) -> Iterator[Any]:
    """Every layer with weights fits, but in a file whose name says otherwise."""
    yield Progress(run=job.id, done=0, total=0, text="reading the weights")
    if "none" in job.path.name:
        raise UserError(f"{job.path.name}: The file is damaged.", "Use a copy of it.")
    rows = tuple(
        WeightsRow(
            file_layer=f"dense_{number}",
            found=tuple(variable.shape for variable in row.variables),
            layer=row.layer.id,
            kind=row.layer.label,
            variables=tuple(variable.name for variable in row.variables),
            needed=tuple(variable.shape for variable in row.variables),
        )
        for number, row in enumerate(infer_shapes(job.experiment.active_layers, job.input_shape))
        if row.variables
    )
    if "other" not in job.path.name:
        return WeightsMatch(rows=rows, notes=("Numbers stored as float16 are used as float32.",))
    spoilt = replace(rows[-1], found=((2, 3),))
    return WeightsMatch(
        rows=(*rows[:-1], spoilt), problem="The weights do not fit the network.", hint="Choose another."
    )


def _load_weights(job: LoadWeights) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=0, text="loading the weights")
    return OpenedModel(
        model=job.id, experiment=job.experiment, input_shape=job.input_shape, notes=("Said.",), has_experiment=True
    )


def play(job: Any) -> Iterator[Any] | None:
    """The job as a generator, or None where it is none of these."""
    match job:
        case ListLibrary():
            return _list(job)
        case CompareModels():
            return _compare_models(job)
        case Reconstruct():
            return _reconstruct(job)
        case ExportNetwork():
            return _export(job)
        case MeasureForReport():
            return _measure(job)
        case MatchWeights():
            return _match_weights(job)
        case LoadWeights():
            return _load_weights(job)
        case OpenBundle():
            return _open_bundle(job)
        case WriteBundle():
            return _write_bundle(job)
    return None


def _export(job: ExportNetwork) -> Iterator[Any]:
    """A file called "refused" computes something else."""
    yield Progress(run=job.id, done=1, total=3, text="Writing")
    if job.path.stem == "refused":
        raise UserError("onnxruntime 1.32.0 computes something else than the network.", "Choose another format.")
    job.path.write_bytes(b"a file")
    proof = Proof(runtime="onnxruntime 1.32.0", rows=100, part="test", difference=6e-8)
    return ExportedFile(path=job.path, bytes=6, proof=proof)


def _write_bundle(job: WriteBundle) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=0, text="Writing")
    job.path.write_bytes(b"a bundle")
    return ExportedFile(path=job.path, bytes=8, proof=None)


def _open_bundle(job: OpenBundle) -> Iterator[Any]:
    """A file called "changed" is refused."""
    yield Progress(run=job.id, done=0, total=0, text="Checking")
    if job.path.stem == "changed":
        raise UserError(f"{job.path.name} was changed or damaged since it was written.", "Ask for the file anew.")
    if job.path.stem == "many":
        write_ensemble(job.folder, EnsembleRecord(experiment=Experiment(name="Theirs"), seeds=(1, 2), threads=1))
    else:
        codec.save(Experiment(name="From elsewhere"), job.folder / EXPERIMENT)
    return OpenedBundle(folder=job.folder, rows=10, difference=0.0)


def _measure(job: MeasureForReport) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=0, text="Asking")
    return ReportFigures(part="test", rows=4, classes=("a", "b"), confusion=((1, 1), (0, 2)), bins=(Bin(4, 0.8, 0.75),))


def _list(job: ListLibrary) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=1, text="Reading.")
    notes = tuple(f"{path.name}: The file is damaged." for path in job.files)
    entries = (run_entry(folder) for folder in reversed(run_folders(job.workspace)))
    return Library(entries=tuple(entries), notes=notes)


def _compare_models(job: CompareModels) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=2, text="Reading.")
    first, second = (codec.load(Path(place) / EXPERIMENT) for place in (job.first, job.second))
    prints = [
        {layer.id: name for layer in e.active_layers if layer.has_weights} for e, name in ((first, "a"), (second, "b"))
    ]
    return ModelComparison(
        layers=compare_layers(first.active_layers, second.active_layers, prints[0], prints[1]),
        options=compare_options(first, second),
        same_weights=False,
        figures=({"loss": 0.25, "accuracy": 0.9}, {"loss": 0.5, "accuracy": 0.8}),
    )


def _reconstruct(job: Reconstruct) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=1, text="Drawing.")
    if bad := [row for row in job.rows if row >= ROWS]:
        raise UserError(f"There is no row {bad[0]} in the {job.part} part of {ROWS:,} rows.", "Choose another row.")
    rows = np.array(job.rows, dtype=np.uint8)
    originals = np.repeat(rows, SIDE * SIDE).reshape(-1, SIDE, SIDE) * 10
    errors = rows.astype(np.float32) / 100
    return Reconstructions(originals=originals, drawn=255 - originals, errors=errors, pictures=True)
