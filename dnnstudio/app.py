"""The start-up order. Every step stands here, because the order is what makes the window quick and safe."""

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
    from dnnstudio.gui.dialogs.bug_dialog import BugDialog
    from dnnstudio.gui.document import Document
    from dnnstudio.gui.errors import ErrorHub
    from dnnstudio.gui.main_window import MainWindow

SWEEP_AFTER_MS = 3000
NO_DISPLAY = 'Train without one by "dnnstudio run EXPERIMENT --out DIR", or give it a display by "xvfb-run dnnstudio".'


def run(argv: Sequence[str] = ()) -> int:
    """Open the window, with the experiment, run folder or model that `argv` names. Gives the exit code.

    Raises `UserError` where there is no display, or the file cannot be read.
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
    from dnnstudio.core.runs import sweep_workspace

    # isort: split
    from PySide6.QtWidgets import QApplication

    from dnnstudio import __version__
    from dnnstudio.gui.errors import LOG, CrashLog, ErrorHub, log_to_file
    from dnnstudio.gui.garbage import GarbageCollector
    from dnnstudio.gui.settings import APP, Settings, log_folder

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

    from dnnstudio.gui.engine_thread import Engine
    from dnnstudio.gui.main_window import MainWindow
    from dnnstudio.gui.theme import Theme

    theme = Theme(app, settings.theme)
    theme.apply()
    engine = Engine(parent=app)
    try:
        with theme.styled_at_the_end():
            window = MainWindow(first_document(), engine, theme, settings, on_bug=hub.report, whole=False)
        starter = _Starter.of(window, engine, collector)
        _connect_bugs(hub, window, theme, log)
        _place(window, settings)
        _greet(window, given, last_crash)
        window.show()
        # 5. What is done before the rest of the window is made has it made first.
        window.later.watch(window.windowHandle())
        QTimer.singleShot(SWEEP_AFTER_MS, window, lambda: sweep_workspace(settings.workspace))
        _end_on_signals(window)
        LOG.info("The window is open (version %s, process %d).", __version__, os.getpid())
        code = app.exec()
        del starter
    finally:
        collector.stop()
        hub.uninstall()
        crash_log.stop()
    if not window.engine_ended:
        # A job that does not listen, or an import that is still going on: a running QThread must not be destroyed.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def first_document() -> Document:
    """A working experiment on real data, one press from training."""
    from dnnstudio.core.recipes import FIRST, load_recipe
    from dnnstudio.gui.document import Document

    return Document(load_recipe(FIRST).experiment)


def display_problem() -> str:
    """Why no window can be opened here, in one sentence; "" when it can."""
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
    """Whether an X server listens there. What cannot be told is taken for yes."""
    host, colon, rest = display.rpartition(":")
    number = rest.split(".")[0]
    if not colon or not number.isdigit():
        return False
    if host and host != "unix":
        return True  # another machine's, or a socket by its path: Qt shall find out
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


class _Starter:
    """Starts the engine after the window's first painting, so that the window is there before TensorFlow.

    The rest of the window is made first; the engine's imports wait for it, as one of two threads would slow the other.
    """

    @staticmethod
    def of(window: MainWindow, engine: Any, collector: Any) -> Any:
        """The event filter that does it; to be kept until the window closes."""
        from PySide6.QtCore import QEvent, QObject, QTimer

        class Starter(QObject):
            def eventFilter(self, watched: QObject, event: QEvent) -> bool:
                if event.type() == QEvent.Type.Paint:
                    window.removeEventFilter(self)
                    QTimer.singleShot(0, self, self.begin)
                return False

            def begin(self) -> None:
                collector.freeze()
                engine.start()
                window.later.start()

            def on_whole(self) -> None:
                window.data.request_preview()  # reading data needs no TensorFlow, and so comes before it
                collector.freeze()
                engine.release()

            def on_state(self, state: Any) -> None:
                if state.phase == "ready":
                    engine.state_changed.disconnect(self.on_state)
                    collector.freeze()

        starter = Starter()
        engine.hold()
        window.later.finished.connect(starter.on_whole)
        window.installEventFilter(starter)
        engine.state_changed.connect(starter.on_state)
        return starter


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
    window.later.finished.connect(lambda: hub.person_error.connect(window.files.tell))


def _place(window: MainWindow, settings: Any) -> None:
    """Where it was when it was closed; at the first start 1440 × 900, or what the screen has."""
    if settings.geometry.isEmpty() or not window.restoreGeometry(settings.geometry):
        room = window.screen().availableGeometry()
        window.resize(min(1440, room.width()), min(900, room.height()))


def _greet(window: MainWindow, given: Path | None, last_crash: Path | None) -> None:
    def when_whole() -> None:
        if given is not None:
            window.files.open_path(given)
        window.recovery.offer()

    window.later.finished.connect(when_whole)
    if last_crash is not None:
        window.messages.say("The last session ended unexpectedly.", f"Its log is {last_crash}.", "hint")
    elif given is None:
        window.messages.say_welcome()


def _leave(number: int, frame: object) -> None:
    del number, frame
    raise SystemExit(0)


def _end_on_signals(window: MainWindow) -> None:
    """Ctrl+C in the terminal and the system's wish to end close the window: stop, keep the run, ask nothing.

    Python looks at signals between two of its instructions; the collector's timer sees to it that there are some.
    """

    def end(number: int, frame: object) -> None:
        del number, frame
        window.close_without_asking()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
