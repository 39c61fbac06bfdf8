"""Ending with the parent, on Linux also where the end of the pipe is not noticed."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent(parent: int) -> None:
    """Let the system end this process once the thread that started it is gone; `parent` is that thread's process.

    See prctl(2), PR_SET_PDEATHSIG. Elsewhere than on Linux nothing is done: there the closed pipe alone tells.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before the call
        os._exit(1)
