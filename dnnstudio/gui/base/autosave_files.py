"""Autosave files: unsaved work survives a crash in one file per running program, and is offered at the next start.

A file belongs to the process that wrote it, identified by its id and its beginning (ids are reused). It counts as
unsaved work once that process is gone, whatever the clock says. Nothing is deleted before the user has answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from dnnstudio.core.atomic_files import make_folder, read_bounded, sweep_leftovers, write_atomically
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.os_errors import is_folder_there
from dnnstudio.core.processes import beginning_of, boot
from dnnstudio.core.workspace.metrics import LATEST

MAX_BYTES = 16 * 2**20
SUFFIX = ".unsaved.json"
MOST_TRIES = 1000


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Work that was not saved when a program ended. `when` is in seconds since 1970.

    `path` is its experiment file, if it had one; `tries` counts earlier recoveries after which the program again ended
    unexpectedly.
    """

    file: Path
    experiment: Experiment
    path: Path | None
    when: float
    tries: int


def own_file(folder: Path) -> Path:
    """The autosave file of this process."""
    return folder / f"{os.getpid()}-{_beginning(os.getpid())}{SUFFIX}"


def keep(file: Path, experiment: Experiment, path: Path | None, tries: int = 0) -> None:
    """Write the unsaved work. Raises `UserError`; the previous autosave is then kept."""
    make_folder(file.parent)
    plain = {
        "when": time.time(),
        "path": None if path is None else str(path.absolute()),
        "tries": tries,
        "experiment": codec.to_plain(experiment),
    }
    write_atomically(file, json.dumps(plain).encode(), private=True)


def forget(file: Path) -> None:
    """Delete the autosave: the work is saved, or the user discarded it."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def find_unsaved(folder: Path) -> tuple[Unsaved, ...]:
    """The unsaved work of ended programs, newest first. Files that cannot be read are left in place."""
    if not is_folder_there(folder):
        return ()
    sweep_leftovers(folder)
    found = [_read(file) for file in folder.glob(f"*{SUFFIX}") if not _is_owned(file)]
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.when, reverse=True))


def _read(file: Path) -> Unsaved | None:
    with contextlib.suppress(UserError, ValueError, TypeError, KeyError, OverflowError, OSError):
        plain = codec.decode(read_bounded(file, MAX_BYTES, what="unsaved work"), name=file.name)
        path, when, tries = plain["path"], float(plain["when"]), int(plain["tries"])
        if not 0 <= when <= LATEST or not 0 <= tries <= MOST_TRIES:
            return None
        return Unsaved(
            file=file,
            experiment=codec.from_plain(plain["experiment"], name=file.name),
            path=None if path is None else Path(path),
            when=when,
            tries=tries,
        )
    return None


def _is_owned(file: Path) -> bool:
    """Whether the process that wrote it is still running."""
    number, _, began = file.name.removesuffix(SUFFIX).partition("-")
    if not number.isdigit():
        return False
    if began.isdigit():  # of a system that tells the time alone, or of a version that asked for it
        return abs(_born(int(number)) - int(began)) <= 1
    return began == _beginning(int(number))


def _beginning(process: int) -> str:
    """What tells a process from every other one of its number. Linux reckons its time from a clock that changes."""
    if (ticks := beginning_of(process)) and (start := boot()):
        return f"{ticks}-{start}"
    return f"{_born(process):.0f}"


def _born(process: int) -> float:
    """A process's start time in seconds since 1970; -10 if it does not exist."""
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return -10.0
