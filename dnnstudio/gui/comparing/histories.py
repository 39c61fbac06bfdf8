"""What the trainings of a comparison told: a history for each start and seed, and their means. No Qt."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import numpy as np

from dnnstudio.core.errors import UserError
from dnnstudio.core.history import FILE, Row, read_rows
from dnnstudio.core.jobs import ComparisonRun, EpochDone, Event, RunEnded, RunStarted
from dnnstudio.gui.plots.curves import Floats

Key = tuple[str, int]
"""Start and seed."""


class Histories:
    """Takes the events of the trainings, whose run ids end in `-SEED-START`, and afterwards the whole result."""

    def __init__(self) -> None:
        self.rows: dict[Key, list[Row]] = {}
        self.runs: dict[Key, ComparisonRun] = {}
        self.epochs = 1

    def add(self, event: Event) -> bool:
        """Take an event; False where it changes nothing here."""
        key = key_of(event.run)
        if key is None:
            return False
        match event:
            case RunStarted():
                if key[0] != "source":
                    self.epochs = max(self.epochs, event.epochs)
                self.rows[key] = self._read(event) if event.first_epoch else []
            case EpochDone():
                self.rows.setdefault(key, []).append(event.row)
            case RunEnded() if event.result is not None and event.reason in ("finished", "early_stopping"):
                result = event.result
                start, seed = key
                self.runs[key] = ComparisonRun(
                    seed=seed, start=start, folder=result.folder, metrics=result.metrics  # type: ignore[arg-type]
                )  # fmt: skip
            case _:
                return False
        return True

    def _read(self, event: RunStarted) -> list[Row]:
        with contextlib.suppress(UserError):
            return read_rows(event.folder / FILE)[: event.first_epoch]
        return []

    def take(self, runs: Iterable[ComparisonRun]) -> None:
        """The result: also of runs that were there before. A history that cannot be read stays as it was told."""
        for run in runs:
            key = (run.start, run.seed)
            self.runs[key] = run
            with contextlib.suppress(UserError):
                if (run.folder / FILE).exists():
                    self.rows[key] = read_rows(run.folder / FILE)
            if run.start != "source" and self.rows.get(key):
                self.epochs = max(self.epochs, int(self.rows[key][-1]["epoch"]))

    def seeds(self, start: str) -> tuple[int, ...]:
        """The seeds that have begun from that start, in order."""
        return tuple(sorted(seed for found, seed in self.rows if found == start))

    def curve(self, start: str, seed: int, name: str) -> tuple[Floats, Floats]:
        """Epochs and values of one training."""
        found = [(row["epoch"], row[name]) for row in self.rows.get((start, seed), ()) if name in row]
        pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def mean(self, start: str, name: str) -> tuple[Floats, Floats]:
        """The mean over the seeds, as far as every seed that has begun has come."""
        curves = [self.curve(start, seed, name) for seed in self.seeds(start)]
        curves = [curve for curve in curves if len(curve[0])]
        length = min((len(x) for x, _ in curves), default=0)
        if not length:
            return np.empty(0), np.empty(0)
        return curves[0][0][:length], np.mean([y[:length] for _, y in curves], axis=0)

    def has(self, name: str) -> bool:
        """Whether a training that is compared told this figure. The source's may be others: an autoencoder's loss."""
        return any(rows and name in rows[-1] for (start, _), rows in self.rows.items() if start != "source")


def key_of(run: str) -> Key | None:
    """Start and seed of a training's id; None for another event."""
    parts = run.split("-")
    if len(parts) != 3 or not parts[1].isdigit():
        return None
    return parts[2], int(parts[1])
