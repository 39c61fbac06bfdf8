"""A window over a workspace with stored models, driven with the fake engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from dnnstudio.core.experiment import codec
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.workspace.shared_layers import Origin, OriginLayer, set_origin
from dnnstudio.gui.base.actions import Actions
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.run_controller import RunController
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.comparison import ComparisonWindow
from dnnstudio.gui.comparison.training import ComparisonTraining
from dnnstudio.gui.dialogs.file_actions import FileActions
from dnnstudio.gui.library import LibraryController
from dnnstudio.gui.runs.panel import RunsPanel
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme
from dnnstudio.runner.local import OnEvent

from ..fake_engine import FakeEngine
from ..window_kit import Answers, let_go, open_window
from .fake_trainings import EXPERIMENT, Controlled, Make, Trainings
from .networks import NARROW, WIDE


def store(workspace: Path, number: int, experiment: Experiment, accuracy: float, **metrics: Any) -> Path:
    """A run folder as training leaves it, as far as the library looks into it."""
    folder = workspace / "runs" / f"{number:04d} {experiment.name}"
    folder.mkdir(parents=True)
    codec.save(experiment, folder / "experiment.json")
    prints = {layer.id: f"{number:011x}{place}" for place, layer in enumerate(experiment.layers) if layer.has_weights}
    figures = {
        "reason": "finished",
        "run": f"run{number}",
        "started": 1_700_000_000.0 + number,
        "test": {"accuracy": accuracy},
        "fingerprint": f"{number:012x}",
        "layer_fingerprints": prints,
        "parameters": 1234,
    }
    (folder / "metrics.json").write_text(json.dumps(figures | metrics))
    (folder / "model.keras").write_bytes(b"a model")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Three runs: two plain ones, and one whose first layer was cloned from the first."""
    folder = tmp_path / "workspace"
    wide = store(folder, 1, WIDE, 0.95)
    store(folder, 2, NARROW, 0.85)
    clone = store(folder, 3, WIDE.replaced(name="Tuned"), 0.97)
    set_origin(clone, Origin("Wide", wide, (OriginLayer("h1", "h1", "clone", f"{1:011x}1"),)))
    return folder


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path, workspace: Path) -> Iterator[MainWindow]:
    with open_window(qtbot, qapp, tmp_path) as made:
        made.engine.start()
        qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 3)
        yield made


class Shell(QWidget):
    """As much of the main window as the library needs: made in a moment."""

    def __init__(self, app: QApplication, folder: Path) -> None:
        super().__init__()
        self.theme = Theme(app, "light")
        self.settings = Settings(folder / "settings")
        self.settings.workspace = folder / "workspace"
        self.document = Document(WIDE, parent=self)
        self.engine = FakeEngine(parent=self)
        self.dialogs = Answers(self.theme, self.settings)
        self.actions_ = Actions(self, self.theme)
        self.controller = RunController(self.engine, self.settings.workspace, self)
        self.files = FileActions(self, self.document, self.controller, self.settings, self.dialogs)
        self.runs = RunsPanel(self.theme, self.settings.workspace, parent=self)
        self.library = LibraryController(
            self,
            self.document,
            self.engine,
            self.controller,
            self.files,
            self.actions_,
            self.runs,
            self.theme,
            self.dialogs,
            self.settings,
        )


@pytest.fixture
def shell(qtbot: Any, qapp: QApplication, tmp_path: Path, workspace: Path) -> Iterator[Shell]:
    made = Shell(qapp, tmp_path)
    made.theme.apply()
    made.show()
    made.engine.start()
    made.runs.refresh()
    qtbot.waitUntil(lambda: made.runs.runs.rowCount() == 3)
    yield made
    made.library.close_all()
    made.runs.stop()
    made.engine.shutdown()
    made.close()
    made.theme.deleteLater()
    made.deleteLater()
    let_go()


@pytest.fixture
def make(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[Make]:
    theme = Theme(qapp, "light")
    theme.apply()
    (tmp_path / "runs" / "0001 Wide").mkdir(parents=True)
    made: list[ComparisonWindow] = []

    def new(experiment: Experiment = EXPERIMENT, *, to: Path | None = None, pause_s: float = 0.0) -> ComparisonWindow:
        def runner(jobs: int, threads: int, on_event: OnEvent) -> Trainings:
            one = Trainings(2, threads, on_event)
            one.pause_s = pause_s
            return one

        training = ComparisonTraining(Controlled(), runner)
        window = ComparisonWindow(
            theme, training, experiment, tmp_path, tmp_path, ask=lambda *_: str(to) if to is not None else ""
        )
        made.append(window)
        window.show()
        return window

    yield new
    while made:
        window = made.pop()
        window.training.close()
        window.close()
        window.deleteLater()
        vars(window).clear()
        del window
    theme.deleteLater()
    let_go()
