"""A sweep: the same experiment with some fields varied, as a grid of lists or as trials that a sampler chooses.

On disk it is a folder with `sweep.json` (the plan), `trials.csv` (a row a trial), `trials.json` (the same with reasons,
read when it goes on) and a run folder a trial under `trials/`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dnnstudio.core.atomic_files import make_folder, read_bounded
from dnnstudio.core.checksums import write_checked
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import held
from dnnstudio.core.study.varied import Listed, Ranged, Varied
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.runs import SWEEP, is_sweep

TRIALS = "trials"
FORMAT = 1
MOST_TRIALS = 10_000

Sampler = Literal["random", "tpe"]
Target = Literal["val_accuracy", "val_mae", "val_loss"]
"""The validation figure, at a trial's best epoch, that chooses between trials."""


class SweepPlan(BaseModel):
    """What `sweep.json` says. Without `trials` and `sampler` it is the grid of all lists.

    The sampler draws with the experiment's seed. `threads` is for each training; `prune` ends hopeless ones early.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = Field(FORMAT, ge=1, le=FORMAT)
    experiment: Experiment
    vary: tuple[Varied, ...] = Field(min_length=1)
    trials: int | None = Field(None, ge=1, le=MOST_TRIALS)
    sampler: Sampler | None = None
    prune: bool = False
    threads: int = Field(ge=1, le=1024)
    target: Target

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(one.path for one in self.vary)

    @property
    def count(self) -> int:
        """How many trials there are."""
        return self.trials or math.prod(len(one.values) for one in self.vary if isinstance(one, Listed))

    @property
    def higher_is_better(self) -> bool:
        return self.target == "val_accuracy"


def plan_sweep(
    experiment: Experiment,
    vary: tuple[Listed | Ranged, ...],
    *,
    trials: int | None,
    sampler: Sampler | None,
    prune: bool,
    threads: int,
    target: Target,
) -> SweepPlan:
    """A new sweep; `random` is the sampler where there are trials and none is named. Raises `UserError`."""
    ranges = [one for one in vary if isinstance(one, Ranged)]
    if trials is None:
        if ranges:
            raise UserError(
                f"{ranges[0].path} is varied over a range, which has no end of values.",
                "Add --trials N, or give a list.",
            )
        if sampler is not None:
            raise UserError("Without --trials every combination is tried, so no sampler chooses.", "Add --trials N.")
    else:
        sampler = sampler or "random"
    grid = math.prod(len(one.values) for one in vary if isinstance(one, Listed))
    if trials is not None and not ranges and trials > grid:
        raise UserError(
            f"The lists have {grid:,} combinations, and --trials asks for {trials:,}.",
            "Leave out --trials, and each is tried once.",
        )
    if (trials or grid) > MOST_TRIALS:
        raise UserError(
            f"These are {trials or grid:,} trials; at most {MOST_TRIALS:,} are made.", "Vary less, or add --trials N."
        )
    return SweepPlan(
        experiment=experiment, vary=vary, trials=trials, sampler=sampler, prune=prune, threads=threads, target=target
    )


def resumed_plan(
    before: SweepPlan,
    experiment: Experiment,
    vary: tuple[Listed | Ranged, ...] | None,
    *,
    trials: int | None,
    sampler: Sampler | None,
    prune: bool,
) -> SweepPlan:
    """The plan with which a sweep goes on: its own, with more trials where more are asked for.

    `vary`, `trials` and `sampler` may be left out (None). Raises `UserError` where they ask for another sweep.
    """
    fresh = "Give a new folder."
    if before.experiment != experiment:
        raise UserError(
            "The folder holds the sweep of another experiment.",
            "Give that one, with every --set as then, or a new folder.",
        )
    if vary is not None and before.vary != vary:
        raise UserError("The folder holds a sweep that varies something else.", f"Leave out --vary. {fresh}")
    if sampler is not None and sampler != before.sampler:
        raise UserError(f"The folder holds a sweep by {before.sampler or 'grid'}, not by {sampler}.", fresh)
    if trials is not None and before.trials is None:
        raise UserError("The folder holds a grid, whose trials are all its combinations.", "Leave out --trials.")
    if trials is not None and before.trials is not None and trials < before.trials:
        raise UserError(
            f"The sweep was begun with {count_of(before.trials, 'trial')}; --trials asks for {trials:,}.",
            f"Give {before.trials:,} or more.",
        )
    return plan_sweep(
        experiment,
        before.vary,
        trials=trials or before.trials,
        sampler=before.sampler,
        prune=prune or before.prune,
        threads=before.threads,
        target=before.target,
    )


def target_of(experiment: Experiment, summary: DataSummary) -> Target:
    """By what the trials are compared: the task's metric, because losses with other penalties are no comparison.

    Raises `UserError` where no rows validate.
    """
    if summary.counts is not None and summary.counts[1] == 0:
        raise UserError("A sweep chooses by the validation part, and there is none.", "Set data.validation.")
    if experiment.pretraining is not None:
        return "val_loss"
    return "val_accuracy" if summary.class_names else "val_mae"


def grid_values(plan: SweepPlan) -> Iterator[dict[str, Any]]:
    """The trials of a grid, from 0 on: the last list changes quickest."""
    lists = [one.values for one in plan.vary if isinstance(one, Listed)]
    return (dict(zip(plan.paths, values, strict=True)) for values in product(*lists))


def trial_folder(folder: Path, number: int) -> Path:
    """The run folder of one trial."""
    return folder / TRIALS / str(number)


def read_sweep(folder: Path) -> SweepPlan:
    """What the sweep in `folder` is. Raises `UserError` where there is none or its file is damaged."""
    path = folder / SWEEP
    if not is_sweep(folder):
        raise UserError(f"{folder} holds no sweep to go on with.", "Leave out --resume, or give the sweep's folder.")
    plain = codec.decode(read_bounded(path, codec.MAX_BYTES, what="a sweep"), name=str(path))
    if isinstance(plain, dict) and isinstance(number := plain.get("format"), int) and number > FORMAT:
        raise UserError(f"{path} has format {number}, which is newer than this program reads.", "Update dnnstudio.")
    try:
        experiment = codec.to_plain(codec.from_plain(plain["experiment"], name=str(path)))
        return SweepPlan.model_validate_json(json.dumps(plain | {"experiment": experiment}))
    except (ValidationError, KeyError, TypeError):
        raise UserError(f"{path} is damaged.", "Sweep into a new folder.") from None


def write_sweep(folder: Path, plan: SweepPlan) -> None:
    """Make the folder and its `sweep.json`. Raises `UserError`, also where another program works on the folder."""
    plain = plan.model_dump(mode="json", exclude={"experiment"}) | {"experiment": codec.to_plain(plan.experiment)}
    make_folder(folder / TRIALS)
    with held(folder, "a sweep"):
        write_checked(folder / SWEEP, (codec.pretty(plain) + "\n").encode())
