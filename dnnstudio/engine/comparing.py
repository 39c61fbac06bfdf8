"""From scratch against transferred, once a seed: is the transfer's gain larger than chance?"""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.control import Control
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import write_atomically
from dnnstudio.core.jobs import (
    CompareTransfer,
    ComparisonRun,
    Progress,
    RunResult,
    Spread,
    TrainRun,
    TransferComparison,
)
from dnnstudio.core.runs import CHECKPOINT, EXPERIMENT, MODEL, is_run, read_metrics
from dnnstudio.core.stages import planned_epochs
from dnnstudio.core.transfer import Transfer
from dnnstudio.engine.checkpoint import FILE as STATE
from dnnstudio.engine.reporting import Emit
from dnnstudio.engine.transfer import find_place, source_text

JSON = "comparison.json"
CSV = "comparison.csv"
PARTS = ("train", "validation", "test")
STARTS = ("source", "scratch", "transfer")


def compare(
    job: CompareTransfer, control: Control, emit: Emit, train: Callable[[TrainRun], RunResult]
) -> TransferComparison:
    """Train every pair and write the table. Raises `UserError`, and `Cancelled` when stopped (what is done is kept).

    Shared layers are cloned here, so that no seed changes the source for the next; the figures are the same.
    """
    transfer = job.experiment.transfer
    if transfer is None:
        raise UserError("The experiment has no transfer to compare.", "Add a transfer section.")
    if not job.seeds:
        raise UserError("There is no seed to train with.", "Give at least one.")
    place = find_place(transfer.source, job.base)
    first = codec.load(place) if place.suffix == ".json" and place.is_file() else None
    runs: list[ComparisonRun] = []
    total = len(job.seeds) * (2 if first is None else 3)
    for seed in job.seeds:
        for start, wanted in _trainings(job, transfer, first, place, seed):
            emit(Progress(run=job.id, done=len(runs), total=total, text=f"Seed {seed}: {_WORDS[start]}."))
            folder = job.folder / f"seed {seed} {start}"
            metrics = _done(folder, wanted)
            if metrics is None:
                control.check()
                again = folder if _begun(folder, wanted) else None
                name = f"{job.id}-{seed}-{start}"
                result = train(TrainRun(id=name, experiment=wanted, folder=folder, base=folder, resume_from=again))
                if result.reason == "stopped":
                    raise Cancelled
                metrics = result.metrics
            runs.append(ComparisonRun(seed=seed, start=start, folder=folder, metrics=metrics))  # type: ignore[arg-type]
            _write(job.folder, runs)
    return TransferComparison(folder=job.folder, runs=tuple(runs), summary=summarize(runs))


_WORDS = {"source": "training the source", "scratch": "training from scratch", "transfer": "training transferred"}


def _trainings(
    job: CompareTransfer, transfer: Transfer, first: Experiment | None, place: Path, seed: int
) -> list[tuple[str, Experiment]]:
    """What is trained with one seed, in order."""
    seeded = job.experiment.replaced(seed=seed)
    epochs = seeded.training.replaced(epochs=planned_epochs(seeded))
    scratch = seeded.replaced(transfer=None, training=epochs)
    found = job.folder / f"seed {seed} source" if first is not None else place
    cloned = transfer.replaced(
        source=source_text(job.folder / f"seed {seed} transfer", found),
        reuse=tuple(item.replaced(mode="clone") for item in transfer.reuse),
    )
    sources = [("source", first.replaced(seed=seed))] if first is not None else []
    return [*sources, ("scratch", scratch), ("transfer", seeded.replaced(transfer=cloned))]


def _done(folder: Path, wanted: Experiment) -> dict[str, Any] | None:
    """The figures of a training that is there already, from a comparison that was stopped before its end."""
    if not (folder / MODEL).exists() or not _begun(folder, wanted):
        return None
    metrics = read_metrics(folder)
    return metrics if metrics is not None and metrics.get("reason") in ("finished", "early_stopping") else None


def _begun(folder: Path, wanted: Experiment) -> bool:
    """Whether the folder holds a checkpoint of this very training."""
    return is_run(folder) and (folder / CHECKPOINT / STATE).exists() and codec.load(folder / EXPERIMENT) == wanted


def summarize(runs: Sequence[ComparisonRun]) -> dict[str, dict[str, dict[str, Spread]]]:
    """Start → part → figure → mean and standard deviation over the seeds."""
    table: dict[str, dict[str, dict[str, Spread]]] = {}
    for start in STARTS:
        found = [run.metrics for run in runs if run.start == start]
        for part in PARTS:
            for name in found[0].get(part, {}) if found else ():
                values = [metrics[part][name] for metrics in found]
                sd = statistics.stdev(values) if len(values) > 1 else 0.0
                spread = Spread(mean=statistics.fmean(values), sd=sd)
                table.setdefault(start, {}).setdefault(part, {})[name] = spread
    return table


def as_plain(runs: Sequence[ComparisonRun]) -> dict[str, Any]:
    """What comparison.json holds: a row a run, and the summary."""
    rows = [
        {"seed": run.seed, "start": run.start, "folder": run.folder.name}
        | {f"{part}_{name}": value for part in PARTS for name, value in run.metrics.get(part, {}).items()}
        for run in runs
    ]
    summary = {
        start: {
            part: {name: {"mean": spread.mean, "sd": spread.sd} for name, spread in figures.items()}
            for part, figures in parts.items()
        }
        for start, parts in summarize(runs).items()
    }
    return {"runs": rows, "summary": summary}


def _write(folder: Path, runs: Sequence[ComparisonRun]) -> None:
    """The table as it stands, as JSON and as CSV. Raises `UserError`."""
    plain = as_plain(runs)
    rows = plain["runs"]
    write_atomically(folder / JSON, (json.dumps(plain, indent=2) + "\n").encode())
    text = io.StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(folder / CSV, text.getvalue().encode())
