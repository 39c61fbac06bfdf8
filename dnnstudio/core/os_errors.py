"""Operating system errors in a few words that can end a sentence."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.text import as_unicode, shortened

_REASONS = {
    errno.EACCES: "permission denied",
    errno.EBUSY: "another program is using it",
    errno.EEXIST: "something else has this name",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the file would be too large for this disk",
    errno.EIO: "the disk reports an error",
    errno.EISDIR: "it is a folder",
    errno.ELOOP: "its links lead round in a circle",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOENT: "the file or its folder does not exist",
    errno.ENOSPC: "the disk is full",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.EPERM: "the system does not permit it",
    errno.EROFS: "the disk is read-only",
    errno.ESTALE: "the network drive went away",
}


def reason_of(error: OSError) -> str:
    """The reason of an `OSError`, in lower case without a full stop: "permission denied".

    Errors outside the table use the system's own text.
    """
    return _REASONS.get(error.errno or 0) or (error.strerror or str(error)).lower()


def code_of(error: OSError) -> Code | None:
    """The code of a refusal for this reason, where it has one."""
    return Code.DISK_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else None


def refusal_of(error: BaseException) -> UserError | None:
    """What to tell the user of a file that the system refuses, anywhere; None for an error of another kind.

    Even a look at whether a path exists fails in a folder that may not be entered, or for a name that is too long.
    """
    if not isinstance(error, OSError) or error.errno not in _REASONS or not isinstance(error.filename, str | bytes):
        return None
    name = as_unicode(shortened(os.fsdecode(error.filename), 200))
    return UserError(f"{name} cannot be used: {reason_of(error)}.", "Check the path, and who may read and write there.")


@contextmanager
def plainly_refused(place: Path) -> Iterator[None]:
    """What the system refuses within the block is a `UserError` about the file it refused, or about `place`."""
    try:
        yield
    except OSError as error:
        raise refusal_of(error) or UserError(
            f"{as_unicode(str(place))} cannot be used: {reason_of(error)}.", "Check the path."
        ) from None


def is_there(path: Path) -> bool:
    """Whether there is something at `path` that may be looked at.

    `Path.exists` raises where a folder may not be entered, a name is too long or a network drive went away, which must
    not stop anything over a path that is merely remembered.
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_missing(path: Path) -> bool:
    """Whether there surely is nothing at `path`: what may not be looked at is refused where it is read."""
    try:
        return not path.exists()
    except (OSError, ValueError):
        return False


def is_file_there(path: Path) -> bool:
    """Whether `path` is a file that may be looked at, as `is_there`."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder_there(path: Path) -> bool:
    """Whether `path` is a folder that may be looked at, as `is_there`."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def changed_at(path: Path) -> int:
    """When `path` was changed last, in nanoseconds; 0 where it is not there or may not be looked at."""
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def found_in(folder: Path, pattern: str) -> tuple[Path, ...]:
    """What is in `folder` by a pattern of `Path.glob`, sorted; nothing where it may not be looked at."""
    try:
        return tuple(sorted(folder.glob(pattern)))
    except (OSError, ValueError):
        return ()
