"""What every test gets: folders of its own, no network, and a failure if it leaves a thread, timer or window behind."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before anything imports Keras, pyqtgraph or makes a QApplication.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # tests import ONNX Runtime on their own too
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
_KERAS_HOME = tempfile.TemporaryDirectory(prefix="dnnstudio-keras-")
os.environ["KERAS_HOME"] = _KERAS_HOME.name  # read when Keras is imported
HAS_DISPLAY = not sys.platform.startswith("linux") or shutil.which("Xvfb") is not None or "DISPLAY" in os.environ
if not HAS_DISPLAY:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, QThread, QTimer  # noqa: E402
from PySide6.QtWidgets import QApplication, QWidget  # noqa: E402
from pytestqt.qtbot import QtBot  # noqa: E402
from shiboken6 import isValid  # noqa: E402

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
PATIENCE_S = 3.0
"""How long a thread may take to end after the test."""
LONGEST_WAIT_MS = 60_000
"""How long a test waits for what must come; one that fails is slow, one that passes is not."""

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


COLLECT_EVERY = 40
_done = 0


def pytest_configure() -> None:
    """As in the program, garbage is collected between events only: a collection that happens to fall into a painting
    can destroy the items of a plot while Qt draws them, and the process with them.

    pytest-qt waits for 5 s if it is not told, which is little on a machine that does something else too.
    """
    gc.disable()
    for name in ("waitUntil", "waitSignal", "waitSignals", "waitExposed", "waitActive", "waitCallback"):
        defaults = getattr(QtBot, name).__kwdefaults__
        assert defaults["timeout"] == 5000
        defaults["timeout"] = LONGEST_WAIT_MS


def pytest_runtest_logfinish() -> None:
    global _done
    _done += 1
    if _done % COLLECT_EVERY == 0:
        gc.collect()


@pytest.fixture(autouse=True, scope="module")
def settled_heap() -> None:
    """What earlier modules left alive (TensorFlow's graphs, modules, caches) is not looked through again.

    In a process that has trained, a collection of everything takes most of a second, and the window's tests collect
    often.
    """
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("real_data") and not FASHION_MNIST.is_dir():
            item.add_marker(pytest.mark.skip(reason="the package dataset-fashion-mnist is not installed"))
        if item.get_closest_marker("display") and not HAS_DISPLAY:
            item.add_marker(pytest.mark.skip(reason="there is no X display and no Xvfb"))


# ------------------------------------------------------------------------------------------- folders and network


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for each test: settings, caches, Keras's folder and documents all lie in it."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("CONFIG", "DATA", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / f".{name.lower()}"))
    monkeypatch.setenv("KERAS_HOME", str(home / ".keras"))
    for form in (QSettings.Format.NativeFormat, QSettings.Format.IniFormat):
        QSettings.setPath(form, QSettings.Scope.UserScope, str(home / ".config"))
    return home


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Only this machine answers: every other address is unreachable, as without a cable."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def is_here(host: object) -> bool:
        return host in (None, "", "localhost") or (_is_address(host) and ipaddress.ip_address(str(host)).is_loopback)

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(address[0]):
            raise OSError(101, "Network is unreachable")
        connect(self, address)

    def look_up_here(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if not is_here(name) and not _is_address(name):
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        patch.setattr(socket, "getaddrinfo", look_up_here)
        yield


def _is_address(host: object) -> bool:
    try:
        return bool(ipaddress.ip_address(str(host)))
    except ValueError:
        return False


# ------------------------------------------------------------------------------------------------- left behind

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield  # type: ignore[assignment]
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails the test that leaves a running thread, an active timer or a top-level widget."""
    threads, widgets = set(threading.enumerate()), _top_level_widgets()
    started: weakref.WeakSet[QTimer | QThread] = weakref.WeakSet()
    _record_starts(monkeypatch, started)
    yield
    if request.node.stash.get(_FAILED, False):
        return  # its traceback holds on to widgets, and it has failed anyway
    left = [f"thread {thread.name}" for thread in _wait_for_threads(threads)]
    left += _left_timers(started)
    left += [f"window {_name(widget)}" for widget in _left_widgets(widgets)]
    if left:
        pytest.fail(f"left behind: {', '.join(left)}", pytrace=False)


def _record_starts(monkeypatch: pytest.MonkeyPatch, started: weakref.WeakSet[QTimer | QThread]) -> None:
    def recording(start: Callable[..., None]) -> Callable[..., None]:
        def record(self: QTimer | QThread, *arguments: Any, **options: Any) -> None:
            started.add(self)
            start(self, *arguments, **options)

        return record

    monkeypatch.setattr(QTimer, "start", recording(QTimer.start))
    monkeypatch.setattr(QThread, "start", recording(QThread.start))


def _wait_for_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    """Python's threads that are not over in time. A dummy is a QThread's shadow: those are looked at by themselves."""
    deadline = time.monotonic() + PATIENCE_S
    new = [thread for thread in threading.enumerate() if thread not in before]
    new = [thread for thread in new if not isinstance(thread, threading._DummyThread)]
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]


def _left_timers(started: weakref.WeakSet[QTimer | QThread]) -> list[str]:
    if not started:
        return []
    _settle()
    left = []
    for item in started:
        if isValid(item) and isinstance(item, QThread) and not item.wait(int(PATIENCE_S * 1000)):
            left.append(f"thread {_name(item)}")
        elif isValid(item) and isinstance(item, QTimer) and item.isActive():
            left.append(f"timer {_name(item)} of {_name(item.parent())}")
    return left


def _top_level_widgets() -> set[QWidget]:
    return set(QApplication.topLevelWidgets()) if QApplication.instance() is not None else set()


def _left_widgets(before: set[QWidget]) -> list[QWidget]:
    if not _new_widgets(before):
        return []
    _settle()
    if _new_widgets(before):
        gc.collect()  # plots and their menus hold each other
        _settle()
    return _new_widgets(before)


def _new_widgets(before: set[QWidget]) -> list[QWidget]:
    """Windows made since; Qt keeps the label of the last tooltip by itself."""
    new = [widget for widget in _top_level_widgets() if widget not in before and isValid(widget)]
    return [widget for widget in new if widget.metaObject().className() != "QTipLabel"]


def _settle() -> None:
    """Let what was sent to deletion be deleted."""
    if QCoreApplication.instance() is not None:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def _name(thing: Any) -> str:
    if thing is None:
        return "nothing"
    return " ".join(filter(None, (thing.metaObject().className(), thing.objectName())))


# -------------------------------------------------------------------------------------------------- the promises


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Call it with the figure that a test of a promise measured; `make promises` prints them all."""

    def measure(figure: str) -> None:
        record_property("figure", figure)

    return measure


def pytest_terminal_summary(terminalreporter: Any) -> None:
    rows = [
        (report.nodeid.split("::")[-1], figure)
        for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
        for key, figure in report.user_properties
        if key == "figure" and report.when == "call"
    ]
    if rows:
        terminalreporter.section("measured")
        width = max(len(name) for name, _ in rows)
        for name, figure in rows:
            terminalreporter.write_line(f"{name:<{width}}  {figure}")
