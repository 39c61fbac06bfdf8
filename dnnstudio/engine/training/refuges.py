"""Where a run is kept whose own folder can no longer be written at the end of its training."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import platformdirs

from dnnstudio.core.study.sweep import TRIALS
from dnnstudio.core.workspace.ensembles import MEMBERS

REFUGE = "rescued"
"""What the folder of such runs is called, in the person's own data and in the other places."""


def refuges(run: Path) -> Iterator[tuple[Path, bool]]:
    """New folders in which a run can be kept whose own folder, `run`, cannot be written, and whether what lies there
    outlasts the computer's next start; the most lasting first.

    Each is called as the run, a member or a trial with what it belongs to, and with a number where there is one
    already. It may be entered by its owner alone, and is removed again where nothing was put into it.
    """
    name = f"{run.parent.parent.name} {run.name}" if run.parent.name in (MEMBERS, TRIALS) else run.name
    for parent, lasts in _places():
        folder = _new_folder(parent, name)
        if folder is None:
            continue
        try:
            yield folder, lasts
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _places() -> Iterator[tuple[Path, bool]]:
    owner = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    with contextlib.suppress(OSError, RuntimeError):  # a person without a home
        own = platformdirs.user_data_path("dnnstudio", appauthor=False)
        own.mkdir(parents=True, exist_ok=True)
        yield own / REFUGE, True
    with contextlib.suppress(OSError):  # no temporary folder
        yield Path(tempfile.gettempdir()) / f"dnnstudio-{REFUGE}{owner}", False
    yield Path("/dev/shm") / f"dnnstudio-{REFUGE}{owner}", False  # in memory, where the system has it


def _new_folder(parent: Path, name: str) -> Path | None:
    try:
        parent.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and parent.lstat().st_uid != os.getuid():
            return None  # somebody else's, in a folder for everybody
        for number in count(1):
            folder = parent / (name if number == 1 else f"{name} {number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                return folder
    except (OSError, ValueError):
        return None
    return None
