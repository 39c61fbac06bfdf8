"""The command `repeat`: trains an experiment with several seeds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dnnstudio.cli.common import (
    INTERRUPTED,
    AsJson,
    Changes,
    ExperimentPath,
    Jobs,
    OnCluster,
    Threads,
    as_sentence,
    changed,
    cluster_of,
    describe,
    read_experiment,
    require_trainable,
    run_job,
    runner_of,
    say,
    stopping,
)
from dnnstudio.core.errors import UserError
from dnnstudio.core.folder_lock import held

if TYPE_CHECKING:
    from dnnstudio.core.workspace.ensembles import EnsembleRecord
    from dnnstudio.runner.cluster.join_file import JoinFile
    from dnnstudio.runner.tasks import RunOutcome, RunTask

INCOMPLETE = 1
"""Exit code if some members could not be trained; the figures of the others are written."""

app = typer.Typer()


@app.command()
def repeat(
    experiment: ExperimentPath,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that becomes the ensemble.")],
    seeds: Annotated[
        str, typer.Option(metavar="SEEDS", help="How many from the experiment's own on, or a list: 1,7,9.")
    ] = "5",
    jobs: Jobs = None,
    threads: Threads = None,
    cluster: OnCluster = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    as_json: AsJson = False,
) -> int:
    """Train an experiment with several seeds: mean and spread of its figures, and an ensemble in DIR.

    The same command again goes on with what was stopped, repeats nothing, and may add seeds. The exit code is 1 if some
    members could not be trained.
    """
    from dnnstudio.cli.printing.repeat import repeat_text
    from dnnstudio.core.study.repeat import parse_seeds, plan_repeat
    from dnnstudio.core.workspace.ensembles import write_ensemble
    from dnnstudio.runner.capacity import default_jobs, threads_each
    from dnnstudio.runner.repeating import member_tasks

    wanted = changed(read_experiment(experiment), set_)
    numbers = parse_seeds(seeds, first=wanted.seed)
    found = cluster_of(cluster)
    at_once = jobs or (found[1].slots if found else default_jobs(len(numbers)))
    each = threads or (found[1].threads if found else threads_each(at_once))
    with held(out, "a repeat", make=True):
        record = plan_repeat(out, wanted, numbers, threads=each)
        require_trainable(wanted, describe(wanted.data, wanted.seed, download=download).summary)
        write_ensemble(out, record)
        tasks = member_tasks(out, record, base=experiment if experiment.is_dir() else experiment.parent)
        join = found[0] if found else None
        outcomes = _train(tasks, join, jobs=jobs if found else at_once, threads=record.threads, quiet=as_json)
        for outcome in outcomes:
            if outcome.reason in ("failed", "diverged"):
                say(f"Seed {outcome.task.experiment.seed}: {as_sentence(outcome.message)}", file=sys.stderr)
        if any(outcome.reason == "stopped" for outcome in outcomes):
            say("Stopped. The same command goes on.", file=sys.stderr)
            return INTERRUPTED
        metrics = _measured(out, record, quiet=as_json)
        say(json.dumps(metrics | {"folder": str(out)}) if as_json else f"{repeat_text(metrics)}\nWritten to {out}")
        return INCOMPLETE if metrics["missing"] else 0


def _train(
    tasks: tuple[RunTask, ...], join: JoinFile | None, *, jobs: int | None, threads: int, quiet: bool
) -> list[RunOutcome]:
    """Run the trainings with progress on the terminal; Ctrl+C stops them all and keeps their progress."""
    from dnnstudio.cli.printing.common import plain_console
    from dnnstudio.cli.printing.repeat import RepeatPrinter
    from dnnstudio.runner.repeating import train_all

    if not tasks:
        return []
    outcomes = []
    with RepeatPrinter(len(tasks), plain_console(to_stderr=quiet)) as printer:
        at_once = None if jobs is None else min(jobs, len(tasks))
        runner = runner_of(join, at_once, threads=threads, on_event=printer.take)
        with runner, stopping(runner.stop_all):
            for outcome in train_all(runner, tasks):
                outcomes.append(outcome)
                printer.ended(outcome)
    return outcomes


def _measured(out: Path, record: EnsembleRecord, *, quiet: bool) -> dict[str, Any]:
    """The figures of all trained members and of their mean prediction, also written to DIR as metrics.json."""
    from dnnstudio.cli.printing.common import ProgressPrinter, plain_console
    from dnnstudio.core.jobs.requests import EvaluateModel
    from dnnstudio.core.jobs.results import Evaluation
    from dnnstudio.core.study.repeat import repeat_metrics
    from dnnstudio.core.workspace.ensembles import trained_members, write_metrics

    members = trained_members(out, record)
    if not members:
        raise UserError(
            "There is no trained member in the folder.",
            "Mend what was said of each seed and repeat; another experiment needs a new folder.",
        )
    figures: dict[str, dict[str, float]] = {}
    if record.experiment.pretraining is None:
        job = EvaluateModel(model=out, experiment=record.experiment)
        result = run_job(job, ProgressPrinter(plain_console(to_stderr=quiet)))
        assert isinstance(result, Evaluation)
        figures = result.parts
    metrics = repeat_metrics(record, members, figures)
    write_metrics(out, metrics)
    return metrics
