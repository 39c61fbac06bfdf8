"""Stopped today, gone on with tomorrow: two programs after each other give what one would have given, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnnstudio.core.workspace.history import read_rows
from dnnstudio.core.workspace.runs import read_run, run_folders

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240

PROGRAM = """
import sys, time
from pathlib import Path
from PySide6.QtWidgets import QApplication
from dnnstudio.core.experiment import codec
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.theme import Theme

deed, workspace = sys.argv[1], Path(sys.argv[2])
app = QApplication([])
theme = Theme(app, "light")
settings = Settings()
settings.workspace = workspace
engine = Engine(parent=app)
window = MainWindow(Document(codec.load(workspace / "experiments" / "given.json")), engine, theme, settings)
window.show()
engine.start()

def wait(ready):
    end = time.monotonic() + 200
    while not ready():
        assert time.monotonic() < end, "too late"
        app.processEvents()
        time.sleep(0.002)

if deed == "go on":
    wait(lambda: window.runs.runs.rowCount() == 1)
    window.runs.table.selectRow(0)
    window.actions_["go_on"].trigger()
else:
    wait(lambda: window.document.summary is not None)
    window.workbench.transfer.train()
if deed == "stop":
    wait(lambda: window.workbench.plots.curves is not None and 1.2 < window.workbench.plots.curves.now)
    window.workbench.controller.stop()
wait(lambda: window.workbench.controller.activity == "idle" and window.runs.chosen is not None
     and window.runs.chosen.status != "training")
print("reason", window.runs.chosen.status)
window.close_without_asking()
wait(lambda: not window.isVisible())
"""


def program(deed: str, workspace: Path, settings: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, deed, str(workspace)],
        cwd=ROOT,
        env=os.environ | {"DNNSTUDIO_SETTINGS": str(settings), "PYQTGRAPH_QT_LIB": "PySide6"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def checkpoint(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "checkpoint" / "state.npz") as archive:
        return {name: archive[name] for name in archive.files if name != "about"}


@pytest.mark.display
@pytest.mark.timeout(3 * PATIENCE_S)
def test_a_run_goes_on_after_the_program_was_quit_and_started_anew(tmp_path: Path) -> None:
    from dnnstudio.core.experiment import codec
    from dnnstudio.core.experiment.layers import Dropout
    from dnnstudio.core.experiment.optimizers import Nadam
    from dnnstudio.core.experiment.recipes import load_recipe
    from dnnstudio.core.experiment.record import Training
    from dnnstudio.core.experiment.schedules import OneCycle

    given = load_recipe("digits").experiment
    layers = (given.layers[0], given.layers[1], Dropout(id="drop", rate=0.4), *given.layers[2:])
    given = given.replaced(
        layers=layers,
        optimizer=Nadam(),
        schedule=OneCycle(max_rate=0.01),
        training=Training(epochs=12, batch_size=8),
    )
    for name in ("whole", "parts"):
        (tmp_path / name / "experiments").mkdir(parents=True)
        codec.save(given, tmp_path / name / "experiments" / "given.json")
    assert "reason finished" in program("train", tmp_path / "whole", tmp_path / "settings")
    assert "reason stopped" in program("stop", tmp_path / "parts", tmp_path / "settings")
    (whole,), (parts,) = run_folders(tmp_path / "whole"), run_folders(tmp_path / "parts")
    stopped = read_run(parts)
    assert 0 < stopped.epochs_done < 12
    assert "reason finished" in program("go on", tmp_path / "parts", tmp_path / "settings")

    one, other = read_rows(whole / "history.csv"), read_rows(parts / "history.csv")
    assert [row | {"seconds": 0.0} for row in one] == [row | {"seconds": 0.0} for row in other]
    expected, got = checkpoint(whole), checkpoint(parts)
    assert expected.keys() == got.keys()
    assert [name for name in expected if not np.array_equal(expected[name], got[name])] == []
    assert read_run(whole).test_accuracy == read_run(parts).test_accuracy
