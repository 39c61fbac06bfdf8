"""Shared by the commands: option types, reading an experiment, running a job of the engine, reporting a run.

Nothing heavy is imported before a function needs it, and no command is imported here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.text import harmless

if TYPE_CHECKING:
    from dnnstudio.cli.printing.common import ProgressPrinter
    from dnnstudio.core.experiment.data import Data, DataSummary
    from dnnstudio.core.experiment.record import Experiment
    from dnnstudio.core.jobs.requests import Job, TrainRun
    from dnnstudio.core.jobs.results import DataPreview, RunResult
    from dnnstudio.core.workspace.runs import Weights
    from dnnstudio.runner.cluster.access import Cluster
    from dnnstudio.runner.cluster.client import ClusterRunner
    from dnnstudio.runner.cluster.join_file import JoinFile
    from dnnstudio.runner.local import LocalRunner, OnEvent

    AnyRunner = LocalRunner | ClusterRunner

BAD_INPUT = 2
INTERRUPTED = 130

ExperimentPath = Annotated[Path, typer.Argument(metavar="EXPERIMENT", help="An experiment file or a run folder.")]
ModelPath = Annotated[
    Path, typer.Argument(metavar="MODEL_OR_RUN", help="A .keras or .h5 file, a run or ensemble folder.")
]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that becomes the run.")]
Changes = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change a field: --set training.batch_size=64.")
]
DataFrom = Annotated[
    Path | None, typer.Option("--data", metavar="EXPERIMENT", help="Whose data to use; a run has its own.")
]
WhichWeights = Annotated[
    str, typer.Option("--weights", metavar="best|last", help="A run's last weights, or those of its best epoch.")
]
Jobs = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Trainings at a time; as cores and memory allow, by default.")
]
Threads = Annotated[
    int | None, typer.Option(min=1, max=1024, help="Threads of each; the cores divided by the jobs, by default.")
]
OnCluster = Annotated[
    Path | None,
    typer.Option("--cluster", "--on", metavar="JOIN_FILE", help="Train on the machines of `dnnstudio cluster`."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What tells a training to end: Ctrl+C, the system, and a terminal that is closed."""
ChangeShared = Annotated[
    bool, typer.Option("--change-shared", help="Change the trained models too that share layers with this one.")
]


def say(text: str, *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print text of which nothing moves the cursor, colours or turns round what stands on the terminal.

    Names of files, classes, columns and experiments stand in it, which may come from another person.
    """
    print(harmless(text), end=end, file=file)


def as_sentence(text: str) -> str:
    """`text` on one line, with a full stop added unless it already ends in punctuation."""
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!", ".)", "?)")) else f"{text}."


def as_weights(text: str) -> Weights:
    """Which of a run's weights `--weights` names. Raises `UserError`."""
    if text == "best":
        return "best"
    if text == "last":
        return "last"
    raise UserError(f"--weights is {text}; a run has its best and its last weights.", "Give best or last.")


def read_experiment(path: Path) -> Experiment:
    """The experiment in a file or in the folder of a run, an ensemble or a sweep. Raises `UserError`."""
    from dnnstudio.core.checksums import changed_files, changed_sentence
    from dnnstudio.core.experiment import codec
    from dnnstudio.core.text import printable
    from dnnstudio.core.workspace.ensembles import is_ensemble, read_ensemble
    from dnnstudio.core.workspace.runs import EXPERIMENT, is_run, is_sweep

    if (said := changed_sentence(changed_files(path))) and (is_ensemble(path) or is_run(path)):
        say(f"Note: {printable(str(path))}: {said}", file=sys.stderr)
    if is_ensemble(path):
        return read_ensemble(path).experiment
    if is_sweep(path):
        from dnnstudio.core.study.sweep import read_sweep

        return read_sweep(path).experiment
    if path.is_dir():
        if not is_run(path):
            raise UserError(f"{path} is not a run folder: it holds no {EXPERIMENT}.", "Give an experiment file.")
        path = path / EXPERIMENT
    return codec.load(path)


def opened_bundle(context: typer.Context, path: Path) -> Path:
    """The run or ensemble in a bundle, in a folder that is there as long as the command; any other path as it is.

    What it says of itself goes to stderr. Raises `UserError`.
    """
    from dnnstudio.core.jobs.bundles import SUFFIX, OpenBundle
    from dnnstudio.core.temporary import folder_of_a_command

    if path.suffix.lower() != SUFFIX or not path.is_file():
        return path
    folder = context.with_resource(folder_of_a_command()) / (path.stem or "bundle")
    opened = run_job(OpenBundle(path=path, folder=folder))
    say(f"{path.name}: {opened.sentence}", file=sys.stderr)
    return folder


AskedPath = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL_OR_RUN",
        help="A .keras or .h5 file, a run or ensemble folder, a bundle.",
        callback=opened_bundle,
    ),
]
"""Of a command that only asks a network and keeps nothing of where it lies."""


def changed(experiment: Experiment, changes: Sequence[str], **given: int | None) -> Experiment:
    """Apply `--set path=value` in order, and then the options with a name of their own.

    `given` maps field paths, with two underscores for a dot, to values; None leaves a field unchanged. Raises
    `UserError`.
    """
    from dnnstudio.core.experiment.edits import set_value

    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise UserError(f'--set needs path=value, but got "{change}".', "For example: --set training.epochs=5.")
        experiment = set_value(experiment, path.strip(), value_of(text.strip()))
    for path, number in given.items():
        if number is not None:
            experiment = set_value(experiment, path.replace("__", "."), number)
    return experiment


def value_of(text: str) -> Any:
    """`text` parsed as JSON, or the text itself: `5`, `0.1`, `null`, `[0, 1]`, `elu`."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def describe(data: Data, seed: int, *, download: bool = False) -> DataPreview:
    """Read `data` and return its summary. Raises `UserError`, also if it must be downloaded and may not be."""
    from dnnstudio.engine.data import describe, must_be_downloaded

    if not download and must_be_downloaded(data.source):
        raise UserError(f"{data.source.label} is not on this computer.", "Add --download to fetch it once.")
    return describe(data, seed=seed, download=download)


def experiment_for(model: Path, data: Path | None) -> Experiment:
    """The experiment whose data to use. Raises `UserError`."""
    if not model.exists():
        raise UserError(f"{model} does not exist.", "Check the path.")
    if data is None and not model.is_dir():
        raise UserError("A model file does not say what data to use.", "Add --data EXPERIMENT.")
    return read_experiment(data or model)


def require_trainable(experiment: Experiment, summary: DataSummary) -> None:
    """Refuse an experiment with errors before TensorFlow is loaded. Raises `UserError`."""
    from dnnstudio.core.analysis.checks import find_problems

    for problem in find_problems(experiment, summary):
        if problem.severity == "error":
            raise UserError(as_sentence(problem.title), as_sentence(problem.reason))


def require_run_folder(folder: Path, *, resume: bool) -> None:
    """Check that a new run gets an empty or new folder, and a resumed one its own. Raises `UserError`."""
    from dnnstudio.core.folder_lock import holds_something
    from dnnstudio.core.workspace.runs import is_run

    holds_run = is_run(folder)
    if resume and not holds_run:
        raise UserError(f"{folder} holds no run to go on with.", "Leave out --resume, or give the run's folder.")
    if not resume and holds_run:
        raise UserError(f"{folder} holds a run already.", "Give another folder, or go on with it by --resume.")
    if not resume and folder.is_dir() and holds_something(folder):
        raise UserError(f"{folder} is not empty.", "Give a new or an empty folder.")


def require_consent(experiment: Experiment, base: Path, *, resumed: Path | None, given: bool) -> None:
    """Refuse to change other trained models unasked; `given` says that it was asked for. Raises `UserError`."""
    from dnnstudio.core.analysis.shared_changes import changed_by, changed_by_going_on, changes_sentence

    if resumed is None:
        changed = changed_by(experiment, base=base)
    else:
        changed = changed_by_going_on(experiment, resumed, base=base)
    if changed and not given:
        raise UserError(
            changes_sentence(changed),
            "Allow it by --change-shared, or clone the layers: --set transfer.reuse[0].mode=clone.",
        )


def cluster_of(join: Path | None) -> tuple[JoinFile, Cluster] | None:
    """The cluster that --cluster names, and what its workers can do. Raises `UserError`."""
    if join is None:
        return None
    from dnnstudio.runner.cluster.access import find_cluster

    found = find_cluster(join)
    return found.join, found


def runner_of(join: JoinFile | None, jobs: int | None, *, threads: int, on_event: OnEvent) -> AnyRunner:
    """The runner of the trainings: of a cluster, or of this machine. Raises `UserError`."""
    from dnnstudio.runner.local import LocalRunner

    if join is None:
        return LocalRunner(jobs, threads=threads, on_event=on_event)
    from dnnstudio.runner.cluster.client import ClusterRunner

    return ClusterRunner(join, jobs, threads=threads, on_event=on_event)


def run_job(job: Job, printer: ProgressPrinter | None = None, *, warm: bool = True) -> Any:
    """Run one job of the engine in this process, with its progress on the terminal. Ctrl+C stops it and keeps its
    progress.

    `warm` is for jobs that need Keras. Raises `Cancelled` at once where it is stopped while that is imported: seconds,
    of which a program that ends needs nothing.
    """
    from dnnstudio.core.jobs.control import Control

    control, importing = Control(), True

    def stop() -> None:
        control.stop()
        if importing:
            raise KeyboardInterrupt

    with told_to_end(stop):
        try:
            from dnnstudio.cli.printing.common import ProgressPrinter, without_greetings
            from dnnstudio.engine.session import Session

            session = Session()
            if warm:
                with without_greetings():
                    session.warm_up()
        except (KeyboardInterrupt, ImportError):  # a module in another language makes the one of the other
            if control.stopped:
                raise Cancelled from None
            raise
        importing = False
        with printer or ProgressPrinter() as shown:
            return session.run(job, control, shown.take)


def train_into(job: TrainRun) -> RunResult:
    """Train a new run, or go on with one, in this process. Raises `UserError`.

    Its folder says what it trains before anything heavy begins, so that --resume takes it whenever the program ends.
    """
    from dnnstudio.core.folder_lock import held

    with held(job.folder, "a training", make=True):
        return _train_alone(job)


def _train_alone(job: TrainRun) -> RunResult:
    from dnnstudio.core.workspace.runs import can_go_on, claim, release
    from dnnstudio.core.workspace.sources import find_place, recorded_source

    if job.resume_from is not None and not can_go_on(job.folder):
        job = replace(job, resume_from=None)  # it was ended before its first checkpoint
    if job.resume_from is None:
        named = transfer = job.experiment.transfer
        if transfer is not None:
            source = find_place(transfer.source, job.base, job.folder)
            named = transfer.replaced(source=recorded_source(job.folder, source))
        claim(job.folder, job.experiment.replaced(transfer=named))
    try:
        result: RunResult = run_job(job)
    except Exception as error:
        if not isinstance(error, Cancelled):
            release(job.folder)
        raise
    return result


@contextmanager
def told_to_end(stop: Callable[[], object]) -> Iterator[None]:
    """Within it Ctrl+C, SIGTERM and a closed terminal call `stop`; a second of them does not wait."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}  # nohup

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    told = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if told:  # the former handlers are kept aside until now: Python loses a signal whose handler changes meanwhile
            answer = before[number]
            if callable(answer):
                answer(number, frame)
            else:
                signal.signal(number, answer)
                os.kill(os.getpid(), number)
            return
        told = True
        if number == getattr(signal, "SIGHUP", None):
            _leave_terminal()
        stop()

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        restore()


def _leave_terminal() -> None:
    """Write to nowhere what a closed terminal refuses: an error of the printer must not end the training."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        if os.isatty(stream):
            os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Within it Ctrl+C, SIGTERM and a closed terminal call `stop`, which ends trainings in other processes; a second of
    them does not wait. So does an error.
    """
    with told_to_end(stop):
        try:
            yield
        except BaseException:
            stop()
            raise


def report_run(result: RunResult) -> int:
    """Print how a training ended and return the exit code. Raises `UserError` for a diverged one."""
    from dnnstudio.cli.printing.common import figures
    from dnnstudio.core.experiment import codec
    from dnnstudio.core.text import count_of
    from dnnstudio.core.workspace.figures import measured
    from dnnstudio.core.workspace.runs import EXPERIMENT
    from dnnstudio.core.workspace.shared_layers import sharers

    names = {"finished": "Finished", "early_stopping": "Stopped early", "stopped": "Stopped", "diverged": "Diverged"}
    best = f", the best was {result.best_epoch}" if result.best_epoch else ""
    say(f"{names.get(result.reason, 'Failed')} after {count_of(result.epochs, 'epoch')}{best}.")
    for part in ("train", "validation", "test"):
        values = result.metrics.get(part)
        if isinstance(values, dict) and values:
            say(f"{part}: {figures(values)}")
    if result.metrics.get("test") or result.metrics.get("validation"):
        say(measured(result.metrics, codec.load(result.folder / EXPERIMENT)).sentence)
    say(f"Written to {result.folder}")
    if others := sharers(result.folder):
        say(f"Layers are shared with {' and '.join(place.name for place in others)}: their weights changed there too.")
    result.require_in_place()
    if result.reason == "diverged":
        raise UserError("The loss is no longer a finite number.", "Lower the learning rate, or clip the gradient.")
    return INTERRUPTED if result.reason == "stopped" else 0
