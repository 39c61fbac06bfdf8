"""The start of the real program in a process of its own: what comes first, and what it says when it cannot start."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

WATCHED_START = """
import json, sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

begun = time.perf_counter()
facts = {}

class Watcher(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and watched.objectName() == "main_window" and "painted" not in facts:
            facts["painted"] = time.perf_counter() - begun
            loaded = {name.split(".")[0] for name in sys.modules}
            facts["heavy_at_first_paint"] = sorted(loaded & {"tensorflow", "keras", "pyqtgraph", "numpy"})
            watched.deferred.finished.connect(lambda: facts.setdefault("whole", time.perf_counter() - begun))
        return False

app = QApplication([])
watcher = Watcher()
app.installEventFilter(watcher)

def look():
    window = next((w for w in app.topLevelWidgets() if w.objectName() == "main_window"), None)
    if window is not None and window.engine.state.phase == "ready":
        facts["ready"] = time.perf_counter() - begun
        facts["tensorflow_when_ready"] = "tensorflow" in sys.modules
        facts["counts"] = window.document.summary.counts
        window.close()

timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
from dnnstudio.app import run
code = run([])
print(json.dumps(facts))
sys.exit(code)
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    return os.environ | {"HOME": str(home), "DNNSTUDIO_SETTINGS": str(home / "settings")} | more


@pytest.mark.display
def test_the_window_is_painted_before_tensorflow_is_imported(tmp_path: Path, measured: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_START],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env=environment(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    measured(
        f"first paint after {facts['painted']:.2f} s, whole after {facts['whole']:.2f} s, "
        f"engine ready after {facts['ready']:.2f} s"
    )
    assert facts["heavy_at_first_paint"] == []
    assert facts["tensorflow_when_ready"] is True
    assert facts["painted"] < facts["whole"] < facts["ready"]
    assert facts["counts"] is not None, "the data were described before TensorFlow came"
    assert not list((tmp_path / "settings" / "log").glob("crash-*")), "an orderly end leaves no crash log"


@pytest.mark.display
@pytest.mark.parametrize("after", [0.0, 0.1, 0.3])
def test_the_systems_wish_to_end_closes_the_program_in_order(tmp_path: Path, after: float) -> None:
    """At once, while the rest of the window is being made, and when it is whole."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dnnstudio"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
    )
    log = tmp_path / "settings" / "log" / "dnnstudio.log"
    deadline = time.monotonic() + 60
    while not (log.exists() and "window is open" in log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(after)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert (tmp_path / "settings" / "settings.json").exists(), "the window's place was saved"


@pytest.mark.parametrize("display", ["", ":9876"])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_it_says_so_and_names_two_ways_out(tmp_path: Path, display: str) -> None:
    cleared = dict.fromkeys(("WAYLAND_DISPLAY", "QT_QPA_PLATFORM"), "")
    done = subprocess.run(
        [sys.executable, "-m", "dnnstudio"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(tmp_path, DISPLAY=display, **cleared),
    )
    assert done.returncode == 2
    assert "display" in done.stderr
    assert "dnnstudio run" in done.stderr
    assert "xvfb-run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dnnstudio", str(tmp_path / "missing.json")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(tmp_path),
    )
    assert done.returncode == 2
    assert "missing.json does not exist." in done.stderr


EDITED_START = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

app = QApplication([])
timer = QTimer()

def look():
    window = next((w for w in app.topLevelWidgets() if w.objectName() == "main_window"), None)
    question = next((w for w in app.topLevelWidgets() if w.objectName() == "question"), None)
    if question is not None:
        question.findChild(object, "answer_recover").click()
    elif window is not None and window.isVisible() and sys.argv[1] == "edit":
        timer.stop()
        window.document.push(window.document.experiment.replaced(name="an edit not saved"), "Rename")
        window.workbench.autosave.keep_now()
        print("kept", flush=True)
    elif window is not None and window.document.modified:
        timer.stop()
        print(window.document.experiment.name, flush=True)
        window.close_without_asking()

timer.timeout.connect(look)
timer.start(50)
from dnnstudio.app import run
sys.exit(run([]))
"""


@pytest.mark.display
@pytest.mark.promise
def test_edits_survive_a_program_that_is_killed(tmp_path: Path, measured: Any) -> None:
    start = [sys.executable, "-c", EDITED_START]
    first = subprocess.Popen([*start, "edit"], stdout=subprocess.PIPE, text=True, env=environment(tmp_path))
    assert first.stdout is not None
    with first:
        assert first.stdout.readline().strip() == "kept"
        first.kill()
    again = subprocess.run(
        [*start, "look"], capture_output=True, text=True, timeout=120, check=False, env=environment(tmp_path)
    )
    assert again.stdout.strip().splitlines()[-1:] == ["an edit not saved"], again.stderr
    measured("killed with an edit not saved: recovered at the next start")
