"""How the command sweep prints: a line a trial with the time that is left, and the best one at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from dnnstudio.cli.printing.common import figures
from dnnstudio.core.study.sweep import TRIALS, SweepPlan
from dnnstudio.core.study.trials import Trial, best_trial
from dnnstudio.core.study.varied import values_text
from dnnstudio.core.text import count_of, duration
from dnnstudio.core.workspace.runs import MODEL


class SweepPrinter:
    """One line a trial that ends, everywhere, and a bar over all of them on a terminal."""

    def __init__(self, plan: SweepPlan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("Starting", total=plan.count)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def ended(self, trial: Trial, *, left: int, seconds_left: float | None) -> None:
        """Show how a trial ended, and what the trials that are left take."""
        self._console.print(f"trial {trial.number}  {_end(trial, self._plan)}", markup=False)
        ended = f"{self._plan.count - left} of {count_of(self._plan.count, 'trial')} over"
        if left and seconds_left is not None:
            ended += f", about {duration(seconds_left)} left"
            self._console.print(ended, markup=False)
        self._progress.update(self._task, completed=self._plan.count - left, description=ended)


def _end(trial: Trial, plan: SweepPlan) -> str:
    words = [trial.status, values_text(trial.values)]
    if plan.target in trial.figures:
        words.append(figures({plan.target: trial.figures[plan.target]}))
    if trial.seconds is not None:
        words.append(duration(trial.seconds))
    return "  ".join(words)


def sweep_summary(plan: SweepPlan, trials: Mapping[int, Trial]) -> dict[str, Any]:
    """What `--json` prints of a sweep: how many trials ended how, and the best one with its figures."""
    best = best_trial(plan, trials)
    counts = Counter(trial.status for trial in trials.values())
    return {
        "trials": {name: counts[name] for name in ("done", "failed", "stopped", "pruned")},
        "chosen_by": plan.target,
        "best": None
        if best is None
        else {
            "trial": best.number,
            "values": best.values,
            "validation": _part(best, "val_"),
            "test": _part(best, "test_"),
            "seconds": best.seconds,
            "folder": f"{TRIALS}/{best.number}",
        },
    }


def sweep_text(plan: SweepPlan, trials: Mapping[int, Trial]) -> str:
    """The best trial for a person, and its test figures with a word on why they are said once."""
    best = best_trial(plan, trials)
    assert best is not None, "there is a best trial wherever one is done"
    done = sum(trial.status == "done" for trial in trials.values())
    lines = [f"Best of {count_of(done, 'trial')}: trial {best.number}, {values_text(best.values)}"]
    lines.append(f"validation, at its best epoch: {figures(_part(best, 'val_'))}")
    if test := _part(best, "test_"):
        lines.append(f"test, the network in {TRIALS}/{best.number}/{MODEL}: {figures(test)}")
        lines.append("Validation chose the trial, which flatters its validation figures; the test part chose nothing.")
    return "\n".join(lines)


def _part(trial: Trial, prefix: str) -> dict[str, float]:
    return {name.removeprefix(prefix): value for name, value in trial.figures.items() if name.startswith(prefix)}
