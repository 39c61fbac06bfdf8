"""The commands on rows of the run table: their words, keys, and which rows they fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from dnnstudio.core.study.listing import ListedRun
from dnnstudio.core.workspace.remarks import Color


@dataclass(frozen=True, slots=True)
class Deed:
    """A command on chosen rows. `misfit` says why it cannot be done on so many, "" where it can."""

    name: str
    text: str
    keys: str
    help: str
    misfit: Callable[[Sequence[ListedRun]], str]


def _one_folder(runs: Sequence[ListedRun]) -> str:
    if len(runs) == 1 and len(runs[0].folders) > 1:
        return "The row stands for several runs. Unfold it, and choose one of them."
    return "" if len(runs) == 1 else "Choose one row in the table."


def _some(runs: Sequence[ListedRun]) -> str:
    return "" if runs else "Choose a row in the table."


DEEDS = (
    Deed("open", "Open its experiment", "", "Open it in the main window, a sweep in its own (Enter).", _one_folder),
    Deed("show", "Show in the main window", "Ctrl+Return", "Choose the run there: curves, result, model.", _one_folder),
    Deed("inspect", "Uncertainty…", "Ctrl+U", "What the network or the ensemble says of each row.", _one_folder),
    Deed("go_on", "Go on training", "Ctrl+F7", "Train a stopped run, or what a repeat or a sweep lacks.", _one_folder),
    Deed("star", "Star", "Ctrl+B", "Mark the runs with a star, or take it away.", _some),
    Deed("note", "Note", "Ctrl+E", "Write a note on the run.", _one_folder),
    Deed("rename", "Rename…", "F2", "Give the run's experiment another name.", _one_folder),
    Deed("folder", "Open its folder", "", "Show the run's files.", _one_folder),
    Deed("delete", "Delete", "Del", "Put the runs into the trash of the workspace; Undo brings them back.", _some),
)  # fmt: skip
COLOR_DEEDS: dict[Color, Deed] = {
    color: Deed(
        f"color_{color or 'none'}", color.capitalize() or "None", f"Ctrl+{place}", "Mark the runs with a colour.", _some
    )
    for place, color in enumerate(get_args(Color))
}
"""In a menu of their own. A run's curves are drawn in its colour too, where no other's are."""
