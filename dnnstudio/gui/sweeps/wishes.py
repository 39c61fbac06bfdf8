"""What a person wishes of a new sweep, and the plan that this makes. No Qt here."""

from __future__ import annotations

from dataclasses import dataclass

from dnnstudio.core.experiment.data import DataSummary
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.study.sweep import Sampler, SweepPlan, plan_sweep, target_of
from dnnstudio.core.study.varied import parse_varied
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
