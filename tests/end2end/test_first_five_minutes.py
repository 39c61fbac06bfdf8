"""The real window, the real engine, real data, on a real X display: from the first start to a saved network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QAbstractButton, QApplication

from dnnstudio.core.experiment.recipes import Recipe, load_recipe
from dnnstudio.core.jobs.events import RunEnded
from dnnstudio.core.workspace.runs import read_metrics, read_run
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.engine_thread import Engine
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.shell.main_window import MainWindow
from dnnstudio.gui.theme import Theme

pytestmark = pytest.mark.display
PATIENCE_MS = 120_000


class Chosen(Dialogs):
    """File dialogs that are answered with `path`, and the gallery with `chosen_recipe`."""

    path: Path | None = None
    chosen_recipe: Recipe | None = None

    def recipe(self, parent: object) -> Recipe | None:
        return self.chosen_recipe

    def save_experiment(self, parent: object, suggestion: str) -> Path | None:
        return self.path

    def open_experiment(self, parent: object) -> Path | None:
        return self.path

    def save_model(self, parent: object, suggestion: str) -> Path | None:
        return self.path

    def open_model(self, parent: object) -> Path | None:
        return self.path


class GapMeter(QObject):
    """How long the event loop was away, looked at every 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000)
        self._last = now

    def quantile(self, share: float) -> float:
        """The gap in ms that this share of all does not exceed."""
        return sorted(self.gaps)[min(int(share * len(self.gaps)), len(self.gaps) - 1)]


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, tmp_path: Path) -> Iterator[MainWindow]:
    from dnnstudio.app import first_document

    theme = Theme(qapp, "light")
    theme.apply()
    settings = Settings(tmp_path / "settings")
    settings.workspace = tmp_path / "workspace"
    document: Document = first_document()
    engine = Engine()
    made = MainWindow(document, engine, theme, settings, dialogs=Chosen(theme, settings))
    made.resize(1440, 900)
    with qtbot.waitExposed(made):
        made.show()
    engine.start()
    yield made
    made.close_without_asking()
    assert made.engine_ended
    for thing in (made, document, engine, theme):
        thing.deleteLater()
    vars(made).clear()


def click(qtbot: Any, window: MainWindow, name: str) -> None:
    button = window.findChild(QAbstractButton, name)
    qtbot.waitUntil(button.isEnabled, timeout=PATIENCE_MS)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_from_the_first_click_to_a_saved_network_that_is_as_good_when_opened_again(
    qtbot: Any, window: MainWindow, tmp_path: Path, measured: Any
) -> None:
    ends: list[RunEnded] = []
    window.workbench.controller.run_ended.connect(ends.append)
    click(qtbot, window, "train_button")  # while TensorFlow is still being imported: it waits
    qtbot.waitUntil(
        lambda: window.workbench.plots.curves is not None and window.workbench.plots.curves.now > 1, timeout=PATIENCE_MS
    )
    meter = GapMeter()
    meter.start()
    qtbot.waitUntil(lambda: bool(ends), timeout=PATIENCE_MS)
    meter.stop()
    measured(f"event loop while training: p99 {meter.quantile(0.99):.0f} ms, worst {meter.quantile(1):.0f} ms")

    result = ends[0].result
    assert result is not None
    accuracy = result.metrics["test"]["accuracy"]
    assert accuracy >= 0.95
    assert ends[0].reason == "finished"
    assert f"{accuracy * 100:.1f}\u00a0%" in window.messages.text()
    assert window.workbench.plots.curves is not None
    assert len(window.workbench.plots.curves.rows) == window.document.experiment.training.epochs
    assert len(window.workbench.plots.curves.steps) == 36 * window.document.experiment.training.epochs
    record = read_run(result.folder)
    assert record.status == "finished"
    assert record.test_accuracy == pytest.approx(accuracy)

    # the experiment: save, start another, open again
    trained = window.document.experiment
    dialogs: Any = window.workbench.dialogs
    dialogs.path = tmp_path / "digits.json"
    click(qtbot, window, "save_button")
    dialogs.chosen_recipe = load_recipe("default_dnn")
    click(qtbot, window, "new_button")
    assert window.document.experiment != trained
    click(qtbot, window, "open_button")
    assert window.document.experiment == trained

    # the model, in both formats: save, open again, the same accuracy
    for name in ("digits.keras", "digits.h5"):
        dialogs.path = tmp_path / name
        window.workbench.controller.model = result.run
        window.workbench.action_state.refresh()
        window.actions_["save_model"].trigger()
        qtbot.waitUntil(lambda: "Model saved" in window.messages.text(), timeout=PATIENCE_MS)
        found: list[float] = []
        window.workbench.controller.model_evaluated.connect(
            lambda job, evaluation, found=found: found.append(evaluation.parts["test"]["accuracy"])
        )
        window.actions_["open_model"].trigger()
        qtbot.waitUntil(lambda found=found: bool(found), timeout=PATIENCE_MS)
        assert found[0] == pytest.approx(accuracy, abs=1e-9)
        assert window.document.experiment.layers == trained.layers


def test_closing_in_mid_training_stops_within_five_seconds_and_keeps_the_run(
    qtbot: Any, window: MainWindow, measured: Any
) -> None:
    from dnnstudio.core.experiment import edits

    window.document.push(edits.set_value(window.document.experiment, "training.epochs", 2000), "Train long")
    click(qtbot, window, "train_button")
    qtbot.waitUntil(
        lambda: window.workbench.plots.curves is not None and len(window.workbench.plots.curves.rows) > 2,
        timeout=PATIENCE_MS,
    )
    folder = window.workbench.controller.run_folder
    assert folder is not None
    begun = time.perf_counter()
    window.close_without_asking()
    seconds = time.perf_counter() - begun
    measured(f"closed in mid-training: {seconds:.2f} s")
    assert window.engine_ended
    assert seconds < 5
    record = read_run(folder)
    assert record.status == "stopped"
    assert record.epochs_done > 2
    assert (folder / "model.keras").exists()
    assert read_metrics(folder) is not None
