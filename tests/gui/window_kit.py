"""A main window with the fake engine, and answers in a person's place."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from dnnstudio.core.experiment import edits
from dnnstudio.core.experiment.recipes import Recipe, load_recipe
from dnnstudio.core.experiment.record import Experiment
from dnnstudio.core.experiment.summary_table import SummaryTable
from dnnstudio.gui.base.autosave_files import Unsaved
from dnnstudio.gui.base.document import Document
from dnnstudio.gui.base.settings import Settings
from dnnstudio.gui.dialogs import Dialogs
from dnnstudio.gui.dialogs.seeds_dialog import SeedsAnswer
from dnnstudio.gui.shell.main_window import BugSink, MainWindow
from dnnstudio.gui.theme import Theme
from dnnstudio.gui.transfer.questions import TransferQuestions
from dnnstudio.gui.transfer.request import TransferAnswer, TransferRequest
from dnnstudio.gui.transfer.split_dialog import Tasks

from .fake_engine import FakeEngine


class Answers(Dialogs, TransferQuestions):
    """Gives prepared answers and writes down what was asked."""

    def __init__(self, theme: Theme, settings: Settings) -> None:
        super().__init__(theme, settings)
        self.asked: list[str] = []
        self.path: Path | None = None
        self.unsaved_answer = "discard"
        self.stop = True
        self.renamed: Experiment | None = None
        self.chosen_recipe: Recipe | None = None
        self.table: SummaryTable | None = None
        self.recover_answer = "later"
        self.may_overwrite = False
        self.dropped_for = "predict"

        self.transfer: TransferAnswer | None = None
        self.requests: list[TransferRequest] = []
        self.tasks: Tasks | None = None
        self.shared = "cancel"
        self.warned: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self.name: str | None = None
        self.seeds: SeedsAnswer | None = None

    def _path(self, question: str) -> Path | None:
        self.asked.append(question)
        return self.path

    def open_experiment(self, parent: QWidget) -> Path | None:
        return self._path("open_experiment")

    def open_data(self, parent: QWidget) -> tuple[Path, ...]:
        path = self._path("open_data")
        return () if path is None else (path,)

    def open_data_folder(self, parent: QWidget) -> Path | None:
        return self._path("open_data_folder")

    def open_model(self, parent: QWidget) -> Path | None:
        return self._path("open_model")

    def open_weights(self, parent: QWidget) -> Path | None:
        return self._path("open_weights")

    def save_table(self, parent: QWidget, suggestion: str) -> Path | None:
        return self._path("save_table")

    def run_folder(self, parent: QWidget) -> Path | None:
        return self._path("run_folder")

    def save_experiment(self, parent: QWidget, suggestion: str) -> Path | None:
        return self._path("save_experiment")

    def save_model(self, parent: QWidget, suggestion: str) -> Path | None:
        return self._path("save_model")

    def export_script(self, parent: QWidget, suggestion: str) -> Path | None:
        return self._path("export_script")

    def choose_workspace(self, parent: QWidget) -> Path | None:
        return self._path("choose_workspace")

    def rename(self, parent: QWidget, name: str, *, what: str = "model") -> str | None:
        self.asked.append("rename" if what == "model" else f"rename {what}")
        return self.name

    def unsaved(self, parent: QWidget, name: str) -> Any:
        self.asked.append("unsaved")
        return self.unsaved_answer

    def recover(self, parent: QWidget, unsaved: Unsaved) -> Any:
        self.asked.append("recover")
        return self.recover_answer

    def overwrite(self, parent: QWidget, path: Path) -> bool:
        self.asked.append("overwrite")
        return self.may_overwrite

    def stop_training(self, parent: QWidget) -> bool:
        self.asked.append("stop_training")
        return self.stop

    def predict_or_data(self, parent: QWidget, name: str, paths: Sequence[Path]) -> Any:
        self.asked.append("predict_or_data")
        return self.dropped_for

    def recipe(self, parent: QWidget) -> Recipe | None:
        self.asked.append("recipe")
        return self.chosen_recipe

    def summary(self, parent: QWidget, table: SummaryTable) -> None:
        self.asked.append("summary")
        self.table = table

    def name_and_seed(self, parent: QWidget, experiment: Experiment) -> Experiment | None:
        self.asked.append("name_and_seed")
        return self.renamed

    def several_seeds(self, parent: QWidget, experiment: Experiment) -> SeedsAnswer | None:
        self.asked.append("several_seeds")
        return self.seeds

    def reuse_layers(self, parent: QWidget, request: TransferRequest) -> TransferAnswer | None:
        self.asked.append("reuse_layers")
        self.requests.append(request)
        return self.transfer

    def split_tasks(self, parent: QWidget, experiment: Experiment, names: Sequence[str]) -> Tasks | None:
        self.asked.append("split_tasks")
        return self.tasks

    def shared_training(self, parent: QWidget, layers: Sequence[str], models: Sequence[str]) -> Any:
        self.asked.append("shared_training")
        self.warned.append((tuple(layers), tuple(models)))
        return self.shared


@contextmanager
def open_window(
    qtbot: Any,
    app: QApplication,
    folder: Path,
    *,
    engine: Any = None,
    size: tuple[int, int] = (1440, 900),
    experiment: Experiment | None = None,
    on_bug: BugSink | None = None,
) -> Iterator[MainWindow]:
    """A window in sight, closed without a question at the end."""
    gc.freeze()  # what was there before is not looked through again by the collections at the end
    theme = Theme(app, "light")
    theme.apply()
    settings = Settings(folder / "settings")
    settings.workspace = folder / "workspace"
    document = Document(experiment or load_recipe("digits").experiment)
    answers = Answers(theme, settings)
    window = MainWindow(
        document, engine or FakeEngine(), theme, settings, dialogs=answers, questions=answers, on_bug=on_bug
    )
    window.resize(*size)
    with qtbot.waitExposed(window):
        window.show()
    try:
        yield window
    finally:
        window.close_without_asking()
        window.deleteLater()
        document.deleteLater()
        window.engine.deleteLater()
        theme.deleteLater()
        vars(window).clear()  # pytest holds fixtures' values, and with them all plots, longer than the test
        del window, document, theme, answers
        let_go()


def let_go() -> None:
    """Have Qt delete what was sent to deletion, and Python what only holds itself."""
    for _ in range(2):  # plots, views and their menus hold each other in two layers
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()


def submitted(window: MainWindow, kind: type) -> list[Any]:
    return [job for job in window.engine.submitted if isinstance(job, kind)]


def click(qtbot: Any, window: QWidget, name: str) -> None:
    button = window.findChild(QAbstractButton, name)
    assert button is not None, name
    assert button.isEnabled(), name
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def set_epochs(window: MainWindow, epochs: int) -> None:
    window.document.push(edits.set_value(window.document.experiment, "training.epochs", epochs), "Change epochs")


def train_to_the_end(qtbot: Any, window: MainWindow, epochs: int = 3) -> None:
    set_epochs(window, epochs)
    click(qtbot, window, "train_button")
    qtbot.waitUntil(lambda: window.workbench.controller.activity == "idle")


def slow_down(window: MainWindow) -> None:
    """Many epochs, and a pause between two steps, so that a test can act in the middle."""
    window.engine._timer.setInterval(5)
    set_epochs(window, 500)


def begin_slow_training(qtbot: Any, window: MainWindow) -> None:
    slow_down(window)
    click(qtbot, window, "train_button")
    qtbot.waitUntil(lambda: window.workbench.plots.curves is not None and window.workbench.plots.curves.now > 1)
