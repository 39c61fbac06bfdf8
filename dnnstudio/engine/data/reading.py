"""What all readers share: opening a file with care, a bound on memory, and a watch for stop and progress."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from dnnstudio.core.control import Control
from dnnstudio.core.errors import UserError

ProgressCall = Callable[[int, int, str], None]

MEMORY_SHARE = 0.8
"""The share of the free memory that one data set may claim, its float32 copy included."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The levers of the job that reads, and where it tells how far it is."""

    control: Control | None = None
    progress: ProgressCall | None = None

    def check(self) -> None:
        """Raise `Cancelled` once the job was stopped."""
        if self.control is not None:
            self.control.check()

    def tell(self, done: int, total: int, text: str) -> None:
        """Check for stop, then report progress."""
        self.check()
        if self.progress is not None:
            self.progress(done, total, text)


def as_path(text: str, *, what: str) -> Path:
    """The path a person gave; an empty one is a sentence, not the current folder."""
    if not text.strip():
        raise UserError(f"No file is chosen for {what}.", "Choose one in the data panel.")
    if "\0" in text:
        raise UserError(f"The path of {what} holds a zero character.", "Choose the file again.")
    return Path(text).expanduser()


@contextmanager
def opened(path: Path, *, what: str) -> Iterator[tuple[BinaryIO, int]]:
    """The open file and its size in bytes. Whatever the system refuses, now or in mid-read, is a `UserError`.

    Only plain files are opened: a pipe or a device could block for ever.
    """
    try:
        if not path.exists():
            raise UserError(f"{path} does not exist.", f"Choose the file that holds {what}.")
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "not a plain file"
            raise UserError(f"{path} is {kind}.", f"Choose the file that holds {what}.")
        with path.open("rb") as file:
            yield file, path.stat().st_size
    except OSError as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: OSError) -> UserError:
    """The sentence for a file that the system does not let us read."""
    reasons = {
        errno.EACCES: "permission denied",
        errno.EIO: "the disk reports an error",
        errno.ENAMETOOLONG: "the name is too long",
        errno.ELOOP: "its links lead round in a circle",
        errno.ENOENT: "it went away",
        errno.ESTALE: "the network drive went away",
    }
    reason = reasons.get(error.errno or 0, (error.strerror or str(error)).lower())
    return UserError(f"{path} cannot be read: {reason}.", "Check the disk and the file's permissions.")


def need_memory(bytes_needed: int, *, what: str) -> None:
    """Refuse what would not fit into the free memory, before a byte of it is read."""
    free = psutil.virtual_memory().available
    if bytes_needed > free * MEMORY_SHARE:
        raise UserError(
            f"{what} would need {size_text(bytes_needed)} of memory; {size_text(free)} are free.",
            "Use fewer rows, or close other programs.",
        )


def size_text(count: int) -> str:
    """A number of bytes as a person reads it."""
    for unit, size in (("TB", 2**40), ("GB", 2**30), ("MB", 2**20), ("kB", 2**10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:,} bytes"


def plural(count: int, noun: str) -> str:
    """ "1 row", "1,437 rows", "2 classes"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('s') else 's'}"
