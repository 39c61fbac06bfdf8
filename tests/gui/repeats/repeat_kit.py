"""A window whose repeats are trained by fake runners, and how a test drives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.runner.local import OnEvent

from ..fake_runner import FakeRunner


class Driver:
    """A window whose repeats are trained by fake runners."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.runners: list[FakeRunner] = []
        self.repeats = window.workbench.repeats
        self.repeats.make_runner = self._make

    def _make(self, jobs: int, threads: int, on_event: OnEvent) -> FakeRunner:
        self.runners.append(FakeRunner(jobs, threads, on_event))
        return self.runners[-1]

    @property
    def runner(self) -> FakeRunner:
        return self.runners[-1]

    @property
    def folder(self) -> Path:
        folder = self.window.workbench.controller.run_folder
        assert folder is not None
        return folder

    def begin(self, seeds: int = 3, jobs: int = 2) -> FakeRunner:
        self.window.workbench.dialogs.seeds = SeedsAnswer(seeds, jobs)
        self.window.actions_["several_seeds"].trigger()
        return self.runner

    @property
    def record(self) -> Any:
        return self.window.runs.chosen


def first_seed(driver: Driver) -> int:
    return driver.window.document.experiment.seed


def train_all(qtbot: Any, driver: Driver, accuracies: tuple[float, ...]) -> None:
    runner = driver.begin(len(accuracies))
    for number, accuracy in enumerate(accuracies, start=first_seed(driver)):
        runner.begin(number)
        runner.end(number, accuracy=accuracy)
    qtbot.waitUntil(lambda: driver.window.workbench.controller.activity == "idle")
