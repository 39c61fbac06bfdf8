"""From scratch against transferred, once a seed: is the transfer's gain larger than chance?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dnnstudio.core import codec
from dnnstudio.core.comparison import as_csv, as_plain, summarize
from dnnstudio.core.control import Control
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import write_atomically
from dnnstudio.core.jobs import (
    CompareTransfer,
    ComparisonRun,
    Progress,
    RunResult,
    TrainRun,
    TransferComparison,
)
from dnnstudio.core.pretraining import encoder_of
from dnnstudio.core.runs import CHECKPOINT, EXPERIMENT, MODEL, is_run, read_metrics
from dnnstudio.core.stages import planned_epochs
from dnnstudio.core.transfer import Transfer
from dnnstudio.engine.checkpoint import FILE as STATE
from dnnstudio.engine.reporting import Emit
from dnnstudio.engine.transfer import find_place, source_text

JSON = "comparison.json"
CSV = "comparison.csv"


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
    if not is_run(folder) or not (folder / CHECKPOINT / STATE).exists():
        return False
    found, rule = codec.load(folder / EXPERIMENT), wanted.pretraining
    if rule is None or found.pretraining != rule:
        return found == wanted
    # A pretraining run holds the network that was trained in the place of the wanted one: only the encoder is both's.
    same = found.replaced(layers=wanted.layers, loss=wanted.loss) == wanted
    return same and encoder_of(found, rule.until) == encoder_of(wanted, rule.until)


def _write(folder: Path, runs: list[ComparisonRun]) -> None:
    """The table as it stands, as JSON and as CSV. Raises `UserError`."""
    write_atomically(folder / JSON, (json.dumps(as_plain(runs), indent=2) + "\n").encode())
    write_atomically(folder / CSV, as_csv(runs).encode())
