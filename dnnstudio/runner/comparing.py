"""Trains from scratch and transferred once per seed, several at a time, to find out whether the gain exceeds chance."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.transfer import Transfer
from dnnstudio.core.jobs.events import Event
from dnnstudio.core.jobs.requests import new_id
from dnnstudio.core.jobs.results import ComparisonKey, ComparisonRun, Start, TransferComparison
from dnnstudio.core.jobs.seed_comparison import as_csv, as_plain, summarize
from dnnstudio.core.planning.pretraining import encoder_of
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.workspace.runs import (
    CHECKPOINT,
    ENDED,
    EXPERIMENT,
    MODEL,
    STATE,
    is_run,
    read_metrics,
    trained_run_of,
)
from dnnstudio.core.workspace.sources import find_place, recorded_source
from dnnstudio.runner.positions import Positions
from dnnstudio.runner.tasks import Runner, RunOutcome, RunTask

JSON = "comparison.json"
CSV = "comparison.csv"
WORDS: dict[Start, str] = {"source": "the source", "scratch": "from scratch", "transfer": "transferred"}
KEPT = "What is trained already is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """What is compared: `experiment` with its transfer and without, once per seed, in run folders below `folder`.

    A source that is an experiment file is trained first, once per seed, unless `workspace` has a finished run of it. A
    relative source is resolved against `base`.
    """

    experiment: Experiment
    folder: Path
    seeds: tuple[int, ...]
    base: Path | None = None
    workspace: Path | None = None


@dataclass(frozen=True, slots=True)
class _Training:
    """One training of the plan. `after` is that of its source, if that is trained too."""

    key: ComparisonKey
    experiment: Experiment
    folder: Path
    after: ComparisonKey | None


class Comparison:
    """The trainings of a plan. `take` has to be told the runner's events; it forwards them to `emit`.

    Events of the trainings carry the comparison's `id` as `parent`, and the training's `key`. `emit` is called on
    threads of the runner. Shared layers are cloned here, so that no seed changes the source for the next; the figures
    are the same.
    """

    def __init__(self, plan: ComparisonPlan, emit: Callable[[Event], None] = lambda event: None) -> None:
        """Raises `UserError`: there is nothing to compare, or no such source."""
        transfer = plan.experiment.transfer
        if transfer is None:
            raise UserError("The experiment has no transfer to compare.", "Add a transfer section.")
        if not plan.seeds:
            raise UserError("There is no seed to train with.", "Give at least one.")
        self.id = new_id()
        self.plan = plan
        self._emit = emit
        self._trainings = _trainings(plan, transfer)
        self._runs: dict[ComparisonKey, ComparisonRun] = {}
        self._runner: Runner | None = None
        self._stopping = False
        self._guard = threading.Lock()
        self._keys: dict[str, ComparisonKey] = {}
        self._positions = Positions()

    @property
    def stopping(self) -> bool:
        """Whether it was stopped."""
        return self._stopping

    @property
    def total(self) -> int:
        """How many trainings there are, with those that were done before."""
        return len(self._trainings)

    @property
    def done(self) -> int:
        """How many of them are over."""
        return len(self._runs)

    @property
    def share(self) -> float:
        """How much of all epochs is trained, from 0 to 1; an ended training counts whole."""
        begun = sum(self._positions.shares().values())
        return min((self.done + begun) / self.total, 1.0)

    def stop(self) -> None:
        """Stop every training within a second; `run` then raises `Cancelled`."""
        with self._guard:
            self._stopping, runner = True, self._runner
        if runner is not None:
            runner.stop_all()

    def take(self, task: RunTask, event: Event) -> None:
        """An event of a training, on a thread of the runner."""
        self._positions.take(task, event)
        with self._guard:
            key = self._keys[task.id]
        self._emit(replace(event, parent=self.id, key=key))

    def run(self, runner: Runner, tell: Callable[[], None] = lambda: None) -> TransferComparison:
        """Train what is not trained yet, and write the table after every training; `tell` is called then too.

        Raises `UserError` if one fails, and `Cancelled` when stopped. Finished trainings are kept either way.
        """
        with self._guard:
            self._runner = runner
        self._take_trained()
        if self._runs:
            self._write()
        running: dict[Future[RunOutcome], _Training] = {}
        try:
            while True:
                self._begin(runner, running)
                tell()
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    self._end(running.pop(future), future.result())
        except BaseException:
            runner.stop_all()
            wait(running)
            raise
        runs = tuple(self._in_order())
        return TransferComparison(folder=self.plan.folder, runs=runs, summary=summarize(runs))

    def trained_before(self) -> TransferComparison | None:
        """What is trained already, of which the seeds may be fewer than planned; None where nothing is."""
        self._take_trained()
        runs = tuple(self._in_order())
        return TransferComparison(folder=self.plan.folder, runs=runs, summary=summarize(runs)) if runs else None

    def _take_trained(self) -> None:
        for training in self._trainings:
            if (metrics := _done(training)) is not None:
                self._add(training, metrics)

    def _begin(self, runner: Runner, running: dict[Future[RunOutcome], _Training]) -> None:
        """Submit as many trainings as the runner has room for, in the planned order."""
        begun = {training.key for training in running.values()} | self._runs.keys()
        for training in self._trainings:
            if len(running) >= runner.jobs:
                return
            if training.key in begun or not (training.after is None or training.after in self._runs):
                continue
            with self._guard:
                if self._stopping:
                    raise Cancelled
                task = RunTask(
                    experiment=training.experiment,
                    folder=training.folder,
                    resume=_begun(training),
                    base=training.folder,
                )
                self._keys[task.id] = training.key
                running[runner.submit(task)] = training

    def _end(self, training: _Training, outcome: RunOutcome) -> None:
        self._positions.end(outcome.task)
        if outcome.reason == "stopped":
            raise Cancelled
        if outcome.result is None:
            key = training.key
            raise UserError(f"Seed {key.seed}, {WORDS[key.start]}: {outcome.message}", KEPT)
        self._add(training, outcome.result.metrics)
        self._write()

    def _add(self, training: _Training, metrics: dict[str, Any]) -> None:
        key = training.key
        self._runs[key] = ComparisonRun(seed=key.seed, start=key.start, folder=training.folder, metrics=metrics)

    def _in_order(self) -> Iterator[ComparisonRun]:
        return (self._runs[training.key] for training in self._trainings if training.key in self._runs)

    def _write(self) -> None:
        """Write the present table as JSON and CSV. Raises `UserError`."""
        runs = list(self._in_order())
        write_atomically(self.plan.folder / JSON, (json.dumps(as_plain(runs), indent=2) + "\n").encode())
        write_atomically(self.plan.folder / CSV, as_csv(runs).encode())


def _trainings(plan: ComparisonPlan, transfer: Transfer) -> tuple[_Training, ...]:
    """All trainings, seed after seed. Raises `UserError`."""
    place = find_place(transfer.source, plan.base)
    first = codec.load(place) if place.suffix == ".json" and place.is_file() else None
    if first is not None and plan.workspace is not None and (trained := trained_run_of(first, plan.workspace)):
        first, place = None, trained
    made: list[_Training] = []
    for seed in plan.seeds:
        keys = {start: ComparisonKey(seed=seed, start=start) for start in WORDS}
        folders = {start: plan.folder / f"seed {seed} {start}" for start in WORDS}
        after, found = None, place
        if first is not None:
            after, found = keys["source"], folders["source"]
            made.append(_Training(keys["source"], first.replaced(seed=seed), folders["source"], None))
        seeded = plan.experiment.replaced(seed=seed)
        scratch = seeded.replaced(transfer=None)
        if (epochs := planned_epochs(seeded)) != planned_epochs(scratch):  # those of the phases, in one
            scratch = scratch.replaced(training=scratch.training.replaced(epochs=epochs))
        cloned = transfer.replaced(
            source=recorded_source(folders["transfer"], found),
            reuse=tuple(item.replaced(mode="clone") for item in transfer.reuse),
        )
        made.append(_Training(keys["scratch"], scratch, folders["scratch"], None))
        made.append(_Training(keys["transfer"], seeded.replaced(transfer=cloned), folders["transfer"], after))
    return tuple(made)


def _done(training: _Training) -> dict[str, Any] | None:
    """The figures of a training that is over already, from a comparison that was stopped early.

    One that diverged is over too: it would diverge again.
    """
    if not (training.folder / MODEL).exists() or not _begun(training):
        return None
    metrics = read_metrics(training.folder)
    return metrics if metrics is not None and metrics.get("reason") in (*ENDED, "diverged") else None


def _begun(training: _Training) -> bool:
    """Whether the folder has a checkpoint of this training."""
    folder, wanted = training.folder, training.experiment
    if not is_run(folder) or not (folder / CHECKPOINT / STATE).exists():
        return False
    found, rule = codec.load(folder / EXPERIMENT), wanted.pretraining
    if rule is None or found.pretraining != rule:
        return found == wanted
    # A pretraining run has the network that was trained in place of the experiment's own: the encoder alone is common.
    same = found.replaced(layers=wanted.layers, loss=wanted.loss) == wanted
    return same and encoder_of(found, rule.until) == encoder_of(wanted, rule.until)
