"""A cluster as a window or a command chooses it. Imports Dask only once one is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dnnstudio.runner.cluster.extra import require

if TYPE_CHECKING:
    from dnnstudio.runner.cluster.join_file import JoinFile
    from dnnstudio.runner.local import OnEvent
    from dnnstudio.runner.tasks import Runner


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that has answered: `slots` trainings at a time, with `threads` each on its smallest worker."""

    path: Path
    join: JoinFile
    slots: int
    threads: int


def find_cluster(path: Path) -> Cluster:
    """The cluster of a join file, which is asked what it can do; that may take seconds.

    Raises `UserError`: the extra is not installed, the file is none or past its day, nothing answers, no worker is
    there.
    """
    require()
    from dnnstudio.runner.cluster.client import capacity_of
    from dnnstudio.runner.cluster.join_file import read_join_file

    join = read_join_file(path)
    capacity = capacity_of(join)
    return Cluster(path, join, capacity.slots, capacity.threads)


def cluster_runner(cluster: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> Runner:
    """A runner on the cluster's workers; to connect may take seconds. Raises `UserError`."""
    from dnnstudio.runner.cluster.client import ClusterRunner

    return ClusterRunner(cluster.join, jobs, threads=threads, on_event=on_event)
