"""Temporary files where there may be no folder for them: full, read-only, or named by a TMPDIR that is not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from dnnstudio.core.errors import UserError
from dnnstudio.core.os_errors import reason_of


def scratch_file() -> IO[bytes]:
    """A file for the few lines that a library or another process writes: in memory, or in the temporary folder.

    Where there is neither, nothing that is written is kept.
    """
    if hasattr(os, "memfd_create"):
        with suppress(OSError):
            return os.fdopen(os.memfd_create("dnnstudio"), "w+b")
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return Path(os.devnull).open("w+b")


@contextmanager
def named_temporary_folder() -> Iterator[None]:
    """Within the block the system's folder for temporary files has a name, though none may be there.

    TensorFlow asks for the name while it is imported, and needs no more.
    """
    try:
        tempfile.gettempdir()
    except OSError:
        tempfile.tempdir = os.devnull
        try:
            yield
        finally:
            tempfile.tempdir = None
    else:
        yield


@contextmanager
def folder_of_a_command() -> Iterator[Path]:
    """A new folder among the temporary files, removed at the end of the block.

    An interrupt may come at any moment, also when the folder is just made. Raises `UserError` where none can be made.
    """
    folder: Path | None = None
    try:
        try:
            folder = Path(tempfile.gettempdir()) / f"dnnstudio-{os.urandom(16).hex()}"
            folder.mkdir(0o700)
        except OSError as error:
            raise _unwritable(error) from None
        yield folder
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def temporary_folder(prefix: str, *, within: Path | None = None) -> tempfile.TemporaryDirectory[str]:
    """A new folder that is removed at the end, `within` a folder or in the system's one for temporary files.

    Raises `UserError` where none can be made.
    """
    try:
        return tempfile.TemporaryDirectory(prefix=prefix, dir=within)
    except OSError as error:
        if within is not None:
            raise UserError(f"{within} cannot be written: {reason_of(error)}.", "Choose another folder.") from None
        raise _unwritable(error) from None


def _unwritable(error: OSError) -> UserError:
    return UserError(
        f"Temporary files cannot be written: {reason_of(error)}.",
        "Make room in the folder for temporary files, or set TMPDIR to another one.",
    )
