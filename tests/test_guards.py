"""The guards of conftest.py catch what they are for: a pytest of its own runs a few bad tests under them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BAD_TESTS = """
import os
import socket
import threading
import time
from pathlib import Path

from PySide6.QtCore import QSettings, QThread, QTimer
from PySide6.QtWidgets import QWidget

kept = []

def test_thread():
    threading.Thread(target=time.sleep, args=(8,), daemon=True, name="sleeper").start()

def test_timer(qapp):
    kept.append(QTimer())
    kept[-1].start(60_000)

def test_window(qapp):
    kept.append(QWidget(objectName="forgotten"))

def test_qthread(qapp):
    class Worker(QThread):
        def run(self):
            time.sleep(6)
    kept.append(Worker())
    kept[-1].start()

def test_clean(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    QTimer(widget).start(10)
    widget.show()

def test_folders():
    assert Path.home() != Path(os.environ["REAL_HOME"])
    assert QSettings("a", "b").fileName().startswith(str(Path.home()))

def test_network():
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=5)
    except OSError as error:
        assert "unreachable" in str(error)
    else:
        raise AssertionError("connected")
"""


def test_what_a_test_leaves_behind_fails_it(tmp_path: Path) -> None:
    shutil.copy(HERE / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_bad.py").write_text(BAD_TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    real_data\n    display\n")
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "REAL_HOME": str(Path.home())}
    command = [sys.executable, "-m", "pytest", "--no-xvfb", "-rEfp", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    said = done.stdout
    assert "7 passed, 4 errors" in said, said
    for left in ("thread sleeper", "timer QTimer of nothing", "window QWidget forgotten", "thread Worker"):
        assert f"left behind: {left}" in said
