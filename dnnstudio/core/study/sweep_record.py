"""A sweep as one row of the runs table, which has its best trial's figures, and its trials as the rows below it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from dnnstudio.core.checksums import changed_files
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.folder_lock import held
from dnnstudio.core.planning.stages import planned_epochs
from dnnstudio.core.study.setting_words import setting_title
from dnnstudio.core.study.sweep import SweepPlan, read_sweep, trial_folder, write_sweep
from dnnstudio.core.study.trials import Trial, best_trial, read_trials
from dnnstudio.core.study.varied import Listed, Ranged, value_text
from dnnstudio.core.text import within_words
from dnnstudio.core.workspace.runs import EXPERIMENT, SWEEP, UNFINISHED, RunRecord, Swept, is_run, number_of, read_run

STATUS = {"done": "finished", "failed": "failed", "stopped": "stopped", "pruned": "pruned"}
"""How a trial ended → the status of its row."""


def read_sweep_record(folder: Path) -> RunRecord:
    """The row of the sweep in `folder`. Raises `UserError`."""
    return sweep_record(folder, read_sweep(folder), read_trials(folder))


def sweep_record(folder: Path, plan: SweepPlan, trials: Mapping[int, Trial]) -> RunRecord:
    """The row of a sweep: the figures of its best trial, the time of all. Raises `UserError`."""
    best = best_trial(plan, trials)
    over = sum(trial.is_over for trial in trials.values())
    seconds = [trial.seconds for trial in trials.values() if trial.seconds is not None]
    record = _best_record(folder, plan, best)
    return replace(
        record,
        folder=folder,
        number=number_of(folder),
        name=plan.experiment.name,
        status="finished" if over >= plan.count else UNFINISHED,
        seconds=sum(seconds) if seconds else None,
        when=(folder / SWEEP).stat().st_mtime,
        run="",
        changed=changed_files(folder),
        sweep=Swept(
            trials=plan.count,
            over=over,
            best=None if best is None else best.number,
            home=None if best is None else trial_folder(folder, best.number),
            varied=varied_words(plan),
            failed=sum(trial.status == "failed" for trial in trials.values()),
        ),
    )


def _best_record(folder: Path, plan: SweepPlan, best: Trial | None) -> RunRecord:
    """What the best trial's run folder says; where it cannot be read, what was written down of the trial."""
    if best is None:
        return RunRecord(folder, 0, "", UNFINISHED, 0, planned_epochs(plan.experiment))
    try:
        return read_run(trial_folder(folder, best.number))
    except UserError:
        return trial_record(folder, plan, best)


def trial_record(folder: Path, plan: SweepPlan, trial: Trial) -> RunRecord:
    """The row of one trial, by what is written down of it: its folder is not read, and may be gone."""
    figures, epochs = trial.figures, planned_epochs(plan.experiment)
    return RunRecord(
        folder=trial_folder(folder, trial.number),
        number=0,
        name=trial_name(trial),
        status=STATUS[trial.status],
        epochs_done=epochs if trial.status == "done" else 0,
        epochs_planned=epochs,
        val_loss=figures.get("val_loss"),
        val_accuracy=figures.get("val_accuracy"),
        test_accuracy=figures.get("test_accuracy"),
        seconds=trial.seconds,
    )


def varied_words(plan: SweepPlan) -> str:
    """ "learning rate × dense_1 units": what is varied."""
    return " × ".join(within_words(setting_title(path)) for path in plan.paths)


def rename_sweep(folder: Path, name: str) -> None:
    """Give the experiment of a sweep another name; trials that are not over go on as this experiment.

    Raises `UserError`, with nothing changed where one of those is trained elsewhere.
    """
    with held(folder, "a renaming"), ExitStack() as every:
        plan, trials = read_sweep(folder), read_trials(folder)
        places = [trial_folder(folder, n) for n in range(plan.count) if not (n in trials and trials[n].is_over)]
        begun = [place for place in places if is_run(place)]
        for place in begun:
            every.enter_context(held(place, "a renaming"))
        for place in begun:
            codec.save(codec.load(place / EXPERIMENT).replaced(name=name), place / EXPERIMENT)
        write_sweep(folder, plan.model_copy(update={"experiment": plan.experiment.replaced(name=name)}))


def trial_name(trial: Trial) -> str:
    """ "trial 7: 0.01, 32": the values stand in the order of the sweep's name."""
    return f"trial {trial.number}: {', '.join(_short(value) for value in trial.values.values())}"


def trial_names(folder: Path) -> dict[Path, str]:
    """Run folder → name of each trial of the sweep in `folder` that ended. Raises `UserError`."""
    trials = read_trials(folder)
    return {trial_folder(folder, number): trial_name(trials[number]) for number in sorted(trials)}


def range_text(varied: Listed | Ranged) -> str:
    """What a field is varied over, as a cell shows it: "8…64", "adam, sgd"."""
    if isinstance(varied, Ranged):
        return f"{_short(varied.low)}…{_short(varied.high)}"
    values = varied.values
    if len(values) > 1 and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return f"{_short(min(values))}…{_short(max(values))}"
    return ", ".join(_short(value) for value in values)


def _short(value: object) -> str:
    """Four digits tell two drawn numbers apart; of a record its kind says enough."""
    match value:
        case float():
            return f"{value:.4g}"
        case {"kind": str(kind)}:
            return kind
    return value_text(value)
