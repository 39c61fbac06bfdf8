"""Persistent settings: a small JSON file in the user's settings folder.

A file that cannot be read is kept as `settings.json.bad`, a second one as `settings.json.bad2`, and the defaults are
used: settings never stop a start.
Several windows have the same file: each writes what was set in it, and leaves the rest as it is on the disk. They take
turns at it, so that none writes between another one's reading and writing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate, count
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
from PySide6.QtCore import QByteArray

from dnnstudio.core.atomic_files import make_folder, read_bounded, sweep_leftovers, write_atomically
from dnnstudio.core.bounded_json import parse_record
from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.file_turns import Turns, WrittenMeanwhile, version_of
from dnnstudio.core.os_errors import is_file_there, is_folder_there, is_there
from dnnstudio.core.text import byte_size
from dnnstudio.core.workspace.place import mount_of

APP = "dnnstudio"
FOLDER_VARIABLE = "DNNSTUDIO_SETTINGS"
"""Names another settings folder: for tests, and for two set-ups side by side."""
RECENT_FILES = 10
MAX_BYTES = 2**20
MOST_ASIDE = 9
"""So many damaged files are kept."""
MOST_LOOKS = 10
"""How often what another window writes meanwhile is read again; the next write comes over it."""
TURN_FILE = "settings.lock"
PATIENCE_S = 0.1
"""How long another window that is writing is waited for: no longer, though it may be standing still."""
REST_S = 2.0
"""How long after such a wait as much may be waited again: what one press sets is several writes."""
LISTS = ("recent_files", "recent_data", "library_files", "added_runs")
"""Lists that all windows add to. Other settings are those that a window began with, until they are set in it."""
GROWING = ("library_files", "added_runs")
"""Lists without a greatest length, newest last."""

ThemeChoice = Literal["system", "light", "dark", "contrast"]


def settings_folder() -> Path:
    """Where the settings lie: what `DNNSTUDIO_SETTINGS` names, else the system's place."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else platformdirs.user_config_path(APP)


def log_folder() -> Path:
    """Where crash and error logs lie."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) / "log" if given else platformdirs.user_log_path(APP)


def default_workspace() -> Path:
    """The folder `dnnstudio` in the person's documents."""
    return platformdirs.user_documents_path() / APP


class Settings:
    """Theme, recent files, workspace and window geometry. Every setter writes the file at once."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or settings_folder()
        self.path = self.folder / "settings.json"
        self.set_aside: Path | None = None
        """Where the last settings are, if they could not be read."""
        self.on_set_aside: Callable[[Path], object] | None = None
        """Is told, once, where settings lie that something damaged while the window was open."""
        self._damaged = False
        self._unwritten: dict[str, list[Callable[[Any], Any]]] = {}
        """What was set and could not be written yet, as what it makes of the value that stands in the file then."""
        self._turns = Turns(self.folder / TURN_FILE, PATIENCE_S, REST_S)
        self._in_turn = False
        """Whether this window has asked for its turn at the file."""
        self._version = version_of(self.path)
        self._known: dict[str, Any] = self._read()
        """What this window has read and written."""
        with contextlib.suppress(OSError, ValueError):
            sweep_leftovers(Path(os.path.realpath(self.path)).parent)

    @property
    def theme(self) -> ThemeChoice:
        value = self._get("theme")
        choices: tuple[ThemeChoice, ...] = get_args(ThemeChoice)
        return next((choice for choice in choices if choice == value), "system")

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._set("theme", choice)

    @property
    def workspace(self) -> Path:
        value = self._get("workspace")
        return Path(value) if isinstance(value, str) and value and "\0" not in value else default_workspace()

    @workspace.setter
    def workspace(self, folder: Path) -> None:
        self._set("workspace", str(folder))

    @property
    def workspace_mount(self) -> Path | None:
        """The mount that the workspace lay on when it was used last; None where it was not used."""
        value = self._get("workspace_mount")
        return Path(value) if isinstance(value, str) and value else None

    def note_workspace(self) -> None:
        """The workspace is used where it lies now."""
        self._set("workspace_mount", str(mount_of(self.workspace)))

    @property
    def recent_files(self) -> list[Path]:
        """Newest first, without files that no longer exist."""
        return _there(self._list("recent_files"))

    def add_recent_file(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        self._put_first("recent_files", path.absolute())

    @property
    def recent_data(self) -> list[Path]:
        """Tables and folders that were used as data, newest first; those that are gone are left out."""
        return _there(self._list("recent_data"))

    def add_recent_data(self, path: Path) -> None:
        """Put a table or folder at the head of the recent data."""
        self._put_first("recent_data", path.absolute())

    def _put_first(self, key: str, path: Path) -> None:
        def first(value: Any) -> list[str]:
            others = [other for other in _there(value) if other != path]
            return [str(item) for item in [path, *others][:RECENT_FILES]]

        self._change(key, first)

    @property
    def library_files(self) -> list[Path]:
        """Model files outside the workspace that the library also lists."""
        return _paths(self._list("library_files"))

    def change_library_files(self, change: Callable[[list[Path]], list[Path]]) -> None:
        """Make another list of model files of the one that stands in the file, in this window's turn at it.

        `change` is asked again where the file was written meanwhile.
        """
        self._change_paths("library_files", change)

    @property
    def added_runs(self) -> list[Path]:
        """Run folders outside the workspace that the table of runs also lists."""
        return _paths(self._list("added_runs"))

    def change_added_runs(self, change: Callable[[list[Path]], list[Path]]) -> None:
        """The same with the list of run folders."""
        self._change_paths("added_runs", change)

    def _change_paths(self, key: str, change: Callable[[list[Path]], list[Path]]) -> None:
        def changed(value: Any) -> list[str]:
            return [str(path) for path in dict.fromkeys(path.absolute() for path in change(_paths(value)))]

        self._change(key, changed)

    @property
    def last_folder(self) -> Path | None:
        """The folder last used in a file dialog."""
        value = self._get("last_folder")
        return Path(value) if isinstance(value, str) and is_folder_there(Path(value)) else None

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self._set("last_folder", str(folder))

    def start_folder(self, part: str = "") -> Path:
        """Where a file dialog begins: where the person was last, else in a part of the workspace, else at home."""
        places = (self.last_folder, self.workspace / part, self.workspace)
        return next((place for place in places if place is not None and is_folder_there(place)), Path.home())

    def set_last_folder(self, folder: Path) -> None:
        """The same as a function."""
        self.last_folder = folder

    @property
    def geometry(self) -> QByteArray:
        """The window geometry as saved by Qt; empty at the first start."""
        value = self._get("geometry")
        if not isinstance(value, str):
            return QByteArray()
        with contextlib.suppress(binascii.Error, ValueError):
            return QByteArray(base64.b64decode(value, validate=True))
        return QByteArray()

    @geometry.setter
    def geometry(self, saved: QByteArray) -> None:
        self._set("geometry", base64.b64encode(saved.data()).decode())

    def _read(self) -> dict[str, Any]:
        if not is_there(self.path) and not _leads_nowhere(self.path):
            return {}
        with contextlib.suppress(UserError):
            return self._parsed()
        self._put_aside()
        return {}

    def _parsed(self) -> dict[str, Any]:
        """What the file holds. Raises `UserError`."""
        return parse_record(read_bounded(self.path, MAX_BYTES, what="settings"), name=str(self.path), hint="")

    def _put_aside(self) -> bool:
        """Keep a file that cannot be read under another name, as it is about to be written anew."""
        try:
            self.set_aside = self.path.replace(self._place_aside())
        except OSError:
            return False
        return True

    def _place_aside(self) -> Path:
        """A name that nothing has, so that what was set aside before is kept; the last of them where all are taken by
        files.
        """
        names = (self.path.with_suffix(f".json.bad{number if number > 1 else ''}") for number in count(1))
        for number, name in enumerate(names, start=1):
            taken = os.path.lexists(name)
            if not taken or (number >= MOST_ASIDE and is_file_there(name) and not name.is_symlink()):
                break
        return name

    def _get(self, name: str) -> Any:
        """A value with what was set and is not written yet."""
        return self._changed(name, self._known.get(name))

    def _changed(self, name: str, value: Any) -> Any:
        for change in self._unwritten.get(name, ()):
            value = change(value)
        return value

    def _list(self, name: str) -> Any:
        """A list as it is on the disk now: another window may have added to it."""
        if version_of(self.path) != self._version:
            self._on_disk()
        return self._get(name)

    def _on_disk(self, *, to_write: bool = False) -> dict[str, Any]:
        """What the file holds now, whose lists are taken over; what is known here where it is damaged.

        It is set aside then if this is `to_write` it. Raises `UserError` where it may be whole and cannot be read.
        """
        self._version = version_of(self.path)
        if self._version is None and not _leads_nowhere(self.path):
            return self._known
        try:
            found = self._parsed()
        except UserError as error:
            if to_write and error.code is Code.CANNOT_READ:
                raise
            if to_write and self._put_aside():
                self._version, self._damaged = None, True
            return self._known
        self._take_lists(found)
        return found

    def _take_lists(self, found: dict[str, Any]) -> None:
        self._known = {name: value for name, value in self._known.items() if name not in LISTS}
        self._known |= {name: found[name] for name in LISTS if name in found}

    def _set(self, name: str, value: Any) -> None:
        if self._get(name) == value and not self._unwritten:
            return
        self._unwritten[name] = [lambda _: value]
        self._write()

    def _change(self, name: str, change: Callable[[Any], Any]) -> None:
        """Set what `change` makes of the value that the file holds in this window's turn at it."""
        with self._alone():
            self._on_disk()
            before = self._get(name)
            if change(before) != before:
                self._unwritten.setdefault(name, []).append(change)
            if self._unwritten:
                self._write()

    def _write(self) -> None:
        """Write what is not written yet over what the file holds."""
        with self._alone(), contextlib.suppress(UserError):  # a full disk must not stop the work over a file's name
            whole = self._written()
            self._known |= {name: whole[name] for name in self._unwritten}
            self._take_lists(whole)
            self._unwritten.clear()
            self._version = version_of(self.path)
        if self._damaged and self.on_set_aside is not None and self.set_aside is not None:
            tell, self.on_set_aside = self.on_set_aside, None  # once: what damages it may do so again and again
            tell(self.set_aside)

    def _written(self) -> dict[str, Any]:
        """Everything that the file holds when it is written. Raises `UserError`."""
        for look in range(MOST_LOOKS):
            found = self._on_disk(to_write=True)
            whole = found | {name: self._changed(name, found.get(name)) for name in self._unwritten}
            content = _within_bounds(whole)
            with contextlib.suppress(WrittenMeanwhile):
                look_again = self._look_again if look < MOST_LOOKS - 1 else None
                write_atomically(self.path, content, private=True, last_look=look_again)
                break
        return whole

    def _look_again(self) -> None:
        """Refuse to replace what was not read: a window that stood still, or had no turn, may come late."""
        if version_of(self.path) != self._version:
            raise WrittenMeanwhile

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other window writes the settings within the block, unless one stands still while it does so."""
        if self._in_turn:
            yield
            return
        with contextlib.suppress(UserError):  # at the first start there is no folder that a lock could lie in
            make_folder(self.folder)
        with self._turns.take():
            self._in_turn = True
            try:
                yield
            finally:
                self._in_turn = False


def _paths(value: Any) -> list[Path]:
    return [Path(name) for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _there(value: Any) -> list[Path]:
    """The files and folders of a list that are still there. A named pipe is none: opening it waits for ever."""
    return [path for path in _paths(value)[:RECENT_FILES] if is_file_there(path) or is_folder_there(path)]


def _within_bounds(values: dict[str, Any]) -> bytes:
    """The content of a file that will be read again: the longest list loses its oldest entries where it is too large.

    Raises `UserError` where that does not help.
    """
    while len(content := (json.dumps(values, indent=2) + "\n").encode()) > MAX_BYTES:
        lists = {name: values[name] for name in GROWING if isinstance(values.get(name), list)}
        name = max(lists, key=lambda name: len(json.dumps(lists[name])), default="")
        if not lists.get(name):
            raise UserError(f"Settings of more than {byte_size(MAX_BYTES)} are not kept.")
        sizes = accumulate(len(json.dumps(entry)) + len(",\n    ") for entry in lists[name])
        enough = (place for place, size in enumerate(sizes, 1) if size >= len(content) - MAX_BYTES)
        values[name] = lists[name][next(enough, len(lists[name])) :]
    return content


def _leads_nowhere(path: Path) -> bool:
    """Whether `path` is a link in a circle: nothing can be read from it or written through it."""
    try:
        return Path(os.path.realpath(path)).is_symlink()
    except (OSError, ValueError):
        return False
