"""What a person wishes of a new sweep, and the plan that this makes. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.layers import Layer
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import Sampler, SweepPlan, plan_sweep, target_of
from dnnstudio.core.study.varied import parse_varied
from dnnstudio.core.workspace.runs import EXPERIMENT, RunRecord, trained_on
from dnnstudio.gui.sweeps.suggesting import check
from dnnstudio.runner.capacity import threads_each
from dnnstudio.runner.cluster.access import Cluster


@dataclass(frozen=True, slots=True)
class SweepWish:
    """What a person has set: texts as of the command line, and how trials are chosen. `trials` is None for a grid."""

    vary: tuple[str, ...]
    trials: int | None
    sampler: Sampler | None
    prune: bool
    jobs: int
    cluster: Cluster | None = None
    """Where the trials are trained; None for this machine."""


def planned(wish: SweepWish, experiment: Experiment, summary: DataSummary) -> SweepPlan:
    """The new sweep that a person wishes for. Raises `UserError`: it cannot be trained."""
    plan = plan_sweep(
        experiment,
        parse_varied(wish.vary, experiment),
        trials=wish.trials,
        sampler=wish.sampler,
        prune=wish.prune,
        threads=threads_each(wish.jobs) if wish.cluster is None else wish.cluster.threads,
        target=target_of(experiment, summary),
    )
    check(plan, experiment, summary)
    return plan


MOST_LOOKED_AT = 20
"""So many runs on the same data are read for their layers, the newest first."""


def alike_first(records: Sequence[RunRecord], experiment: Experiment) -> tuple[RunRecord, ...]:
    """The runs with the newest one of the same data and layers before all others, if there is one: it tells best how
    long the experiment takes.
    """
    data = trained_on(experiment)
    same = (one for one in records if one.seconds and one.sweep is None and one.trained_on == data)
    for record in islice(same, MOST_LOOKED_AT):
        if _layers_of(record.folder, record.when) == experiment.layers:
            return record, *records
    return tuple(records)


@lru_cache(maxsize=256)
def _layers_of(folder: Path, when: float) -> tuple[Layer, ...]:
    """The layers of the run in `folder`, begun `when`; none where that cannot be read."""
    try:
        return codec.load(folder / EXPERIMENT).layers
    except (UserError, OSError):
        return ()
