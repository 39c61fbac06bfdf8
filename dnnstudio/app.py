"""The start-up sequence. Every step is in this module, because their order makes the window fast and safe."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dnnstudio.core.errors import UserError

if TYPE_CHECKING:
    from dnnstudio.gui.base.document import Document
    from dnnstudio.gui.base.engine_thread import Engine
    from dnnstudio.gui.base.error_hub import ErrorHub
    from dnnstudio.gui.base.gc_timer import GarbageCollector
    from dnnstudio.gui.dialogs.bug_dialog import BugDialog
    from dnnstudio.gui.shell.engine_start import EngineStart
    from dnnstudio.gui.shell.main_window import MainWindow

SWEEP_AFTER_MS = 3000
NO_DISPLAY = 'Train without one by "dnnstudio run EXPERIMENT --out DIR", or give it a display by "xvfb-run dnnstudio".'


def run(argv: Sequence[str] = ()) -> int:
    """Open the window with the experiment, run folder or model named in `argv`, and return the exit code.

    Raises `UserError` if there is no display, or the file cannot be read.
    """
    # 1. Until there is a window, the system's wish to end simply ends. What libraries read when they are imported.
    signal.signal(signal.SIGTERM, _leave)
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
    # 2. Qt aborts the process where it finds no display; a sentence is better.
    problem = display_problem()
    if problem:
        raise UserError(problem, NO_DISPLAY)
    given = Path(argv[0]) if argv else None
    if given is not None and not given.exists():
        raise UserError(f"{given} does not exist.", "Check the path.")

    # 3. The core before Qt, which reads the source of each module that is imported after it; then Qt, settings, and
    # where crashes are written.
    from dnnstudio.core.workspace.runs import sweep_workspace

    # isort: split
    from PySide6.QtWidgets import QApplication

    from dnnstudio import __version__
    from dnnstudio.gui.base.error_hub import LOG, CrashLog, ErrorHub, log_to_file
    from dnnstudio.gui.base.gc_timer import GarbageCollector
    from dnnstudio.gui.base.settings import APP, Settings, log_folder

    settings = Settings()
    crash_log = CrashLog(log_folder())
    last_crash = crash_log.take_last_crash()
    crash_log.start()
    log = log_to_file(log_folder())
    app = QApplication.instance() or QApplication([APP, *argv])
    assert isinstance(app, QApplication)
    app.setApplicationName(APP)
    app.setApplicationDisplayName(APP)
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(APP)
    hub = ErrorHub(app)
    hub.install()
    collector = GarbageCollector(app)
    collector.start()

    # 4. Theme, document, window.
    from PySide6.QtCore import QTimer

    from dnnstudio.gui.base.engine_thread import Engine
    from dnnstudio.gui.shell.main_window import MainWindow
    from dnnstudio.gui.theme import Theme, remove_picture_files

    theme = Theme(app, settings.theme)
    theme.apply()
    engine = Engine(parent=app)
    try:
        with theme.styled_at_the_end():
            window = MainWindow(first_document(), engine, theme, settings, on_bug=hub.report, whole=False)
        start_engine_after_paint(window, engine, collector)
        _connect_bugs(hub, window, theme, log)
        _place(window, settings)
        _greet(window, given, last_crash, settings.set_aside)
        window.show()
        # 5. What is done before the rest of the window is made has it made first.
        window.deferred.watch(window.windowHandle())
        QTimer.singleShot(SWEEP_AFTER_MS, window, lambda: sweep_workspace(settings.workspace))
        _end_on_signals(window)
        LOG.info("The window is open (version %s, process %d).", __version__, os.getpid())
        code = app.exec()
    finally:
        collector.stop()
        hub.uninstall()
        crash_log.stop()
    if not window.engine_ended:
        # A job that does not listen, or an import that is still going on: a running QThread must not be destroyed.
        sys.stdout.flush()
        sys.stderr.flush()
        remove_picture_files()
        os._exit(code)
    return code


def start_engine_after_paint(window: MainWindow, engine: Engine, collector: GarbageCollector) -> EngineStart:
    """Start the engine after the window's first paint. The helper object belongs to the window."""
    from dnnstudio.gui.shell.engine_start import EngineStart

    return EngineStart(window, engine, collector)


def first_document() -> Document:
    """A working experiment on real data, one click from training."""
    from dnnstudio.core.experiment.recipes import FIRST, load_recipe
    from dnnstudio.gui.base.document import Document

    return Document(load_recipe(FIRST).experiment)


def display_problem() -> str:
    """Why no window can be opened, in one sentence; "" if it can."""
    if not sys.platform.startswith("linux"):
        return ""
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform not in ("", "xcb", "wayland"):
        return ""
    display = os.environ.get("DISPLAY", "")
    if os.environ.get("WAYLAND_DISPLAY"):
        return ""
    if not display:
        return "There is no display to open a window on."
    return "" if _answers(display) else f'The display "{display}" does not answer.'


def _answers(display: str) -> bool:
    """Whether an X server listens there. Unknown addresses count as yes."""
    host, colon, rest = display.rpartition(":")
    number = rest.split(".")[0]
    if not colon or not number.isdigit():
        return False
    if host and host != "unix":
        return True  # another machine, or a socket path: left to Qt
    path = f"/tmp/.X11-unix/X{number}"
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(2)
            try:
                link.connect(address)
                return True
            except OSError:
                continue
    return False


def _connect_bugs(hub: ErrorHub, window: MainWindow, theme: Any, log: Path | None) -> None:
    dialogs: list[BugDialog] = []

    def show(title: str, details: str) -> None:
        from dnnstudio.gui.dialogs.bug_dialog import BugDialog

        if not dialogs:
            dialogs.append(BugDialog(theme, log, parent=window))
            dialogs[0].finished.connect(dialogs.clear)
        dialogs[0].add(title, details)
        dialogs[0].show()
        dialogs[0].raise_()

    hub.bug_found.connect(show)
    window.deferred.finished.connect(lambda: hub.person_error.connect(window.workbench.files.tell))


def _place(window: MainWindow, settings: Any) -> None:
    """Restore the window's last geometry; at the first start 1440 × 900, or the available screen size."""
    if settings.geometry.isEmpty() or not window.restoreGeometry(settings.geometry):
        room = window.screen().availableGeometry()
        window.resize(min(1440, room.width()), min(900, room.height()))


def _greet(window: MainWindow, given: Path | None, last_crash: Path | None, set_aside: Path | None = None) -> None:
    from PySide6.QtCore import QTimer

    from dnnstudio.core.workspace.place import why_unusable

    def when_whole() -> None:
        if given is not None:
            window.workbench.door.take((given,))  # as if it were dropped: an experiment, a run, a model or data
        window.workbench.autosave.offer()

    window.settings.on_set_aside = lambda place: window.messages.say(
        "The settings were damaged while the program was open; they are written anew.",
        f"The damaged file is kept as {place}.",
        "hint",
    )
    # Behind the last step and not within it: a question waits there, and a window is closed between steps alone.
    window.deferred.finished.connect(lambda: QTimer.singleShot(0, window, when_whole))
    if last_crash is not None:
        window.messages.say("The last session ended unexpectedly.", f"Its log is {last_crash}.", "hint")
    elif set_aside is not None:
        window.messages.say(
            "The settings could not be read; the program starts with the usual ones.",
            f"The damaged file is kept as {set_aside}.",
            "hint",
        )
    elif reason := why_unusable(window.settings.workspace):
        window.messages.say_unusable(window.settings.workspace, reason, window.actions_["workspace"].trigger)
    elif given is None and (last := next(iter(window.settings.recent_files), None)) is not None:
        window.messages.say_last(last, lambda: window.workbench.files.open_path(last))
    elif given is None:
        window.messages.say_welcome()


def _leave(number: int, frame: object) -> None:
    del number, frame
    raise SystemExit(0)


def _end_on_signals(window: MainWindow) -> None:
    """Ctrl+C in the terminal and SIGTERM close the window: stop, keep the run, ask nothing.

    Python handles signals only between two of its instructions; the garbage collection timer guarantees that there are
    some. Those two may lie anywhere, also in the middle of building the window, so that it is closed by the event loop.
    """
    from PySide6.QtCore import QTimer

    def end(number: int, frame: object) -> None:
        del number, frame
        QTimer.singleShot(0, window, window.close_without_asking)

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
