"""Copies pictures into a folder for each answer. What exists is never written over, and the originals stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.cases import CopiedPictures, CopyPictures
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.jobs.events import Event, Progress, Stage
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.workspace.runs import safe_name

EVERY = 50


def copy_pictures(job: CopyPictures, control: Control, emit: Callable[[Event], None]) -> CopiedPictures:
    """Copy the job's pictures; a name that is taken gets a number. Raises `UserError` where nothing can be copied.

    What was copied before `Cancelled` stays.
    """
    if not job.pictures:
        raise UserError("There are no pictures to copy.", "Give the network some pictures to answer first.")
    make_folder(job.folder)
    copied, refused = 0, []
    for number, (path, answer) in enumerate(job.pictures):
        control.check()
        if number % EVERY == 0:
            text = "Copying pictures"
            emit(Progress(run=job.id, done=number, total=len(job.pictures), text=text, stage=Stage.SAVING))
        try:
            _copy(path, job.folder / (safe_name(answer) or "_"))
            copied += 1
        except OSError as error:
            refused.append((path, reason_of(error)))
    if not copied:
        path, reason = refused[0]
        raise UserError(f"No picture could be copied; {path.name}: {reason}.", "Choose another folder.")
    return CopiedPictures(job.folder, copied, tuple(refused))


def _copy(path: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    target, count = folder / path.name, 2
    while True:
        try:  # made here and nowhere else: two pictures of one name come from different folders
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            break
        except FileExistsError:
            target, count = folder / f"{path.stem}-{count}{path.suffix}", count + 1
    try:
        shutil.copy2(path, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
