"""A cluster on this machine: a scheduler and workers as a person starts them, each with a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from dnnstudio.core.jobs.events import Event
from dnnstudio.runner.cluster.client import ClusterRunner
from dnnstudio.runner.cluster.join_file import JoinFile, read_join_file
from dnnstudio.runner.local import LocalRunner
from dnnstudio.runner.tasks import RunTask

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 120.0


def wait_until(happened: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Cluster:
    """The processes of a cluster below `folder`. Workers are known by the names of their folders."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def join_path(self) -> Path:
        return self.folder / "join.json"

    @property
    def join(self) -> JoinFile:
        return read_join_file(self.join_path)

    def start(self, *workers: str) -> None:
        self._run("cluster", "cluster", "--join", str(self.join_path))
        wait_until(self.join_path.exists)
        for name in workers:
            self.add(name)
        for name in workers:
            wait_until(lambda name=name: self.said(name).startswith("Joined"))

    def add(self, name: str) -> None:
        self._run(name, "worker", str(self.join_path), "--jobs", "1", "--folder", str(self.folder / name))

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    def child_of(self, name: str) -> psutil.Process:
        """The process that trains for a worker."""
        (child,) = psutil.Process(self.processes[name].pid).children()
        return child

    def training(self) -> list[str]:
        """The workers that have a run at hand now."""
        return [name for name in self.processes if any((self.folder / name).glob("runs/*/*/history.csv"))]

    def end(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)
        for process in self.processes.values():
            process.wait(30)

    def _run(self, name: str, *words: str) -> None:
        home = self.folder / f"home of {name}"
        home.mkdir(exist_ok=True)
        environment = os.environ | {"HOME": str(home), "PYTHONWARNINGS": "ignore"}
        with (self.folder / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", "dnnstudio.cli.main", *words]
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
            )


@dataclass
class Joined:
    """A runner on a cluster, and what it has told so far."""

    cluster: Cluster
    events: list[tuple[RunTask, Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        on_event: Any = lambda task, event: self.events.append((task, event))  # noqa: E731
        self.runner = ClusterRunner(self.cluster.join, threads=1, on_event=on_event)

    def of(self, task: RunTask, kind: type[Event]) -> list[Any]:
        return [event for of, event in list(self.events) if of is task and isinstance(event, kind)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start("one", "two")
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def joined(cluster: Cluster) -> Iterator[Joined]:
    made = Joined(cluster)
    yield made
    made.runner.stop_all()
    made.runner.shutdown()


@pytest.fixture(scope="module")
def near() -> Iterator[LocalRunner]:
    """A runner of this machine, whose runs those of the cluster equal."""
    with LocalRunner(1, threads=1) as made:
        yield made
