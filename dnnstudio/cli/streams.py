"""Standard output and standard error that take what is printed whatever becomes of them, so that no command ends by it.

The disk behind them may be full, their reader gone (`| head -1`), and they may be closed from the beginning (`>&-`).
A training goes on in all of these. Imports nothing of this program but the words for a reason.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, cast

from dnnstudio.core.os_errors import reason_of


class LastingStream:
    """A stream that is written to until the first error, and says nothing from then on.

    `stream` is None where it was closed before the program began.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.error: OSError | None = None
        self._silent = stream is None
        self._stream = io.StringIO() if stream is None else stream

    def write(self, text: str) -> int:
        if not self._silent:
            try:
                return self._stream.write(text)
            except OSError as error:
                self._fall_silent(error)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if not self._silent:
            try:
                self._stream.flush()
            except OSError as error:
                self._fall_silent(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _fall_silent(self, error: OSError) -> None:
        """Lead to nowhere what is still to come, also from libraries that are not written in Python.

        What could not be written is in the buffer yet: Python would try it again at its end and change the exit code.
        """
        self.error, self._silent = error, True
        with contextlib.suppress(OSError):  # a stream that stands for another one has no number
            number = self._stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)
            self._stream.flush()


@contextlib.contextmanager
def lasting_streams() -> Iterator[LastingStream]:
    """Within it `sys.stdout` and `sys.stderr` take everything; gives the first, whose `error` says why it fell silent.

    Both are flushed at the end, and what was there before is put back.
    """
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal's encoding lacks must not end a command
        sys.stdout.reconfigure(errors="backslashreplace")
    output, errors = (LastingStream(stream) for stream in before)
    sys.stdout, sys.stderr = cast(TextIO, output), cast(TextIO, errors)
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def why_output_was_lost(output: LastingStream) -> str:
    """A sentence where something was printed that its reader still waits for; empty where all is well.

    Whoever closes a pipe, such as `head`, has read enough. Windows calls that an invalid argument.
    """
    output.flush()
    gone = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
    if output.error is None or output.error.errno in gone:
        return ""
    return f"The output could not be written: {reason_of(output.error)}."


def _open_what_is_closed() -> None:
    """Give a standard stream that is closed its number back, leading to nowhere.

    The next file that is opened would get the number, and what a library prints would be written into that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free
