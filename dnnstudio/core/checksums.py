"""Checksums of a run's text files, as model files carry their own: a flipped bit or an edit is noticed, and named.

`checksums.json` holds for each file the last two contents that were written, because it is written first: a program
that is killed between the two leaves the older one. Of a file that grows, it holds the part that was there. Folders
without it, as older versions wrote them, say nothing.
"""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from dnnstudio.core.atomic_files import write_atomically
from dnnstudio.core.bounded_json import JsonError, loads
from dnnstudio.core.os_errors import is_file_there
from dnnstudio.core.text import listed

FILE = "checksums.json"
FORMAT = 1
KEPT = 2
_MAX_BYTES = 2**16
_GROWING = frozenset({"history.csv"})

Entries = dict[str, list[tuple[int, str]]]
"""File → length and SHA-256 of the contents that it may have."""


def write_checked(path: Path, content: bytes) -> None:
    """Write a file of a run atomically, after its checksum; a new one is private where those are. Raises
    `UserError`.
    """
    note(path, content)
    write_atomically(path, content, private=is_private(path.parent))


def is_private(folder: Path) -> bool:
    """Whether the owner alone may read what this program keeps in the folder: files that are new there follow it."""
    try:
        return not stat.S_IMODE((folder / FILE).stat().st_mode) & 0o077
    except OSError:
        return False


def note(path: Path, content: bytes) -> None:
    """Say in the folder of `path` that it holds, or will hold, this content. Raises `UserError`."""
    entries = _read(path.parent) or {}
    now = (len(content), hashlib.sha256(content).hexdigest())
    known = entries.get(path.name, [])
    if known[-1:] == [now]:  # two waits for the disk less, at the end of each run
        return
    before = [entry for entry in known if entry != now]
    entries[path.name] = [*before[1 - KEPT :], now]
    _write(path.parent, entries)


def note_file(path: Path) -> None:
    """Say in the folder of `path` that it holds what it holds now. Raises `UserError`."""
    try:
        content = path.read_bytes()
    except OSError:
        return
    note(path, content)


def changed_files(folder: Path) -> tuple[str, ...]:
    """The files in `folder` that hold something else than this program wrote there; nothing where it does not say."""
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


def _write(folder: Path, entries: Entries) -> None:
    files: dict[str, Any] = {name: [list(entry) for entry in known] for name, known in sorted(entries.items())}
    plain = {"format": FORMAT, "files": files, "sha256": _digest(files)}
    write_atomically(folder / FILE, (json.dumps(plain, indent=1) + "\n").encode())


def _digest(files: object) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
