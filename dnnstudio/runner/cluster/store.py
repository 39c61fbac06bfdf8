"""What a worker has been sent: files by the fingerprint of their bytes, kept for the next task that needs them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from dnnstudio.core.atomic_files import make_folder
from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.runner.cluster.archives import DATA, is_safe, unpack
from dnnstudio.runner.cluster.letters import Parcel

KEPT_S = 30 * 24 * 3600
"""What no task has needed for so long is deleted."""
PATIENCE_S = 300.0
"""How long a task waits for the next piece of a file."""
ASK_AGAIN_S = 20.0
_POLL_S = 0.1


@dataclass
class _Arriving:
    """A file on its way: what is written of it, and the moment of the last piece (`time.monotonic`)."""

    parcel: Parcel
    written: Path
    bytes: int = 0
    last: float = field(default_factory=time.monotonic)
    asked: float = 0.0


class Store:
    """The folder of what was sent. `take` is called by the thread that receives, `get` by those that train."""

    def __init__(self, folder: Path) -> None:
        """Raises `UserError` where the folder cannot be made."""
        self._folder = folder
        self._arriving: dict[str, _Arriving] = {}
        self._lock = threading.Lock()
        make_folder(folder)
        self._forget_old()

    def get(self, parcel: Parcel, ask: Callable[[Parcel], None], wanted: Callable[[], bool]) -> Path:
        """The file, or the unpacked folder, of a parcel; asks for it where it is not here, and waits.

        Raises `Cancelled` once it is not `wanted` any more, and `UserError` if nothing comes.
        """
        while (found := self._found(parcel)) is None:
            if not wanted():
                raise Cancelled
            with self._lock:
                arriving = self._arriving.get(parcel.fingerprint) or self._begin(parcel)
                now = time.monotonic()
                waited = now - arriving.last
                asks = not arriving.asked or now - max(arriving.asked, arriving.last) > ASK_AGAIN_S
                if asks:
                    arriving.asked = now
                    self._restart(arriving)
            if asks:
                ask(parcel)
            if waited > PATIENCE_S:
                raise UserError(f"{parcel.name} did not arrive at the worker.", "Look after the network, and go on.")
            time.sleep(_POLL_S)
        with contextlib.suppress(OSError):
            os.utime(found.parent)
        return found

    def take(self, fingerprint: str, offset: int, piece: bytes) -> bool:
        """Write the next piece of a file; False where it is not expected, so that no more is sent."""
        with self._lock:
            arriving = self._arriving.get(fingerprint)
            if arriving is None or offset != arriving.bytes or offset + len(piece) > arriving.parcel.size:
                return False
            try:
                with arriving.written.open("ab") as file:
                    file.write(piece)
                arriving.bytes += len(piece)
                arriving.last = time.monotonic()
                if arriving.bytes == arriving.parcel.size:
                    del self._arriving[fingerprint]
                    self._complete(arriving)
            except OSError:  # a full disk: the task gives up by its patience
                return False
        return True

    def forget(self, parcel: Parcel) -> None:
        """Delete what only one task needed."""
        shutil.rmtree(self._place(parcel), ignore_errors=True)

    def _place(self, parcel: Parcel) -> Path:
        if not (parcel.fingerprint.isascii() and parcel.fingerprint.isalnum()):
            raise UserError("A fingerprint that was sent is none.")
        return self._folder / parcel.fingerprint

    def _found(self, parcel: Parcel) -> Path | None:
        inside = self._place(parcel) / _name(parcel)
        return inside if inside.exists() else None

    def _begin(self, parcel: Parcel) -> _Arriving:
        try:
            handle, name = tempfile.mkstemp(prefix=".arriving-", dir=self._folder)
            os.close(handle)
        except OSError as error:
            raise UserError(f"{self._folder} cannot be written: {reason_of(error)}.", "Make room there.") from None
        made = _Arriving(parcel, Path(name))
        self._arriving[parcel.fingerprint] = made
        return made

    def _restart(self, arriving: _Arriving) -> None:
        arriving.bytes = 0
        with contextlib.suppress(OSError):
            os.truncate(arriving.written, 0)

    def _complete(self, arriving: _Arriving) -> None:
        """Put a whole file in its place in one step; one of other bytes is dropped, and asked for again."""
        parcel, written = arriving.parcel, arriving.written
        with written.open("rb") as file:
            right = hashlib.file_digest(file, "sha256").hexdigest() == parcel.fingerprint
        made = Path(tempfile.mkdtemp(prefix=".arrived-", dir=self._folder))
        try:
            if right:
                if parcel.is_folder:
                    with written.open("rb") as file:
                        unpack(file, made / _name(parcel), DATA)
                else:
                    written.replace(made / _name(parcel))
                with contextlib.suppress(OSError):  # another worker of the folder was quicker
                    made.rename(self._place(parcel))
        except UserError:  # unsafe names: the task waits in vain and says so
            pass
        finally:
            written.unlink(missing_ok=True)
            shutil.rmtree(made, ignore_errors=True)

    def _forget_old(self) -> None:
        for path in self._folder.iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < time.time() - KEPT_S:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _name(parcel: Parcel) -> str:
    """Its own name, by whose ending a file's form is known, where it is one that can be given here."""
    return parcel.name if "/" not in parcel.name and is_safe(parcel.name) else "data"
