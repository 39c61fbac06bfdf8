"""Where a run is kept whose own folder can no longer be written at the end of its training."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import platformdirs

REFUGE = "rescued"
"""What the folder of such runs is called, in the person's own data and in the other places."""


def refuges(name: str) -> Iterator[Path]:
    """New folders in which a run can be kept when its own cannot be written, the most lasting first.

    Each is called `name`, with a number where there is one already, may be entered by its owner alone, and is removed
    again where nothing was put into it.
    """
    for parent in _lasting_places():
        folder = _new_folder(parent, name)
        if folder is None:
            continue
        try:
            yield folder
        finally:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _lasting_places() -> Iterator[Path]:
    owner = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    found = [Path("/dev/shm") / f"dnnstudio-{REFUGE}{owner}"]  # in memory, where the system has it: until it ends
    with contextlib.suppress(OSError):  # no temporary folder
        found.insert(0, Path(tempfile.gettempdir()) / f"dnnstudio-{REFUGE}{owner}")
    with contextlib.suppress(OSError, RuntimeError):  # a person without a home
        own = platformdirs.user_data_path("dnnstudio", appauthor=False)
        own.mkdir(parents=True, exist_ok=True)
        found.insert(0, own / REFUGE)
    yield from found


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
