"""From scratch against transferred, on the machines of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnstudio.core.errors import UserError
from dnnstudio.runner.cluster.access import Cluster
from dnnstudio.runner.cluster.join_file import JoinFile
from dnnstudio.runner.local import OnEvent

from .fake_trainings import Make, Trainings, finish

JOIN = JoinFile(address="", authority="", certificate="", key="", expires=0.0, versions={})


def test_a_comparison_runs_on_the_machines_of_a_cluster(qtbot: Any, make: Make) -> None:
    window, asked = make(), []
    found = Cluster(Path("lab.json"), JOIN, 3, 4)
    window.where._find = lambda path: found

    def runner(cluster: Cluster, jobs: int | None, threads: int, on_event: OnEvent) -> Trainings:
        asked.append((cluster, jobs, threads))
        return Trainings(3, threads, on_event)

    window.training.make_cluster_runner = runner
    window.where.choose_path(Path("lab.json"))
    assert not window.start.isEnabled()  # the cluster has not answered
    window.begin()
    assert not window.training.busy
    qtbot.waitUntil(lambda: window.start.isEnabled())
    finish(qtbot, window, seeds=2)
    assert asked == [(found, 3, 4)]
    assert len(window.runs) == 4


def test_a_cluster_that_cannot_be_reached_is_told(qtbot: Any, make: Make) -> None:
    window = make()
    window.where._find = lambda path: Cluster(path, JOIN, 3, 4)

    def refused(*_: object) -> Trainings:
        raise UserError("The cluster does not answer.", "Is it running?")

    window.training.make_cluster_runner = refused
    window.where.choose_path(Path("lab.json"))
    qtbot.waitUntil(lambda: window.start.isEnabled())
    window.start.click()
    qtbot.waitUntil(lambda: not window.training.busy)
    assert window.messages.message().startswith("The cluster does not answer.")
