"""Bounded reads, and atomic writes that lose neither the old nor the new content to a crash or a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.os_errors import code_of, found_in, reason_of
from dnnstudio.core.text import byte_size

WINDOWS = os.name == "nt"
REPLACE_PATIENCE_S = 2.5
"""How long another program may hold the target open (Windows) before the save gives up."""
LEFTOVER_AGE_S = 24 * 3600
"""A temporary file older than this was left by an interrupted save."""

Content = bytes | Callable[[BinaryIO], object]
"""Content to write: bytes, or a function that writes large content to the open file."""

_ZEROS = bytes(2**20)
_TEMPORARY = ".dnnstudio-"
_ELSEWHERE = "Save it elsewhere."


def read_bounded(path: Path, limit: int, *, what: str) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises `UserError` for anything else."""
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist.", "Check the path.")
        if not path.is_file():
            raise UserError(f"{path} is not a file.", f"Choose the file that holds {what}.")
        with path.open("rb") as file:
            # Python takes all the memory that a read may need before it reads.
            content = file.read(min(os.fstat(file.fileno()).st_size, limit) + 1)
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {reason_of(error)}.", "Check its permissions.", code=Code.CANNOT_READ
        ) from None
    if len(content) > limit:
        raise UserError(
            f"{path.name} is larger than {byte_size(limit)}, too large for {what}.",
            "Is it the right file?",
        )
    return content


def write_atomically(
    path: Path,
    content: Content,
    *,
    keep_previous: bool = False,
    private: bool = False,
    last_look: Callable[[], object] | None = None,
) -> None:
    """Replace `path` by `content` in one step: afterwards the file is the old one or the new one, never a part.

    The content is written to a temporary file in the same folder, flushed to disk, and renamed over the target; mode,
    owner, extended attributes and a symbolic link are kept. `keep_previous` leaves the last version as `name~`. What
    is `private`, or was so before, may be read by its owner alone at every moment. Raises `UserError`; the old file is
    then untouched and no temporary file is left. `last_look` is called when all but the renaming is done, and may
    forbid it by an exception of its own.
    """
    temporary: Path | None = None
    try:
        target = Path(os.path.realpath(path))
        before = _plain_file(target, path)
        temporary = _write_beside(target, content, private=private or before is not None)
        if before is not None:
            _take_over(before, target, temporary)
        if keep_previous and before is not None:
            _keep(target)
        if last_look is not None:
            last_look()
        _replace(temporary, target)
        temporary = None
    except OSError as error:
        raise UserError(
            f"{path} cannot be written: {reason_of(error)}.",
            _cure(error, len(content) if isinstance(content, bytes) else 0, path),
            code=code_of(error),
        ) from None
    except ValueError:  # a name with a NUL or a lone surrogate
        raise UserError(f"{str(path)!a} is no name that a file can have.", _ELSEWHERE) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    _sync_folder(target.parent, path)


def reserve(file: BinaryIO, size: int) -> None:
    """Give a new, open file `size` bytes on the disk, all zero, before it is mapped into memory.

    A file that is only made longer has holes; to write into one on a full disk ends the process. Raises `OSError`.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
            return
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
    for start in range(0, size, len(_ZEROS)):
        file.write(_ZEROS[: size - start])
    file.flush()


def sweep_leftovers(folder: Path, *, older_than_s: float = LEFTOVER_AGE_S) -> int:
    """Delete the temporary files that interrupted saves left in `folder` long ago, and return how many."""
    removed = 0
    for item in found_in(folder, f"{_TEMPORARY}*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - item.stat().st_mtime > older_than_s:
                item.unlink()
                removed += 1
    return removed


def make_folder(path: Path, *, parents: bool = True) -> None:
    """Create a folder and, unless they must be there, its `parents`. Raises `UserError`."""
    try:
        path.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {path} cannot be made: {reason_of(error)}.", "Choose another place.", code=code_of(error)
        ) from None


def _plain_file(target: Path, path: Path) -> os.stat_result | None:
    """The status of the file to be replaced, None if there is none. Folders and devices are refused."""
    if _is_reserved(target.name):
        raise UserError(f"{path} cannot be written: Windows keeps the name {target.stem} for itself.", _ELSEWHERE)
    try:
        before = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(before.st_mode):
        raise UserError(f"{path} cannot be written: it is a folder.", _ELSEWHERE)
    if not stat.S_ISREG(before.st_mode):
        raise UserError(f"{path} cannot be written: it is no plain file.", _ELSEWHERE)
    return before


def _is_reserved(name: str) -> bool:
    """Whether Windows would open a device instead of a file."""
    stem = name.split(".")[0].rstrip().upper()
    return WINDOWS and (stem in {"CON", "PRN", "AUX", "NUL"} or (stem[:3] in {"COM", "LPT"} and stem[3:].isdigit()))


def _write_beside(target: Path, content: Content, *, private: bool) -> Path:
    """Write `content` to a new file in the target's folder and flush it to disk.

    The file is `private` while nobody knows whether the one that it replaces is.
    """
    # A short name of fixed form, whatever the target's name is, so that sweep_leftovers recognizes it.
    temporary = target.parent / f"{_TEMPORARY}{os.urandom(8).hex()}.tmp"
    handle = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600 if private else 0o666
    )
    try:
        with os.fdopen(handle, "wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                content(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    return temporary


def _take_over(before: os.stat_result, target: Path, temporary: Path) -> None:
    """Give the new file the old one's owner, extended attributes and mode, as far as the system allows."""
    if hasattr(os, "chown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(OSError):
            os.chown(temporary, before.st_uid, before.st_gid)
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(target):
                os.setxattr(temporary, name, os.getxattr(target, name))
    with contextlib.suppress(NotImplementedError):
        temporary.chmod(stat.S_IMODE(before.st_mode))


def _keep(target: Path) -> None:
    """Keep the last version as `name~` through a hard link, so that `name` itself always exists."""
    spare = target.parent / f"{_TEMPORARY}{os.urandom(8).hex()}.tmp"
    try:
        try:
            os.link(target, spare)
        except OSError:  # a file system without hard links
            spare = _write_beside(target, target.read_bytes(), private=True)
            _take_over(target.stat(), target, spare)
        _replace(spare, target.with_name(target.name + "~"))
    finally:
        with contextlib.suppress(OSError):
            spare.unlink(missing_ok=True)


def _replace(source: Path, target: Path) -> None:
    deadline = time.monotonic() + REPLACE_PATIENCE_S
    while True:
        try:
            source.replace(target)
            return
        except PermissionError:
            if not WINDOWS or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _sync_folder(folder: Path, path: Path) -> None:
    """Flush the folder, so that the rename survives a power cut. Not every file system can."""
    if WINDOWS:
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder with write but without read permission
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno in (errno.EIO, errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{path} was written, but the disk did not confirm it: {reason_of(error)}.",
                "Save it once more elsewhere.",
            ) from None
    finally:
        os.close(handle)


def _cure(error: OSError, size: int, path: Path) -> str:
    if code_of(error) is not Code.DISK_FULL:
        return _ELSEWHERE
    try:
        free = f"{byte_size(shutil.disk_usage(path.parent).free)} are free"
    except OSError:
        free = "less is free"
    if not size:
        return f"{free[0].upper()}{free[1:]}; make room or save elsewhere."
    return f"It needs {byte_size(size)} and {free}; make room or save elsewhere."
