"""The command that trains an experiment with some of its fields varied: sweep."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

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
    runner_of,
    say,
    stopping,
)
from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.study.sweep import SweepPlan
    from dnnstudio.runner.cluster.join_file import JoinFile
    from dnnstudio.runner.sweeping import Sweep

INCOMPLETE = 1
"""Exit code where some trials failed; the best of the others is told."""

CHANGED_DATA = "The data was changed between the trials, so that they are no fair comparison: sweep into a new folder."

app = typer.Typer()


@app.command()
def sweep(
    experiment: ExperimentPath,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that becomes the sweep.")],
    vary: Annotated[
        list[str],
        typer.Option("--vary", metavar="PATH=VALUES", help="A field and its values: a,b,c or lo..hi or log:lo..hi."),
    ] = [],  # noqa: B006 - typer copies it
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many; the grid of all lists, by default.")
    ] = None,
    sampler: Annotated[
        Literal["random", "tpe"] | None, typer.Option(help="What chooses the trials; random, by default.")
    ] = None,
    prune: Annotated[bool, typer.Option("--prune", help="End a trial that is worse than the median.")] = False,
    jobs: Jobs = None,
    threads: Threads = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in DIR, repeating nothing.")] = False,
    cluster: OnCluster = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    as_json: AsJson = False,
) -> int:
    """Train an experiment with fields varied, and tell which trial validates best.

    DIR/trials.csv has a row a trial. --resume goes on with what was stopped or failed, and with a larger --trials adds
    some; --vary may then be left out. The exit code is 1 if some trials failed.
    """
    from dnnstudio.cli.printing.sweep import sweep_summary, sweep_text
    from dnnstudio.core.study.sweep import write_sweep
    from dnnstudio.core.study.trials import had_other_data
    from dnnstudio.runner.capacity import default_jobs, threads_each
    from dnnstudio.runner.sweeping import Sweep

    wanted = changed(read_experiment(experiment), set_)
    found = cluster_of(cluster)
    if resume:
        plan = _resumed(out, wanted, vary, trials=trials, sampler=sampler, prune=prune)
    else:
        plan = _new(
            out,
            wanted,
            vary,
            trials=trials,
            sampler=sampler,
            prune=prune,
            threads=threads or (found[1].threads if found else threads_each(jobs or default_jobs())),
            download=download,
        )
    _check(plan, download=download)
    write_sweep(out, plan)
    made = Sweep(out, plan, base=experiment if experiment.is_dir() else experiment.parent, again=resume)
    if made.left:
        _train(made, found[0] if found else None, jobs=jobs, quiet=as_json)
    else:
        made.write_table()
    if made.left:
        say("Stopped. The same command with --resume goes on.", file=sys.stderr)
        return INTERRUPTED
    if not any(trial.status == "done" for trial in made.trials.values()):
        raise UserError(
            "No trial came to its end.",
            "Mend what was said: --resume tries each again, and another experiment needs a new folder.",
        )
    notes = [CHANGED_DATA] if had_other_data(out, plan, made.trials) else []
    if as_json:
        say(json.dumps(sweep_summary(plan, made.trials) | {"notes": notes, "folder": str(out)}))
    else:
        say("\n".join([sweep_text(plan, made.trials), *notes, f"Written to {out}"]))
    return INCOMPLETE if any(trial.status == "failed" for trial in made.trials.values()) else 0


def _new(
    out: Path,
    experiment: Experiment,
    vary: list[str],
    *,
    trials: int | None,
    sampler: Literal["random", "tpe"] | None,
    prune: bool,
    threads: int,
    download: bool,
) -> SweepPlan:
    """What is to be trained in a new folder. Raises `UserError`."""
    from dnnstudio.core.folder_lock import holds_something
    from dnnstudio.core.study.sweep import plan_sweep, target_of
    from dnnstudio.core.study.varied import parse_varied
    from dnnstudio.core.workspace.runs import is_sweep

    if is_sweep(out):
        raise UserError(f"{out} holds a sweep already.", "Give another folder, or go on with it by --resume.")
    if out.exists() and (not out.is_dir() or holds_something(out)):
        raise UserError(f"{out} is not empty.", "Give a new or an empty folder.")
    varied = parse_varied(vary, experiment)
    summary = describe(experiment.data, experiment.seed, download=download).summary
    return plan_sweep(
        experiment,
        varied,
        trials=trials,
        sampler=sampler,
        prune=prune,
        threads=threads,
        target=target_of(experiment, summary),
    )


def _resumed(
    out: Path,
    experiment: Experiment,
    vary: list[str],
    *,
    trials: int | None,
    sampler: Literal["random", "tpe"] | None,
    prune: bool,
) -> SweepPlan:
    """What is to be trained in a folder that holds a sweep. Raises `UserError`."""
    from dnnstudio.core.study.sweep import read_sweep, resumed_plan
    from dnnstudio.core.study.varied import parse_varied

    before = read_sweep(out)
    varied = parse_varied(vary, experiment) if vary else None
    return resumed_plan(before, experiment, varied, trials=trials, sampler=sampler, prune=prune)


def _check(plan: SweepPlan, *, download: bool) -> None:
    """Refuse a sweep that has a trial which cannot be trained, before the first begins. Raises `UserError`."""
    from dnnstudio.core.experiment import codec
    from dnnstudio.core.study.varied import corners, values_text, with_values

    read = {}
    for values in corners(plan.vary):
        trial = with_values(plan.experiment, values)
        key = codec.pretty(codec.to_plain(trial.data))
        if key not in read:
            read[key] = describe(trial.data, trial.seed, download=download).summary
        try:
            require_trainable(trial, read[key])
        except UserError as error:
            raise UserError(f"With {values_text(values)}: {error.message}", error.hint) from None


def _train(made: Sweep, join: JoinFile | None, *, jobs: int | None, quiet: bool) -> None:
    """Train what is not over, with its progress on the terminal; Ctrl+C stops all of it and keeps what is done."""
    from dnnstudio.cli.printing.common import plain_console
    from dnnstudio.cli.printing.sweep import SweepPrinter
    from dnnstudio.core.study.varied import values_text
    from dnnstudio.runner.capacity import default_jobs

    with SweepPrinter(made.plan, plain_console(to_stderr=quiet)) as printer:
        most = jobs if join is not None else jobs or default_jobs()
        at_once = None if most is None else min(most, made.left)
        runner = runner_of(join, at_once, threads=made.plan.threads, on_event=made.take)
        with runner, stopping(made.stop):
            for trial in made.run(runner):
                printer.ended(trial, left=made.left, seconds_left=made.seconds_left)
                if trial.status == "failed":
                    said = f"Trial {trial.number} ({values_text(trial.values)}): {as_sentence(trial.message)}"
                    say(said, file=sys.stderr)
