"""Unsaved work that outlives the program: one file for each program that is running, offered at the next start.

A file belongs to the process that wrote it, known by its number and the time of its start (numbers come again). It is
unsaved work as soon as that process is gone. Nothing is deleted before the person has answered.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from dnnstudio.core import codec
from dnnstudio.core.errors import UserError
from dnnstudio.core.experiment import Experiment
from dnnstudio.core.files import make_folder, read_bounded, sweep_leftovers, write_atomically

MAX_BYTES = 16 * 2**20
SUFFIX = ".unsaved.json"


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Work that was not saved when a program ended. `when` is in seconds since 1970.

    `path` is the file that it belongs to, if it had one; `tries` says how often it was recovered before and the
    program then ended unexpectedly again.
    """

    file: Path
    experiment: Experiment
    path: Path | None
    when: float
    tries: int


def own_file(folder: Path) -> Path:
    """Where this process keeps its unsaved work."""
    return folder / f"{os.getpid()}-{_born(os.getpid()):.0f}{SUFFIX}"


def keep(file: Path, experiment: Experiment, path: Path | None, tries: int = 0) -> None:
    """Write the unsaved work. Raises `UserError`; what was kept before is then still there."""
    make_folder(file.parent)
    plain = {
        "when": time.time(),
        "path": None if path is None else str(path.absolute()),
        "tries": tries,
        "experiment": codec.to_plain(experiment),
    }
    write_atomically(file, json.dumps(plain).encode())


def forget(file: Path) -> None:
    """The work is saved, or the person does not want it."""
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)


def find_unsaved(folder: Path) -> tuple[Unsaved, ...]:
    """What programs that have ended left unsaved, newest first. Files that cannot be read stay where they are."""
    if not folder.is_dir():
        return ()
    sweep_leftovers(folder)
    found = [_read(file) for file in folder.glob(f"*{SUFFIX}") if not _is_owned(file)]
    return tuple(sorted((item for item in found if item is not None), key=lambda item: item.when, reverse=True))


def _read(file: Path) -> Unsaved | None:
    with contextlib.suppress(UserError, ValueError, TypeError, KeyError, RecursionError):
        plain = codec.decode(read_bounded(file, MAX_BYTES, what="unsaved work"), name=file.name)
        path = plain["path"]
        return Unsaved(
            file=file,
            experiment=codec.from_plain(plain["experiment"], name=file.name),
            path=None if path is None else Path(path),
            when=float(plain["when"]),
            tries=int(plain["tries"]),
        )
    return None


def _is_owned(file: Path) -> bool:
    """Whether the process that wrote it is still running."""
    number, _, born = file.name.removesuffix(SUFFIX).partition("-")
    return number.isdigit() and born.isdigit() and abs(_born(int(number)) - int(born)) <= 1


def _born(process: int) -> float:
    """When a process was started, in seconds since 1970; -10 when there is none."""
    try:
        return float(psutil.Process(process).create_time())
    except psutil.Error:
        return -10.0
