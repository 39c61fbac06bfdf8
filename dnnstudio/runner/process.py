"""One training process as seen by its parent: start, messages, end, and last output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import dnnstudio
from dnnstudio.core.temporary import scratch_file
from dnnstudio.core.threads import VARIABLE
from dnnstudio.runner.wire import BrokenStreamError, Plain, read_message, write_message

LAST_LINES = 12
"""Lines of a process's standard error kept to explain its end."""
_LAST_BYTES = 16 * 2**10
_PATIENCE_S = 5.0
"""How long a process may take to end after its pipe is closed before it is killed."""


class TrainingProcess:
    """Owned by the thread that created it; `send`, `terminate` and `kill` may be called by any thread.

    The owner must live as long as the process: on Linux the process ends with that thread.
    """

    def __init__(self, threads: int) -> None:
        self._said = scratch_file()
        place = Path(dnnstudio.__file__).parent.parent
        # In a separate process group: Ctrl+C in a terminal reaches only the parent, which stops its children in order.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dnnstudio.runner.child", str(os.getpid()), str(Path.cwd())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            cwd=place,  # never the current folder, which may contain untrusted modules
            env=os.environ | {VARIABLE: str(threads), "PYTHONSAFEPATH": ""},
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            process_group=None if os.name == "nt" else 0,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests = self._process.stdin
        self._answers = self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def begin(self, message: Plain) -> bool:
        """Send a new task and clear the recorded output; False if the process has ended."""
        self._said.seek(0)
        self._said.truncate()
        return self.send(message)

    def send(self, message: Plain) -> bool:
        """Send a message; False if the process has ended."""
        try:
            write_message(self._requests, message)
        except (OSError, ValueError):  # ValueError: closed meanwhile
            return False
        return True

    def receive(self) -> Plain | None:
        """The next message; None once the process has ended, or if it sends an invalid message (then it is killed)."""
        try:
            return read_message(self._answers)
        except (BrokenStreamError, ValueError, OSError):
            self.kill()
            return None

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()

    def close(self) -> None:
        """Close the pipes, which ends the process, or kill it after a grace period."""
        for pipe in (self._requests, self._answers):
            try:
                pipe.close()
            except OSError:  # unwritten data cannot be flushed any more
                continue
        self._wait()
        self._said.close()

    def reason(self) -> str:
        """Why it has ended, as a sentence. Call it after `receive` has returned None."""
        code = self._wait()
        if code < 0:
            name = next((item.name for item in signal.Signals if item == -code), f"signal {-code}")
            return f"The training process was ended from outside by {name}."
        return f"The training process ended unexpectedly with exit code {code}."

    def last_words(self) -> str:
        """The last lines of its standard error."""
        size = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, size - _LAST_BYTES))
        lines = self._said.read().decode("utf-8", "replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    def _wait(self) -> int:
        try:
            return self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
