"""Going on with a run that lies in its folder: what is to be trained, and at which rates where epochs are added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.jobs.requests import TrainRun
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.planning.more_epochs import (
    Way,
    added_sentence,
    differing_ways,
    lengthened,
    way_words,
    ways,
)
from dnnstudio.core.planning.stages import planned_epochs, stage_lengths
from dnnstudio.core.text import count_of
from dnnstudio.core.workspace.history import rows_of
from dnnstudio.core.workspace.runs import CHECKPOINT, EXPERIMENT, read_metrics, read_run
from dnnstudio.core.workspace.training_record import TrainedWith

GUESSED_STEPS = 100
"""Steps an epoch of a run whose program ended before it wrote them down."""


def continued(folder: Path, more_epochs: int | None = None, *, way: Way | None = None) -> TrainRun:
    """The training that goes on with the run in `folder` to its planned end, or for so many more epochs.

    Epochs within the plan leave the plan as it is, so that two halves are the same as the whole. Beyond its end they
    get their rates in one of the `ways` of the schedule: `way`, or the usual one. Raises `UserError`.
    """
    record = read_run(folder)
    experiment = codec.load(folder / EXPERIMENT)
    planned, done = record.epochs_planned, record.epochs_done
    if not is_folder_there(folder / CHECKPOINT):
        raise UserError(f"{folder.name} holds no checkpoint to go on from.", "Train it afresh.")
    if more_epochs is None:
        if done >= planned:
            raise UserError(
                f"{folder.name} has trained all of its {count_of(planned, 'epoch')}.", "Use +1 epoch to go on."
            )
        return TrainRun(experiment=experiment, folder=folder, resume_from=folder)
    target = done + more_epochs
    if target <= planned:
        return TrainRun(experiment=experiment, folder=folder, resume_from=folder, stop_after=target)
    longer = lengthened(experiment, target - planned, way or ways(experiment)[0], steps_per_epoch_of(folder))
    return TrainRun(experiment=longer, folder=folder, resume_from=folder)


def steps_per_epoch_of(folder: Path) -> int:
    """Optimizer steps of an epoch of a run, as its figures say; a guess where it has none. Raises `UserError`."""
    trained = TrainedWith.read(read_metrics(folder) or {})
    return trained.steps_per_epoch if trained is not None else GUESSED_STEPS


@dataclass(frozen=True, slots=True)
class Offer:
    """A way to add epochs, what it does, and in a sentence which rates they would get."""

    way: Way
    words: str
    sentence: str


def offers(folder: Path, more_epochs: int) -> tuple[Offer, ...]:
    """What a person can choose from when a run goes on, the usual way first. Raises `UserError`.

    Within the plan there is nothing to choose.
    """
    experiment = codec.load(folder / EXPERIMENT)
    record, ended, steps = read_run(folder), _ended(folder), steps_per_epoch_of(folder)
    planned = record.epochs_planned
    beyond = record.epochs_done + more_epochs - planned
    if beyond <= 0:
        return (
            Offer(
                Way.PLAN, "The schedule goes on", f"The schedule goes on as planned over {count_of(planned, 'epoch')}."
            ),
        )
    return tuple(
        Offer(
            way,
            way_words(way, experiment),
            added_sentence(lengthened(experiment, beyond, way, steps), beyond, steps, ended),
        )
        for way in differing_ways(experiment, beyond, steps)
    )


def more_epochs_sentence(job: TrainRun, done: int, more: int) -> str:
    """Which rates `more` epochs get with which `job` goes on after `done`; "" where the rate never changes."""
    experiment, ended = job.experiment, _ended(job.folder)
    planned = planned_epochs(experiment, ended)
    if len(ways(experiment)) == 1 and not experiment.rate_changes:
        return ""
    if job.stop_after is not None:
        return f"{experiment.schedule.label} goes on as planned over {count_of(planned, 'epoch')}."
    return added_sentence(experiment, min(more, planned - done), steps_per_epoch_of(job.folder), ended)


def _ended(folder: Path) -> tuple[int, ...]:
    """The epochs of the stages of a run that are over [stages]. Raises `UserError`."""
    return stage_lengths(rows_of(folder))
