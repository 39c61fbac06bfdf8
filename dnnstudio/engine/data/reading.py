"""Shared by all readers: safe opening of files, stop requests and progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from dnnstudio.core.errors import UserError
from dnnstudio.core.jobs.control import Control
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import as_unicode, is_unicode

ProgressCall = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Watch:
    """Control flags of the reading job, and its progress callback."""

    control: Control | None = None
    progress: ProgressCall | None = None

    def check(self) -> None:
        """Raise `Cancelled` once the job is stopped."""
        if self.control is not None:
            self.control.check()

    def tell(self, done: int, total: int, text: str) -> None:
        """Check for a stop request, then report progress."""
        self.check()
        if self.progress is not None:
            self.progress(done, total, text)


def as_path(text: str, *, what: str) -> Path:
    """A user-given path; raises `UserError` for an empty one, which would mean the current folder."""
    if not text.strip():
        raise UserError(f"No file is chosen for {what}.", "Choose one in the data panel.")
    if "\0" in text:
        raise UserError(f"The path of {what} holds a zero character.", "Choose the file again.")
    if not is_unicode(text):
        raise UserError(
            f"The path of {what}, {as_unicode(text)}, is not UTF-8 text, as an experiment needs it.",
            "Rename the file or folder.",
        )
    return Path(text).expanduser()


@contextmanager
def opened(path: Path, *, what: str) -> Iterator[tuple[BinaryIO, int]]:
    """The open file and its size in bytes. Operating system errors, also later ones while reading, become a
    `UserError`.

    Only regular files are opened: a pipe or a device could block for ever.
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
    """The `UserError` for a file that the system refuses to read."""
    return UserError(f"{path} cannot be read: {reason_of(error)}.", "Check the disk and the file's permissions.")
