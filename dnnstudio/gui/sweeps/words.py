"""What the head of a sweep says of its trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial, seconds_left
from dnnstudio.core.text import count_of, duration, within_words
from dnnstudio.core.workspace.ensembles import TRAINED
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.base.run_words import FIGURE_TITLES, figure_text
from dnnstudio.gui.sweeps.trial_table import trial_text


def headline(plan: SweepPlan | None, best: Trial | None) -> str:
    """Which trial is best, with its values."""
    if plan is None:
        return "Which settings are best?"
    if best is None:
        return "No trial has ended yet."
    values = ", ".join(
        f"{within_words(setting_title(path))} {trial_text(path, value)}" for path, value in best.values.items()
    )
    name = plan.target.removeprefix("val_")
    reached = f"{FIGURE_TITLES.get(name, name)} {figure_text(name, best.figures[plan.target])}"
    return f"Trial {best.number} is best: {reached} with {values}."


def sub_line(plan: SweepPlan | None, trials: Mapping[int, Trial], best: Trial | None, *, test: bool) -> str:
    """How many are done, how many of them failed, ties, and with `test` the test figure of the best one."""
    if plan is None:
        return "Choose what is varied, here or by Vary… in the menu of a field."
    done = sum(trial.is_over for trial in trials.values())
    failed = sum(trial.status == "failed" for trial in trials.values())
    told = f", {failed:,} of them failed" if failed else ""
    words = f"{done:,} of {count_of(plan.count, 'trial')} done{told}.{_ties(plan, best, trials.values())}"
    found = best.figures.get(plan.target.replace("val_", "test_")) if best is not None and test else None
    if found is None:
        return f"{words} The validation part chooses."
    return (
        f"{words} On the test part, which chose nothing, it has {figure_text(plan.target.removeprefix('val_'), found)}."
    )


def estimate_words(
    count: int,
    jobs: int,
    *,
    left: float | None,
    start: float | None,
    trials: Iterable[Trial],
    records: Iterable[RunRecord],
) -> str:
    """How many trials, and how long they take: as a sweep that is trained says (`left`), as its `trials` that ended
    took, or as a run did; and what the processes take to `start`, None where none was measured yet.
    """
    words = f"{count_of(count, 'trial')}, {jobs} at a time"
    if left is not None:
        return f"{words}: about {duration(left)} left."
    spent = [trial.seconds for trial in trials if trial.seconds]
    others = "those that ended"
    if not spent and (like := _like(records)) is not None:
        spent, others = [like[0]], f"run {like[1]}"
    if (time := seconds_left(spent, count, at_once=jobs, start=start or 0.0)) is None:
        return f"{words}. How long they take is known when the first has ended."
    if start is None:
        return f"{words}: about {duration(time)} and some seconds to start, if each takes as long as {others}."
    return f"{words}: about {duration(time)} with the start, if each takes as long as {others}."


def _like(records: Iterable[RunRecord]) -> tuple[float, int] | None:
    """The seconds and the number of the newest run that was trained; `records` has it first."""
    like = next((one for one in records if one.seconds and one.status in TRAINED and not one.sweep), None)
    if like is None or like.seconds is None:
        return None
    return like.seconds / max(like.repeat.trained, 1) if like.repeat is not None else like.seconds, like.number


def _ties(plan: SweepPlan, best: Trial | None, trials: Iterable[Trial]) -> str:
    """A sentence where other trials have the best one's figure, and the loss decided; "" else."""
    if best is None:
        return ""
    value = best.figures[plan.target]
    alike = sum(one.status == "done" and one.figures.get(plan.target) == value for one in trials) - 1
    if not alike:
        return ""
    others = "Another has" if alike == 1 else f"{alike:,} others have"
    rule = "the validation loss decided" if plan.target != "val_loss" else "the first one is taken"
    return f" {others} the same figure: {rule}."
