"""Programs take turns at a small file that each reads, changes and writes within moments.

The lock is one of the system on a file beside it, so it ends with the process that has it. It is a courtesy: who does
not get it in time (its holder stands still, the drive has no locks, nothing can be written there) goes on without it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAUSE_S = 0.001
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_TURN, _NEXT = 0, 1
"""Bytes of the file: who has the turn, and who has it next. Without the second, one that writes again and again would
leave the others no moment."""


Version = tuple[int, int, int]


class WrittenMeanwhile(Exception):  # noqa: N818 - a fact, not an error
    """Somebody who had no turn wrote the file between this one's reading and writing."""


def version_of(path: Path) -> Version | None:
    """What differs between two versions of a file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class Turns:
    """Turns of one program at one file that wait `patience_s` in all, however many are asked for in one moment.

    What was waited can be waited again little by little, and all of it after `rest_s`.
    """

    def __init__(self, path: Path, patience_s: float, rest_s: float) -> None:
        self._path = path
        self._most_s = self._left_s = patience_s
        self._rest_s = rest_s
        self._counted = time.monotonic()

    @contextmanager
    def take(self) -> Iterator[bool]:
        """The same as `turn`."""
        asked = time.monotonic()
        self._left_s = min(self._left_s + (asked - self._counted) * self._most_s / self._rest_s, self._most_s)
        with turn(self._path, self._left_s) as sure:
            self._counted = time.monotonic()
            self._left_s = max(self._left_s - (self._counted - asked), 0.0)
            yield sure


@contextmanager
def turn(path: Path, wait_s: float) -> Iterator[bool]:
    """Nobody else who asks for a turn by the file `path` has one within the block; False where that is not sure.

    It waits no longer than `wait_s`. Turns of one process do not keep each other out: take them on one thread.
    """
    handle = _opened(path)
    try:
        yield handle is not None and _taken(handle, time.monotonic() + wait_s) and _is_at(handle, path)
    finally:
        if handle is not None:
            os.close(handle)  # and free the lock


@contextmanager
def folder_turn(folder: Path, wait_s: float) -> Iterator[None]:
    """Nobody else who asks for a turn at the files of `folder` has one within the block, where the system can lock a
    folder: no file is left in it for that.
    """
    handle = None
    with contextlib.suppress(OSError, ValueError):
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        if handle is not None and sys.platform != "win32":
            _wait_for(handle, time.monotonic() + wait_s)
        yield
    finally:
        if handle is not None:
            os.close(handle)  # and free the lock


def _wait_for(folder: int, until: float) -> None:
    import fcntl

    with contextlib.suppress(OSError):  # the drive has no locks
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= until:
                    return
            time.sleep(_PAUSE_S)


def _opened(path: Path) -> int | None:
    """The file, which is not removed when a turn ends: others may be waiting for it. None where it cannot be had."""
    handle = _plain_file(path)
    if handle is None and _cleared(path):
        handle = _plain_file(path)
    return handle


def _plain_file(path: Path) -> int | None:
    """The file or a new one; neither is a link followed nor a named pipe waited for."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None


def _cleared(path: Path) -> bool:
    """Whether something was removed that no lock can be had on: a link, a pipe, an empty folder, a file that may not be
    opened. Otherwise it would keep the programs from taking turns for ever.
    """
    try:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            path.rmdir()
        elif not stat.S_ISREG(mode) or not os.access(path, os.R_OK | os.W_OK):
            path.unlink()
        else:
            return False  # too many files are open, or the like
    except (OSError, ValueError):
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether the path still leads to the open file: another one may have removed it as it could not open it."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _taken(handle: int, until: float) -> bool:
    """Whether the turn was had in time; who waits is before who comes again."""
    try:
        for place in (_NEXT, _TURN):
            while not _locked(handle, place):
                if time.monotonic() >= until:
                    return False
                time.sleep(_PAUSE_S)
        _unlock(handle, _NEXT)
    except OSError:
        return False  # the drive has no locks
    return True


def _locked(handle: int, place: int) -> bool:
    """Lock one byte if nobody has it. Raises `OSError`."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, place, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
    except OSError as error:
        if error.errno in _BUSY:
            return False
        raise
    return True


def _unlock(handle: int, place: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, place, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.lockf(handle, fcntl.LOCK_UN, 1, place)
