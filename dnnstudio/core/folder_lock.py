"""One program at a time works on a run's folder: a lock of the system on a file in it, which says who holds it.

The system frees the lock when a process ends, however it ends, so a file that was left behind stops nobody. Where a
drive cannot lock (some network drives), and where another machine holds the folder, the file's own words count: the
machine since its start, the process, and when it last gave a sign of life.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dnnstudio.core.bounded_json import JsonError, loads
from dnnstudio.core.checksums import FILE as CHECKSUMS
from dnnstudio.core.checksums import is_private
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.os_errors import is_folder_there, reason_of
from dnnstudio.core.processes import beginning_of, boot
from dnnstudio.core.text import moment_text, printable, shortened

FILE = "run.lock"
_BEGINNING = frozenset({FILE, CHECKSUMS})
BEAT_S = 20.0
"""How often who holds a lock gives a sign of life, by the file's time."""
_LOOK_S = 1.0
"""How often it is looked whether the locked file is still that of the folder."""
SILENT_S = 300.0
"""After so long without a sign another machine counts as gone."""
_MAX_BYTES = 4096
_PAUSE_S = 0.05
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a folder, and what for: "a training". `since` is in seconds since 1970.

    `boot` is the machine since its last start, and `began` when the process began in the system's own count, as a later
    process may have its number; "" where the system tells neither.
    """

    what: str
    pid: int
    host: str
    boot: str
    began: str
    since: float


@dataclass(slots=True)
class _Held:
    """A lock of this process. The thread that took it may take it again."""

    thread: int
    count: int


_ours: dict[str, _Held] = {}
_guard = threading.Lock()


@contextmanager
def held(
    folder: Path, what: str, *, wait_s: float = 0.0, only_reads: bool = False, make: bool = False
) -> Iterator[None]:
    """Nobody else trains, changes, moves or copies what `folder` holds within the block.

    `what` tells others the reason: "a training". The thread that holds the folder may take it again. `wait_s` waits
    for others that long. Who `only_reads` may do so where nothing can be written. `make` makes the folder, and removes
    it if it is empty at the end. Raises `UserError`, with `Code.IN_USE` where somebody has it.
    """
    key = os.path.normcase(os.path.realpath(folder))
    with _guard:
        mine = _ours.get(key)
        again = mine is not None and mine.thread == threading.get_ident()
        if mine is not None and again:
            mine.count += 1
    if mine is not None and again:
        try:
            yield
        finally:
            mine.count -= 1
        return
    made = make and _make(folder)
    try:
        with _taken(folder / FILE, what, time.monotonic() + wait_s, only_reads=only_reads):
            _ours[key] = _Held(threading.get_ident(), 1)
            try:
                yield
            finally:
                del _ours[key]
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def holds_something(folder: Path) -> bool:
    """Whether a folder that is there has more in it than a beginning that failed leaves: empty folders, the lock, and
    checksums of what was not written. Raises `OSError`.
    """
    return any(
        path.name not in _BEGINNING and (path.is_symlink() or not path.is_dir() or holds_something(path))
        for path in folder.iterdir()
    )


def _make(folder: Path) -> bool:
    """Whether the folder had to be made. Raises `UserError`."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError:
        if is_folder_there(folder):
            return False
        raise UserError(
            f"The folder {folder} cannot be made: there is a file there.", "Choose another place."
        ) from None
    except OSError as error:
        raise UserError(f"The folder {folder} cannot be made: {reason_of(error)}.", "Choose another place.") from None
    return True


@contextmanager
def _taken(path: Path, what: str, until: float, *, only_reads: bool) -> Iterator[None]:
    """The lock, with signs of life. Raises `UserError`."""
    handle = _wait(path, what, until, only_reads=only_reads)
    if handle is None:
        yield
        return
    handles, over = [handle], threading.Event()
    beating = threading.Thread(target=_beat, args=(path, what, handles, over), name="lock of a folder", daemon=True)
    beating.start()
    try:
        yield
    finally:
        over.set()
        beating.join()
        for taken in handles:
            with contextlib.suppress(OSError):  # the folder may have been moved, and Windows removes no open file
                if _is_at(taken, path):
                    path.unlink()
            os.close(taken)


def _beat(path: Path, what: str, handles: list[int], over: threading.Event) -> None:
    """Give signs of life. Where the folder was moved and is made anew by what goes on, lock the new one too."""
    last = time.monotonic()
    while not over.wait(min(_LOOK_S, BEAT_S)):
        with contextlib.suppress(OSError, UserError):
            if not _is_at(handles[-1], path) and is_folder_there(path.parent):
                again = _try(path, what)
                handles += [] if again is None else [again]
        if time.monotonic() - last >= BEAT_S:
            last = time.monotonic()
            with contextlib.suppress(OSError):
                os.utime(handles[-1] if os.utime in os.supports_fd else path)


def _wait(path: Path, what: str, until: float, *, only_reads: bool) -> int | None:
    """The open file that is locked; None where it could only be looked at, and nobody has it. Raises `UserError`."""
    while True:
        try:
            handle = _try(path, what)
        except OSError as error:
            if only_reads and error.errno in _READ_ONLY:
                _refuse_if_used(path)
                return None
            full = error.errno in _FULL
            hint = "Make room there, or choose another place." if full else "Check who may write in its folder."
            raise UserError(f"{path} cannot be written: {reason_of(error)}.", hint) from None
        except UserError as error:
            if error.code is not Code.IN_USE or time.monotonic() >= until:
                raise
            handle = None
        if handle is not None:
            return handle
        time.sleep(_PAUSE_S)


def _try(path: Path, what: str) -> int | None:
    """The file, locked; None where its last holder removed it meanwhile. Raises `UserError` and `OSError`."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | _PLAIN, 0o600 if is_private(path.parent) else 0o666)
    kept = False
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UserError(f"{path} is no plain file.", "Remove it.")
        locks = _lock(path, handle)
        if not _is_at(handle, path):
            return None
        holder = _read(handle)
        if holder is not None and _may_live(holder, os.fstat(handle).st_mtime, locks=locks):
            raise _refusal(path, holder)
        note = json.dumps(asdict(_this(what))).encode()
        try:
            os.ftruncate(handle, 0)
            os.lseek(handle, 0, os.SEEK_SET)
            os.write(handle, note)
        except OSError:  # a full disk: the folder shall not be left with a file that says nothing
            with contextlib.suppress(OSError):
                path.unlink()
            raise
        kept = True
        return handle
    finally:
        if not kept:
            os.close(handle)


def _lock(path: Path, handle: int) -> bool:
    """Lock the file until it is closed; False where the drive has no locks. Raises `UserError` if somebody has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 2**30, os.SEEK_SET)  # no byte of the note: locked ones cannot be read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _BUSY:
            raise _refusal(path, _read(handle)) from None
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def _refuse_if_used(path: Path) -> None:
    """Look at a lock that cannot be taken. Raises `UserError` where its holder may be at work."""
    try:
        handle = os.open(path, os.O_RDONLY | _PLAIN)
    except OSError:
        return
    try:
        locks = _lock(path, handle)
        holder = _read(handle)
        if holder is not None and _may_live(holder, os.fstat(handle).st_mtime, locks=locks):
            raise _refusal(path, holder)
    except OSError:
        return
    finally:
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the path still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _read(handle: int) -> Holder | None:
    """What the file says of its holder; None where it says nothing, or nothing that makes sense."""
    os.lseek(handle, 0, os.SEEK_SET)
    try:
        plain = loads(os.read(handle, _MAX_BYTES))
        holder = Holder(**plain)
    except (JsonError, TypeError):
        return None
    texts = all(isinstance(text, str) for text in (holder.what, holder.host, holder.boot, holder.began))
    numbers = all(type(number) in (int, float) for number in (holder.pid, holder.since))
    return holder if texts and numbers else None


def _this(what: str) -> Holder:
    pid = os.getpid()
    return Holder(
        what=what, pid=pid, host=platform.node(), boot=boot(), began=beginning_of(pid), since=round(time.time(), 3)
    )


def _may_live(holder: Holder, sign: float, *, locks: bool) -> bool:
    """Whether the holder that a file names may be at work still, though the lock could be taken, or there are none.

    `sign` is when it last gave a sign of life, in seconds since 1970.
    """
    now = boot()
    same_machine = holder.boot == now if holder.boot and now else holder.host == platform.node()
    if not same_machine:
        # A machine of this name was started anew. Of another one, a network drive may not tell us the locks.
        return holder.host != platform.node() and abs(time.time() - sign) < SILENT_S
    if locks:
        return False
    if holder.pid == os.getpid():
        return True
    if holder.began:
        return beginning_of(int(holder.pid)) == holder.began
    return abs(time.time() - sign) < SILENT_S


def _refusal(path: Path, holder: Holder | None) -> UserError:
    wait = "Wait until it has ended, or stop it there."
    if holder is None:
        return UserError(f"{path.parent} is in use by another program.", wait, code=Code.IN_USE)
    what = printable(shortened(holder.what, 60)) or "another program"
    if holder.pid == os.getpid() and holder.host == platform.node():
        return UserError(f"{path.parent} is in use by {what} of this program.", wait, code=Code.IN_USE)
    host = printable(shortened(holder.host, 60))
    where = "" if holder.host == platform.node() else f" on {host}"
    since = moment_text(holder.since) if 0 < holder.since < 4e9 else ""
    said = f"{path.parent} is in use by {what}{where} (process {holder.pid}, begun {since})."
    if not where:
        return UserError(said, wait, code=Code.IN_USE)
    return UserError(said, f"{wait} If it is gone, remove {path.name}.", code=Code.IN_USE)
