"""What the fake engine answers where trained models are reused: the library, comparisons, reconstructions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dnnstudio.core import codec
from dnnstudio.core.comparison import summarize
from dnnstudio.core.control import Control
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.history import write_history
from dnnstudio.core.jobs import (
    CompareModels,
    CompareTransfer,
    ComparisonRun,
    EpochDone,
    Library,
    ListLibrary,
    ModelComparison,
    Progress,
    Reconstruct,
    Reconstructions,
    RunEnded,
    RunResult,
    RunStarted,
    TransferComparison,
)
from dnnstudio.core.library import compare_layers, compare_options, run_entry
from dnnstudio.core.runs import EXPERIMENT, run_folders
from dnnstudio.core.stages import planned_epochs

SIDE = 8
ROWS = 25
"""So many rows have the parts that are reconstructed."""


def play(job: Any, control: Control) -> Iterator[Any] | None:
    """The job as a generator, or None where it is none of these."""
    match job:
        case ListLibrary():
            return _list(job)
        case CompareModels():
            return _compare_models(job)
        case CompareTransfer():
            return _compare_transfer(job, control)
        case Reconstruct():
            return _reconstruct(job)
    return None


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


def accuracy_of(start: str, seed: int) -> float:
    """An invented test accuracy."""
    return {"scratch": 0.9, "transfer": 0.98}[start] + 0.001 * (seed % 3)


def _compare_transfer(job: CompareTransfer, control: Control) -> Iterator[Any]:
    transfer = job.experiment.transfer
    assert transfer is not None
    if transfer.source == "nowhere":
        raise UserError('The source of the transfer, "nowhere", does not exist.', "Choose another one.")
    runs: list[ComparisonRun] = []
    epochs = planned_epochs(job.experiment)
    for seed in job.seeds:
        for start in ("scratch", "transfer"):
            text = f"Seed {seed}: training {start}."
            yield Progress(run=job.id, done=len(runs), total=2 * len(job.seeds), text=text)
            run, folder = f"{job.id}-{seed}-{start}", job.folder / f"seed {seed} {start}"
            folder.mkdir(parents=True, exist_ok=True)
            yield RunStarted(run=run, experiment=job.experiment, folder=folder, steps_per_epoch=2, epochs=epochs)
            rows = [
                {"epoch": float(n), "val_loss": 1 / n, "val_accuracy": accuracy_of(start, seed) - 0.1 / n}
                for n in range(1, epochs + 1)
            ]
            for row in rows:
                if control.stopped:
                    raise Cancelled
                yield EpochDone(run=run, row=row, is_best=True)
            write_history(folder / "history.csv", rows)
            metrics = {"test": {"loss": 0.1, "accuracy": accuracy_of(start, seed)}}
            result = RunResult(
                run=run, folder=folder, reason="finished", epochs=epochs, best_epoch=epochs, metrics=metrics
            )
            yield RunEnded(run=run, reason="finished", message="", result=result)
            runs.append(ComparisonRun(seed=seed, start=start, folder=folder, metrics=metrics))  # type: ignore[arg-type]
    return TransferComparison(folder=job.folder, runs=tuple(runs), summary=summarize(runs))


def _reconstruct(job: Reconstruct) -> Iterator[Any]:
    yield Progress(run=job.id, done=0, total=1, text="Drawing.")
    if bad := [row for row in job.rows if row >= ROWS]:
        raise UserError(f"There is no row {bad[0]} in the {job.part} part of {ROWS:,} rows.", "Choose another row.")
    rows = np.array(job.rows, dtype=np.uint8)
    originals = np.repeat(rows, SIDE * SIDE).reshape(-1, SIDE, SIDE) * 10
    errors = rows.astype(np.float32) / 100
    return Reconstructions(originals=originals, drawn=255 - originals, errors=errors, pictures=True)
