"""Reading with a limit and writing so that neither a crash nor a full disk loses what was there before."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time
from pathlib import Path

from dnnstudio.core.errors import UserError

REPLACE_PATIENCE_S = 2.5
"""How long another program may hold the target open (Windows) before the save gives up."""


def read_bounded(path: Path, limit: int, *, what: str) -> bytes:
    """The bytes of a plain file of at most `limit` bytes. Raises `UserError` for everything else."""
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist.", "Check the path.")
        if not path.is_file():
            raise UserError(f"{path} is not a file.", f"Choose the file that holds {what}.")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {_reason(error)}.", "Check its permissions.") from None
    if len(content) > limit:
        raise UserError(
            f"{path.name} is larger than {limit / 2**20:.0f} MB, too large for {what}.",
            "Is it the right file?",
        )
    return content


def write_atomically(path: Path, content: bytes, *, keep_previous: bool = False) -> None:
    """Replace `path` by `content` in one step: afterwards the file is the old one or the new one, never a part.

    The content goes to a temporary file in the same folder, is flushed to the disk, and is moved into place; mode
    bits and a symbolic link's target are kept. `keep_previous` leaves the last version as `name~`.
    Raises `UserError`; the old file is then untouched and nothing temporary is left.
    """
    target = Path(os.path.realpath(path))
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".tmp", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError, NotImplementedError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        if keep_previous and target.exists():
            _keep(target)
        _replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {_reason(error)}.", _cure(error, len(content))) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises `UserError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"The folder {path} cannot be made: {_reason(error)}.", "Choose another place.") from None


def _keep(target: Path) -> None:
    """Leave the last version as `name~` by a second link, so that the name itself is never missing."""
    backup = target.with_name(target.name + "~")
    backup.unlink(missing_ok=True)
    try:
        os.link(target, backup)
    except OSError:  # a file system without hard links
        backup.write_bytes(target.read_bytes())


def _replace(source: Path, target: Path) -> None:
    deadline = time.monotonic() + REPLACE_PATIENCE_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(error: OSError) -> str:
    return {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the quota is used up",
        errno.EFBIG: "the file would be too large for this disk",
        errno.EACCES: "permission denied",
        errno.EROFS: "the disk is read-only",
        errno.ENOENT: "its folder does not exist",
        errno.EISDIR: "it is a folder",
        errno.ENAMETOOLONG: "the name is too long",
        errno.ENOTDIR: "a part of its path is not a folder",
    }.get(error.errno or 0, (error.strerror or str(error)).lower())


def _cure(error: OSError, size: int) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"It needs {max(size / 2**20, 0.1):.1f} MB; free some space or save elsewhere."
    return "Save it elsewhere."
