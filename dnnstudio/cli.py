"""The same work without a window.

Nothing heavy is imported before a verb needs it: `schema`, `check`, `summary EXPERIMENT`, `recipes` and `--help` load
neither TensorFlow nor Qt.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.exceptions import TyperException

from dnnstudio import __version__, cli_export, cli_transfer, cli_uncertainty
from dnnstudio.core.errors import Cancelled, UserError

if TYPE_CHECKING:
    from dnnstudio.cli_output import ProgressPrinter
    from dnnstudio.core.data import Data, DataSummary
    from dnnstudio.core.experiment import Experiment
    from dnnstudio.core.jobs import DataPreview, Job, RunResult
    from dnnstudio.core.layers import AnyLayer

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    name="dnnstudio",
    help="Build, train, reuse and question deep neural networks. Without a command, the window opens.",
    epilog="dnnstudio EXPERIMENT or dnnstudio RUN opens that file or run folder in the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ExperimentPath = Annotated[Path, typer.Argument(metavar="EXPERIMENT", help="An experiment file or a run folder.")]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="A .keras or .h5 file or a run folder.")]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="The folder that becomes the run.")]
Changes = Annotated[
    list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change a field: --set training.batch_size=64.")
]
DataFrom = Annotated[
    Path | None, typer.Option("--data", metavar="EXPERIMENT", help="Whose data to use; a run has its own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. What a person did wrong is a sentence on stderr and the code 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        code = app(_with_verb(words), prog_name="dnnstudio", standalone_mode=False)
        sys.stdout.flush()
    except (UserError, TyperException) as error:
        text = str(error) if isinstance(error, UserError) else error.format_message()
        print(_as_sentence(text), file=sys.stderr)
        return BAD_INPUT
    except MemoryError:
        print("The memory did not suffice. Use a smaller network, batch or data set.", file=sys.stderr)
        return BAD_INPUT
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code if isinstance(code, int) else 0


def _as_sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _with_verb(words: list[str]) -> list[str]:
    """The command line with its verb: a path, or nothing at all, opens the window."""
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    if not words:
        return ["open"]
    first = words[0]
    if first.startswith("-") or first in verbs:
        return words
    if Path(first).exists() or Path(first).suffix or os.sep in first:
        return ["open", *words]
    shown = ", ".join(sorted(verb for verb in verbs if verb != "open"))
    raise UserError(f'There is no command, file or folder "{first}".', f"Commands: {shown}.")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dnnstudio {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command("open", hidden=True)
def open_window(path: Annotated[Path | None, typer.Argument(metavar="EXPERIMENT_OR_RUN")] = None) -> int:
    """Open the window, with an experiment or a run if one is given."""
    from dnnstudio.app import run as run_window

    return run_window([str(path)] if path is not None else [])


# ------------------------------------------------------------------------------------------------- experiments


def read_experiment(path: Path) -> Experiment:
    """The experiment of a file, or of a run folder. Raises `UserError`."""
    from dnnstudio.core import codec
    from dnnstudio.core.runs import EXPERIMENT, is_run

    if path.is_dir():
        if not is_run(path):
            raise UserError(f"{path} is not a run folder: it holds no {EXPERIMENT}.", "Give an experiment file.")
        path = path / EXPERIMENT
    return codec.load(path)


def changed(experiment: Experiment, changes: Sequence[str], **given: int | None) -> Experiment:
    """The experiment after `--set path=value`, in order, and then the options with a name of their own."""
    from dnnstudio.core.edits import set_value

    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise UserError(f'--set needs path=value, but got "{change}".', "For example: --set training.epochs=5.")
        experiment = set_value(experiment, path.strip(), _value(text.strip()))
    for path, number in given.items():
        if number is not None:
            experiment = set_value(experiment, path.replace("__", "."), number)
    return experiment


def _value(text: str) -> Any:
    """The JSON value that `text` is, or the text itself: `5`, `0.1`, `null`, `[0, 1]`, `elu`."""
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return text


def _describe(data: Data, seed: int, *, download: bool = False) -> DataPreview:
    from dnnstudio.engine.data import describe, find

    kind = data.source.kind
    if kind in ("fashion_mnist", "mnist") and not download and find(kind) is None:
        raise UserError(f"{data.source.label} is not on this computer.", "Add --download to fetch it once.")
    return describe(data, seed=seed, download=download)


@app.command()
def check(experiment: ExperimentPath) -> int:
    """Say what is wrong with an experiment.

    The exit code is 1 if it cannot be trained.
    """
    from dnnstudio.core.checks import find_problems, has_errors
    from dnnstudio.core.data import known_summary

    read = read_experiment(experiment)
    problems = find_problems(read, known_summary(read.data) or _describe(read.data, read.seed).summary)
    for problem in problems:
        place = f"{problem.place}: " if problem.place else ""
        fix = f" Fix: {problem.fix.label}." if problem.fix is not None else ""
        print(f"{problem.severity}: {place}{_as_sentence(problem.title)} {_as_sentence(problem.reason)}{fix}".rstrip())
    if not problems:
        print(f"{read.name}: nothing wrong.")
    return 1 if has_errors(problems) else 0


@app.command()
def schema() -> None:
    """Print the JSON Schema of an experiment file."""
    from dnnstudio.core.experiment import Experiment

    print(json.dumps(Experiment.model_json_schema(), indent=2, ensure_ascii=False))


@app.command()
def recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print this experiment's file.")] = None,
) -> None:
    """List the bundled experiments, or print one of them."""
    from dnnstudio.core.codec import to_json
    from dnnstudio.core.recipes import list_recipes, load_recipe

    if name is not None:
        print(to_json(load_recipe(name).experiment), end="")
        return
    found = list_recipes()
    width = max(len(recipe.name) for recipe in found)
    for recipe in found:
        print(f"{recipe.name:<{width}}  {recipe.title}: {recipe.teaches}")


# ------------------------------------------------------------------------------------------------------- the engine


@app.command()
def run(
    experiment: ExperimentPath,
    out: OutFolder,
    seed: Annotated[int | None, typer.Option(help="Train with this seed.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Train for so many epochs.")] = None,
    set_: Changes = [],  # noqa: B006 - typer copies it
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that DIR holds.")] = False,
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
) -> int:
    """Train an experiment and fill DIR with its run."""
    from dnnstudio.core.jobs import RunResult, TrainRun

    wanted = changed(read_experiment(experiment), set_, seed=seed, training__epochs=epochs)
    if epochs is not None and wanted.transfer is not None and wanted.transfer.phases:
        raise UserError(
            "--epochs has no effect: the experiment's phases say how long each takes.",
            f"For example: --set transfer.phases[0].epochs={epochs}.",
        )
    _require_run_folder(out, resume=resume)
    require_trainable(wanted, _describe(wanted.data, wanted.seed, download=download).summary)
    base = experiment if experiment.is_dir() else experiment.parent
    result = _do(TrainRun(experiment=wanted, folder=out, resume_from=out if resume else None, base=base))
    assert isinstance(result, RunResult)
    return _report(result)


def require_trainable(experiment: Experiment, summary: DataSummary) -> None:
    """Refuse an experiment that has an error, before TensorFlow is loaded. Raises `UserError`."""
    from dnnstudio.core.checks import find_problems

    for problem in find_problems(experiment, summary):
        if problem.severity == "error":
            raise UserError(_as_sentence(problem.title), _as_sentence(problem.reason))


def _require_run_folder(folder: Path, *, resume: bool) -> None:
    """A new run goes into an empty or a new folder; a resumed one into its own. Raises `UserError`."""
    from dnnstudio.core.runs import is_run

    holds_run = is_run(folder)
    if resume and not holds_run:
        raise UserError(f"{folder} holds no run to go on with.", "Leave out --resume, or give the run's folder.")
    if not resume and holds_run:
        raise UserError(f"{folder} holds a run already.", "Give another folder, or go on with it by --resume.")
    if not resume and folder.is_dir() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty.", "Give a new or an empty folder.")


def _do(job: Job, printer: ProgressPrinter | None = None, *, warm: bool = True) -> Any:
    """Run one job of the engine here, with its progress on the terminal. Ctrl+C stops it and keeps what is done.

    `warm` is for jobs that need Keras.
    """
    import signal

    from dnnstudio.cli_output import ProgressPrinter, without_greetings
    from dnnstudio.core.control import Control
    from dnnstudio.engine.session import Session

    control, session = Control(), Session()
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        del number, frame
        control.stop()
        signal.signal(signal.SIGINT, before)  # the second Ctrl+C does not wait

    signal.signal(signal.SIGINT, stop)
    try:
        with printer or ProgressPrinter() as shown:
            if warm:
                with without_greetings():
                    session.warm_up()
            return session.run(job, control, shown.take)
    finally:
        signal.signal(signal.SIGINT, before)


def _report(result: RunResult) -> int:
    from dnnstudio.cli_output import figures
    from dnnstudio.core.links import sharers

    names = {"finished": "Finished", "early_stopping": "Stopped early", "stopped": "Stopped", "diverged": "Diverged"}
    best = f", the best was {result.best_epoch}" if result.best_epoch else ""
    plural = "" if result.epochs == 1 else "s"
    print(f"{names.get(result.reason, 'Failed')} after {result.epochs} epoch{plural}{best}.")
    for part in ("train", "validation", "test"):
        values = result.metrics.get(part)
        if isinstance(values, dict) and values:
            print(f"{part}: {figures(values)}")
    print(f"Written to {result.folder}")
    if others := sharers(result.folder):
        print(
            f"Layers are shared with {' and '.join(place.name for place in others)}: their weights changed there too."
        )
    if result.reason == "diverged":
        raise UserError("The loss is no longer a finite number.", "Lower the learning rate, or clip the gradient.")
    return INTERRUPTED if result.reason == "stopped" else 0


@app.command()
def evaluate(model: ModelPath, data: DataFrom = None, as_json: AsJson = False) -> None:
    """Print loss and metrics of a model on the test part."""
    from dnnstudio.cli_output import figures
    from dnnstudio.core.jobs import EvaluateModel, Evaluation

    experiment = _experiment_for(model, data)
    result = _do(EvaluateModel(model=model, experiment=experiment, parts=("test",)))
    assert isinstance(result, Evaluation)
    values = result.parts["test"]
    print(json.dumps(values) if as_json else f"test: {figures(values)}")


def _experiment_for(model: Path, data: Path | None) -> Experiment:
    """Whose data to use. Raises `UserError`."""
    if not model.exists():
        raise UserError(f"{model} does not exist.", "Check the path.")
    if data is None and not model.is_dir():
        raise UserError("A model file does not say what data to use.", "Add --data EXPERIMENT.")
    return read_experiment(data or model)


@app.command()
def summary(
    model_or_experiment: Annotated[
        Path, typer.Argument(metavar="MODEL_OR_EXPERIMENT", help="An experiment, a run folder or a model file.")
    ],
) -> None:
    """Print the layers with their shapes and parameters."""
    from dnnstudio.cli_output import layer_table

    network, input_shape = _network_of(model_or_experiment)
    print(layer_table(network, input_shape))


def _network_of(path: Path) -> tuple[Experiment | tuple[AnyLayer, ...], tuple[int, ...]]:
    """The experiment of a file or run, or the layers of a model file, and the shape of one row."""
    from dnnstudio.core.data import known_summary

    if path.suffix.lower() in (".keras", ".h5", ".hdf5"):
        from dnnstudio.engine.model_files import read_model

        contents = read_model(path)
        return contents.layers, contents.input_shape
    experiment = read_experiment(path)
    known = known_summary(experiment.data) or _describe(experiment.data, experiment.seed).summary
    return experiment, known.input_shape


@app.command()
def data(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="digits, fashion_mnist, mnist, or an experiment.")],
    download: Annotated[bool, typer.Option("--download", help="Fetch the data set if it is not here.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print where a data set was found, its shape and class counts."""
    from dnnstudio.cli_output import data_object, data_text
    from dnnstudio.core.data import SOURCE_KINDS, Data

    chosen, seed, whole = Data(), 42, True
    known = [name for name, source in SOURCE_KINDS.items() if source.shape is not None]
    if kind in known:
        chosen = Data.model_validate({"source": {"kind": kind}})
    elif Path(kind).exists():
        experiment = read_experiment(Path(kind))
        chosen, seed, whole = experiment.data, experiment.seed, False
    elif kind in SOURCE_KINDS:
        raise UserError(f"{kind} is read from files of yours.", "Give the experiment that names them.")
    else:
        raise UserError(f'There is no data set or experiment "{kind}".', f"Data sets: {', '.join(known)}.")
    found = _describe(chosen, seed, download=download)
    if as_json:
        print(json.dumps(data_object(found, whole=whole), ensure_ascii=False))
    else:
        print(data_text(found, whole=whole))


cli_export.register(app)
cli_transfer.register(app)
cli_uncertainty.register(app)

if __name__ == "__main__":
    sys.exit(main())
