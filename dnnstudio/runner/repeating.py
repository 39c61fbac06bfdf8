"""Trains the members of an ensemble: finished ones are kept, interrupted ones resumed, the others trained."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from pathlib import Path

from dnnstudio.core.study.repeat import member_experiment, member_state
from dnnstudio.core.workspace.ensembles import EnsembleRecord, member_folder
from dnnstudio.runner.tasks import Runner, RunOutcome, RunTask


def member_tasks(folder: Path, record: EnsembleRecord, *, base: Path | None) -> tuple[RunTask, ...]:
    """The trainings that the ensemble in `folder` still lacks, in the order of its seeds. Raises `UserError`.

    A relative `transfer.source` is resolved against `base`.
    """
    tasks = []
    for seed in record.seeds:
        place, wanted = member_folder(folder, seed), member_experiment(record.experiment, seed)
        state = member_state(place, wanted)
        if state != "done":
            tasks.append(RunTask(experiment=wanted, folder=place, resume=state == "begun", base=base))
    return tuple(tasks)


def train_all(runner: Runner, tasks: tuple[RunTask, ...]) -> Iterator[RunOutcome]:
    """Train all tasks and yield each outcome as it arrives."""
    futures: list[Future[RunOutcome]] = [runner.submit(task) for task in tasks]
    for future in as_completed(futures):
        yield future.result()
