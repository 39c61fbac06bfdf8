"""Output of the command `repeat`: progress of several trainings at once, and their figures."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from dnnstudio.cli.printing.common import epoch_line, figures
from dnnstudio.core.jobs.events import EpochDone, Event, RunStarted
from dnnstudio.core.study.repeat import PARTS
from dnnstudio.core.study.repeat_comparison import spread_text
from dnnstudio.runner.tasks import RunOutcome, RunTask

_ENDS = {
    "finished": "finished",
    "early_stopping": "stopped early",
    "stopped": "stopped",
    "diverged": "diverged",
    "failed": "failed",
}


class RepeatPrinter:
    """Prints the events of several trainings, from any thread.

    One bar for all of them on a terminal, and one line per epoch everywhere, each with its seed.
    """

    def __init__(self, runs: int, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._runs = runs
        self._ended = 0
        self._task = self._progress.add_task("Starting", total=None)
        self._epochs: dict[str, int] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def take(self, task: RunTask, event: Event) -> None:
        """Print one event of one training."""
        with self._lock:
            match event:
                case RunStarted():
                    self._epochs[task.id] = event.epochs
                    self._progress.update(self._task, total=event.epochs * self._runs, advance=event.first_epoch)
                    self._describe()
                case EpochDone():
                    self._say(task, epoch_line(event, self._epochs[task.id]))
                    self._progress.update(self._task, advance=1)

    def ended(self, outcome: RunOutcome) -> None:
        """One training is over."""
        with self._lock:
            self._ended += 1
            self._say(outcome.task, _ENDS[outcome.reason])
            self._describe()

    def _describe(self) -> None:
        self._progress.update(self._task, description=f"{self._ended} of {self._runs} trained")

    def _say(self, task: RunTask, line: str) -> None:
        self._console.print(f"seed {task.experiment.seed}  {line}", markup=False)


def repeat_text(metrics: dict[str, Any]) -> str:
    """The figures of an ensemble's metrics.json as text."""
    lines = []
    for part in PARTS:
        if found := metrics[part]:
            words = (f"{name.replace('_', ' ')} {spread_text(spread)}" for name, spread in found.items())
            lines.append(f"{part}: {', '.join(words)}")
    if test := metrics["ensemble"].get("test"):
        lines.append(f"test, the mean answer of all members: {figures(test)}")
    lines += metrics["notes"]
    if metrics["missing"]:
        lines.append(f"Not in the mean: {', '.join(f'seed {seed}' for seed in metrics['missing'])}.")
    return "\n".join(lines)
