"""Persistent settings: a small JSON file in the user's settings folder.

A file that cannot be read is kept as `settings.json.bad` and the defaults are used: settings never stop a start.
Several windows have the same file: each writes what was set in it, and leaves the rest as it is on the disk. They take
turns at it, so that none writes between another one's reading and writing.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
from PySide6.QtCore import QByteArray

from dnnstudio.core.atomic_files import make_folder, read_bounded, write_atomically
from dnnstudio.core.bounded_json import parse_record
from dnnstudio.core.errors import UserError
from dnnstudio.core.file_turns import turn
from dnnstudio.core.os_errors import is_file_there, is_folder_there, is_there

APP = "dnnstudio"
FOLDER_VARIABLE = "DNNSTUDIO_SETTINGS"
"""Names another settings folder: for tests, and for two set-ups side by side."""
RECENT_FILES = 10
MAX_BYTES = 2**20
TURN_FILE = "settings.lock"
PATIENCE_S = 0.1
"""How long another window that is writing is waited for: no longer, though it may be standing still."""
LISTS = ("recent_files", "recent_data", "library_files", "added_runs")
"""Lists that all windows add to. Other settings are those that a window began with, until they are set in it."""

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
        self._unwritten: set[str] = set()
        """What was set and could not be written yet."""
        self._in_turn = False
        """Whether this window has asked for its turn at the file."""
        self._stamp = self._stamp_now()
        self._values: dict[str, Any] = self._read()

    @property
    def theme(self) -> ThemeChoice:
        value = self._values.get("theme")
        choices: tuple[ThemeChoice, ...] = get_args(ThemeChoice)
        return next((choice for choice in choices if choice == value), "system")

    @theme.setter
    def theme(self, choice: ThemeChoice) -> None:
        self._set("theme", choice)

    @property
    def workspace(self) -> Path:
        value = self._values.get("workspace")
        return Path(value) if isinstance(value, str) and value else default_workspace()

    @workspace.setter
    def workspace(self, folder: Path) -> None:
        self._set("workspace", str(folder))

    @property
    def recent_files(self) -> list[Path]:
        """Newest first, without files that no longer exist."""
        return self._recent("recent_files")

    def add_recent_file(self, path: Path) -> None:
        """Put a file at the head of the recent ones."""
        self._put_first("recent_files", path.absolute())

    @property
    def recent_data(self) -> list[Path]:
        """Tables and folders that were used as data, newest first; those that are gone are left out."""
        return self._recent("recent_data")

    def add_recent_data(self, path: Path) -> None:
        """Put a table or folder at the head of the recent data."""
        self._put_first("recent_data", path.absolute())

    def _recent(self, key: str) -> list[Path]:
        """The files and folders of a list that are still there. A named pipe is none: opening it waits for ever."""
        value = self._list(key)
        names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
        return [path for path in map(Path, names[:RECENT_FILES]) if is_file_there(path) or is_folder_there(path)]

    def _put_first(self, key: str, path: Path) -> None:
        with self._alone():
            others = [other for other in self._recent(key) if other != path]
            self._set(key, [str(item) for item in [path, *others][:RECENT_FILES]])

    @property
    def library_files(self) -> list[Path]:
        """Model files outside the workspace that the library also lists."""
        value = self._list("library_files")
        return [Path(name) for name in value if isinstance(name, str)] if isinstance(value, list) else []

    @library_files.setter
    def library_files(self, paths: list[Path]) -> None:
        self._set("library_files", [str(path) for path in dict.fromkeys(path.absolute() for path in paths)])

    @property
    def added_runs(self) -> list[Path]:
        """Run folders outside the workspace that the table of runs also lists."""
        value = self._list("added_runs")
        return [Path(name) for name in value if isinstance(name, str)] if isinstance(value, list) else []

    @added_runs.setter
    def added_runs(self, paths: list[Path]) -> None:
        self._set("added_runs", [str(path) for path in dict.fromkeys(path.absolute() for path in paths)])

    @property
    def last_folder(self) -> Path | None:
        """The folder last used in a file dialog."""
        value = self._values.get("last_folder")
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
        value = self._values.get("geometry")
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
            content = read_bounded(self.path, MAX_BYTES, what="settings")
            return parse_record(content, name=str(self.path), hint="")
        with contextlib.suppress(OSError):
            self.set_aside = self.path.replace(self.path.with_suffix(".json.bad"))
        return {}

    def _list(self, name: str) -> Any:
        """A list as it is on the disk now: another window may have added to it."""
        if self._stamp_now() != self._stamp:
            self._on_disk()
        return self._values.get(name)

    def _on_disk(self) -> dict[str, Any]:
        """What the file holds now, whose lists are taken over; what is known here where it cannot be read."""
        stamp = self._stamp_now()
        if stamp is None:
            return dict(self._values)
        try:
            found = parse_record(read_bounded(self.path, MAX_BYTES, what="settings"), name=str(self.path), hint="")
        except UserError:
            return dict(self._values)
        self._stamp = stamp
        for name in set(LISTS) - self._unwritten:
            self._values.pop(name, None)
            if name in found:
                self._values[name] = found[name]
        return found

    def _stamp_now(self) -> tuple[int, int, int] | None:
        """What differs between two versions of the file; None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _set(self, name: str, value: Any) -> None:
        if self._values.get(name) == value:
            return
        self._values[name] = value
        self._unwritten.add(name)
        with contextlib.suppress(UserError):  # a full disk must not stop the work over a remembered file name
            make_folder(self.folder)
            with self._alone():
                whole = self._on_disk() | {key: self._values[key] for key in self._unwritten}
                write_atomically(self.path, (json.dumps(whole, indent=2) + "\n").encode(), private=True)
                self._unwritten.clear()
                self._stamp = self._stamp_now()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other window writes the settings within the block, unless one stands still while it does so."""
        if self._in_turn:
            yield
            return
        with turn(self.folder / TURN_FILE, PATIENCE_S):
            self._in_turn = True
            try:
                yield
            finally:
                self._in_turn = False


def _leads_nowhere(path: Path) -> bool:
    """Whether `path` is a link in a circle: nothing can be read from it or written through it."""
    try:
        return Path(os.path.realpath(path)).is_symlink()
    except (OSError, ValueError):
        return False
