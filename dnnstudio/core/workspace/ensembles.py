"""An ensemble on disk: `ensemble.json`, one run folder per seed under `members/`, and `metrics.json` with their
figures.

An ensemble's folder is not a run: it has no `experiment.json`, because the trained experiments are its members'.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnnstudio.core.atomic_files import make_folder, read_bounded
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import is_file_there, is_there
from dnnstudio.core.text import count_of, listed
from dnnstudio.core.workspace.runs import METRICS, MODEL, read_metrics

ENSEMBLE = "ensemble.json"
MEMBERS = "members"
FORMAT = 1
MOST_SEEDS = 1000
TRAINED = frozenset({"finished", "early_stopping"})
"""End reasons with which a run counts as a member; a diverged run does not, as it would spoil the mean."""


class EnsembleRecord(BaseModel):
    """The contents of `ensemble.json`: the experiment, its members' seeds in order, and the threads of each."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    experiment: Experiment
    seeds: tuple[int, ...] = Field(min_length=1, max_length=MOST_SEEDS)
    threads: int = Field(ge=1, le=1024)


def is_ensemble(folder: Path) -> bool:
    """Whether the folder holds an ensemble."""
    return is_file_there(folder / ENSEMBLE)


def member_folder(folder: Path, seed: int) -> Path:
    """The run folder of one member."""
    return folder / MEMBERS / str(seed)


def read_ensemble(folder: Path) -> EnsembleRecord:
    """The ensemble in `folder`. Raises `UserError` if there is none or its file is damaged."""
    if not is_ensemble(folder):
        raise UserError(f"{folder} holds no ensemble.", f"An ensemble has an {ENSEMBLE} in it.")
    path = folder / ENSEMBLE
    plain = codec.decode(read_bounded(path, codec.MAX_BYTES, what="an ensemble"), name=str(path))
    if isinstance(plain, dict) and isinstance(number := plain.get("format"), int) and number > FORMAT:
        raise UserError(f"{path} has format {number}, which is newer than this program reads.", "Update dnnstudio.")
    try:
        experiment = codec.from_plain(plain["experiment"], name=str(path))
        return EnsembleRecord.model_validate(
            plain | {"experiment": experiment, "seeds": tuple(plain["seeds"])},
        )
    except (ValidationError, KeyError, TypeError):
        raise UserError(f"{path} is damaged.", "Repeat the experiment into a new folder.") from None


def write_ensemble(folder: Path, record: EnsembleRecord) -> None:
    """Create the folder and its `ensemble.json`. Raises `UserError`."""
    plain = {
        "format": record.format,
        "seeds": list(record.seeds),
        "threads": record.threads,
        "experiment": codec.to_plain(record.experiment),
    }
    make_folder(folder / MEMBERS)
    write_checked(folder / ENSEMBLE, (codec.pretty(plain) + "\n").encode())


def trained_members(folder: Path, record: EnsembleRecord) -> dict[int, dict[str, Any]]:
    """Seed → metrics of every completely trained member, in the order of the seeds. Raises `UserError`."""
    found = {}
    for seed in record.seeds:
        place = member_folder(folder, seed)
        metrics = read_metrics(place) if is_there(place / MODEL) else None
        if metrics is not None and metrics.get("reason") in TRAINED:
            found[seed] = metrics
    return found


def absent_note(folder: Path, *, holder: str = "") -> str:
    """A sentence on the members that are not there or not trained to their end; "" where all are, or for no ensemble.

    `holder` is what holds the others, such as "file"; else they answered.
    Raises `UserError` for a damaged ensemble.
    """
    if not is_ensemble(folder):
        return ""
    record = read_ensemble(folder)
    there = trained_members(folder, record)
    absent = [str(seed) for seed in record.seeds if seed not in there]
    if not absent:
        return ""
    word = "seed" if len(absent) == 1 else "seeds"
    found = f"{count_of(len(there), 'member')} of {len(record.seeds)}"
    lead = f"The {holder} holds {found}" if holder else f"{found} answered"
    verb = "is" if len(absent) == 1 else "are"
    return f"{lead}: {word} {listed(absent, most=6)} {verb} not there, or not trained to the end."


def write_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Write the ensemble's `metrics.json`. Raises `UserError`."""
    write_checked(folder / METRICS, (json.dumps(metrics, indent=2) + "\n").encode())
