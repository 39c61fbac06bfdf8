"""Histories of a comparison's trainings, one per start and seed, and their means. No Qt."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.events import EpochDone, Event, RunEnded, RunStarted
from dnnstudio.core.jobs.results import ComparisonRun
from dnnstudio.core.os_errors import is_there
from dnnstudio.core.workspace.history import FILE, Row, read_rows
from dnnstudio.gui.plots.trace import Floats

Key = tuple[str, int]
"""Start and seed."""


class Histories:
    """Collects the events of the trainings, which carry their `ComparisonKey`, and finally the result."""

    def __init__(self) -> None:
        self.rows: dict[Key, list[Row]] = {}
        self.runs: dict[Key, ComparisonRun] = {}
        self.epochs = 1

    def add(self, event: Event) -> bool:
        """Add an event; False if it changes nothing here."""
        if event.key is None:
            return False
        key = (event.key.start, event.key.seed)
        match event:
            case RunStarted():
                if key[0] != "source":
                    self.epochs = max(self.epochs, event.epochs)
                self.rows[key] = self._read(event) if event.first_epoch else []
            case EpochDone():
                self.rows.setdefault(key, []).append(event.row)
            case RunEnded() if event.result is not None and event.reason in ("finished", "early_stopping", "diverged"):
                result = event.result
                self.runs[key] = ComparisonRun(
                    seed=event.key.seed, start=event.key.start, folder=result.folder, metrics=result.metrics
                )
            case _:
                return False
        return True

    def _read(self, event: RunStarted) -> list[Row]:
        with contextlib.suppress(UserError):
            return read_rows(event.folder / FILE)[: event.first_epoch]
        return []

    def take(self, runs: Iterable[ComparisonRun]) -> None:
        """Add the result, including earlier runs. If a run's history cannot be read, its events are kept."""
        for run in runs:
            key = (run.start, run.seed)
            self.runs[key] = run
            with contextlib.suppress(UserError):
                if is_there(run.folder / FILE):
                    self.rows[key] = read_rows(run.folder / FILE)
            if run.start != "source" and self.rows.get(key):
                self.epochs = max(self.epochs, int(self.rows[key][-1]["epoch"]))

    def seeds(self, start: str) -> tuple[int, ...]:
        """The seeds already begun from that start, in order."""
        return tuple(sorted(seed for found, seed in self.rows if found == start))

    def curve(self, start: str, seed: int, name: str) -> tuple[Floats, Floats]:
        """Epochs and values of one training: [epochs] each."""
        found = [(row["epoch"], row[name]) for row in self.rows.get((start, seed), ()) if name in row]
        pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def mean(self, start: str, name: str) -> tuple[Floats, Floats]:
        """The mean over the seeds, up to the last epoch that all begun seeds have: [epochs] each."""
        curves = [self.curve(start, seed, name) for seed in self.seeds(start)]
        curves = [curve for curve in curves if len(curve[0])]
        length = min((len(x) for x, _ in curves), default=0)
        if not length:
            return np.empty(0), np.empty(0)
        return curves[0][0][:length], np.mean([y[:length] for _, y in curves], axis=0)

    def has(self, name: str) -> bool:
        """Whether a compared training has this figure. The source's may differ, such as an autoencoder's loss."""
        return any(rows and name in rows[-1] for (start, _), rows in self.rows.items() if start != "source")
