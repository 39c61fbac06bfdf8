"""What the head of a sweep says of its trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan
from dnnstudio.core.study.trials import Trial, best_trial, seconds_left
from dnnstudio.core.text import count_of, duration, within_words
from dnnstudio.core.workspace.ensembles import TRAINED
from dnnstudio.core.workspace.runs import RunRecord
from dnnstudio.gui.base.run_words import FIGURE_TITLES, figure_text
from dnnstudio.gui.sweeps.trial_table import ends_elsewhere, trial_text

NO_TRIAL = "No trial has ended yet."
FIRST_TRAINS = "Wait for the first trial to end."
NO_RESULT = "No trial has a figure yet."


def headline(plan: SweepPlan | None, best: Trial | None, trials: Iterable[Trial] = ()) -> str:
    """Which trial is best, with its values; of the `trials` that ended none may have a figure."""
    if plan is None:
        return "Which settings are best?"
    if best is None:
        return nothing_yet(trials)
    values = ", ".join(
        f"{within_words(setting_title(path))} {trial_text(path, value)}" for path, value in best.values.items()
    )
    name = plan.target.removeprefix("val_")
    reached = f"{FIGURE_TITLES.get(name, name)} {figure_text(name, best.figures[plan.target])}"
    if ends_elsewhere(plan, best):
        reached += f" at its best epoch, {figure_text(name, best.last)} at its last,"
    return f"Trial {best.number} is best: {reached} with {values}."


def nothing_yet(trials: Iterable[Trial]) -> str:
    """What is said of `trials` of which none is best."""
    return NO_RESULT if any(trial.is_over for trial in trials) else NO_TRIAL


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


def ended_words(plan: SweepPlan, trials: Mapping[int, Trial], *, left: int, failed: int) -> tuple[str, str]:
    """What the main window says at the end of a training: of the trials `left` are not over, and `failed` failed."""
    best = best_trial(plan, trials)
    rest = "trains the others" if left else "tries the failed ones again" if failed else ""
    more = f" Go on training, in its menu, {rest}." if rest else ""
    return headline(plan, best, trials.values()), f"{sub_line(plan, trials, best, test=not left)}{more}"


def estimate_words(
    count: int,
    jobs: int,
    *,
    left: float | None,
    start: float | None,
    trials: Iterable[Trial],
    records: Iterable[RunRecord],
    epochs: float = 0.0,
) -> str:
    """How many trials, and how long they take: as a sweep that is trained says (`left`), as its `trials` that ended
    took, or as the epochs of a run did, of which a trial has so many; and what the processes take to `start`, None
    where none was measured yet.
    """
    words = f"{count_of(count, 'trial')}, {jobs} at a time"
    if left is not None:
        return f"{words}: about {duration(left)} left."
    spent = [trial.seconds for trial in trials if trial.seconds and trial.is_over]
    others = "if each takes as long as those that ended"
    if not spent and (like := _like(records, epochs)) is not None:
        spent, others = [like[0]], like[1]
    if (time := seconds_left(spent, count, at_once=jobs, start=start or 0.0)) is None:
        return f"{words}. How long they take is known when the first has ended."
    if start is None:
        return f"{words}: about {duration(time)} and some seconds to start, {others}."
    return f"{words}: about {duration(time)} with the start, {others}."


def _like(records: Iterable[RunRecord], epochs: float) -> tuple[float, str] | None:
    """The seconds of a trial of so many epochs as the newest run that was trained took them, and by which words;
    `records` has it first.
    """
    like = next((one for one in records if one.seconds and one.status in TRAINED and not one.sweep), None)
    if like is None or like.seconds is None:
        return None
    members = max(like.repeat.trained, 1) if like.repeat is not None else 1
    seconds, own = like.seconds / members, like.epochs_done / members
    if not own or not epochs or own == epochs:
        return seconds, f"if each takes as long as run {like.number}"
    return seconds * epochs / own, f"if an epoch takes as long as in run {like.number}"


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
