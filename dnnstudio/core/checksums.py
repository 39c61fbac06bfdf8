"""Checksums of a run's text files, as model files carry their own: a flipped bit or an edit is noticed, and named.

`checksums.json` holds for each file the last two contents that were written, because it is written first: a program
that is killed between the two leaves the older one. Of a file that grows, it holds the part that was there. Folders
without it, as older versions wrote them, say nothing.
"""

from __future__ import annotations

import hashlib
import json
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.bounded_json import JsonError, loads
from dnnstudio.core.file_turns import WrittenMeanwhile, folder_turn, version_of
from dnnstudio.core.os_errors import is_file_there
from dnnstudio.core.text import listed

FILE = "checksums.json"
FORMAT = 1
KEPT = 2
_MAX_BYTES = 2**16
MOST_LOOKS = 10
"""How often what others write meanwhile is read again; the next write comes over it."""
PATIENCE_S = 0.1
"""How long another program that writes is waited for: no longer, though it may be standing still."""


class _Turn:
    """Which thread changes the files of a folder, and how often it has taken the turn."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0


LOOKS_AGAIN = 2
PAUSE_S = 0.005


_turns: defaultdict[Path, _Turn] = defaultdict(_Turn)
"""By folder: one on a drive that does not answer holds up no other."""
_GROWING = frozenset({"history.csv"})

Entries = dict[str, list[tuple[int, str]]]
"""File → length and SHA-256 of the contents that it may have."""


def write_checked(path: Path, content: bytes) -> None:
    """Write a file of a run atomically, after its checksum; a new one is private where those are. Raises
    `UserError`.
    """
    note(path, content)
    write_atomically(path, content, private=is_private(path.parent))


def change_checked(path: Path, change: Callable[[], bytes | None]) -> None:
    """Write a file of a run as `change` makes it of what it reads there; None leaves it as it is.

    It is asked again where somebody else wrote the file meanwhile: another window, or the engine of this one. Raises
    `UserError`.
    """

    def write(content: bytes, last_look: Callable[[], None] | None) -> None:
        note(path, content)
        write_atomically(path, content, private=is_private(path.parent), last_look=last_look)

    _change(path, change, write)


def is_private(folder: Path) -> bool:
    """Whether the owner alone may read what this program keeps in the folder: files that are new there follow it."""
    try:
        return not stat.S_IMODE((folder / FILE).stat().st_mode) & 0o077
    except OSError:
        return False


def note(path: Path, content: bytes) -> None:
    """Say in the folder of `path` that it holds, or will hold, this content. Raises `UserError`."""
    now = (len(content), hashlib.sha256(content).hexdigest())
    place = path.parent / FILE

    def with_it() -> bytes | None:
        entries = _read(path.parent) or {}
        known = entries.get(path.name, [])
        if known[-1:] == [now]:  # two waits for the disk less, at the end of each run
            return None
        before = [entry for entry in known if entry != now]
        entries[path.name] = [*before[1 - KEPT :], now]
        return _content_of(entries)

    _change(place, with_it, lambda content, last_look: write_atomically(place, content, last_look=last_look))


def note_file(path: Path) -> None:
    """Say in the folder of `path` that it holds what it holds now. Raises `UserError`."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    note(path, content)


def changed_files(folder: Path) -> tuple[str, ...]:
    """The files in `folder` that hold something else than this program wrote there; nothing where it does not say.

    What seems so may have been written between two looks, so it is looked at again.
    """
    found = _changed(folder)
    for _ in range(LOOKS_AGAIN):
        if not found:
            break
        time.sleep(PAUSE_S)
        again = _changed(folder)
        found = tuple(name for name in found if name in again)
    return found


def _changed(folder: Path) -> tuple[str, ...]:
    entries = _read(folder)
    if entries is None:
        return (FILE,) if is_file_there(folder / FILE) else ()
    return tuple(name for name, known in sorted(entries.items()) if not _fits(folder / name, known))


def changed_sentence(names: tuple[str, ...]) -> str:
    """What is said of files that were changed; "" without any."""
    if not names:
        return ""
    are, them = ("is", "it") if len(names) == 1 else ("are", "them")
    return f"{listed(names, most=4)} {are} not as this program wrote {them}: edited since, or damaged on the disk."


def _fits(path: Path, known: list[tuple[int, str]]) -> bool:
    try:
        content = path.read_bytes()
    except OSError:  # removed, or not to be read: whoever needs it says so
        return True
    grows = path.name in _GROWING
    return any(
        (len(content) >= length if grows else len(content) == length)
        and hashlib.sha256(content[:length]).hexdigest() == digest
        for length, digest in known
    )


def _read(folder: Path) -> Entries | None:
    """What the folder says of its files; None where it says nothing, or nothing whole."""
    try:
        with (folder / FILE).open("rb") as file:
            plain = loads(file.read(_MAX_BYTES + 1))
        files = plain["files"]
        if plain["format"] != FORMAT or plain["sha256"] != _digest(files):
            return None
        return {
            str(name): [(int(length), str(digest)) for length, digest in known]
            for name, known in files.items()
            if Path(name).name == name
        }
    except (OSError, JsonError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _content_of(entries: Entries) -> bytes:
    files: dict[str, Any] = {name: [list(entry) for entry in known] for name, known in sorted(entries.items())}
    plain = {"format": FORMAT, "files": files, "sha256": _digest(files)}
    return (json.dumps(plain, indent=1) + "\n").encode()


def _change(
    path: Path, change: Callable[[], bytes | None], write: Callable[[bytes, Callable[[], None] | None], None]
) -> None:
    """Read, change and write a file: one after the other, and again where somebody who did not wait came between."""
    with _turn(path.parent):
        for look in range(MOST_LOOKS):
            before = version_of(path)
            content = change()
            if content is None:
                return

            def look_again(before: object = before) -> None:
                if version_of(path) != before:
                    raise WrittenMeanwhile

            with suppress(WrittenMeanwhile):
                write(content, look_again if look < MOST_LOOKS - 1 else None)
                return


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Neither another thread nor another program changes files of the folder within the block, as far as that can be
    had; a thread that has the turn may take it again.
    """
    mine = _turns[folder]
    with mine.lock:
        mine.depth += 1
        try:
            with nullcontext() if mine.depth > 1 else folder_turn(folder, PATIENCE_S):
                yield
        finally:
            mine.depth -= 1


def _digest(files: object) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
