"""The command line: one table of verbs, and what becomes of their errors.

A verb is one file of this package: a module with an `app` (a `typer.Typer`) whose functions are its commands, listed in
`VERBS`. Nothing heavy is imported before a verb needs it: `schema`, `check`, `summary EXPERIMENT`, `recipes` and
`--help` load neither TensorFlow nor Qt.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from dnnstudio import __version__
from dnnstudio.cli import (
    cluster,
    data,
    experiments,
    export,
    models,
    new,
    predict,
    repeat,
    sweep,
    train,
    transfer,
    uncertainty,
    weights,
    window,
)
from dnnstudio.cli.common import BAD_INPUT, INTERRUPTED, as_sentence
from dnnstudio.cli.streams import lasting_streams, why_output_was_lost
from dnnstudio.core.errors import LONGEST, Cancelled, UserError
from dnnstudio.core.os_errors import refusal_of
from dnnstudio.core.text import cut_within, harmless

VERBS = (
    window.app,
    experiments.app,
    new.app,
    train.app,
    repeat.app,
    sweep.app,
    cluster.app,
    models.app,
    weights.app,
    data.app,
    export.app,
    transfer.app,
    uncertainty.app,
    predict.app,
)
"""The commands, a group for each subject, in the order of `--help`."""
PRINTERS = ("check", "data", "diff", "evaluate", "library", "recipes", "schema", "summary", "weights")
"""The commands that give nothing but what they print; `weights` does so unless there is --out."""
GONE = "The folder that you are in was removed: change to another one."
"""Why a path that begins there leads nowhere."""


class _Commands(TyperGroup):
    """Typer makes a silent exit code of Ctrl+C, which is not to be told from one that a command returns."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Cancelled from None


app = typer.Typer(
    name="dnnstudio",
    cls=_Commands,
    help="Build, train, reuse and question deep neural networks. Without a command, the window opens.",
    epilog="dnnstudio EXPERIMENT or dnnstudio RUN opens that file or run folder in the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in VERBS:
    app.add_typer(group)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code. What a person did wrong is a sentence on stderr and the code 2.

    So is an output that the disk has no room for, unless the command writes files: then they are what counts.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with lasting_streams() as output:
        code = _code_of(words)
        if code in (BAD_INPUT, INTERRUPTED) or not _only_prints(words):
            return code
        if lost := why_output_was_lost(output):
            print(lost, file=sys.stderr)
            return BAD_INPUT
        return code


def _code_of(words: list[str]) -> int:
    try:
        code = app(_with_verb(words), prog_name="dnnstudio", standalone_mode=False)
    except (UserError, TyperException) as error:
        text = str(error) if isinstance(error, UserError) else error.format_message()
        said = as_sentence(cut_within(harmless(text), LONGEST))
        print(f"{said} {GONE}" if _is_working_folder_gone() else said, file=sys.stderr)
        return BAD_INPUT
    except MemoryError:
        print("The memory did not suffice. Use a smaller network, batch or data set.", file=sys.stderr)
        return BAD_INPUT
    except (Cancelled, KeyboardInterrupt, typer.Abort):
        print("Stopped before the end.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        refusal = refusal_of(error)
        if refusal is not None:
            print(as_sentence(harmless(str(refusal))), file=sys.stderr)
        elif isinstance(error, FileNotFoundError) and _is_working_folder_gone():  # it names no file
            print(GONE, file=sys.stderr)
        else:
            raise
        return BAD_INPUT
    return code if isinstance(code, int) else 0


def _is_working_folder_gone() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _only_prints(words: list[str]) -> bool:
    """Whether what the command prints is all that it gives."""
    first = words[0] if words else ""
    if first.startswith("-") or "--help" in words:
        return True
    return first in PRINTERS and not any(word.partition("=")[0] == "--out" for word in words)


def _with_verb(words: list[str]) -> list[str]:
    """The arguments with their verb: a path, or no argument, opens the window."""
    commands = [command for group in VERBS for command in group.registered_commands]
    verbs = [command.name or command.callback.__name__ for command in commands if command.callback]
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


if __name__ == "__main__":
    sys.exit(main())
