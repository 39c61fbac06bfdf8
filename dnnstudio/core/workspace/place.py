"""Whether a folder can be a workspace."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from dnnstudio.core.os_errors import reason_of


def why_unusable(workspace: Path) -> str:
    """Why nothing can be kept in a workspace, in lower case without a full stop; "" where it can.

    One that is not there yet is made by the first run, so the folder counts that is to hold it.
    """
    wanted = workspace.absolute()
    for place in (wanted, *wanted.parents):
        try:
            found = place.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            return reason_of(error) if isinstance(error, OSError) else "no file can have this name"
        break
    else:
        return "its path begins nowhere"
    if not stat.S_ISDIR(found.st_mode):
        return "there is a file in its place" if place == wanted else "its path leads through a file"
    return "" if os.access(place, os.W_OK | os.X_OK) else "nothing may be written there"
