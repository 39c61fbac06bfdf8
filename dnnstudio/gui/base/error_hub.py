"""The last resort for uncaught exceptions: one dialog and a log entry, and the program continues.

The hooks may be called on any thread; they only emit a signal, and the dialog is made on the GUI thread.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

from dnnstudio.core.errors import Cancelled, UserError
from dnnstudio.core.os_errors import refusal_of

LOG = logging.getLogger("dnnstudio")
KEPT_CRASH_LOGS = 5


class ErrorHub(QObject):
    """Collects uncaught exceptions. `bug_found(title, details)` and `person_error(UserError)` are emitted on the GUI
    thread.
    """

    bug_found = Signal(str, str)
    person_error = Signal(object)
    _caught = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._caught.connect(self._sort, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Install the hooks of Python and Qt."""
        sys.excepthook = self.on_exception
        threading.excepthook = self._on_thread_exception
        qInstallMessageHandler(self._on_qt_message)

    def uninstall(self) -> None:
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        qInstallMessageHandler(None)

    def on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None = None) -> None:
        """For `sys.excepthook`, and for a job that failed with a bug."""
        del kind, trace
        with contextlib.suppress(RuntimeError):  # the hub may already be destroyed during exit
            self._caught.emit(error)

    def report(self, title: str, details: str) -> None:
        """Report a bug known only as text, such as one in the engine."""
        LOG.error("%s\n%s", title, details)
        self.bug_found.emit(title, details)

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.on_exception(arguments.exc_type, arguments.exc_value)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        del context
        if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
            self._caught.emit(RuntimeError(f"Qt: {text}"))
        elif kind == QtMsgType.QtWarningMsg:
            LOG.warning("Qt: %s", text)

    def _sort(self, error: object) -> None:
        if isinstance(error, KeyboardInterrupt | Cancelled):
            return
        if isinstance(error, UserError):
            self.person_error.emit(error)
        elif isinstance(error, OSError) and (refusal := refusal_of(error)) is not None:
            LOG.warning("%s", refusal, exc_info=error)
            self.person_error.emit(refusal)
        elif isinstance(error, BaseException):
            name = type(error).__name__
            self.report(f"{name}: {error}" if str(error) else name, "".join(traceback.format_exception(error)))


class CrashLog:
    """`faulthandler`'s file for this process; a file left by an ended process is evidence of a crash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / f"crash-{os.getpid()}.log"
        self._file: IO[str] | None = None

    def start(self) -> None:
        """Write crashes to the file. A folder that is not writable does not prevent the start."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
            faulthandler.enable(self._file)

    def stop(self) -> None:
        """Normal exit: delete the empty file."""
        if self._file is None:
            return
        faulthandler.disable()
        self._file.close()
        self._file = None
        with contextlib.suppress(OSError):
            if not self.path.stat().st_size:
                self.path.unlink()

    def take_last_crash(self) -> Path | None:
        """The log of a session that crashed since the last check, renamed so that it is reported only once."""
        found: Path | None = None
        with contextlib.suppress(OSError):
            for path in sorted(self.folder.glob("crash-*.log"), key=lambda item: item.stat().st_mtime):
                if path == self.path or _alive(path):
                    continue
                if not path.stat().st_size:
                    path.unlink()
                    continue
                found = path.replace(path.with_name(path.name.replace("crash-", "told-")))
            told = sorted(self.folder.glob("told-*.log"), key=lambda item: item.stat().st_mtime)
            for path in told[:-KEPT_CRASH_LOGS]:
                path.unlink()
        return found


def _alive(path: Path) -> bool:
    number = path.stem.removeprefix("crash-")
    if not number.isdigit():
        return False
    if os.name != "posix":
        import psutil

        return bool(psutil.pid_exists(int(number)))
    try:
        os.kill(int(number), 0)  # like psutil, but without its import, which would delay the first paint
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def log_to_file(folder: Path) -> Path | None:
    """Log warnings and errors to `dnnstudio.log` (1 MB, one older file kept). None if it cannot be written."""
    path = folder / "dnnstudio.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=2**20, backupCount=1, encoding="utf-8")
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    return path
