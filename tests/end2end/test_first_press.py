"""Each action that is enabled after a start, pressed first: a real window and engine, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dnnstudio.gui.base.actions import ACTIONS

ROOT = Path(__file__).parents[2]
PATIENCE_S = 280

PROGRAM = """
import os, sys, time, traceback
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
import sklearn.datasets  # the digits are read by it
import dnnstudio.gui.shell.assembly
from dnnstudio.core.experiment.recipes import load_recipe
from dnnstudio.core.jobs.requests import DescribeData
from dnnstudio.engine.session import Session
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.theme import Theme

TRAINS = ("train", "find_rate")

def press(name, workspace):
    if name not in TRAINS:  # all others are over before TensorFlow is loaded, which would take the other core meanwhile
        Session.warm_up = lambda self: None
    app = QApplication([])
    theme = Theme(app, "light")
    settings = Settings(workspace / "settings")
    settings.workspace = workspace
    engine = Engine(parent=app)
    experiment = load_recipe("digits").experiment
    experiment = experiment.replaced(training=experiment.training.replaced(epochs=1))
    bugs, tickets, said = [], [], []
    engine.asked.connect(tickets.append)
    window = MainWindow(
        Document(experiment), engine, theme, settings, on_bug=lambda title, details: bugs.append(title + details)
    )
    window.show()
    engine.start()
    window.workbench

    def close_questions():
        # A person who thinks better of it: dialogs and menus are left by Escape.
        for open_one in (app.activeModalWidget(), app.activePopupWidget()):
            if open_one is not None:
                open_one.close()

    closing = QTimer()
    closing.timeout.connect(close_questions)
    closing.start(50)

    def wait(ready):
        end = time.monotonic() + 170
        while not ready():
            assert time.monotonic() < end, "too late"
            app.processEvents()
            time.sleep(0.002)

    action = window.actions_[name]
    enabled = action.isEnabled()
    refused = []
    window.workbench.controller.failed.connect(lambda job, failure: refused.append(failure.message))
    if enabled:
        action.trigger()
        wait(lambda: tickets and all(ticket.over for ticket in tickets))
        dialog = window.workbench.training_actions.dialog
        if dialog is not None:
            said.append("headline " + dialog.headline.text())
    said.append(f"{'enabled' if enabled else 'off'} {sorted({type(ticket.job).__name__ for ticket in tickets})}")
    assert not bugs, bugs
    assert not refused, refused
    assert window.messages.bar.severity != "error" or window.messages.isHidden(), window.messages.text()
    closing.stop()
    window.close_without_asking()
    wait(lambda: not window.isVisible())
    return said

for name, workspace in zip(sys.argv[1::2], sys.argv[2::2]):
    # A copy of this process, which has imported the window, not TensorFlow, and done nothing. It ends as the program
    # does: a thread that still loads TensorFlow is not waited for.
    child = os.fork()
    if child == 0:
        try:
            answer = press(name, Path(workspace))
        except BaseException:
            answer = ["failed", traceback.format_exc()]
        Path(workspace, "answer").write_text("\\n".join(answer))
        os._exit(0)
    os.waitpid(child, 0)
"""
ASKS = {"train": "TrainRun", "find_rate": "FindRate", "library": "ListLibrary"}
"""What an action asks of the engine beside the reading of the data."""
NAMES = [row.name for row in ACTIONS if row.name != "quit"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What came of each action as the first of its process."""
    places = {name: tmp_path_factory.mktemp(name) for name in NAMES}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(str(word) for pair in places.items() for word in pair)],
        cwd=ROOT,
        env=os.environ | {"PYQTGRAPH_QT_LIB": "PySide6"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    written = {name: place / "answer" for name, place in places.items()}
    return {
        name: file.read_text().splitlines() if file.exists() else ["failed", done.stderr[-2000:]]
        for name, file in written.items()
    }


@pytest.mark.display
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot copy a process")
@pytest.mark.parametrize("name", NAMES)
def test_an_action_can_be_the_first_thing_that_is_done(name: str, answers: dict[str, list[str]]) -> None:
    said = answers[name]
    assert said[0] != "failed", "\n".join(said)
    if name in ASKS:
        assert said[-1].startswith("enabled")
        assert ASKS[name] in said[-1]
    if name == "find_rate":
        assert any("good constant rate" in line for line in said)
