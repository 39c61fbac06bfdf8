"""The real program, closed at any moment of a training in any way: it ends in order, and its run can be read."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dnnstudio.core.experiment import codec, edits
from dnnstudio.core.workspace.runs import is_run, read_run, run_folders
from tests.promises.kinds import digits

CLOSES = int(os.environ.get("SOAK_CLOSES", "100"))
EARLY_S, LATE_S = 6.0, 5.0
"""A third of the closes: while the engine comes and the data are read; the others from the first step to the end."""
PATIENCE_S = 60.0
"""For a machine on which others work too; it tells a slow end from one that never comes."""
PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

way, after_ms, moment = sys.argv[1], int(sys.argv[2]), sys.argv[4]
app = QApplication([])
timer, facts = QTimer(), {}

def main_window():
    return next((w for w in app.topLevelWidgets() if w.objectName() == "main_window" and w.isVisible()), None)

def close():
    window = main_window()
    if window is not None:
        window.close()

def look():
    window = main_window()
    question = next((w for w in app.topLevelWidgets() if w.objectName() == "question" and w.isVisible()), None)
    if question is not None:
        answer = question.findChild(object, "answer_stop") or question.findChild(object, "answer_discard")
        if answer is not None:
            answer.click()
    elif window is not None and "pressed" not in facts:
        facts["pressed"] = True
        window.workbench.transfer.train()
        print("training", flush=True)
        if way == "close" and moment == "early":
            QTimer.singleShot(after_ms, close)
    elif window is not None and "begun" not in facts and window.workbench.controller.activity == "training":
        facts["begun"] = True
        print("begun", flush=True)
        if way == "close" and moment == "late":
            QTimer.singleShot(after_ms, close)

timer.timeout.connect(look)
timer.start(5)
from dnnstudio.app import run
code = run([sys.argv[3]])
print("ended", code, flush=True)
sys.exit(code)
"""


def closed(folder: Path, way: str, after_s: float, *, late: bool) -> tuple[int, float, str]:
    """Start, train, end it so many seconds after the button was pressed or, `late`, after the training began.

    The exit code, seconds from the wish to the end, and what was said on stderr.
    """
    settings = folder / "settings"
    settings.mkdir(parents=True)
    (settings / "settings.json").write_text(f'{{"workspace": "{folder / "workspace"}"}}')
    path = folder / "mine.json"
    codec.save(edits.set_value(digits(epochs=60), "training.batch_size", 8), path)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, way, str(int(after_s * 1000)), str(path), "late" if late else "early"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOME": str(folder), "DNNSTUDIO_SETTINGS": str(settings)},
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        if late:
            assert process.stdout.readline() == "begun\n"
        begun = time.monotonic()
        time.sleep(after_s)  # the promise is about any moment
        if way != "close":
            process.send_signal(getattr(signal, way))
        try:
            _, errors = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, time.monotonic() - begun - after_s, errors


def is_readable(workspace: Path) -> bool:
    """Whether every run in the workspace can be read, is undamaged, and can be gone on with where it was begun."""
    from dnnstudio.engine.training.checkpoint import load_checkpoint

    for run in run_folders(workspace):
        record = read_run(run)
        if record.changed or record.damaged:
            return False
        if (run / "checkpoint").exists():
            load_checkpoint(run)
    return all(is_run(run) for run in run_folders(workspace))


@pytest.mark.display
@pytest.mark.promise(12)
@pytest.mark.timeout(4 * 3600)
def test_a_hundred_closes_leave_runs_that_can_be_read(tmp_path: Path, figure: Any) -> None:
    chance, in_order, readable, begun = random.Random(67), 0, 0, 0
    wrong: list[str] = []
    taken: list[float] = []
    for number in range(CLOSES):
        way, after = chance.choice(("close", "close", "SIGTERM", "SIGHUP")), chance.random()
        folder, late = tmp_path / f"{number:03d}", number % 3 > 0
        after *= LATE_S if late else EARLY_S
        code, seconds, errors = closed(folder, way, after, late=late)
        fine = is_readable(folder / "workspace")
        in_order, readable = in_order + (code == 0), readable + fine
        begun += bool(run_folders(folder / "workspace"))
        taken.append(seconds)
        if code or not fine:
            wrong.append(f"{way} after {after:.2f} s: {code}, {fine}, {errors[-300:]}")
    figure(12, "closes while training ended with code 0", in_order, of=CLOSES)
    figure(12, "of them left every run readable", readable, of=CLOSES)
    figure(12, "of them had begun a run", begun, at_least=CLOSES // 2)
    figure(12, "longest close", max(taken), unit="s", at_most=PATIENCE_S)
    figure(12, "median close", statistics.median(taken), unit="s")
    assert wrong == []
    assert max(taken) < PATIENCE_S
    assert begun >= CLOSES // 2
