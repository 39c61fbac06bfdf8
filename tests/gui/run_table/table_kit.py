"""A window of runs over a small workspace: what is in it, and how a test reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.paths import set_value
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.study.repeat import member_experiment
from dnnstudio.core.workspace.ensembles import EnsembleRecord, member_folder, write_ensemble
from dnnstudio.core.workspace.history import write_history
from dnnstudio.gui.run_table.model import RunTree
from dnnstudio.gui.run_table.window import RunWindow
from dnnstudio.gui.shell.main_window import MainWindow

DIGITS = load_recipe("digits").experiment


def store(folder: Path, accuracy: float, *, seed: int = 42, rate: float = 0.05, source: str = "digits") -> Path:
    """A run folder as a training leaves it, as far as the table looks into it."""
    folder.mkdir(parents=True)
    experiment = set_value(DIGITS, "optimizer.learning_rate", rate).replaced(seed=seed)
    experiment = set_value(experiment, "data.source", {"kind": source})
    codec.save(experiment, folder / "experiment.json")
    accuracies = (accuracy - 0.1, accuracy, accuracy - 0.02)
    rows = [
        {"epoch": float(n), "loss": 0.5, "accuracy": a, "val_loss": 0.6, "val_accuracy": a, "seconds": 1.0}
        for n, a in enumerate(accuracies, start=1)
    ]
    write_history(folder / "history.csv", rows)
    part = {"loss": 0.4, "accuracy": accuracy - 0.03}
    metrics = {
        "reason": "finished",
        "validation": part,
        "test": part,
        "seconds": 3.0,
        "parameters": 17226,
        "run": folder.name,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics | {"started": 1.79e9 + accuracy}))
    (folder / "model.keras").write_bytes(b"")
    return folder


def store_repeat(folder: Path, accuracies: dict[int, float], *, rate: float = 0.05) -> Path:
    experiment = set_value(DIGITS, "optimizer.learning_rate", rate)
    write_ensemble(folder, EnsembleRecord(experiment=experiment, seeds=tuple(accuracies), threads=1))
    for seed, accuracy in accuracies.items():
        store(member_folder(folder, seed), accuracy, seed=seed, rate=rate)
        codec.save(member_experiment(experiment, seed), member_folder(folder, seed) / "experiment.json")
    return folder


class Table:
    """A window of runs over a small workspace, and the folders in it."""

    def __init__(self, window: RunWindow | None, runs: Path) -> None:
        self._window = window
        self.runs = runs

    @property
    def window(self) -> RunWindow:
        assert self._window is not None
        return self._window

    @property
    def tree(self) -> RunTree:
        return self.window.tree

    def rows(self) -> list[ListedRun]:
        """The rows below the tasks, without members, from top to bottom."""
        found = []
        for task in self.tree.tasks():
            for row in range(self.tree.rowCount(task)):
                run = self.tree.run(self.tree.index(row, 0, task))
                assert run is not None
                found.append(run)
        return found

    def numbers(self) -> list[int]:
        return [run.record.number for run in self.rows()]

    def of(self, number: int) -> ListedRun:
        return next(run for run in self.rows() if run.record.number == number)

    def folder(self, number: int) -> Path:
        return next(self.runs.glob(f"{number:04d}*"))

    def cells(self, number: int) -> dict[str, str]:
        index = self.tree.find(self.folder(number))
        return {column.title: index.siblingAtColumn(n).data() for n, column in enumerate(self.tree.columns)}


class Shelf(Table):
    """The same, opened by the main window, which does what is asked for."""

    def __init__(self, window: MainWindow, runs: Path) -> None:
        super().__init__(None, runs)
        self.main = window
        self.opener = window.workbench.run_table
        self.answers: Any = window.workbench.dialogs

    @property
    def window(self) -> RunWindow:
        assert self.opener.window is not None
        return self.opener.window


def fill(workspace: Path) -> Path:
    """Two repeats, two runs alike but for the seed, another one, and one of another task."""
    runs = workspace / "runs"
    store_repeat(runs / "0001 First digits", {42: 0.9, 43: 0.92})
    store_repeat(runs / "0002 First digits", {42: 0.8, 43: 0.83}, rate=0.5)
    store(runs / "0003 First digits", 0.95, rate=0.01)
    store(runs / "0004 First digits", 0.85, seed=7, rate=0.2)
    store(runs / "0005 First digits", 0.87, seed=8, rate=0.2)
    store(runs / "0006 Clothes", 0.99, source="fashion_mnist")
    return runs
