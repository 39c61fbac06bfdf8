"""The command that opens the window; hidden, because a path alone also opens the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command("open", hidden=True)
def open_window(path: Annotated[Path | None, typer.Argument(metavar="EXPERIMENT_OR_RUN")] = None) -> int:
    """Open the window, with an experiment or a run if one is given."""
    from dnnstudio.app import run as run_window

    return run_window([str(path)] if path is not None else [])
