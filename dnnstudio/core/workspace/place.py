"""Whether a folder can be a workspace, and whether it still is there."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from dnnstudio.core.errors import Code, UserError
from dnnstudio.core.os_errors import reason_of
from dnnstudio.core.text import shortened
from dnnstudio.core.workspace.runs import RUNS


def why_unusable(workspace: Path) -> str:
    """Why nothing can be kept in a workspace, in lower case without a full stop; "" where it can.

    One that is not there yet is made by the first run, so the folder counts that is to hold it.
    """
    wanted = workspace.absolute()
    for place in (wanted, *wanted.parents):
        try:
            found = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            if place.is_symlink():
                return "it is a broken link" if place == wanted else "its path leads through a broken link"
            continue
        except (OSError, ValueError) as error:
            return reason_of(error) if isinstance(error, OSError) else "no file can have this name"
        break
    else:
        return "its path begins nowhere"
    if not stat.S_ISDIR(found.st_mode):
        return "there is a file in its place" if place == wanted else "its path leads through a file"
    return "" if os.access(place, os.W_OK | os.X_OK) else "nothing may be written there"


def mount_of(place: Path) -> Path:
    """The nearest folder above `place`, or itself, on which a drive is mounted: the root of the system at the last."""
    real = Path(os.path.realpath(place))
    return next((above for above in (real, *real.parents) if os.path.ismount(above)), Path(real.anchor))


class Presence:
    """Whether a workspace can be read, over the life of a window: a drive may be detached, a folder removed."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.is_new = True
        """Whether it could not be read yet."""
        self._filled = False
        self.is_empty = False
        """Whether it can be read, and nothing is left in it."""
        self._mount: Path | None = None
        """What it lies on, a drive or the whole system, once it was seen there."""

    def expect(self, mount: Path | None) -> None:
        """It lay on this mount when it was used last, maybe by an earlier process."""
        self._mount = mount

    def look(self) -> str:
        """Why its runs cannot be listed, in lower case without a full stop; "" where they can.

        One that was never there is not missing, as the first run makes it. One that had something in it and is empty
        counts as gone: what a drive was mounted on stays as an empty folder.
        """
        self.is_empty = False
        if self._mount is not None and not os.path.ismount(self._mount):
            return "the drive that it lies on is not there"
        try:
            filled = any(self.workspace.iterdir())
            self._look_at_runs()
        except FileNotFoundError:
            return "" if self.is_new else "it is not there any more"
        except NotADirectoryError as error:
            return why_unusable(self.workspace) or reason_of(error)
        except (OSError, ValueError) as error:
            return reason_of(error) if isinstance(error, OSError) else "no file can have this name"
        if self._filled and not filled:
            self.is_empty = True
            return "it is empty now, as where a drive was detached"
        self.is_new, self._filled = False, filled
        self._mount = self._mount or mount_of(self.workspace)
        return ""

    def _look_at_runs(self) -> None:
        """Raises `OSError` where the runs are there and cannot be listed."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            any((self.workspace / RUNS).iterdir())


_presences: dict[Path, Presence] = {}


def presence_of(workspace: Path) -> Presence:
    """The presence of a workspace, as this process has seen it."""
    return _presences.setdefault(workspace.absolute(), Presence(workspace))


def why_unread(workspace: Path) -> str:
    """Why what is in a workspace cannot be listed, as `Presence.look`; "" where it can, and where there is nothing."""
    presence = presence_of(workspace)
    reason = presence.look()
    return "" if presence.is_empty else reason


def accept(workspace: Path) -> None:
    """A person has chosen this folder as it is now: whatever was in it before is not missed any more."""
    _presences.pop(workspace.absolute(), None)


def place_for_new(workspace: Path) -> Path:
    """The workspace, to make something new in it; the first thing that is made makes the workspace.

    Raises `UserError` where it was there and is gone: another would be made in its place, under the point where a drive
    was mounted, and hidden when that is back.
    """
    reason = presence_of(workspace).look()
    if reason:
        raise UserError(
            f"Nothing can be kept in the workspace {shortened(str(workspace), 100)}: {reason}.",
            "Bring it back, or choose another one.",
            code=Code.WORKSPACE_GONE,
        )
    return workspace
