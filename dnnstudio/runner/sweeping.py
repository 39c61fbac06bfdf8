"""Training the trials of a sweep: what is there is kept, what was begun goes on, and each end is written at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from statistics import fmean

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.folder_lock import held
from dnnstudio.core.jobs.events import EpochDone, Event, RunStarted
from dnnstudio.core.study.repeat import member_experiment, member_state
from dnnstudio.core.study.sweep import SweepPlan, trial_folder
from dnnstudio.core.study.trials import (
    Status,
    Trial,
    but_failed,
    is_hopeless,
    read_trials,
    seconds_left,
    trial_curve,
    trial_figures,
    write_trials,
)
from dnnstudio.core.study.varied import with_values
from dnnstudio.core.workspace.runs import read_metrics
from dnnstudio.runner.choosing import Chooser, chooser_of
from dnnstudio.runner.tasks import Runner, RunOutcome, RunTask

_DIVERGED = "The loss is no longer a finite number."


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A trial on its way: when it was begun (`time.monotonic`), and how many of its epochs are done.

    `epochs` is 0 before its training has started: its process is, and reads the data. `fresh` is one of the first,
    for each of which a process is started; `start` is what that took, in seconds.
    """

    number: int
    values: dict[str, object]
    since: float
    epoch: int = 0
    epochs: int = 0
    fresh: bool = False
    start: float | None = None

    @property
    def passed(self) -> float:
        """The share of its epochs that is done."""
        return min(self.epoch / self.epochs, 1.0) if self.epochs else 0.0


class Sweep:
    """The trials of the sweep in `folder`. `take` has to be told the runner's events: how far trials are, and pruning.

    `trials` holds those that ended, by number, also from before; `under_way` are those that are trained now. A relative
    `transfer.source` starts from `base`.
    """

    def __init__(self, folder: Path, plan: SweepPlan, *, base: Path | None = None, again: bool = False) -> None:
        """`again` takes those that failed for not ended: what failed them, such as a full disk, may be mended. One that
        diverged fails again at once, by its run folder.

        Raises `UserError` where the folder's records are damaged.
        """
        self.plan = plan
        ended = read_trials(folder)
        self.trials: dict[int, Trial] = but_failed(ended) if again else ended
        self._folder = folder
        self._base = base
        self._spent: list[float] = []
        self._starts: list[float] = []
        """What was spent on each trial, and how much of that on the start of its process."""
        self._measured: list[float] = []
        """What each process took to start, also where its first trial has not ended yet."""
        self._begun = 0
        self._at_once = 1
        self._runner: Runner | None = None
        self._stopping = False
        self._guard = threading.Lock()
        self._under_way: dict[str, UnderWay] = {}
        """By their tasks; with the figures below under the guard."""
        self._curves: dict[str, dict[int, float]] = {}
        """Task → its figures so far."""
        self._done_curves: dict[int, dict[int, float]] = {}
        self._pruned: set[str] = set()

    @property
    def left(self) -> int:
        """How many trials are not over."""
        return self.plan.count - sum(trial.is_over for trial in self.trials.values())

    @property
    def under_way(self) -> tuple[UnderWay, ...]:
        """The trials that are trained now, in their order; for any thread."""
        with self._guard:
            return tuple(sorted(self._under_way.values(), key=lambda one: one.number))

    @property
    def passed(self) -> float:
        """How much of the trials under way is done, as so many trials."""
        return sum(one.passed for one in self.under_way)

    @property
    def seconds_left(self) -> float | None:
        """What the rest takes, as the trials took that were trained just now; None before the first has ended.

        The first trial of each process had it started, which the others have not: they count only where there is no
        other, and without that start.
        """
        first = [spent - start for spent, start in zip_longest(self._spent, self._starts, fillvalue=0.0)]
        spent = self._spent[self._at_once :] or first
        return seconds_left(spent, self.left, at_once=self._at_once, passed=self.passed)

    @property
    def start_seconds(self) -> float | None:
        """What a process took to start and to read the data, on average; None before the first has."""
        with self._guard:
            return fmean(self._measured) if self._measured else None

    def run(self, runner: Runner) -> Iterator[Trial]:
        """Train all trials that are not over and give each as it ends, written down by then.

        As many are under way as the runner has jobs, so that a sampler knows as much as it can. Raises `UserError`
        where another program works on the folder, or it cannot be written.
        """
        self._runner, self._at_once = runner, runner.jobs
        with held(self._folder, "a sweep"):
            chooser = chooser_of(self._folder, self.plan, self.trials.values())
            for trial in self.trials.values():
                self._remember(trial)
            waiting = [n for n in range(self.plan.count) if n not in self.trials or not self.trials[n].is_over]
            running: set[Future[RunOutcome]] = set()
            while running or (waiting and not self._stopping):
                while waiting and len(running) < runner.jobs and not self._stopping:
                    ended = self._begin(waiting.pop(0), chooser, runner, running)
                    if ended is not None:
                        yield self._kept(ended, chooser)
                for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                    running.remove(future)
                    yield self._kept(self._ended(future.result()), chooser)

    def write_table(self) -> None:
        """Write the table anew where nothing is left to train: it may be lost, and the records are what counts.

        Raises `UserError`.
        """
        with held(self._folder, "a sweep"):
            write_trials(self._folder, self.plan, self.trials)

    def stop(self) -> None:
        """Begin no more trials and stop those under way; they can go on later."""
        self._stopping = True
        if self._runner is not None:
            self._runner.stop_all()

    def take(self, task: RunTask, event: Event) -> None:
        """Hear an event of the runner, in any thread, and end a trial that is hopeless."""
        self._follow(task, event)
        if not self.plan.prune or not isinstance(event, EpochDone) or self.plan.target not in event.row:
            return
        with self._guard:
            if (curve := self._curves.get(task.id)) is None or task.id in self._pruned:
                return
            curve[int(event.row["epoch"])] = event.row[self.plan.target]
            others = tuple(self._done_curves.values())
            if not is_hopeless(curve, others, higher_is_better=self.plan.higher_is_better):
                return
            self._pruned.add(task.id)
        if self._runner is not None:
            self._runner.stop(task)

    def _follow(self, task: RunTask, event: Event) -> None:
        with self._guard:
            begun = self._under_way.get(task.id)
            if begun is not None and isinstance(event, RunStarted):
                start = time.monotonic() - begun.since if begun.fresh else None
                self._measured += [start] if start is not None else []
                self._under_way[task.id] = replace(begun, epoch=event.first_epoch, epochs=event.epochs, start=start)
            elif begun is not None and isinstance(event, EpochDone):
                self._under_way[task.id] = replace(begun, epoch=int(event.row["epoch"]))

    def _begin(self, number: int, chooser: Chooser, runner: Runner, running: set[Future[RunOutcome]]) -> Trial | None:
        """Give the trial to the runner; one that is trained already, or impossible, comes back."""
        values, place = chooser.values(number), trial_folder(self._folder, number)
        try:
            experiment = self._experiment(values)
        except UserError as error:
            return Trial(number=number, status="failed", values=values, message=str(error))
        state = member_state(place, experiment)
        if state == "done":
            return self._trained(number, values, str((read_metrics(place) or {}).get("reason")))
        task = RunTask(experiment=experiment, folder=place, resume=state == "begun", base=self._base)
        with self._guard:
            self._curves[task.id] = trial_curve(self._folder, self.plan, number) if state == "begun" else {}
            self._under_way[task.id] = UnderWay(number, values, time.monotonic(), fresh=self._begun < runner.jobs)
            self._begun += 1
        running.add(runner.submit(task))
        if self._stopping:  # it was told to just now, and stopped what was there
            runner.stop(task)
        return None

    def _experiment(self, values: dict[str, object]) -> Experiment:
        varied = with_values(self.plan.experiment, values)
        return member_experiment(varied, varied.seed)  # no trial changes the layers that another one shares

    def _ended(self, outcome: RunOutcome) -> Trial:
        with self._guard:
            begun = self._under_way.pop(outcome.task.id)
            self._curves.pop(outcome.task.id, None)
            pruned = outcome.reason == "stopped" and outcome.task.id in self._pruned
        spent = time.monotonic() - begun.since
        if outcome.reason != "stopped" or pruned:
            self._spent.append(spent)
            self._starts.append(begun.start or 0.0)
        if outcome.reason in ("finished", "early_stopping", "diverged"):
            return self._trained(begun.number, begun.values, outcome.reason, outcome.message)
        status: Status = "pruned" if pruned else "stopped" if outcome.reason == "stopped" else "failed"
        return Trial(
            number=begun.number,
            status=status,
            values=begun.values,
            figures=trial_figures(self._folder, self.plan, begun.number, test=False) if pruned else {},
            seconds=round(spent, 3),
            message=outcome.message if status == "failed" else "",
        )

    def _trained(self, number: int, values: dict[str, object], reason: str, message: str = "") -> Trial:
        """The trial whose training came to its end, from its run folder."""
        figures = trial_figures(self._folder, self.plan, number, test=True)
        seconds = (read_metrics(trial_folder(self._folder, number)) or {}).get("seconds")
        failed = message or _DIVERGED if reason == "diverged" else ""
        if not failed and self.plan.target not in figures:
            failed = f"It has no {self.plan.target} to be compared by."
        return Trial(
            number=number,
            status="failed" if failed else "done",
            values=values,
            figures=figures,
            last=self._last(number),
            seconds=None if seconds is None else float(seconds),
            message=failed,
        )

    def _last(self, number: int) -> float | None:
        curve = trial_curve(self._folder, self.plan, number)
        value = curve[max(curve)] if curve else math.nan
        return value if math.isfinite(value) else None

    def _kept(self, trial: Trial, chooser: Chooser) -> Trial:
        """Written down, and told to who chooses."""
        self.trials[trial.number] = trial
        write_trials(self._folder, self.plan, self.trials)
        self._remember(trial)
        epochs = max(trial_curve(self._folder, self.plan, trial.number), default=0) if trial.status == "pruned" else 0
        chooser.told(trial, epochs=epochs)
        return trial

    def _remember(self, trial: Trial) -> None:
        if self.plan.prune and trial.status == "done":
            curve = trial_curve(self._folder, self.plan, trial.number)
            with self._guard:
                self._done_curves[trial.number] = curve
